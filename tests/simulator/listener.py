"""A loopback port with one thread per connection that can be stopped at once, whatever its connections are doing.

The standard library's socket servers wait for their clients, or poll, when they stop; a test must do neither.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Listener:
    """Accepts on a random port of 127.0.0.1 and gives every connection to `serve` in a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with self._lock:
                if self._stopped:
                    connection.close()
                    return
                # TLS takes the descriptor over; a second one still cuts the connection from outside.
                handle = connection.dup()
                thread = threading.Thread(target=self._run, args=(connection, handle), daemon=True)
                self._open[handle] = thread
            thread.start()

    def _run(self, connection: socket.socket, handle: socket.socket) -> None:
        with connection, handle:
            with contextlib.suppress(OSError):
                self._serve(connection)
            with self._lock:
                del self._open[handle]

    def stop(self) -> None:
        """Ends the accepting thread and cuts every connection; returns when all threads are gone."""
        with self._lock:
            self._stopped = True
            open_now = dict(self._open)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            self._thread.join(5)
        self._socket.close()
        for handle, thread in open_now.items():
            with contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)
            thread.join(5)

"""The bell: a wake-up without content, meaning "look at the files now".

Every waiting process binds a Unix datagram socket in one private folder; whoever writes the refresh request or the cache rings
them all. The files are the truth: a lost ring costs latency, never a refresh. Where no socket can be had (Windows, odd file
systems), the process looks at the files every 250 ms instead, and only while it waits.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time

from aimo_host.state import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from aimo_host.state.atomic import Mark

_SUFFIX = ".bell"
#: sun_path holds 108 bytes with its closing zero on Linux, 104 on macOS.
_LONGEST_ADDRESS = 100
_LOOK_EVERY = 0.25


class _Folder:
    """Socket addresses in a folder. On Linux an address goes by way of an open descriptor, so that no folder is too deep."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None
        if len(os.fsencode(path)) + 40 > _LONGEST_ADDRESS and os.path.isdir("/proc/self/fd"):
            self._descriptor = os.open(path, os.O_RDONLY)

    def address(self, name: str) -> str:
        folder = self._path if self._descriptor is None else f"/proc/self/fd/{self._descriptor}"
        return os.path.join(folder, name)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)


class Bell:
    """One process's bell. `watched` are the files to look at where no socket can be had."""

    def __init__(self, folder: str, watched: tuple[str, ...]) -> None:
        self._watched = watched
        self._seen = self._look()
        self._path: str | None = None
        self._is_down = False
        self._socket = self._bind(folder)

    def _bind(self, folder: str) -> socket.socket | None:
        if not hasattr(socket, "AF_UNIX"):
            return None
        name = f"{os.getpid()}-{os.urandom(3).hex()}{_SUFFIX}"
        try:
            atomic.private_folder(folder)
            room = _Folder(folder)
            bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                bound.bind(room.address(name))
            except OSError:
                bound.close()
                raise
            finally:
                room.close()
        except OSError:
            return None
        self._path = os.path.join(folder, name)
        os.chmod(self._path, 0o600)
        bound.setblocking(False)
        return bound

    def _look(self) -> list[Mark | None]:
        return [atomic.mark(path) for path in self._watched]

    def wait(self, timeout: float | None = None, or_readable: socket.socket | None = None) -> bool:
        """Sleep until the bell rings (True) or `timeout` seconds have passed (False). Rings that piled up count as one.

        It is also over (False) as soon as there is something to read at `or_readable`.
        """
        others = [] if or_readable is None else [or_readable]
        if self._socket is None:
            return self._watch(timeout, others)
        if self._is_down or self._socket not in select.select([self._socket, *others], [], [], timeout)[0]:
            return False
        try:
            while not self._is_down:
                self._socket.recv(1)
        except OSError:
            pass
        return not self._is_down

    def _watch(self, timeout: float | None, others: list[socket.socket]) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._is_down:
            seen = self._look()
            if seen != self._seen:
                self._seen = seen
                return True
            left = _LOOK_EVERY if deadline is None else min(_LOOK_EVERY, deadline - time.monotonic())
            if left <= 0 or (others and select.select(others, [], [], left)[0]):
                return False
            if not others:
                time.sleep(left)
        return False

    def take_down(self) -> None:
        """Nobody can ring any more; whoever waits wakes up and is told False from now on."""
        self._is_down = True
        if self._socket is not None and self._path is not None:
            _ring_one(self._path)
            # Its name may be gone already, with all of aimo: then nothing reaches it but this.
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            atomic.discard(self._path)

    def close(self) -> None:
        """Give the socket back. Only when no thread waits for it."""
        self.take_down()
        if self._socket is not None:
            self._socket.close()


class Listener:
    """Hands the rings of one bell to any number of waiting threads, and to `on_ring` if given (in the listener's thread)."""

    def __init__(self, bell: Bell, on_ring: Callable[[], None] | None = None) -> None:
        self._bell = bell
        self._on_ring = on_ring
        self._rung = threading.Condition()
        self._count = 0
        self._thread = threading.Thread(target=self._listen, name="bell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and take the bell down."""
        self._bell.take_down()
        self._thread.join()
        self._bell.close()

    def _listen(self) -> None:
        while self._bell.wait():
            with self._rung:
                self._count += 1
                self._rung.notify_all()
            if self._on_ring is not None:
                self._on_ring()

    def wait_until(self, come_true: Callable[[], bool], timeout: float) -> bool:
        """Look at once and after every ring whether it has come true; False if it has not after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self._count
            if come_true():
                return True
            with self._rung:
                while self._count == seen:
                    left = deadline - time.monotonic()
                    if left <= 0 or not self._rung.wait(left):
                        return come_true()


def ring(folder: str) -> None:
    """Ring every bell in `folder`. Never blocks and never fails: a full queue counts as rung, a dead bell is taken down."""
    if not hasattr(socket, "AF_UNIX"):
        return
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if name.endswith(_SUFFIX):
            _ring_one(os.path.join(folder, name))


def _ring_one(path: str) -> None:
    folder, name = os.path.split(path)
    ringer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        ringer.setblocking(False)
        room = _Folder(folder)
        try:
            ringer.sendto(b"!", room.address(name))
        finally:
            room.close()
    except ConnectionRefusedError:
        atomic.discard(path)
    except OSError:
        pass  # full: it is ringing already; gone: nobody is there
    finally:
        ringer.close()

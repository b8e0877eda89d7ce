"""A running shim, and HTTP to it byte by byte: what a browser, curl or an attacker would send.

with Shim(folder) as shim:
    shim.ask("GET", "/api/ping").json
    shim.raw(b"GET / HTTP/1.1\r\n\r\n")
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests.host.peer import REPOSITORY, environment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

COMMAND = (sys.executable, "-m", "aimo_host", "serve")
#: Nothing may take longer; a test fails then, and never waits for it otherwise.
PATIENCE = 20.0

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; header names in lower case."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body as a JSON value."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error, in the one shape that errors have."""
        assert set(self.json) == {"error"}
        assert set(self.json["error"]) == {"code", "message"}
        return str(self.json["error"]["code"])

    def header(self, name: str) -> str | None:
        """The header's only value, or None."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) < 2, f"{name} twice: {found}"
        return found[0] if found else None


class Connection:
    """One connection to the shim, kept as long as either side likes."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self._stream = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self, *, to_head: bool = False) -> Reply | None:
        """The next answer; None if the shim has hung up."""
        start = self._stream.readline()
        if not start:
            return None
        version, status, _ = (start.decode("latin-1") + "  ").split(" ", 2)
        assert version == "HTTP/1.1", start
        headers = []
        while (line := self._stream.readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers.append((name.lower(), value.strip()))
        length = 0 if to_head else int(dict(headers).get("content-length", "0"))
        return Reply(int(status), tuple(headers), self._stream.read(length))

    def has_hung_up(self) -> bool:
        """Waits for the end of the connection; False if something else came."""
        return self._stream.read(1) == b""


class Shim:
    """`aimo serve` on a free port, on files below `folder`; it ends with the block."""

    def __init__(self, folder: str, *arguments: str, **environ: str) -> None:
        self.home = os.path.join(folder, "aimo")
        self.environ = environment(AIMO_HOME=self.home, **environ)
        chosen = arguments or ("--port", "0")
        self.process = subprocess.Popen(
            [*COMMAND, *chosen], env=self.environ, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        self.port = int(self.line.rpartition(":")[2] or 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            out, err = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        if kind is None:
            assert (self.process.returncode, out, err) == (130, "", "")

    def connect(self, address: str = "127.0.0.1") -> Connection:
        return Connection((address, self.port))

    def request(self, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> bytes:
        """A request as curl would send it, with our Host unless `headers` has one."""
        lines = [f"{method} {target} HTTP/1.1"]
        headers = list(headers)
        if not any(name.lower() == "host" for name, _ in headers):
            lines.append(f"Host: localhost:{self.port}")
        lines += [f"{name}: {value}" for name, value in headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8") + body

    def ask(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        address: str = "127.0.0.1",
    ) -> Reply:
        """One request over a connection of its own."""
        with self.connect(address) as connection:
            connection.send(self.request(method, target, headers, body))
            reply = connection.reply(to_head=method == "HEAD")
            assert reply is not None, "the shim hung up without a word"
            return reply

    def raw(self, data: bytes) -> bytes:
        """Everything that comes back for these bytes until the shim hangs up."""
        with self.connect() as connection:
            connection.send(data)
            connection.socket.shutdown(socket.SHUT_WR)
            return connection._stream.read()


def elapsed(since: float) -> float:
    return time.monotonic() - since

"""What aimo must not be: a server on localhost that answers everybody. It also serves the page of whoever attacks.

    with Naive() as naive:
        page.goto(naive.url("localhost"))       # a hostile page, same-site with everything else on localhost
        naive.arrived                           # which of the attempts in attacks.js came through to it

An attack that does not even get through to this server proves nothing about ours.
"""

from __future__ import annotations

import os
import re
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Self

from tests.simulator.listener import Listener

if TYPE_CHECKING:
    import socket
    from types import TracebackType

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile")
#: The path of a page in a sandbox: its origin is "null".
NOBODYS = "/sandboxed"
_NUMBER = re.compile(r"max_age=(\d+)|wait=0\.(\d+)")
_PAGE = b"<!doctype html><title>hostile</title><body>"
_WORKER = b"""
onmessage = ({ data, ports }) => fetch(data).then((answer) => answer.text()).then(
  (text) => ports[0].postMessage(text), (error) => ports[0].postMessage(String(error)));
"""


def function(file: str, name: str) -> str:
    """A function of the `hostile` folder, to be evaluated anywhere with an array of its arguments."""
    with open(os.path.join(HERE, file), encoding="utf-8") as source:
        text = source.read().replace("export ", "")
    return f"async (given) => {{ {text}\nreturn {name}(...given); }}"


class Naive:
    """See the module."""

    def __init__(self) -> None:
        self.arrived: set[int] = set()
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.stop()

    def url(self, host: str) -> str:
        return f"http://{host}:{self.port}"

    def _serve(self, connection: socket.socket) -> None:
        naive = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                found = _NUMBER.search(self.path)
                if found and self.command != "OPTIONS":
                    naive.arrived.add(int(found[1] or found[2].ljust(3, "0")))
                self._send(*_answer(self.path))

            def _send(self, kind: str, body: bytes) -> None:
                self.send_response(200)
                headers = {
                    "Content-Type": kind,
                    "Content-Length": str(len(body)),
                    "Access-Control-Allow-Origin": self.headers.get("Origin") or "*",
                    "Access-Control-Allow-Credentials": "true",
                    "Access-Control-Allow-Headers": "Content-Type",
                }
                if self.path == NOBODYS:
                    headers["Content-Security-Policy"] = "sandbox allow-scripts allow-forms allow-popups"
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_OPTIONS = _any  # noqa: N815 - the base class's names

            def log_message(self, *_: object) -> None:
                """`arrived` tells."""

        with connection:
            no_server: Any = None
            Handler(connection, connection.getpeername(), no_server)


def _answer(path: str) -> tuple[str, bytes]:
    if path == "/worker.js":
        return "text/javascript", _WORKER
    return ("text/html", _PAGE) if path in {"/", NOBODYS} else ("application/json", b'[{"provider": "MARKofdata"}]')

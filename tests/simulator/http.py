"""HTTP/1.1 over one connection of the simulator: reads requests, hands them on, writes the page back. Knows no provider."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.simulator.sites import Page, Request

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_IDLE_SECONDS = 600


def serve(connection: socket.socket, handle: Callable[[Request, int], Page | None]) -> None:
    """Answers the connection's requests until either side ends it; `handle` gets the request and the peer's port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _IDLE_SECONDS

        def _any(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            host = headers.get("host", "").removesuffix(":443")
            page = handle(Request(host, self.command, url.path, url.query, headers), self.client_address[1])
            if page is None:
                self.close_connection = True
            else:
                self._send(page)

        def __getattr__(self, name: str) -> Callable[[], None]:
            """Every method is welcome: the base class looks for `do_GET` and the like, the sites decide."""
            if name.startswith("do_"):
                return self._any
            raise AttributeError(name)

        def _send(self, page: Page) -> None:
            body = page.body.encode("utf-8", "surrogateescape")
            self.send_response(page.status)
            for name, value in page.headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        def log_message(self, *_: object) -> None:
            """Tests read `Simulator.requests`; a log on stderr would only be in the way."""

    with connection:
        Handler(connection, connection.getpeername(), None)  # type: ignore[arg-type]  # it only stores the server

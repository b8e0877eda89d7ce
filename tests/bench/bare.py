"""The yardstick of the shim: a bare `http.server` that hands out what it got on stdin. A process of its own; prints its port."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Bare(BaseHTTPRequestHandler):
    """Answers every GET with the same JSON."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """A log on stderr would slow it down."""


class Server(ThreadingHTTPServer):
    """As the shim's: room for as many who knock at once."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, body: bytes) -> None:
        self.body = body
        super().__init__(("127.0.0.1", 0), Bare)


if __name__ == "__main__":
    with Server(sys.stdin.buffer.read()) as server:
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()

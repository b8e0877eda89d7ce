"""One connection: reads requests within a deadline, asks the guard, hands them to the api or the static table, answers in JSON.

Every answer carries the same closed set of headers. A client that says nothing is cut off after five seconds.
"""

from __future__ import annotations

import io
import json
import re
import socket
import time
from http.server import BaseHTTPRequestHandler

from aimo_host.shim import contract, events, foreign, guard, query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aimo_host.shim.api import Api

    Route = Callable[[Api, dict[str, Any], str], object]

SILENCE_SECONDS = 5.0
_LARGEST_BODY = 64 * 1024
_LONGEST_LENGTH = 10
_LONGEST_TARGET = 2048
#: What no header has, folded lines included; some of it ends a line for Python and not for others.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: How long, and how much of, what a refused client goes on sending is read and thrown away.
_LINGER_SECONDS = 1.0
_LARGEST_LEFTOVER = 4 * 1024 * 1024
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

#: Tells the dashboard, which can read it, that the person did not open it (see `dashboard.js`).
_ELSEWHERE = "elsewhere"


class Site:
    """What all connections share."""

    def __init__(self, api: Api, files: dict[str, tuple[str, str]], *, port: int, token: str | None) -> None:
        self.api = api
        self.files = files
        self.port = port
        self.token = token


class _Deadline(io.RawIOBase):
    """Reads from a socket until a moment, however slowly the bytes drip."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.renew()

    def renew(self, seconds: float = SILENCE_SECONDS) -> None:
        self._until = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class Handler(BaseHTTPRequestHandler):
    """Serves one connection of a `Site`."""

    protocol_version = "HTTP/1.1"
    server_version = "aimo"
    sys_version = ""
    default_request_version = "HTTP/1.0"  # what cannot be read is answered with headers too, not as HTTP/0.9
    close_connection = True
    _hangs_up_early = False

    def __init__(self, connection: socket.socket, address: Any, site: Site) -> None:
        self._site = site
        no_server: Any = None  # the base class only keeps it
        super().__init__(connection, address, no_server)

    def setup(self) -> None:
        """Put the deadline between the socket and the parser."""
        self.connection = self.request
        self._deadline = _Deadline(self.connection)
        self.rfile = io.BufferedReader(self._deadline)
        self.wfile = self.connection.makefile("wb")

    def finish(self) -> None:
        """Hang up so that the last answer arrives: to close on a body that was not read resets the connection."""
        super().finish()
        if not self._hangs_up_early:
            return
        try:
            self.connection.shutdown(socket.SHUT_WR)
            self._deadline.renew(_LINGER_SECONDS)
            left = _LARGEST_LEFTOVER
            while left > 0 and (count := self._deadline.readinto(bytearray(_LARGEST_BODY))):
                left -= count
        except OSError:
            pass  # it goes on and on, or is gone

    def version_string(self) -> str:
        """The name alone: a version is nobody's business."""
        return self.server_version

    def log_message(self, *_: object) -> None:
        """Nothing: there is no access log, so nothing can leak into it."""

    def handle_one_request(self) -> None:
        """Read one request and answer it; a broken or silent connection just ends."""
        self.close_connection = True
        self._deadline.renew()
        try:
            self.raw_requestline = self.rfile.readline(_LONGEST_TARGET + 1)
            if not self.raw_requestline:
                return
            if len(self.raw_requestline) > _LONGEST_TARGET:
                self.requestline = self.request_version = self.command = ""
                self._refuse(guard.Refusal(400, "bad_request", "The address is too long."))
            elif self.parse_request() and self._is_sound():
                self._answer()
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the parser refuses, in our own shape."""
        del message, explain
        self.close_connection = True
        self._refuse(guard.Refusal(code if code in {400, 413} else 400, "bad_request", "This is not a request aimo understands."))

    def _is_sound(self) -> bool:
        """Whether every header line was understood: the parser stops at the first that is none, and hides the rest."""
        texts = (text for line in self.headers.items() for text in line)
        if not self.headers.defects and not self.headers.get_payload() and not any(map(_CONTROL.search, texts)):
            return True
        self.close_connection = True
        self._refuse(guard.Refusal(400, "bad_request", "These headers are not ones aimo understands."))
        return False

    def _answer(self) -> None:
        path, _, parameters = self.path.partition("?")
        headers = list(self.headers.items())
        refusal = guard.check(self.command, path, parameters, headers, port=self._site.port, token=self._site.token)
        refusal = refusal or self._never()
        if refusal is None:
            refusal = self._take_body()
        else:
            self.close_connection = True  # its body is not read, and must not be taken for another request
        if refusal is None and path in self._site.files:
            refusal = self._only("GET") or self._file(path)
        elif refusal is None and path == "/api/events":
            refusal = self._only("GET") or self._events(parameters)
        elif refusal is None and path in foreign.PATHS:
            refusal = self._only("GET") or self._foreign(path, parameters)
        elif refusal is None and path in _ROUTES:
            method, allowed, route = _ROUTES[path]
            refusal = self._only(method) or self._route(route, parameters, allowed, is_tagged=path in _TAGGED)
        elif refusal is None:
            refusal = guard.Refusal(404, "not_found", "There is nothing at this address.")
        if refusal is not None:
            self._refuse(refusal)

    def handle_expect_100(self) -> bool:
        """Say nothing yet: nobody is asked to go on before the guard has looked."""
        return True

    def _never(self) -> guard.Refusal | None:
        if self.command != "OPTIONS":
            return None
        return guard.Refusal(405, "method_not_allowed", "Nothing here has options.", allow="GET, POST")

    def _take_body(self) -> guard.Refusal | None:
        """Nobody needs to send a body; one that comes is read and forgotten, so that the connection stays in step."""
        if self.headers.get("Transfer-Encoding") is not None:
            self.close_connection = True
            return guard.Refusal(400, "bad_request", "No body is needed here.")
        lengths = self.headers.get_all("Content-Length") or ["0"]
        if len(set(lengths)) != 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            self.close_connection = True
            return guard.Refusal(400, "bad_request", "This Content-Length is not a number.")
        if len(lengths[0]) > _LONGEST_LENGTH or int(lengths[0]) > _LARGEST_BODY:
            self.close_connection = True
            return guard.Refusal(413, "too_large", "No body is needed here, and one this large is not read.")
        if int(lengths[0]) and self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        self.rfile.read(int(lengths[0]))
        return None

    def _only(self, method: str) -> guard.Refusal | None:
        if self.command == method:
            return None
        return guard.Refusal(405, "method_not_allowed", f"Use {method} here.", allow=method)

    def _route(self, route: Route, parameters: str, allowed: tuple[str, ...], *, is_tagged: bool) -> guard.Refusal | None:
        try:
            found = query.parse(parameters, allowed)
        except ValueError as error:
            return guard.Refusal(400, "bad_parameter", str(error))
        try:
            body, tag = self._site.api.worded(route(self._site.api, found, self._trigger()))
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer and no traceback
            return guard.Refusal(500, "internal", "aimo failed to answer this.")
        if is_tagged and contract.is_known(tag, self.headers.get_all("If-None-Match") or ()):
            self._send_head(304, "application/json", None, tag=tag)
        else:
            self._send(200, "application/json", body, tag=tag if is_tagged else None)
        return None

    def _foreign(self, path: str, parameters: str) -> guard.Refusal | None:
        try:
            kind, body = foreign.answer(self._site.api, path, parameters)
        except ValueError as error:
            return guard.Refusal(400, "bad_parameter", str(error))
        except foreign.NotHereError as error:
            return guard.Refusal(404, "not_found", str(error))
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer and no traceback
            return guard.Refusal(500, "internal", "aimo failed to answer this.")
        self._send(200, kind, body)
        return None

    def _events(self, parameters: str) -> guard.Refusal | None:
        if parameters:
            return guard.Refusal(400, "bad_parameter", "There are no parameters here.")
        if not events.places.acquire(blocking=False):
            return guard.Refusal(503, "busy", f"At most {events.MOST_CLIENTS} clients can listen at a time.")
        self.close_connection = True
        try:
            self._send_head(200, "text/event-stream", None)
            self.wfile.flush()
            events.stream(self._site.api, self.connection)
        finally:
            events.places.release()
        return None

    def _trigger(self) -> str:
        """Who wants to know, for the ledger: only our own page in a browser is of the same origin."""
        return "dashboard" if self.headers.get("Sec-Fetch-Site") == "same-origin" else "http"

    def _file(self, path: str) -> guard.Refusal | None:
        file, kind = self._site.files[path]
        try:
            with open(file, "rb") as opened:
                content = opened.read()
        except OSError:
            return guard.Refusal(404, "not_found", "There is nothing at this address.")
        self._send(200, kind, content, timing=_ELSEWHERE if guard.is_from_elsewhere(list(self.headers.items())) else None)
        return None

    def _refuse(self, refusal: guard.Refusal) -> None:
        self._hangs_up_early = self.close_connection
        body = json.dumps({"error": {"code": refusal.code, "message": refusal.message}}).encode()
        self._send(refusal.status, "application/json", body, allow=refusal.allow)

    def _send(self, status: int, kind: str, body: bytes, **more: str | None) -> None:
        self._send_head(status, kind, len(body), **more)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_head(
        self,
        status: int,
        kind: str,
        length: int | None,
        *,
        allow: str | None = None,
        tag: str | None = None,
        timing: str | None = None,
    ) -> None:
        """The same closed set of headers on every answer; `length` is None where the answer has no end, or no body at all."""
        self.request_version = "HTTP/1.1"  # to one that calls itself HTTP/0.9 the base class would send a bare body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if allow is not None:
            self.send_header("Allow", allow)
        if tag is not None:
            self.send_header("ETag", tag)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", _CONTENT_POLICY)
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        if timing is not None:
            self.send_header("Server-Timing", timing)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.connection.settimeout(SILENCE_SECONDS)


def _usage(api: Api, found: dict[str, Any], trigger: str) -> object:
    from aimo_host.shim.api import DEFAULT_MAX_AGE, DEFAULT_WAIT

    provider = found.get("provider")
    if found.get("cached"):
        return api.cached(provider)
    return api.usage(provider, found.get("max_age", DEFAULT_MAX_AGE), found.get("wait", DEFAULT_WAIT), trigger)


def _refresh(api: Api, found: dict[str, Any], trigger: str) -> object:
    return api.refresh(found.get("provider"), found.get("wait", 0.0), trigger)


def _pick(api: Api, found: dict[str, Any], trigger: str) -> object:
    from aimo_host.gauge.choice import DEFAULT_MAX_AGE, Question

    max_age = found.pop("max_age", DEFAULT_MAX_AGE)
    return api.pick(Question(**found), max_age, trigger)


def _answer(api: Api, _found: dict[str, Any], _trigger: str) -> object:
    return api.answer()


def _ping(api: Api, _found: dict[str, Any], _trigger: str) -> object:
    return api.ping()


def _openapi(_api: Api, _found: dict[str, Any], _trigger: str) -> object:
    return contract.document()


#: Path -> its method, its parameters, what it does.
_ROUTES: dict[str, tuple[str, tuple[str, ...], Route]] = {
    "/api/usage": ("GET", ("max_age", "wait", "cached", "provider"), _usage),
    "/api/refresh": ("POST", ("wait", "provider"), _refresh),
    "/api/pick": ("GET", ("strategy", "scope", "need", "among", "max_age"), _pick),
    "/api/answer": ("GET", (), _answer),
    "/api/ping": ("GET", (), _ping),
    "/api/openapi.json": ("GET", (), _openapi),
}
#: Asked again and again by whoever shows them, and mostly unchanged.
_TAGGED = frozenset({"/api/usage", "/api/answer"})

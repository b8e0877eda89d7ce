"""The running shim over real sockets: what it answers, with which headers, and what it does with what is no request."""

from __future__ import annotations

import json
import posixpath
import re
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimo_host import __version__
from tests.reliability import figures
from tests.shim.wire import Shim, elapsed

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ROUTES = [
    ("GET", "/api/usage?cached=1"),
    ("POST", "/api/refresh?provider=zai"),
    ("GET", "/api/ping"),
    ("GET", "/"),
    ("GET", "/api/answer"),
]
ROUTES += [("GET", "/api/openapi.json")]
FROM_ELSEWHERE = (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))
#: Answers that carry a tag of their bytes.
TAGGED = {"/api/usage?cached=1", "/api/answer"}


@pytest.fixture(params=["127.0.0.1", "::1"])
def address(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# -- what it answers


def test_it_says_where_it_listens(shim: Shim) -> None:
    assert re.fullmatch(r"listening on http://localhost:\d+\n", shim.line)


@pytest.mark.parametrize(("method", "target"), ROUTES)
def test_every_route_answers_on_both_addresses(shim: Shim, address: str, method: str, target: str) -> None:
    assert shim.ask(method, target, address=address).status == 200


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_each_of_our_names_is_answered_on_either_address(shim: Shim, address: str, name: str) -> None:
    assert shim.ask("GET", "/api/ping", [("Host", f"{name}:{shim.port}")], address=address).status == 200


def test_ping_says_who_it_is(shim: Shim) -> None:
    expected = {"ok": True, "name": "aimo", "version": __version__, "pid": shim.process.pid, "browser": "absent"}
    assert shim.ask("GET", "/api/ping").json == expected


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        *((method, target, (), 200) for method, target in ROUTES),
        ("GET", "/api/usage?cached=1", (("If-None-Match", "*"),), 304),
        ("GET", "/api/answer", (("If-None-Match", "*"),), 304),
        ("GET", "/", FROM_ELSEWHERE, 200),
        ("GET", "/api/usage?wait=x", (), 400),
        ("GET", "/nothing", (), 404),
        ("GET", "/api/refresh", (), 405),
        ("OPTIONS", "/api/usage", (), 405),
        ("GET", "/api/ping", (("Host", "evil.example"),), 421),
        ("GET", "/api/ping", (("Sec-Fetch-Site", "cross-site"),), 403),
        ("GET", "/api/ping", (("Origin", "null"),), 403),
    ],
)
def test_every_answer_carries_the_same_closed_set_of_headers(
    shim: Shim, method: str, target: str, headers: tuple[tuple[str, str], ...], status: int
) -> None:
    reply = shim.ask(method, target, headers)
    assert reply.status == status
    expected = {
        "server": "aimo",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": POLICY,
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "content-length": None if status == 304 else str(len(reply.body)),
    }
    found = dict(reply.headers)
    assert {name: found.get(name) for name in expected} == expected
    more = ({"allow"} if status == 405 else set()) | ({"etag"} if status in {200, 304} and target in TAGGED else set())
    more |= {"server-timing"} if headers == FROM_ELSEWHERE else set()
    assert set(found) - set(expected) - more <= {"date", "content-type", "connection"}
    assert more <= set(found)
    assert len(found) == len(reply.headers)


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/", 404, "not_found"),
        ("GET", "/api/usage/", 404, "not_found"),
        ("GET", "/../pyproject.toml", 404, "not_found"),
        ("GET", "/view/../manifest.json", 404, "not_found"),
        ("GET", "/view/%2e%2e/manifest.json", 404, "not_found"),
        ("GET", "/manifest.json", 404, "not_found"),
        ("GET", "/background/main.js", 404, "not_found"),
        ("GET", "/api%2Fping", 404, "not_found"),
        ("GET", "http://localhost/api/ping", 404, "not_found"),
        ("POST", "/ingest", 404, "not_found"),
        ("POST", "/api/usage", 405, "method_not_allowed"),
        ("POST", "/", 405, "method_not_allowed"),
        ("GET", "/api/refresh", 405, "method_not_allowed"),
        ("POST", "/api/ping", 405, "method_not_allowed"),
        ("PUT", "/api/usage", 405, "method_not_allowed"),
        ("DELETE", "/api/usage", 405, "method_not_allowed"),
        ("TRACE", "/api/usage", 405, "method_not_allowed"),
        ("get", "/api/usage", 405, "method_not_allowed"),
        ("OPTIONS", "/api/usage", 405, "method_not_allowed"),
        ("OPTIONS", "/nothing", 405, "method_not_allowed"),
        ("OPTIONS", "*", 405, "method_not_allowed"),
        ("GET", "/api/usage?wait=-1", 400, "bad_parameter"),
        ("GET", "/api/usage?format=xml", 400, "bad_parameter"),
        ("GET", "/api/ping?x=1", 400, "bad_parameter"),
        ("GET", "/api/openapi.json?x=1", 400, "bad_parameter"),
        ("POST", "/api/openapi.json", 405, "method_not_allowed"),
        ("POST", "/api/refresh?max_age=1", 400, "bad_parameter"),
        ("GET", "/api/usage?" + "a" * 3000, 400, "bad_request"),
    ],
)
def test_what_is_not_there_is_an_error_in_one_shape(shim: Shim, method: str, target: str, status: int, code: str) -> None:
    reply = shim.ask(method, target)
    assert (reply.status, reply.code) == (status, code)
    assert reply.json["error"]["message"].endswith(".")


@pytest.mark.parametrize("target", ["/api/usage", "/", "/nothing"])
def test_an_answer_to_head_has_no_body_and_the_connection_stays_in_step(shim: Shim, target: str) -> None:
    with shim.connect() as connection:
        connection.send(shim.request("HEAD", target) + shim.request("GET", "/api/ping"))
        first, second = connection.reply(to_head=True), connection.reply()
    assert first is not None
    assert first.status in {404, 405}
    assert second is not None
    assert second.json["ok"] is True


# -- bodies and connections


@pytest.mark.parametrize("size", [1, 1000, 65536])
def test_a_body_is_read_and_forgotten(shim: Shim, size: int) -> None:
    with shim.connect() as connection:
        connection.send(shim.request("POST", "/api/refresh?provider=zai", body=b"x" * size) + shim.request("GET", "/api/ping"))
        first, second = connection.reply(), connection.reply()
    assert first is not None
    assert second is not None
    assert (first.status, second.status) == (200, 200)


@pytest.mark.parametrize("size", [65537, 1_000_000])
def test_a_body_over_64_kib_is_413_even_if_all_of_it_was_sent(shim: Shim, size: int) -> None:
    with shim.connect() as connection:
        connection.send(shim.request("POST", "/api/refresh", body=b"x" * size))
        reply = connection.reply()
        assert reply is not None
        assert (reply.status, reply.code) == (413, "too_large")
        assert connection.has_hung_up()


def test_a_client_that_waits_for_100_is_told_to_go_on(shim: Shim) -> None:
    with shim.connect() as connection:
        body = b"{}"
        head = shim.request("POST", "/api/refresh?provider=zai", [("Expect", "100-continue")], body)[: -len(body)]
        connection.send(head)
        go_on = connection.reply()
        assert go_on is not None
        assert go_on.status == 100
        connection.send(body)
        answer = connection.reply()
        assert answer is not None
        assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Transfer-Encoding", "chunked")], 400),
        ([("Transfer-Encoding", "identity")], 400),
        ([("Content-Length", "-1")], 400),
        ([("Content-Length", "+1")], 400),
        ([("Content-Length", "0x10")], 400),
        ([("Content-Length", "1, 1")], 400),
        ([("Content-Length", "")], 400),
        ([("Content-Length", "٣")], 400),
        ([("Content-Length", "1"), ("Content-Length", "2")], 400),
        ([("Content-Length", "9" * 400)], 413),
        ([("Content-Length", "65537")], 413),
        ([("Content-Length", "0"), ("Transfer-Encoding", "chunked")], 400),
    ],
    ids=repr,
)
def test_a_length_that_is_none_ends_the_connection(shim: Shim, headers: list[tuple[str, str]], status: int) -> None:
    with shim.connect() as connection:
        connection.send(shim.request("POST", "/api/refresh?provider=zai", headers) + shim.request("GET", "/api/ping"))
        reply = connection.reply()
        assert reply is not None
        assert reply.status == status
        assert reply.header("connection") == "close"
        assert connection.reply() is None


@pytest.mark.parametrize(
    "headers",
    [
        [("Host", "evil.example")],
        [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")],
        [("Origin", "https://evil.example")],
    ],
)
def test_the_body_of_a_refused_request_is_never_taken_for_another_request(shim: Shim, headers: list[tuple[str, str]]) -> None:
    smuggled = shim.request("POST", "/api/refresh")
    with shim.connect() as connection:
        connection.send(shim.request("POST", "/api/ping", [*headers, ("Content-Type", "text/plain")], smuggled))
        reply = connection.reply()
        assert reply is not None
        assert reply.status in {403, 421}
        assert connection.reply() is None


def test_requests_in_a_row_are_answered_in_a_row(shim: Shim) -> None:
    with shim.connect() as connection:
        connection.send(b"".join(shim.request("GET", "/api/ping" if i % 2 else "/nothing") for i in range(20)))
        replies = [connection.reply() for _ in range(20)]
    assert [reply.status for reply in replies if reply is not None] == [404, 200] * 10


def test_http_1_0_is_answered_and_hung_up(shim: Shim) -> None:
    answer = shim.raw(f"GET /api/ping HTTP/1.0\r\nHost: localhost:{shim.port}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["ok"] is True


@pytest.mark.parametrize("request_line", ["GET /api/usage", "GET /api/usage HTTP/1.1", "GET /api/usage HTTP/1.0"])
def test_without_a_host_there_is_no_data_in_any_version(shim: Shim, request_line: str) -> None:
    answer = shim.raw(f"{request_line}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert b"Cache-Control: no-store\r\n" in answer
    assert b"provider" not in answer


@pytest.mark.parametrize(
    "data",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/x\r\n\r\n",
        b"GET / x y z HTTP/1.1\r\n\r\n",
        b"POST /api/refresh\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"b" * 70000 + b"\r\n\r\n",
        b"x" * 100_000,
    ],
    ids=lambda data: repr(data[:24]),
)
def test_what_is_no_request_gets_a_complete_refusal(shim: Shim, data: bytes) -> None:
    answer = shim.raw(data)
    assert re.match(rb"HTTP/1\.1 4\d\d ", answer)
    assert b"Cache-Control: no-store\r\n" in answer
    assert b"Connection: close\r\n" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]
    assert b"Traceback" not in answer


@settings(max_examples=figures.examples(is_costly=True))
@given(data=st.binary(max_size=200) | st.text(alphabet="GETPOS /api\r\n:H1.%", max_size=120).map(str.encode))
def test_any_bytes_give_a_refusal_or_silence(shim: Shim, data: bytes) -> None:
    answer = shim.raw(data)
    assert answer == b"" or re.match(rb"HTTP/1\.1 [45]\d\d ", answer)


# -- the dashboard


def test_everything_that_the_dashboard_loads_is_there(shim: Shim) -> None:
    seen: dict[str, int] = {}
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            reply = shim.ask("GET", path)
            seen[path] = reply.status
            waiting += _loads("/dashboard/" if path == "/" else path, reply.body.decode("utf-8", "replace"))
    assert {path: status for path, status in seen.items() if status != 200} == {}
    assert {"/dashboard/dashboard.js", "/view/words.js", "/view/look.css"} <= set(seen)


def _loads(path: str, text: str) -> list[str]:
    """The addresses of ours that a page or a module refers to."""
    if path.endswith((".svg", ".css", ".json")):
        return []
    found = re.findall(r'(?:\bsrc=|\bhref=|\bfrom |\bimport )"([./][^"#]*)"', text)
    return [posixpath.normpath(posixpath.join(posixpath.dirname(path), one)) for one in found]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/dashboard/dashboard.js", "text/javascript; charset=utf-8"),
        ("/view/look.css", "text/css; charset=utf-8"),
        ("/_locales/ja/messages.json", "application/json"),
        ("/favicon.ico", "image/svg+xml"),
    ],
)
def test_files_have_their_types(shim: Shim, path: str, kind: str) -> None:
    assert shim.ask("GET", path).header("content-type") == kind


def test_a_link_from_elsewhere_opens_the_page_and_nothing_behind_it(shim: Shim) -> None:
    link = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]
    assert [shim.ask("GET", path, link).status for path in ("/", "/api/usage?cached=1")] == [200, 403]


# -- slow and silent ones


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    with Shim(str(tmp_path_factory.mktemp("s"))) as running:
        yield running


def test_silent_and_dripping_clients_delay_nobody_and_are_cut_after_five_seconds(besieged: Shim) -> None:
    silent = [socket.create_connection(("127.0.0.1", besieged.port)) for _ in range(64)]
    dripping = [socket.create_connection(("::1", besieged.port)) for _ in range(8)]
    lazy = socket.create_connection(("127.0.0.1", besieged.port))
    lazy.sendall(besieged.request("POST", "/api/refresh", body=b"x" * 100)[:-50])
    begun = time.monotonic()
    stop = threading.Event()
    dripper = threading.Thread(target=_drip, args=(dripping, stop), daemon=True)
    dripper.start()
    for _ in range(3):
        before = time.monotonic()
        assert besieged.ask("GET", "/api/ping").status == 200
        assert elapsed(before) < 1
    for connection in [*silent, *dripping, lazy]:
        connection.settimeout(20)
        assert _end_of(connection) == b""
        connection.close()
    assert 4.5 < elapsed(begun) < 8
    stop.set()
    dripper.join()


def _drip(connections: list[socket.socket], stop: threading.Event) -> None:
    """A byte of a request every half second: never silent, never done."""
    for byte in b"GET /api/ping HTTP/1.1\r\nHost: localhost\r\n":
        for connection in connections:
            try:
                connection.send(bytes([byte]))
            except OSError:
                continue
        if stop.wait(0.5):
            return


def _end_of(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("line", [b"broken line", b"Host : evil.example", b"X: a\0b"])
def test_a_header_line_that_is_none_hides_nothing_from_the_guard(shim: Shim, line: bytes) -> None:
    head = b"GET /api/usage?cached=1 HTTP/1.1\r\nHost: localhost:%d\r\n" % shim.port
    answers = shim.raw(head + line + b"\r\nOrigin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n\r\n")
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert answers.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("length", [b"000000000000300000000", b"0" * 5000, b"9" * 5000, b"70000"])
def test_a_length_that_hides_its_size_is_refused(shim: Shim, length: bytes) -> None:
    head = b"POST /api/refresh HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: " % shim.port
    assert shim.raw(head + length + b"\r\n\r\n").startswith(b"HTTP/1.1 413 ")

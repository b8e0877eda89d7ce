"""Promises 2 to 5 for every kind of request that a browser, a program or an attacker can send, through the real parser and guard.

The oracle below is written from the sentences of the promises, never from the code. Each row is a request of its own, byte for
byte, to the handler that `aimo serve` runs; behind it stands an API that notes who got as far as it. `test_wire.py` holds the
same over real ports.
"""

from __future__ import annotations

import itertools
import json
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.shim import static
from aimo_host.shim.handler import Handler, Site

if TYPE_CHECKING:
    from collections.abc import Iterable

PORT = 3030
DATA = "MARKofdata"
OURS = tuple(f"{name}:{PORT}" for name in ("127.0.0.1", "localhost", "[::1]"))

METHODS = ("GET", "POST", "OPTIONS", "PUT")
#: Path -> what promise 3 calls it, and the method that it answers to.
PATHS = {
    "/": ("page", "GET"),
    "/view/look.css": ("page", "GET"),
    "/api/usage": ("data", "GET"),
    "/api/refresh": ("data", "POST"),
}
HOSTS = ((OURS[0],), ("LocalHost:3030",), ("evil.example:3030",), (), (OURS[1], OURS[1]))
ORIGINS = (None, "own", "null", "http://localhost:5173", "https://claude.ai")
SITES = (None, "same-origin", "none", "same-site", "cross-site")
MODES = (None, "navigate", "cors")
DESTS = (None, "document", "iframe")


class Row(NamedTuple):
    """One request."""

    method: str
    path: str
    hosts: tuple[str, ...]
    origin: str | None
    site: str | None
    mode: str | None
    dest: str | None

    def lines(self) -> Iterable[str]:
        own = f"http://{self.hosts[0].lower()}" if self.hosts else f"http://localhost:{PORT}"
        origin = own if self.origin == "own" else self.origin
        named = {"Origin": origin, "Sec-Fetch-Site": self.site, "Sec-Fetch-Mode": self.mode, "Sec-Fetch-Dest": self.dest}
        yield f"{self.method} {self.path} HTTP/1.1"
        yield from (f"Host: {host}" for host in self.hosts)
        yield from (f"{name}: {value}" for name, value in named.items() if value is not None)
        yield "Connection: close"


def promised(row: Row) -> int:
    """The status that promises 2, 3 and 4 name, in this order; else what the address answers to this method."""
    if len(row.hosts) != 1 or row.hosts[0].lower() not in OURS:
        return 421
    kind, method = PATHS[row.path]
    navigates = row.mode == "navigate" and row.method == "GET"  # what navigates with another method has an effect in mind
    passes = {
        None: True,
        "same-origin": True,
        "none": navigates,
        "same-site": navigates and row.dest == "document" and kind == "page",
        "cross-site": navigates and row.dest == "document" and kind == "page",
    }[row.site]
    if not passes or row.origin not in {None, "own"}:
        return 403
    return 200 if row.method == method else 405


class Noting:
    """An API with one secret to tell, and a note of everybody who was let through to it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def worded(self, result: list[str]) -> tuple[bytes, str]:
        return json.dumps(result).encode(), '"tag"'

    def __getattr__(self, name: str) -> Any:
        def call(*_: object) -> list[str]:
            self.calls.append(name)
            return [DATA]

        return call


class Reply(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: str
    calls: list[str]


FILES = static.table()


def ask(data: bytes, token: str | None = None) -> Reply:
    """What comes back for these bytes, and what was asked of the API meanwhile."""
    api: Any = Noting()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        Handler(ours, ("127.0.0.1", 1), Site(api, FILES, port=PORT, token=token))
        ours.close()
        with theirs.makefile("rb") as stream:
            head, _, body = stream.read().partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Reply(int(first.split()[1]), [(name.lower(), value.strip()) for name, _, value in pairs], body.decode(), api.calls)


def sent(row: Row) -> Reply:
    return ask("\r\n".join([*row.lines(), "", ""]).encode("latin-1"))


TABLE = [Row(*row) for row in itertools.product(METHODS, PATHS, HOSTS, ORIGINS, SITES, MODES, DESTS)]


@pytest.fixture(scope="module")
def answered() -> list[tuple[Row, Reply]]:
    return [(row, sent(row)) for row in TABLE]


def test_every_request_is_answered_as_promised(answered: list[tuple[Row, Reply]]) -> None:
    wrong = [(row, reply.status) for row, reply in answered if reply.status != promised(row)]
    assert wrong[:10] == []


def test_who_is_refused_gets_no_data_and_causes_nothing(answered: list[tuple[Row, Reply]]) -> None:
    refused = [reply for _, reply in answered if reply.status != 200]
    assert len(refused) > len(TABLE) / 2
    assert {(tuple(reply.calls), DATA in reply.body) for reply in refused} == {((), False)}
    assert {tuple(json.loads(reply.body)) for reply in refused} == {("error",)}


def test_every_answer_carries_the_promised_headers_and_none_of_the_forbidden(answered: list[tuple[Row, Reply]]) -> None:
    for row, reply in answered:
        found = dict(reply.headers)
        assert len(found) == len(reply.headers), row
        assert (found["cache-control"], found["x-content-type-options"], found["server"]) == ("no-store", "nosniff", "aimo"), row
        policy = [rule.strip() for rule in found["content-security-policy"].split(";")]
        assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy), row
        assert [name for name in found if name.startswith(("access-control-", "set-cookie"))] == [], row


def test_the_only_effect_that_a_request_can_have_is_a_refresh(answered: list[tuple[Row, Reply]]) -> None:
    # `usage` refreshes what is old, `refresh` asks now; nothing else of the API is reached by these addresses.
    assert {call for _, reply in answered for call in reply.calls} == {"usage", "refresh"}


# -- the one name that stops rebinding

#: What is not exactly one of our three names: other spellings of this machine, other machines, and what no browser would send.
STRANGE_HOSTS = [
    *("", "localhost", "127.0.0.1", "[::1]", ":3030", "localhost:", "localhost:80", "localhost:30300", "localhost:303"),
    *(
        "localhost:03030",
        "localhost:+3030",
        "localhost: 3030",
        "localhost :3030",
        "localhost:3030:3030",
        "localhost:\uff13\uff10\uff13\uff10",
    ),
    *("localhost.:3030", "127.0.0.1.:3030", ".localhost:3030", "www.localhost:3030", "localhost.localdomain:3030"),
    *("0.0.0.0:3030", "127.1:3030", "127.0.1:3030", "127.0.0.2:3030", "127.000.000.001:3030", "2130706433:3030"),
    *("0x7f000001:3030", "0x7f.0.0.1:3030", "0177.0.0.1:3030", "017700000001:3030", "127.0.0.1.nip.io:3030"),
    *("::1:3030", "[::]:3030", "[::1:3030", "::1]:3030", "[0:0:0:0:0:0:0:1]:3030", "[0000::1]:3030", "[::1%lo]:3030"),
    *("[::ffff:127.0.0.1]:3030", "[::ffff:7f00:1]:3030", "[127.0.0.1]:3030", "[localhost]:3030", "ip6-localhost:3030"),
    *("user@localhost:3030", "user:pw@localhost:3030", "localhost:3030@evil.example", "localhost:3030#x", "localhost:3030?x"),
    *("localhost:3030/", "/localhost:3030", "http://localhost:3030", "//localhost:3030", "localhost:3030\\", "localhost%3a3030"),
    *("evil.example:3030", "evil.example", "localhost.evil.example:3030", "localhost:3030.evil.example", "evil-localhost:3030"),
    *("localhost:3030,localhost:3030", "localhost:3030, evil.example", "evil.example, localhost:3030", "localhost;:3030"),
    *("localhost:3030\x00", "localhost:3030\x0b", "localhost:3030\x0c", "localhost:3030\x1f", "\xa0localhost:3030"),
    *(
        "localhost:3030\x85",
        "localhost:3030\xa0",
        "'localhost:3030'",
        '"localhost:3030"',
        "*",
        "*:3030",
        "null",
        "localhost:http",
    ),
]
TARGETS = [("GET", "/"), ("GET", "/view/look.css"), ("GET", "/api/usage"), ("POST", "/api/refresh"), ("GET", "/metrics")]


@pytest.mark.parametrize("host", STRANGE_HOSTS, ids=repr)
def test_any_other_spelling_of_the_host_gets_no_data(host: str) -> None:
    for method, path in TARGETS:
        reply = ask(f"{method} {path} HTTP/1.1\r\nHost: ".encode() + host.encode() + b"\r\n\r\n")
        assert reply.status in {400, 421}, (method, path)
        assert (reply.calls, DATA in reply.body) == ([], False)


@given(
    st.sampled_from(OURS).flatmap(
        lambda name: st.tuples(
            st.just(name), st.integers(0, len(name)), st.characters(codec="latin-1", exclude_characters="\r\n")
        )
    )
)
def test_one_character_more_in_a_name_of_ours_makes_it_a_stranger_s(made: tuple[str, int, str]) -> None:
    name, place, character = made
    host = name[:place] + character + name[place:]
    is_blank_around = host.strip(" \t") == name  # HTTP ignores blanks around a value, and so may we
    reply = ask(b"GET /api/usage HTTP/1.1\r\nHost: " + host.encode("latin-1") + b"\r\n\r\n")
    assert reply.status in ({200} if is_blank_around else {400, 421})
    assert bool(reply.calls) == is_blank_around


@pytest.mark.parametrize("first", [*OURS, "evil.example:3030"])
@pytest.mark.parametrize("second", [*OURS, "evil.example:3030", ""])
@pytest.mark.parametrize("name", ["Host", "HOST", "host"])
def test_two_host_lines_are_never_believed(first: str, second: str, name: str) -> None:
    reply = ask(f"GET /api/usage HTTP/1.1\r\nHost: {first}\r\n{name}: {second}\r\n\r\n".encode())
    assert (reply.status, reply.calls) == (421, [])


@pytest.mark.parametrize(
    "head",
    [
        "GET /api/usage",
        "GET /api/usage HTTP/0.9",
        "GET /api/usage HTTP/1.0",
        "GET /api/usage HTTP/1.1",
        "GET http://localhost:3030/api/usage HTTP/1.1",
        "GET http://localhost:3030/api/usage HTTP/1.1\r\nHost: evil.example",
        "GET http://evil.example/api/usage HTTP/1.1\r\nHost: localhost:3030",
        "GET //localhost:3030/api/usage HTTP/1.1\r\nHost: localhost:3030",
        "GET localhost:3030/api/usage HTTP/1.1\r\nHost: localhost:3030",
        "CONNECT localhost:3030 HTTP/1.1\r\nHost: localhost:3030",
        "GET /api/usage HTTP/1.1\r\nX-Forwarded-Host: localhost:3030",
        "GET /api/usage HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost:3030\r\nForwarded: host=localhost:3030",
        "GET /api/usage HTTP/1.1\r\nX: y\r\n Host: localhost:3030",
        "GET /api/usage HTTP/1.1\r\nHost:\r\n localhost:3030",
        "GET /api/usage HTTP/1.1\r\nHost: localhost:3030\r\n .evil.example",
        "GET /api/usage HTTP/1.1\r\nHost: evil.example\rHost: localhost:3030",
    ],
)
def test_a_host_that_stands_anywhere_else_is_none(head: str) -> None:
    reply = ask(f"{head}\r\n\r\n".encode())
    assert reply.status in {400, 404, 405, 421}
    assert (reply.calls, DATA in reply.body) == ([], False)


# -- the token

TOKEN = "long-and-of-the-user"


@given(st.binary(max_size=60).filter(lambda junk: b"\n" not in junk))  # a second one would end the head
def test_no_bytes_beside_the_host_line_keep_a_request_from_its_answer(junk: bytes) -> None:
    reply = ask(b"GET /api/ping HTTP/1.1\r\nHost: localhost:3030\r\nX: " + junk + b"\r\nSec-Fetch-Site: cross-site\r\n\r\n")
    assert (reply.status in {400, 403, 421}, reply.calls) == (True, [])


@pytest.mark.parametrize("is_right", [True, False])
def test_what_decides_about_a_token_takes_the_same_time_for_every_guess(
    monkeypatch: pytest.MonkeyPatch, *, is_right: bool
) -> None:
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append({one, other})
        return is_right

    monkeypatch.setattr("hmac.compare_digest", compare)
    for given_token in (TOKEN, "guess"):
        head = f"GET /api/usage HTTP/1.1\r\nHost: {OURS[1]}\r\nAuthorization: Bearer {given_token}\r\n\r\n"
        assert ask(head.encode(), TOKEN).status == (200 if is_right else 401)
    assert compared == [{f"Bearer {TOKEN}".encode()}, {b"Bearer guess", f"Bearer {TOKEN}".encode()}]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", [f"token={TOKEN}", TOKEN, "x=%6cong-and-of-the-user", "%74oken=x", "a=b&TOKEN=", "a;token=x"])
def test_a_token_in_the_address_is_refused_however_it_is_spelled(path: str, query: str) -> None:
    head = f"{PATHS[path][1]} {path}?{query} HTTP/1.1\r\nHost: {OURS[1]}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    reply = ask(head.encode(), TOKEN)
    assert (reply.status, reply.calls) == (400, [])
    assert TOKEN not in reply.body


@pytest.mark.parametrize("version", ["HTTP/0.9", "HTTP/1.0", "HTTP/1.1", "HTTP/1.9"])
def test_whatever_version_a_client_claims_the_answer_has_its_headers(version: str) -> None:
    reply = ask(f"GET / {version}\r\nHost: {OURS[1]}\r\n\r\n".encode())
    assert reply.status == 200
    assert ("cache-control", "no-store") in reply.headers

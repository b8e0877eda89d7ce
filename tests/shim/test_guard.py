"""Who may speak to the shim: every combination against a second reading of the promises, written without looking at the first."""

from __future__ import annotations

import itertools
import os

import pytest

from aimo_host.shim.guard import can_be_sent, check, is_from_elsewhere

PORT = 3030
NAMES = ("127.0.0.1", "localhost", "[::1]")
GOOD_HOSTS = [f"{name}:{PORT}" for name in NAMES] + [f"LocalHost:{PORT}", f" localhost:{PORT} "]
BAD_HOSTS = [
    "",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "localhost:80",
    f"localhost:{PORT}0",
    f"localhost.:{PORT}",
    f"evil.example:{PORT}",
    f"localhost.evil.example:{PORT}",
    f"0.0.0.0:{PORT}",
    f"127.0.0.2:{PORT}",
    f"::1:{PORT}",
    f"[::]:{PORT}",
    f"[0:0:0:0:0:0:0:1]:{PORT}",
    f"2130706433:{PORT}",
    f"user@localhost:{PORT}",
    f"http://localhost:{PORT}",
    f"localhost:{PORT}, localhost:{PORT}",
    f"localhost:{PORT}/",
    f"localhost:0{PORT}",
    f"ⓛocalhost:{PORT}",
]
ORIGINS = [
    None,
    "null",
    "",
    f"http://localhost:{PORT}",
    f"http://127.0.0.1:{PORT}",
    f"http://[::1]:{PORT}",
    f"https://localhost:{PORT}",
    "http://localhost",
    "http://localhost:5173",
    f"http://localhost:{PORT}.evil.example",
    "https://claude.ai",
    "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]
SITES = [None, "same-origin", "same-site", "cross-site", "none", "", "SAME-ORIGIN", "same-origin, same-origin"]
MODES = [None, "navigate", "cors", "no-cors", "websocket"]
DESTS = [None, "document", "empty", "iframe", "script"]
METHODS = ["GET", "POST", "OPTIONS"]
PATHS = ["/", "/view/look.css", "/api/usage", "/api/refresh", "/usage"]
OPEN_TO_LINKS = PATHS[:2]


def promised(method: str, path: str, host: str, origin: str | None, site: str | None, mode: str | None, dest: str | None) -> int:
    """The status that security.md 2 and 3 promise; 0 for "passes"."""
    name = host.strip().lower()
    if name not in [f"{one}:{PORT}" for one in NAMES]:
        return 421
    # A typed address and a link are navigations, and navigations that may change something are not ours to accept.
    navigation = mode == "navigate" and method == "GET"
    if site == "none":
        passes = navigation
    elif site in {"same-site", "cross-site"}:
        passes = navigation and dest == "document" and path in OPEN_TO_LINKS
    else:
        passes = site in {None, "same-origin"}
    if not passes:
        return 403
    return 0 if origin is None or origin == f"http://{name}" else 403


def verdict(method: str, path: str, host: str, origin: str | None, site: str | None, mode: str | None, dest: str | None) -> int:
    """What the guard says: the status of its refusal, 0 for "passes"."""
    headers = [("Host", host), ("Origin", origin), ("Sec-Fetch-Site", site), ("sec-fetch-mode", mode), ("Sec-Fetch-Dest", dest)]
    refusal = check(method, path, "", [(name, value) for name, value in headers if value is not None], port=PORT, token=None)
    return 0 if refusal is None else refusal.status


def test_the_whole_table_is_as_promised() -> None:
    hosts = [*GOOD_HOSTS, *BAD_HOSTS[:4]]
    table = itertools.product(METHODS, PATHS, hosts, ORIGINS, SITES, MODES, DESTS)
    wrong = [row for row in table if verdict(*row) != promised(*row)]
    assert wrong[:10] == []


def test_no_other_host_passes_with_anything() -> None:
    table = itertools.product(
        METHODS, PATHS, BAD_HOSTS, [None, f"http://localhost:{PORT}"], [None, "same-origin", "none"], MODES, [None]
    )
    assert {verdict(*row) for row in table} == {421}


@pytest.mark.parametrize("count", [0, 2, 3])
def test_there_is_exactly_one_host_header(count: int) -> None:
    refusal = check("GET", "/api/ping", "", [("host", f"localhost:{PORT}")] * count, port=PORT, token=None)
    assert refusal is not None
    assert refusal.status == 421


@pytest.mark.parametrize("name", ["Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"])
def test_a_second_header_of_a_kind_is_not_overlooked(name: str) -> None:
    good = {
        "Origin": f"http://localhost:{PORT}",
        "Sec-Fetch-Site": "none",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    headers = [("Host", f"localhost:{PORT}"), *good.items()]
    assert check("GET", "/", "", headers, port=PORT, token=None) is None
    cross = [(key, "cross-site" if key == "Sec-Fetch-Site" else value) for key, value in headers]
    doubled = [*cross, (name, "http://evil.example" if name == "Origin" else "cors")]
    refusal = check("GET", "/", "", doubled, port=PORT, token=None)
    assert refusal is not None
    assert refusal.status == 403


@pytest.mark.parametrize("site", SITES)
def test_another_site_and_another_port_are_elsewhere_and_nobody_else_is(site: str | None) -> None:
    headers = [] if site is None else [("sec-fetch-SITE", site)]
    assert is_from_elsewhere(headers) == (site in {"same-site", "cross-site"})


@pytest.mark.parametrize("name", ["HOST", "hOsT", "host"])
def test_header_names_count_in_any_case(name: str) -> None:
    assert check("GET", "/api/ping", "", [(name, f"localhost:{PORT}")], port=PORT, token=None) is None


TOKEN = "a-long-token-of-the-user"


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("/api/usage", [f"Bearer {TOKEN}"], 0),
        ("/api/usage", [], 401),
        ("/api/usage", [""], 401),
        ("/api/usage", [TOKEN], 401),
        ("/api/usage", ["Bearer "], 401),
        ("/api/usage", [f"Bearer {TOKEN}x"], 401),
        ("/api/usage", [f"Bearer {TOKEN[:-1]}"], 401),
        ("/api/usage", [f"Basic {TOKEN}"], 401),
        ("/api/usage", ["Bearer schlüssel"], 401),
        ("/api/usage", [f"Bearer {TOKEN}", f"Bearer {TOKEN}"], 401),
        ("/api/nothing", [], 401),
        ("/", [], 0),
        ("/view/look.css", [], 0),
    ],
)
def test_with_a_token_the_api_wants_exactly_it(path: str, authorization: list[str], status: int) -> None:
    headers = [("Host", f"localhost:{PORT}"), *(("Authorization", value) for value in authorization)]
    refusal = check("GET", path, "", headers, port=PORT, token=TOKEN)
    assert (0 if refusal is None else refusal.status) == status


@pytest.mark.parametrize("path", ["/", "/api/usage"])
@pytest.mark.parametrize("query", [f"token={TOKEN}", f"wait=1&token={TOKEN}", "token=", "TOKEN=x", f"provider={TOKEN}", TOKEN])
def test_a_token_in_the_address_is_400_even_beside_the_right_header(path: str, query: str) -> None:
    headers = [("Host", f"localhost:{PORT}"), ("Authorization", f"Bearer {TOKEN}")]
    refusal = check("GET", path, query, headers, port=PORT, token=TOKEN)
    assert refusal is not None
    assert refusal.status == 400
    assert TOKEN not in refusal.message


def test_a_token_beyond_ascii_can_be_met() -> None:
    sent = "Bearer schlüssel-鍵".encode().decode("latin-1")  # as the parser of headers hands it on
    headers = [("Host", f"localhost:{PORT}"), ("Authorization", sent)]
    assert check("GET", "/api/usage", "", headers, port=PORT, token="schlüssel-鍵") is None


@pytest.mark.parametrize(("sent", "refused"), [(b"k\xff\x85", False), (b"k\xff", True)], ids=["it", "another"])
def test_a_token_that_is_no_utf_8_is_compared_byte_by_byte(sent: bytes, refused: bool) -> None:
    headers = [("Host", f"localhost:{PORT}"), ("Authorization", f"Bearer {sent.decode('latin-1')}")]
    refusal = check("GET", "/api/usage", "wait=1", headers, port=PORT, token=os.fsdecode(b"k\xff\x85"))
    assert (refusal is not None) == refused


@pytest.mark.parametrize("token", ["a b", "a\tb", "schlüssel-鍵", "\xa0", os.fsdecode(b"\xff")], ids=ascii)
def test_a_token_that_a_header_can_carry_will_do(token: str) -> None:
    assert can_be_sent(token)


@pytest.mark.parametrize("token", [" ", "a ", "\ta", "a\n", "a\r\n", "a\nb", "a\0", "a\x7f"], ids=ascii)
def test_a_token_that_no_header_can_carry_will_not(token: str) -> None:
    assert not can_be_sent(token)


@pytest.mark.parametrize("wrong", [("Host", f"evil.example:{PORT}"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "null")])
def test_a_token_opens_no_other_door(wrong: tuple[str, str]) -> None:
    headers = {"Host": f"localhost:{PORT}", "Authorization": f"Bearer {TOKEN}"} | dict([wrong])
    refusal = check("GET", "/api/usage", "", list(headers.items()), port=PORT, token=TOKEN)
    assert refusal is not None
    assert refusal.status in {403, 421}


@pytest.mark.parametrize("blank", ["\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\n", "\r\n "])
@pytest.mark.parametrize("host", GOOD_HOSTS[:3])
def test_what_only_python_takes_for_a_blank_is_part_of_a_strangers_name(host: str, blank: str) -> None:
    for made in (f"{host}{blank}", f"{blank}{host}"):
        refusal = check("GET", "/api/ping", "", [("Host", made)], port=PORT, token=None)
        assert refusal is not None
        assert refusal.status == 421

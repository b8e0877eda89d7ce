"""Who may speak to the shim. One pure function, because every line of it is a promise.

The danger is not a program on this machine but a web page in the user's browser that reaches `localhost`. Four checks stop it:

* Host. A page that rebinds its own name to 127.0.0.1 sends that name: only our own three names pass. It is the only defence
  against rebinding, since same-origin GETs carry no Origin, and plain-http pages send no Sec-Fetch.
* Sec-Fetch-Site. Browsers say how the page that asks is related to us. Programs say nothing. `same-site` is refused too:
  `http://localhost:5173` is same-site with us. `none` is a typed address, but also another extension's fetch: only a navigation
  passes. A top-level navigation from elsewhere may open the page itself, which is told so and then asks for nothing
  (`is_from_elsewhere`).
* Origin. If present, it must be exactly our own.
* Token, if the user set one: also against other users of the machine. Never in a query, where it would end up in histories.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Headers = Sequence[tuple[str, str]]


#: Data at addresses that other people's tools expect: guarded as what lies under /api/.
FOREIGN = frozenset({"/usage", "/metrics"})


class Refusal:
    """An answer in place of what was asked for. `allow` is the method that a 405 names instead."""

    __slots__ = ("allow", "code", "message", "status")

    def __init__(self, status: int, code: str, message: str, *, allow: str | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.allow = allow


def can_be_sent(token: str) -> bool:
    """Whether a header can carry this token: blanks at its ends would be cut off, and control characters end a request."""
    return token == token.strip(" \t") and not any((one < " " and one != "\t") or one == "\x7f" for one in token)


def check(method: str, path: str, query: str, headers: Headers, *, port: int, token: str | None) -> Refusal | None:
    """The refusal of a request, or None if it may pass. `headers` has every header line as it came."""
    host = _one(headers, "host")
    if host is None or host.lower() not in {f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"}:
        return Refusal(421, "wrong_host", "This server answers to localhost and its own port only.")
    is_api = path.startswith("/api/") or path in FOREIGN
    if not _site_may(method, headers, is_api=is_api):
        return Refusal(403, "cross_site", "Web pages of other sites may not ask this server.")
    origins = _all(headers, "origin")
    if origins and origins != [f"http://{host.lower()}"]:
        return Refusal(403, "cross_origin", "Web pages of other origins may not ask this server.")
    if token is not None:
        return _token_refusal(headers, query, token, is_api=is_api)
    return None


def is_from_elsewhere(headers: Headers) -> bool:
    """Whether another site, or another port of this machine, has opened what was asked for."""
    return not {"same-site", "cross-site"}.isdisjoint(_all(headers, "sec-fetch-site"))


def _site_may(method: str, headers: Headers, *, is_api: bool) -> bool:
    sites = _all(headers, "sec-fetch-site")
    if not sites or sites == ["same-origin"]:
        return True
    navigates = method == "GET" and _all(headers, "sec-fetch-mode") == ["navigate"]
    if sites == ["none"]:
        return navigates
    to_the_top = _all(headers, "sec-fetch-dest") == ["document"]
    return sites in (["same-site"], ["cross-site"]) and navigates and to_the_top and not is_api


def _token_refusal(headers: Headers, query: str, token: str, *, is_api: bool) -> Refusal | None:
    from hmac import compare_digest

    if _shows_a_token(query, token):
        return Refusal(400, "token_in_query", "Send the token as `Authorization: Bearer …`, never in the address.")
    given = _one(headers, "authorization") or ""
    # Header values come as Latin-1, one character per byte; the environment need not be UTF-8 either.
    if is_api and not compare_digest(given.encode("latin-1", "replace"), b"Bearer " + os.fsencode(token)):
        return Refusal(401, "unauthorized", "This server wants `Authorization: Bearer` with the token in AIMO_TOKEN.")
    return None


def _shows_a_token(query: str, token: str) -> bool:
    """Whether an address has the token or a place for one, in any spelling."""
    from urllib.parse import unquote_to_bytes

    raw = query.encode("latin-1", "replace")
    plain = unquote_to_bytes(raw.replace(b"+", b" "))
    names = (part.partition(b"=")[0].strip().lower() for part in plain.replace(b";", b"&").split(b"&"))
    return b"token" in names or any(os.fsencode(token) in text for text in (raw, plain, unquote_to_bytes(raw)))


def _all(headers: Headers, name: str) -> list[str]:
    # HTTP's own blanks only: what else Python takes for one is part of a stranger's name.
    return [value.strip(" \t") for key, value in headers if key.lower() == name]


def _one(headers: Headers, name: str) -> str | None:
    found = _all(headers, name)
    return found[0] if len(found) == 1 else None

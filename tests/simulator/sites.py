"""What each simulated site does with a request: pages that sign a visitor in, and sources that insist on the sign-in.

Pure: a request and the state of the world in, a page or the name of a source out. The rules are those of the provider sheets;
what a *signed-in* request to a source gets is the test's business (`Simulator.set`), a refusal is decided here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, TypeAlias

from tests.simulator import canaries
from tests.simulator.people import ADA, PEOPLE, Person

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COOKIE = "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000"
_PARTITIONED = "; Path=/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=2592000"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the site sees it; header names in lower case."""

    host: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    def cookie(self, name: str) -> str | None:
        """The value of the cookie, or None."""
        morsel = SimpleCookie(self.headers.get("cookie", "")).get(name)
        return None if morsel is None else morsel.value

    @property
    def visitor(self) -> Person:
        """Whom the visit to a page signs in: `?as=NAME`, else Ada."""
        return PEOPLE[self.query.removeprefix("as=")] if self.query.startswith("as=") else ADA

    def holder(self, cookie: str, secret: str) -> Person | None:
        """The person whose session cookie this is, or None."""
        sent = self.cookie(cookie)
        return next((person for person in PEOPLE.values() if person.own(secret) == sent), None)

    @property
    def bearer(self) -> str | None:
        """The token of `Authorization: Bearer ...`, or None."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else None


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that no test programs: a visited page, a redirect, a refusal."""

    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """This person may have this source; the programmed answer goes out, with `headers` beside its own."""

    name: str
    headers: tuple[tuple[str, str], ...] = ()
    person: Person = ADA


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the sites know: the tokens they gave out, who must show a clearance cookie, and everybody's organisations.

    The tables go by a person's name: to the token, and to what Claude lists (None: any well-formed one will do).
    """

    chatgpt_tokens: Mapping[str, str]
    codex_cli_token: str
    zai_jwts: Mapping[str, str]
    clearance: frozenset[str] = frozenset()
    organizations: Mapping[str, frozenset[str] | None] = field(default_factory=dict)


Outcome: TypeAlias = Page | Source


def respond(request: Request, world: World) -> Outcome:
    """The page or the source that this request gets."""
    site, provider = _SITES[request.host]
    if provider in world.clearance and not _passes(request, world):
        return _CHALLENGE
    return site(request, world) or Page(404, "Not found")


def _passes(request: Request, world: World) -> bool:
    """Whether the bot check lets it through: a visit, a visitor who was here before, or a program with its own credential."""
    program = request.bearer in {world.codex_cli_token, canaries.OLLAMA_API_KEY, canaries.CLAUDE_OAUTH_TOKEN}
    return program or request.path == "/" or request.cookie("cf_clearance") == canaries.CLEARANCE


def _json(status: int, body: object) -> Page:
    return Page(status, json.dumps(body), (("content-type", "application/json"),))


_CHALLENGE = Page(
    403,
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>"
    "<script src='/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1'></script></body></html>",
    (("content-type", "text/html; charset=UTF-8"), ("cf-mitigated", "challenge")),
)


def _visited(title: str, cookies: tuple[str, ...], world: World, provider: str, script: str = "") -> Page:
    """A page that a person sees; it sets the site's cookies, and passes the bot check where one is demanded."""
    if provider in world.clearance:
        cookies = (*cookies, f"cf_clearance={canaries.CLEARANCE}{_PARTITIONED}")
    body = (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><script>{script}</script></body></html>"
    )
    return Page(200, body, (("content-type", "text/html; charset=utf-8"), *(("set-cookie", cookie) for cookie in cookies)))


def _claude(request: Request, world: World) -> Outcome | None:
    if (request.method, request.path) == ("GET", "/"):
        return _visited("Claude", (_claude_cookie(request.visitor),), world, "claude")
    if request.method != "GET" or not request.path.startswith("/api/organizations"):
        return None
    person = request.holder("sessionKey", canaries.CLAUDE_SESSION)
    if person is None:
        return _claude_error(403, "permission_error", "Invalid authorization", "account_session_invalid")
    # The real site may rotate the session on any answer; whoever passes headers on would pass this on too.
    rotated = (("set-cookie", _claude_cookie(person)),)
    if request.path == "/api/organizations":
        return Source("claude.organizations", rotated, person)
    organization, _, rest = request.path.removeprefix("/api/organizations/").partition("/")
    name = {"usage": "claude.usage", "prepaid/credits": "claude.prepaid_credits"}.get(rest)
    if name is None:
        return None
    if not _UUID.fullmatch(organization):
        return _claude_error(400, "invalid_request_error", "organization_uuid: Input should be a valid UUID")
    known = world.organizations.get(person.name)
    if known is not None and organization not in known:
        return _claude_error(403, "permission_error", "Invalid authorization for organization")
    return Source(name, rotated, person)


def _claude_cookie(person: Person) -> str:
    return f"sessionKey={person.own(canaries.CLAUDE_SESSION)}{_COOKIE}"


def _claude_error(status: int, kind: str, message: str, code: str | None = None) -> Page:
    error: dict[str, object] = {"type": kind, "message": message}
    if code is not None:
        error["details"] = {"error_code": code, "error_visibility": "user_facing"}
    return _json(status, {"type": "error", "error": error, "request_id": "req_SYNTHETIC"})


def _anthropic(request: Request, _world: World) -> Outcome | None:
    if (request.method, request.path) != ("GET", "/api/oauth/usage"):
        return None
    if request.bearer != canaries.CLAUDE_OAUTH_TOKEN or not request.headers.get("anthropic-beta", "").startswith("oauth-"):
        return _claude_error(401, "authentication_error", "OAuth access token is invalid.")
    return Source("claude.oauth_usage")


def _chatgpt(request: Request, world: World) -> Outcome | None:
    person = request.holder("__Secure-next-auth.session-token", canaries.CHATGPT_SESSION)
    match request.method, request.path:
        case "GET", "/":
            return _visited("ChatGPT", (_chatgpt_cookie(request.visitor),), world, "codex")
        case "GET", "/api/auth/session":
            if person is None:
                return _json(200, {"WARNING_BANNER": "do not share"})
            return Source("codex.session", (("set-cookie", _chatgpt_cookie(person)),), person)
        case "GET", "/backend-api/wham/usage":
            if (holder := _whose(world.chatgpt_tokens, request.bearer)) is not None:
                return Source("codex.usage", (), holder)
            if request.bearer == world.codex_cli_token:
                return Source("codex.cli_usage")
            message = "Provided authentication token is expired. Please try signing in again."
            return _json(401, {"error": {"message": message, "code": "token_expired"}, "status": 401})
    return None


def _chatgpt_cookie(person: Person) -> str:
    return f"__Secure-next-auth.session-token={person.own(canaries.CHATGPT_SESSION)}{_COOKIE}"


def _whose(tokens: Mapping[str, str], token: str | None) -> Person | None:
    return next((PEOPLE[name] for name, given in tokens.items() if given == token), None)


def _zai_web(request: Request, world: World) -> Outcome | None:
    if (request.method, request.path) != ("GET", "/"):
        return None
    script = f"localStorage.setItem('z-ai-open-platform-token-production', {json.dumps(world.zai_jwts[request.visitor.name])})"
    return _visited("Z.ai", (), world, "zai", script)


def _zai_api(request: Request, world: World) -> Outcome | None:
    if (request.method, request.path) != ("GET", "/api/monitor/usage/quota/limit"):
        return None
    china = request.host == "open.bigmodel.cn"
    key = canaries.ZAI_CHINA_API_KEY if china else canaries.ZAI_API_KEY
    sent = request.bearer or request.headers.get("authorization")
    if sent == key:
        return Source("zai.china_key_quota" if china else "zai.key_quota")
    person = _whose(world.zai_jwts, request.bearer)
    if person is not None and not china:
        return Source("zai.quota", (), person)
    if sent is None:
        message = "Authentication parameter not received in Header, unable to authenticate"
        return _json(200, {"code": 1001, "msg": message, "success": False})
    return _json(200, {"code": 401, "msg": "token expired or incorrect", "success": False})


def _ollama(request: Request, world: World) -> Outcome | None:
    person = request.holder("__Secure-session", canaries.OLLAMA_SESSION)
    match request.method, request.path:
        case "GET", "/":
            return _visited("Ollama", (_ollama_cookie(request.visitor),), world, "ollama")
        case "GET", "/signin":
            return Page(200, "<!DOCTYPE html><title>Sign in to Ollama</title>", (("content-type", "text/html"),))
        case "GET", "/settings":
            if person is None:
                return Page(303, "", (("location", "/signin"),))
            return Source("ollama.settings", (("set-cookie", _ollama_cookie(person)),), person)
        case ("GET", "/api/balance") | ("POST", "/api/me"):
            if request.bearer != canaries.OLLAMA_API_KEY:
                return _json(401, {"error": "unauthorized"})
            if request.query:
                return _json(400, {"error": "unsupported query parameter"})
            return Source("ollama.balance" if request.path == "/api/balance" else "ollama.me")
        case _, "/api/balance" | "/api/me":
            return _json(405, {"error": "method not allowed"})
    return None


def _ollama_cookie(person: Person) -> str:
    return f"__Secure-session={person.own(canaries.OLLAMA_SESSION)}{_COOKIE}"


_SITES: dict[str, tuple[Callable[[Request, World], Outcome | None], str]] = {
    "claude.ai": (_claude, "claude"),
    "api.anthropic.com": (_anthropic, "claude"),
    "chatgpt.com": (_chatgpt, "codex"),
    "z.ai": (_zai_web, "zai"),
    "chat.z.ai": (_zai_web, "zai"),
    "api.z.ai": (_zai_api, "zai"),
    "open.bigmodel.cn": (_zai_api, "zai"),
    "ollama.com": (_ollama, "ollama"),
}
#: host -> provider; a request for any other host is refused.
HOSTS = {host: provider for host, (_, provider) in _SITES.items()}

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
    """The request may have this source; its programmed answer goes out, with `headers` beside its own."""

    name: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the sites know: the tokens they gave out, who must show a clearance cookie, and Claude's organisations."""

    chatgpt_token: str
    codex_cli_token: str
    zai_jwt: str
    clearance: frozenset[str] = frozenset()
    organizations: frozenset[str] | None = field(default=None)  # None: any well-formed one


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
    cookie = f"sessionKey={canaries.CLAUDE_SESSION}{_COOKIE}"
    if (request.method, request.path) == ("GET", "/"):
        return _visited("Claude", (cookie,), world, "claude")
    if request.method != "GET" or not request.path.startswith("/api/organizations"):
        return None
    if request.cookie("sessionKey") != canaries.CLAUDE_SESSION:
        return _claude_error(403, "permission_error", "Invalid authorization", "account_session_invalid")
    # The real site may rotate the session on any answer; whoever passes headers on would pass this on too.
    rotated = (("set-cookie", cookie),)
    if request.path == "/api/organizations":
        return Source("claude.organizations", rotated)
    organization, _, rest = request.path.removeprefix("/api/organizations/").partition("/")
    name = {"usage": "claude.usage", "prepaid/credits": "claude.prepaid_credits"}.get(rest)
    if name is None:
        return None
    if not _UUID.fullmatch(organization):
        return _claude_error(400, "invalid_request_error", "organization_uuid: Input should be a valid UUID")
    if world.organizations is not None and organization not in world.organizations:
        return _claude_error(403, "permission_error", "Invalid authorization for organization")
    return Source(name, rotated)


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
    cookie = f"__Secure-next-auth.session-token={canaries.CHATGPT_SESSION}{_COOKIE}"
    match request.method, request.path:
        case "GET", "/":
            return _visited("ChatGPT", (cookie,), world, "codex")
        case "GET", "/api/auth/session":
            if request.cookie("__Secure-next-auth.session-token") != canaries.CHATGPT_SESSION:
                return _json(200, {"WARNING_BANNER": "do not share"})
            return Source("codex.session", (("set-cookie", cookie),))
        case "GET", "/backend-api/wham/usage":
            if request.bearer == world.chatgpt_token:
                return Source("codex.usage")
            if request.bearer == world.codex_cli_token:
                return Source("codex.cli_usage")
            message = "Provided authentication token is expired. Please try signing in again."
            return _json(401, {"error": {"message": message, "code": "token_expired"}, "status": 401})
    return None


def _zai_web(request: Request, world: World) -> Outcome | None:
    if (request.method, request.path) != ("GET", "/"):
        return None
    script = f"localStorage.setItem('z-ai-open-platform-token-production', {json.dumps(world.zai_jwt)})"
    return _visited("Z.ai", (), world, "zai", script)


def _zai_api(request: Request, world: World) -> Outcome | None:
    if (request.method, request.path) != ("GET", "/api/monitor/usage/quota/limit"):
        return None
    china = request.host == "open.bigmodel.cn"
    key = canaries.ZAI_CHINA_API_KEY if china else canaries.ZAI_API_KEY
    sent = request.bearer or request.headers.get("authorization")
    if sent == key:
        return Source("zai.china_key_quota" if china else "zai.key_quota")
    if request.bearer == world.zai_jwt and not china:
        return Source("zai.quota")
    if sent is None:
        message = "Authentication parameter not received in Header, unable to authenticate"
        return _json(200, {"code": 1001, "msg": message, "success": False})
    return _json(200, {"code": 401, "msg": "token expired or incorrect", "success": False})


def _ollama(request: Request, world: World) -> Outcome | None:
    cookie = f"__Secure-session={canaries.OLLAMA_SESSION}{_COOKIE}"
    match request.method, request.path:
        case "GET", "/":
            return _visited("Ollama", (cookie,), world, "ollama")
        case "GET", "/signin":
            return Page(200, "<!DOCTYPE html><title>Sign in to Ollama</title>", (("content-type", "text/html"),))
        case "GET", "/settings":
            if request.cookie("__Secure-session") != canaries.OLLAMA_SESSION:
                return Page(303, "", (("location", "/signin"),))
            return Source("ollama.settings", (("set-cookie", cookie),))
        case ("GET", "/api/balance") | ("POST", "/api/me"):
            if request.bearer != canaries.OLLAMA_API_KEY:
                return _json(401, {"error": "unauthorized"})
            if request.query:
                return _json(400, {"error": "unsupported query parameter"})
            return Source("ollama.balance" if request.path == "/api/balance" else "ollama.me")
        case _, "/api/balance" | "/api/me":
            return _json(405, {"error": "method not allowed"})
    return None


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

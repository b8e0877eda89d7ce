"""Each way to each provider: is there a credential (yes or no, never its value), how did the last attempt end, when is the next.

Asks no provider and starts no program; every word about a credential or a failure comes from the tables here and in `gauge`.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from aimo_host import routes
from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.merge import feed
from aimo_host.gauge.problems import CODES, Problem
from aimo_host.routes import LEAST_APART, REST_AFTER_FAILURE, claude_files, codex_files, ollama_local
from aimo_host.routes import browser as browser_route
from aimo_host.setup.checks import NOTE, OK, PROBLEM, Finding, local, note, problem
from aimo_host.state import attempts, presence, secrets, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from aimo_host.setup.checks import Case
    from aimo_host.state.attempts import Attempt

    #: Whether there is something to try (None: only trying tells), and what to say of it.
    Credential: TypeAlias = Callable[[Case], tuple[bool | None, str]]

_MOST_PROFILES = 3
_VAULT = "zai_bitwarden"
_KEYS = {"zai": ("ZAI_API_KEY", "Z_AI_API_KEY"), "ollama": ("OLLAMA_API_KEY",)}
_REGIONS = {"global", "china"}
#: Route -> what a person calls it.
_WAYS = {
    browser_route.NAME: "in the browser",
    "claude_code_cache": "Claude Code's own files",
    "claude_oauth": "Claude Code's sign-in",
    "codex_auth_json": "the CLI's sign-in",
    "codex_app_server": "the CLI itself",
    "codex_session_logs": "the CLI's session logs",
    "zai_api_key": "a key",
    _VAULT: "a key in Bitwarden",
    "ollama_api_key": "a key",
    "ollama_local": "the Ollama on this machine",
}
#: Nobody has set the provider up; or nobody can do anything about it but wait.
_NOT_SET_UP = {"not_signed_in", "no_credential", "no_browser", "disabled"}
_PASSING = {"rate_limited", "provider_down"}
_REMEDIES = {
    "not_signed_in": "Sign in at {sign_in}",
    "sign_in_expired": "Sign in again: at {sign_in}, or with the program whose sign-in it is.",
    "no_credential": "Sign in at {sign_in}, or give aimo a key.",
    "bad_credential": "Put a key that is valid in the place of this one, and see to the region.",
    "scope_missing": "Sign in anew with the program whose sign-in it is.",
    "wrong_account": "Choose the organisation in the extension's options.",
    "browser_check": "Open {home} , leave the tab open, and refresh.",
    "no_browser": "Open the browser that has the extension.",
    "disabled": "Switch it on in the extension's options.",
    "rate_limited": "Wait.",
    "provider_down": "Wait.",
    "unreachable": "See to the network and to the variables above, then run `aimo refresh --provider {provider}`.",
    "unexpected_answer": "Update aimo; if that does not help, report the shape below.",
    "internal": "Report it, with the newest lines of the log that `aimo paths` names.",
}
_OTHER_REMEDY = "Open {usage_page} and see what it says."


def keys(case: Case) -> list[Finding]:
    """Keys in the environment or `.env` that could not be sent, and a region that there is not."""
    where, environ = case.system.paths, case.system.environ
    findings = [
        problem(f"{name} is set, and its value cannot be a key.", f"Correct {name} in the environment or in {where.env}.")
        for names in _KEYS.values()
        for name in names
        if (secrets.get(where, environ, name) or "").strip() and secrets.load(where, environ, name) is None
    ]
    if (secrets.load(where, environ, "ZAI_REGION") or "global").lower() not in _REGIONS:
        findings.append(problem("ZAI_REGION is neither global nor china.", "Correct or unset ZAI_REGION."))
    return findings


def providers(case: Case) -> list[Finding]:
    """Each provider's routes, and how they are."""
    tried = attempts.read(case.system.paths, case.now)
    return [finding for provider in PROVIDERS for finding in _provider(case, provider, tried)] + keys(case)


def _provider(case: Case, provider: str, tried: dict[str, Attempt]) -> list[Finding]:
    mode = settings.read(case.system.paths)["providers"][provider]
    name = PROVIDERS[provider]["name"]
    if mode == "off":
        return [note(f"{name} is switched off.")]
    prefix = feed(provider, browser_route.NAME, "*").removesuffix("*")
    profiles = sorted((one for key, one in tried.items() if key.startswith(prefix)), key=lambda one: -one.asked)
    free = [(route, None) for route in routes.FREE.get(provider, ())]
    own = [(route, tried.get(feed(provider, route))) for route in routes.SERVER_SIDE.get(provider, ())]
    lines = [(browser_route.NAME, one) for one in profiles[:_MOST_PROFILES]] + free + own
    is_read = any(one is not None and one.asked and one.code is None for _, one in lines)
    findings = [_route(case, provider, route, one, quiet=is_read) for route, one in lines]
    if mode == "auto" and not is_read:
        # Never set up, so nobody misses it: no reason to send the person anywhere.
        return [_hushed(finding, one) for finding, (_, one) in zip(findings, lines, strict=True)]
    return findings


def _hushed(finding: Finding, attempt: Attempt | None) -> Finding:
    is_dormant = attempt is not None and attempt.code in _NOT_SET_UP
    return replace(finding, level=NOTE) if is_dormant and finding.level == PROBLEM else finding


def _route(case: Case, provider: str, route: str, attempt: Attempt | None, *, quiet: bool) -> Finding:
    """One line about one route; `quiet` if the provider can be read by another way."""
    found, words = _CREDENTIALS[route](case) if route in _CREDENTIALS else (True, "")
    was_tried = attempt is not None and bool(attempt.asked)
    parts = [words] if words else []
    if attempt is not None and attempt.asked:
        at = local(attempt.asked)
        parts.append(f"read {at}" if attempt.code is None else f"failed {at}: {_what(provider, route, attempt)}")
        parts += [f"rests until {local(until)}" for until in [_rests_until(route, attempt)] if until > case.now]
    elif found is not False and route not in routes.FREE.get(provider, ()):
        parts.append("not tried yet")
    text = f"{PROVIDERS[provider]['name']}, {_WAYS[route]}: {'; '.join(parts)}"
    code = attempt.code if attempt is not None and attempt.asked and attempt.code in CODES else None
    codes = {"provider": provider, "route": route, "code": code}
    if attempt is None or not attempt.asked or attempt.code is None:
        return Finding(OK if found or (found is None and was_tried) else NOTE, text, codes=codes)
    needs = attempt.code
    if needs == "unreachable" and route == browser_route.NAME and not _is_a_browser_open(case):
        needs = "no_browser"
    remedy = _REMEDIES.get(needs, _OTHER_REMEDY).format_map({**PROVIDERS[provider], "provider": provider})
    return Finding(NOTE if quiet or attempt.code in _PASSING else PROBLEM, text, remedy, codes=codes)


def _is_a_browser_open(case: Case) -> bool:
    return any(facts.get("kind") == "host" for facts in presence.present(case.system.paths.presence_dir))


def _what(provider: str, route: str, attempt: Attempt) -> str:
    """The sentence of a failure; a code that is none of ours is not repeated."""
    if attempt.code not in CODES:
        return "for an unknown reason"
    if attempt.code == "sign_in_expired" and route != browser_route.NAME:
        return "the saved sign-in is out of date"
    return Problem(provider, attempt.code, "local" if route == "ollama_local" else None).sentence.rstrip(".")


def _rests_until(route: str, attempt: Attempt) -> float:
    rest = (
        LEAST_APART.get(route, 0.0)
        if attempt.code is None
        else max(LEAST_APART.get(route, 0.0), REST_AFTER_FAILURE.get(route, 0.0))
    )
    return max(attempt.asked + rest, attempt.retry_at or 0.0)


def let_the_vault_be_asked(case: Case) -> None:
    """Forget that Bitwarden gave no key, so that the next refresh asks it again: who calls the doctor may have unlocked it."""
    name = feed("zai", _VAULT)
    if attempts.of(case.system.paths, name, case.now).code is None:
        return

    def forget(attempt: Attempt) -> None:
        attempt.asked, attempt.code = 0.0, None

    try:
        attempts.note(case.system.paths, name, forget, case.now)
    except OSError:
        return  # a disk that cannot be written: the checks of files say so


def _is_there(found: object, yes: str, no: str) -> tuple[bool, str]:
    return bool(found), yes if found else no


def _free(route: str) -> Credential:
    def look(case: Case) -> tuple[bool, str]:
        found = routes.read(route, routes.Context(case.system.paths, case.system.environ, time.time))
        return _is_there(found, "hold a reading", "hold no reading")

    return look


def _claude_token(case: Case) -> tuple[bool, str]:
    return _is_there(claude_files.credentials(case.system.environ).get("accessToken"), "found", "not in its credentials file")


def _codex_token(case: Case) -> tuple[bool, str]:
    environ = case.system.environ
    record = codex_files.sign_in(environ) or {}
    if codex_files.token(record) is None:
        return False, "kept in the system keyring" if codex_files.keeps_it_in_keyring(environ) else "not in auth.json"
    return (False, "found, but out of date") if codex_files.has_expired(record, case.now) else (True, "found")


def _program(name: str) -> Credential:
    return lambda case: _is_there(
        shutil.which(name, path=case.system.environ.get("PATH", "")), f"`{name}` is on the PATH", f"`{name}` is not on the PATH"
    )


def _key(provider: str) -> Credential:
    names = _KEYS[provider]
    return lambda case: _is_there(
        secrets.load(case.system.paths, case.system.environ, *names), "found", f"no {names[0]} in the environment or .env"
    )


def _vault(case: Case) -> tuple[bool | None, str]:
    item = secrets.get(case.system.paths, case.system.environ, "AIMO_BITWARDEN_ITEM")
    return (False, "switched off") if item is not None and not item.strip() else _program("bw")(case)


def _local(case: Case) -> tuple[bool | None, str]:
    is_here = ollama_local.base_url(case.system.environ.get("OLLAMA_HOST", ""))
    return (None, "") if is_here else (False, "not asked, since OLLAMA_HOST names another one")


#: Route -> whether there is something for it, in words. A route that is missing here is told of by its attempts alone.
_CREDENTIALS: dict[str, Credential] = {
    "claude_code_cache": _free("claude_code_cache"),
    "claude_oauth": _claude_token,
    "codex_session_logs": _free("codex_session_logs"),
    "codex_auth_json": _codex_token,
    "codex_app_server": _program("codex"),
    "zai_api_key": _key("zai"),
    _VAULT: _vault,
    "ollama_api_key": _key("ollama"),
    "ollama_local": _local,
}

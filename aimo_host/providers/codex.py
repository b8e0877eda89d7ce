"""Codex: what the usage of a ChatGPT plan says, from the site, from the CLI's app server and from its session logs.

A limit on these checks is never a used-up quota, a wrong workspace or a bot check never a sign-out. E-mails and user ids in the
answers are not read. Pure.
"""

from __future__ import annotations

import re

from aimo_host.gauge.model import Ask, Usage
from aimo_host.gauge.problems import Problem
from aimo_host.providers.answers import is_html, problem_of
from aimo_host.providers.codex_usage import budget, credits_balance, main_windows, pool_windows, pools, refusal, saved_resets
from aimo_host.providers.fields import load, mapping, text
from aimo_host.providers.labels import distinct, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.gauge.model import Answer, AuthSource, Conversation, Window

#: A body without any of these is not an answer about usage.
_KNOWN_KEYS = frozenset(
    {"rate_limit", "additional_rate_limits", "code_review_rate_limit", "credits", "spend_control", "plan_type"}
)
_WRONG_WORKSPACE = frozenset({"invalid_workspace_selected", "codex_workspace_access_denied", "workspace_access_denied"})

_PLAN_LABELS = {
    "prolite": "Pro 5x",
    "pro_lite": "Pro 5x",
    "pro-lite": "Pro 5x",
    "self_serve_business_usage_based": "Business (usage-based)",
    "enterprise_cbp_usage_based": "Enterprise (usage-based)",
    "hc": "Enterprise",
    "free_workspace": "Free workspace",
}


def browse(memory: dict[str, str], now: float, account: str | None = None) -> Conversation:  # noqa: ARG001 - every provider's is called alike
    """Ask for the usage of the signed-in account, or of the workspace `account` (its raw identifier)."""
    (answer,) = yield (Ask("codex.usage", {"account": account} if account else {}),)
    return parse_usage(answer, now, account=account)


def parse_usage(answer: Answer, now: float, auth_source: AuthSource = "session", account: str | None = None) -> Usage | Problem:
    """An answer of `wham/usage`, through the browser or with the CLI's token (`auth_source="oauth"`).

    `account` is the workspace that was asked for: an answer about another one is no answer.
    """
    problem = _problem(answer, now, auth_source)
    if problem is not None:
        return problem
    body = load(answer.body)
    if not isinstance(body, dict) or body.get("error") or _KNOWN_KEYS.isdisjoint(body):
        return Problem("codex", "unexpected_answer")
    found = text(body.get("account_id"))
    if account and found and found != account:
        return Problem("codex", "wrong_account")
    return _usage(body, now, auth_source, found or account)


def parse_app_server(result: Any, now: float) -> Usage | Problem:
    """The `result` of `account/rateLimits/read`. It names no account."""
    body = mapping(_snake(result))
    by_id = mapping(body.get("rate_limits_by_limit_id"))
    single = mapping(body.get("rate_limits"))
    if text(single.get("limit_id")) not in (None, "codex"):
        by_id, single = {str(single["limit_id"]): single, **by_id}, {}
    main = mapping(by_id.get("codex")) or single
    others = {key: mapping(limits) for key, limits in by_id.items() if key != "codex"}
    if not main and not others:
        return Problem("codex", "unexpected_answer")
    whole = {
        **main,
        "rate_limit": main,
        "additional_rate_limits": [
            {"limit_name": limits.get("limit_name"), "metered_feature": key, "rate_limit": limits}
            for key, limits in others.items()
        ],
        "rate_limit_reset_credits": body.get("rate_limit_reset_credits"),
    }
    return _usage(whole, now, "cli", None)


def parse_log_rate_limits(value: Any, now: float) -> Usage | None:
    """`payload.rate_limits` of a session log's line, `now` being the line's own time; None if it is not about the main limit.

    On exhaustion the CLI writes lines of other limits without windows, and Spark has lines of its own: neither counts.
    """
    limits = mapping(value)
    if limits.get("limit_id") not in (None, "codex") or not main_windows(limits, now):
        return None
    usage = _usage({**limits, "rate_limit": limits}, now, "file", None)
    return usage if isinstance(usage, Usage) else None


def _usage(body: dict[str, Any], now: float, auth_source: AuthSource, account: str | None) -> Usage | Problem:
    main = main_windows(body.get("rate_limit"), now)
    if main is None:
        return Problem("codex", "unexpected_answer")
    windows: list[Window] = [*main, *pools(body.get("additional_rate_limits"), now)]
    windows += pool_windows("code review", body.get("code_review_rate_limit"), now, "other")
    meters, budgets = budget(body, now)
    credit = credits_balance(body.get("credits"))
    blocked = refusal(body, main)
    if not windows and not meters and credit is None and blocked is None:
        return Problem("codex", "no_plan")
    plan = text(body.get("plan_type"))
    return Usage(
        auth_source=auth_source,
        account=account,
        plan=plan,
        plan_label=plan_label(plan),
        windows=distinct([*windows, *meters]),
        balances=(*budgets, *((credit,) if credit else ()), *saved_resets(body.get("rate_limit_reset_credits"))),
        blocked=blocked,
    )


def plan_label(raw: str | None) -> str | None:
    """A plan for people; an unknown one is its own words, capitalised."""
    if raw is None:
        return None
    return _PLAN_LABELS.get(raw.lower()) or " ".join(word.capitalize() for word in words(raw)) or None


def _snake(value: Any, levels: int = 5) -> Any:
    """The app server's camelCase keys in the spelling of the site and the logs, down to where a limit ends."""
    if not isinstance(value, dict) or not levels:
        return value
    return {
        re.sub(r"(?<=[a-z])[A-Z]", lambda match: f"_{match[0].lower()}", str(key)): _snake(item, levels - 1)
        for key, item in value.items()
    }


def _problem(answer: Answer, now: float, auth_source: AuthSource) -> Problem | None:
    """Codex' own rows first, then what means the same everywhere."""
    problem = problem_of("codex", answer, now)
    if problem is None or answer.failed is not None or answer.status not in (401, 403) or problem.code == "browser_check":
        return problem
    body = mapping(load(answer.body))
    places = (mapping(body.get("detail")), mapping(body.get("error")), body)
    if any(text(place.get("code")) in _WRONG_WORKSPACE for place in places):
        return Problem("codex", "wrong_account")
    if answer.status == 403:
        # This site answers programs in JSON: a page with 403 is the guard in front of it, in whatever words.
        return Problem("codex", "browser_check") if is_html(answer) else problem
    if auth_source == "oauth":
        return Problem("codex", "sign_in_expired", "cli", program="Codex", command="codex")
    return problem

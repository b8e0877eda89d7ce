"""What ollama.com and a local Ollama answer, made up for a given moment: the JSON API in all its shapes, and every failure.

The settings page is in `ollama_page.py`. One builder for the unit tests, the simulator and `aimo demo`. All figures are
invented; nothing outside tests and the demo may take them for a reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aimo_host.gauge.model import Answer
from aimo_host.gauge.times import iso
from aimo_host.samples import BOT_CHECK, json_answer, page_answer

if TYPE_CHECKING:
    from collections.abc import Callable

_HOUR = 3600
_DAY = 24 * _HOUR
#: 1970-01-05, the first Monday: weekly windows end on Mondays at 00:00 UTC.
_FIRST_MONDAY = 4 * _DAY

Body = dict[str, Any]


def session_end(now: float) -> float:
    """When the 5-hour window of a legacy plan ends: multiples of 18000 seconds."""
    return now - now % 18000 + 18000


def week_end(now: float) -> float:
    """When the weekly window of a legacy plan ends: Monday 00:00 UTC."""
    return now - (now - _FIRST_MONDAY) % (7 * _DAY) + 7 * _DAY


def month_end(now: float) -> float:
    """When the monthly allowance of a credit plan ends: seventeen days from the coming midnight."""
    return now - now % _DAY + 18 * _DAY


def legacy(now: float, session: float = 83.5, weekly: float = 29, purchased: float = 0) -> Body:
    """`/api/balance` of a legacy plan; the percentages are what REMAINS."""
    return {
        "included": {
            "session": {"remaining_percent": session, "resets_at": iso(session_end(now))},
            "weekly": {"remaining_percent": weekly, "resets_at": iso(week_end(now))},
        },
        "purchased": {"balance_usd": purchased},
    }


def credits_plan(now: float, balance: float = 41.25, allowance: float = 60, purchased: float = 10) -> Body:
    """`/api/balance` of a credit plan, in dollars; `balance` is what REMAINS of the allowance."""
    period = {"from": iso(month_end(now) - 30 * _DAY), "until": iso(month_end(now))}
    return {
        "included": {"balance_usd": balance, "allowance_usd": allowance, "period": period},
        "purchased": {"balance_usd": purchased},
    }


def former_usage(session: float | None = 0.31, weekly: float | None = 0.07) -> Body:
    """`/api/usage` as it was until September 2026: fractions USED, no resets."""
    limits = {
        "session": {"usage": session, "models": [{"name": "m-a", "request_count": 4}]},
        "weekly": {"usage": weekly, "models": {}},
    }
    return {"activity": {"cost": "0.00000", "period": {"type": "last_4_weeks"}, "models": []}, "limits": limits}


def history(now: float) -> Body:
    """`/api/usage` as it is now: what was used when, which says nothing of what is left."""
    totals = {"request_count": 12, "usage_usd": 0.021, "input_tokens": 90000, "cached_input_tokens": 30000, "output_tokens": 8000}
    bucket = {"from": iso(now - _HOUR), "until": iso(now), "partial": True} | totals
    return {"range": "24h", "scope": "self", "granularity": "hour", "totals": totals, "buckets": [bucket]}


def me(plan: str = "pro", *, capitals: bool = False) -> Body:
    """`POST /api/me`; some servers spell the keys with capitals."""
    body: Body = {"id": "b3b1f5a2-0000-4000-8000-000000000000", "email": "someone@example.com", "name": "someone", "plan": plan}
    return {key.upper() if key == "id" else key.capitalize(): value for key, value in body.items()} if capitals else body


def error(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    """How the API says no."""
    return json_answer({"error": text}, status, headers)


#: Good bodies of `/api/balance` by name, for a moment.
BALANCES: dict[str, Callable[[float], Body]] = {
    "legacy": legacy,
    "legacy_session_only": lambda now: {
        "included": {"session": legacy(now)["included"]["session"]},
        "purchased": {"balance_usd": 0},
    },
    "legacy_unused": lambda _: {"included": {"session": {"remaining_percent": 100}}, "purchased": {"balance_usd": 0}},
    "credits": credits_plan,
    "credits_used_up": lambda now: credits_plan(now, balance=0),
    "pay_as_you_go": lambda now: credits_plan(now, balance=0, allowance=0, purchased=7.5),
    "former": lambda _: former_usage(),
}


class Failure(NamedTuple):
    """An answer that is no reading, and the code and variant that it means."""

    answer: Answer
    code: str
    variant: str | None = None


_NOT_A_BALANCE: dict[str, Failure] = {
    "included_missing": Failure(json_answer({"purchased": {"balance_usd": 3}}), "unexpected_answer"),
    "included_empty": Failure(json_answer({"included": {}, "purchased": {"balance_usd": 3}}), "unexpected_answer"),
    "included_of_no_shape": Failure(json_answer({"included": {"fuel": 3}, "purchased": {"balance_usd": 3}}), "unexpected_answer"),
    "nothing_included_nothing_said": Failure(json_answer({"included": {"allowance_usd": 0}}), "no_plan"),
    "history": Failure(json_answer(history(1795340000)), "unexpected_answer"),
    "history_with_limits": Failure(json_answer(history(1795340000) | {"limits": former_usage()["limits"]}), "unexpected_answer"),
    "former_without_usage": Failure(json_answer(former_usage(None, None)), "unexpected_answer"),
    "page_for_json": Failure(page_answer("<!doctype html><title>Ollama</title>", 200), "unexpected_answer"),
    "half_a_json": Failure(Answer(200, '{"included":{"sess'), "unexpected_answer"),
    "nothing": Failure(Answer(200), "unexpected_answer"),
    "rate_limited": Failure(error(429, "too many requests", {"retry-after": "30"}), "rate_limited"),
    "outage": Failure(page_answer("<html>oh no</html>", 500), "provider_down", "status"),
}

#: What the cloud API says to somebody with a key.
CLOUD_FAILURES: dict[str, Failure] = _NOT_A_BALANCE | {
    "parameter": Failure(error(400, "unsupported query parameter"), "unexpected_answer", "status"),
    "rejected": Failure(error(401, "unauthorized"), "bad_credential", "dummy"),
    "suspended": Failure(error(403, "account suspended"), "unexpected_answer", "denied"),
    "missing": Failure(error(404, "not found"), "unexpected_answer", "moved"),
    "challenge": Failure(BOT_CHECK, "browser_check"),
    "network": Failure(Answer(failed="network"), "unreachable"),
    "timeout": Failure(Answer(failed="timeout"), "unreachable", "timeout"),
}

_SIGNIN_URL = "https://ollama.com/connect?name=laptop&key=c3NoLWVkMjU1MTkgQUFBQQ"

#: What the user's own Ollama says.
LOCAL_FAILURES: dict[str, Failure] = _NOT_A_BALANCE | {
    "not_running": Failure(Answer(failed="network"), "unreachable", "local"),
    "slow": Failure(Answer(failed="timeout"), "unreachable", "local"),
    "not_signed_in": Failure(json_answer({"error": "unauthorized", "signin_url": _SIGNIN_URL}, 401), "not_signed_in", "local"),
    "cloud_off": Failure(error(403, "ollama cloud is disabled: remote inference is unavailable"), "unreachable", "cloud_off"),
    "suspended": Failure(error(403, "account suspended"), "unexpected_answer", "denied"),
    "too_old": Failure(Answer(404, "404 page not found", {"content-type": "text/plain"}), "unexpected_answer", "old_version"),
    "no_way_out": Failure(error(502, "dial tcp: lookup ollama.com: no such host"), "unreachable"),
    "account_unavailable": Failure(error(503, "account unavailable"), "provider_down", "status"),
}


def answers(now: float, variant: str = "default") -> dict[str, Answer]:
    """Source -> answer, for a name of the page's `PAGES` or `PAGE_FAILURES`. `now` is in epoch seconds.

    Raises:
        KeyError: there is no such variant.
    """
    from aimo_host.samples import ollama_page

    return {"ollama.settings": ollama_page.settings(now, variant)}

"""What Z.ai's quota endpoint answers, made up for a given moment: every generation of plan, every odd shape, every failure.

One builder for the unit tests, the simulator and `aimo demo`. All figures are invented; nothing outside tests and the demo may
take them for a reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aimo_host.gauge.model import Answer
from aimo_host.samples import BOT_CHECK, json_answer, page_answer

if TYPE_CHECKING:
    from collections.abc import Callable

_HOUR = 3600
_DAY = 24 * _HOUR

Entry = dict[str, Any]


def _milliseconds(instant: float) -> int:
    return int(instant) * 1000


def session(now: float, kind: str = "TOKENS_LIMIT", **fields: Any) -> Entry:
    """The 5-hour window, 22 % used, ending in two hours and ten minutes."""
    return {"type": kind, "unit": 3, "number": 5, "percentage": 22, "nextResetTime": _milliseconds(now + 7800)} | fields


def weekly(now: float, kind: str = "TOKENS_LIMIT", **fields: Any) -> Entry:
    """The weekly window, 61 % used, ending in four and a half days."""
    return {"type": kind, "unit": 6, "number": 1, "percentage": 61, "nextResetTime": _milliseconds(now + 4.5 * _DAY)} | fields


def tools(now: float, **fields: Any) -> Entry:
    """The monthly tool calls: 37 of 1000."""
    details = [{"modelCode": name, "usage": used} for name, used in (("search-prime", 30), ("web-reader", 7), ("zread", 0))]
    entry = {"type": "TIME_LIMIT", "unit": 5, "number": 1, "usage": 1000, "currentValue": 37, "remaining": 963, "percentage": 3}
    return entry | {"nextResetTime": _milliseconds(now + 17 * _DAY), "usageDetails": details} | fields


def credit_session(now: float, **fields: Any) -> Entry:
    """The 5-hour window of a credit plan: 264 of 12000."""
    return session(now, "CREDIT_LIMIT", usage=12000, currentValue=264, remaining=11736, percentage=2) | fields


def credit_weekly(now: float, **fields: Any) -> Entry:
    """The weekly window of a credit plan: 23718 of 60000."""
    return weekly(now, "CREDIT_LIMIT", usage=60000, currentValue=23718, remaining=36282, percentage=39) | fields


def without(entry: Entry, *keys: str) -> Entry:
    """`entry` less some of its keys."""
    return {key: value for key, value in entry.items() if key not in keys}


def quota(*limits: Entry, level: str | None = "pro", **envelope: Any) -> dict[str, Any]:
    """A successful answer with these limits, in this order."""
    data: dict[str, Any] = {"level": level} if level else {}
    return {"code": 200, "msg": "Operation successful", "success": True, "data": data | {"limits": list(limits)}} | envelope


def refusal(code: int, message: str) -> dict[str, Any]:
    """How most failures arrive: with HTTP 200."""
    return {"code": code, "msg": message, "success": False}


def _unstarted(entry: Entry) -> Entry:
    return without(entry, "nextResetTime") | {"currentValue": 0, "remaining": entry.get("usage", 0), "percentage": 0}


#: Good answers by name; each makes the body for a moment.
VARIANTS: dict[str, Callable[[float], dict[str, Any]]] = {
    "default": lambda now: quota(tools(now), session(now), weekly(now)),
    "v1": lambda now: quota(session(now), tools(now), level="lite"),
    "v1_unitless": lambda now: quota(without(session(now), "unit", "number"), level="lite"),
    "v2": lambda now: quota(tools(now), session(now), weekly(now)),
    "v2_unitless": lambda now: quota(without(weekly(now), "unit", "number"), without(session(now), "unit", "number"), tools(now)),
    "v2_end_of_week": lambda now: quota(session(now), weekly(now, percentage=97, nextResetTime=_milliseconds(now + _HOUR))),
    "v3": lambda now: quota(credit_session(now), credit_weekly(now)),
    "v3_unstarted": lambda now: quota(_unstarted(credit_session(now)), credit_weekly(now), level="lite"),
    "v3_used_up": lambda now: quota(
        credit_session(now), credit_weekly(now, usage=10000, currentValue=10004, remaining=0, percentage=100), level="lite"
    ),
    "mixture": lambda now: quota(session(now), weekly(now), credit_session(now), credit_weekly(now), tools(now)),
    "root_limits": lambda now: {"code": 200, "success": True, "limits": [session(now), weekly(now)]},
    "data_is_limits": lambda now: {"code": 200, "success": True, "data": [session(now), weekly(now)]},
    "lower_case": lambda now: quota(session(now, "tokens_limit"), weekly(now, "tokens_limit"), level="Max"),
    "name_for_type": lambda now: quota(without(session(now), "type") | {"name": "TOKENS_LIMIT"}),
    "numbers_as_text": lambda now: quota(
        {key: str(value) if key != "usageDetails" else value for key, value in credit_session(now).items()}
    ),
    "week_as_seven_days": lambda now: quota(session(now), weekly(now, number=7)),
    "unknown_unit": lambda now: quota(session(now), weekly(now, unit=9, number=2)),
    "unknown_type": lambda now: quota(session(now, "VIDEO_LIMIT", unit=4, number=1)),
}


class Failure(NamedTuple):
    """An answer that is no reading: what it says to somebody who came with a key, and with the web page's token."""

    answer: Answer
    by_key: str
    by_token: str


def _same(given: Answer, code: str) -> Failure:
    return Failure(given, code, code)


def _rejected(given: Answer) -> Failure:
    return Failure(given, "bad_credential", "sign_in_expired")


FAILURES: dict[str, Failure] = {
    "no_key": Failure(
        json_answer(refusal(1001, "Authentication parameter not received in Header, unable to authenticate")),
        "no_credential",
        "not_signed_in",
    ),
    "rejected": _rejected(json_answer(refusal(401, "token expired or incorrect"))),
    "auth_failed": _rejected(json_answer(refusal(1000, "Authentication Failed"))),
    "token_invalid": _rejected(json_answer(refusal(1002, "Authorization Token invalid"))),
    "token_expired": _rejected(json_answer(refusal(1003, "Authorization Token expired"))),
    "token_unverified": _rejected(json_answer(refusal(1004, "Authentication failed with provided token"))),
    "auth_other": _rejected(json_answer(refusal(1005, "Authentication Failed"))),
    "forbidden": _rejected(json_answer(refusal(403, "Forbidden"))),
    "http_401": _rejected(json_answer({"error": "unauthorized"}, 401)),
    "http_401_empty": _rejected(Answer(401)),
    "http_403": _rejected(json_answer(refusal(403, "Forbidden"), 403)),
    "http_403_page": _same(page_answer("<html><body>Blocked by your company</body></html>", 403), "unexpected_answer"),
    "http_404": _same(json_answer({"timestamp": "x", "status": 404, "path": "/api/monitor"}, 404), "unexpected_answer"),
    "http_429": _same(json_answer({}, 429, {"retry-after": "60"}), "rate_limited"),
    "http_500": _same(json_answer({"status": 500, "error": "Internal Server Error"}, 500), "provider_down"),
    "http_502_page": _same(page_answer("<html><body>Bad Gateway</body></html>", 502), "provider_down"),
    "concurrency": _same(json_answer(refusal(1302, "High concurrency usage of this API"), 429), "rate_limited"),
    "frequency": _same(
        json_answer(refusal(1303, "High frequency usage of this API"), headers={"retry-after": "90"}), "rate_limited"
    ),
    "overload": _same(json_answer(refusal(1305, "The service is busy")), "rate_limited"),
    "no_coding_plan": _same(json_answer(refusal(500, "当前用户不存在coding plan")), "no_plan"),
    "no_coding_plan_http_500": _same(json_answer(refusal(500, "No Coding Plan"), 500), "no_plan"),
    "server_fault": _same(json_answer(refusal(500, "Internal error")), "provider_down"),
    "unknown_code": _same(json_answer(refusal(7777, "?")), "unexpected_answer"),
    "refused_without_code": _same(json_answer({"success": False}), "unexpected_answer"),
    "data_null": _same(json_answer({"code": 200, "success": True, "data": None}), "no_plan"),
    "data_missing": _same(json_answer({"code": 200, "success": True}), "no_plan"),
    "data_empty": _same(json_answer({"code": 200, "success": True, "data": {}}), "no_plan"),
    "no_limits": _same(json_answer(quota()), "no_plan"),
    "limits_of_no_shape": _same(json_answer(quota() | {"data": {"limits": [1, None, {}, "x"]}}), "unexpected_answer"),
    "page_for_json": _same(page_answer("<!doctype html><title>z.ai</title>", 200), "unexpected_answer"),
    "half_a_json": _same(Answer(200, '{"code":200,"data":{"lim'), "unexpected_answer"),
    "nothing": _same(Answer(200, ""), "unexpected_answer"),
    "other_json": _same(json_answer({"hello": "world"}), "unexpected_answer"),
    "challenge": _same(BOT_CHECK, "browser_check"),
    "no_token": _same(Answer(failed="no_token"), "not_signed_in"),
    "network": _same(Answer(failed="network"), "unreachable"),
    "timeout": _same(Answer(failed="timeout"), "unreachable"),
}


def answers(now: float, variant: str = "default") -> dict[str, Answer]:
    """Source -> answer, for a name of `VARIANTS` or `FAILURES`. `now` is in epoch seconds.

    Raises:
        KeyError: there is no such variant.
    """
    given = FAILURES[variant].answer if variant in FAILURES else json_answer(VARIANTS[variant](now))
    return {"zai.quota": given}

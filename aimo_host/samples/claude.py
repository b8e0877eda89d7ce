"""Sample answers of Claude: organisations, usage in every generation, prepaid credits, and what goes wrong.

All invented. `answers` is a signed-in account, `VARIANTS` the usage bodies by name, `FAILURES` what each bad answer must become.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimo_host import samples
from aimo_host.gauge.times import iso
from aimo_host.samples import json_answer, page_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from aimo_host.gauge.model import Answer

HOUR, DAY = 3600, 86400

PERSONAL = "0a1b2c3d-0000-4000-8000-000000000001"
CONSOLE = "0a1b2c3d-0000-4000-8000-000000000002"
TEAM = "0a1b2c3d-0000-4000-8000-000000000003"
#: Of the person, not of an organisation: what Claude Code's cached answer is labelled with.
ACCOUNT = "0a1b2c3d-0000-4000-8000-0000000000aa"


def organization(
    uuid: str = PERSONAL,
    capabilities: tuple[str, ...] = ("chat", "claude_max"),
    tier: str | None = "default_claude_max_20x",
    raven_type: str | None = None,
) -> dict[str, Any]:
    """One element of `/api/organizations`."""
    return {
        "id": 1234567,
        "uuid": uuid,
        "name": "ada@example.test's Organization",
        "created_at": "2025-03-01T10:00:00.000000+00:00",
        "capabilities": list(capabilities),
        "rate_limit_tier": tier,
        "raven_type": raven_type,
        "billing_type": "stripe_subscription",
        "settings": {},
        "active_flags": [],
    }


CONSOLE_ORGANIZATION = organization(CONSOLE, ("api",), "auto_api_evaluation")

#: What `/api/organizations` lists, by variant; the others have `default`.
ORGANIZATIONS: dict[str, list[dict[str, Any]]] = {
    "default": [CONSOLE_ORGANIZATION, organization()],
    "pro": [organization(capabilities=("claude_pro", "chat"), tier="default_claude_ai")],
    "free": [organization(capabilities=("chat",), tier="default_claude_ai")],
    "team": [
        organization(capabilities=("chat",), tier="default_claude_ai"),
        organization(TEAM, ("chat", "raven"), "default_raven", "team"),
    ],
    "enterprise": [organization(TEAM, ("chat", "raven"), "default_raven_enterprise", "enterprise")],
}


def stamp(instant: float) -> str:
    """Claude's own spelling of a time: microseconds and an offset."""
    return iso(int(instant))[:-1] + ".038465+00:00"


def slot(utilization: Any, resets_at: float | None = None, **more: Any) -> dict[str, Any]:
    """A window in the old spelling."""
    return {
        "utilization": utilization,
        "resets_at": None if resets_at is None else stamp(resets_at),
        "limit_dollars": None,
        "used_dollars": None,
        "remaining_dollars": None,
        **more,
    }


def limit(
    kind: str, percent: Any, resets_at: float | None = None, model: str | None = None, group: str | None = None
) -> dict[str, Any]:
    """A row of `limits`."""
    return {
        "kind": kind,
        "group": group or ("session" if kind == "session" else "weekly"),
        "percent": percent,
        "severity": "normal",
        "resets_at": None if resets_at is None else stamp(resets_at),
        "scope": {"model": {"id": None, "display_name": model}, "surface": None} if model else None,
        "is_active": kind == "session",
    }


def money(minor: float, currency: str = "USD", exponent: int | None = 2) -> dict[str, Any]:
    """An amount in minor units."""
    return {"amount_minor": minor, "currency": currency, "exponent": exponent}


def spend(used: float = 1234, cap: float | None = 5000, percent: float = 25, **more: Any) -> dict[str, Any]:
    """Paid overflow in the new spelling."""
    return {
        "used": money(used),
        "limit": None if cap is None else money(cap),
        "percent": percent,
        "severity": "normal",
        "enabled": True,
        "disabled_reason": None,
        "cap": {"money": None, "credits": None if cap is None else {"amount_minor": cap, "exponent": 2}},
        "balance": None,
        "auto_reload": None,
        "can_purchase_credits": False,
        "can_toggle": False,
        **more,
    }


def extra_usage(
    used: float | None = 1234.0, cap: float | None = 5000, utilization: float | None = 24.68, **more: Any
) -> dict[str, Any]:
    """Paid overflow in the old spelling."""
    return {
        "is_enabled": True,
        "monthly_limit": cap,
        "used_credits": used,
        "utilization": utilization,
        "currency": "USD",
        "decimal_places": 2,
        "disabled_reason": None,
        "user_disabled": False,
        "spend_limit_reached": False,
        "credits_ever_enabled": True,
        "daily": None,
        "weekly": None,
        **more,
    }


#: Slots that are there and say nothing.
_NULL_SLOTS: dict[str, Any] = {
    "seven_day_opus": None,
    "seven_day_sonnet": None,
    "seven_day_oauth_apps": None,
    "seven_day_cowork": None,
    "seven_day_omelette": None,
    "tangelo": None,
    "iguana_necktie": None,
    "omelette_promotional": None,
    "amber_ladder": None,
    "cinder_cove": None,
}


def usage(now: float) -> dict[str, Any]:
    """Today's generation: old slots and `limits` side by side, model windows only in `limits`."""
    session, week = now + 2.2 * HOUR, now + 3.4 * DAY
    return {
        "five_hour": slot(47.0, session),
        "seven_day": slot(61.0, week),
        **_NULL_SLOTS,
        "nimbus_quill": slot(0.0),
        "limits": [
            limit("session", 47, session),
            limit("weekly_all", 61, week),
            limit("weekly_scoped", 100, week, "Fable"),
            limit("weekly_scoped", 4, week, "Sonnet"),
        ],
        "extra_usage": extra_usage(),
        "spend": spend(),
        "member_dashboard_available": False,
        "cedar_ember": None,
    }


def legacy(now: float) -> dict[str, Any]:
    """2025's generation: slots only."""
    session, week = now + HOUR, now + 5 * DAY
    return {
        "five_hour": slot(12.5, session),
        "seven_day": slot(33.0, week),
        "seven_day_opus": slot(71.0, week),
        "seven_day_sonnet": slot(5.0, week),
        "seven_day_oauth_apps": None,
    }


def limits_only(now: float) -> dict[str, Any]:
    """Where the old slots are going: only `limits`."""
    return {
        "limits": [
            limit("session", 8, now + 4 * HOUR),
            limit("weekly_all", 19, now + 6 * DAY),
            limit("weekly_scoped", 27, now + 6 * DAY, "Fable"),
        ]
    }


def not_started(now: float) -> dict[str, Any]:
    """Nobody has written anything since the last reset."""
    return {
        "five_hour": slot(0.0),
        "seven_day": slot(13.0, now + 2 * DAY),
        "limits": [limit("session", 0), limit("weekly_all", 13, now + 2 * DAY), limit("weekly_scoped", 0, None, "Fable")],
        "extra_usage": extra_usage(None, None, None, is_enabled=False, user_disabled=True),
    }


def seat(now: float) -> dict[str, Any]:  # noqa: ARG001 - every variant is made from the time
    """An enterprise seat paid by use: no windows, only money."""
    nulls = {"five_hour": None, "seven_day": None, **_NULL_SLOTS, "limits": []}
    return {**nulls, "extra_usage": extra_usage(30550.0, 100000, 30.55), "spend": spend(30550, 100000, 31)}


def uncapped(now: float) -> dict[str, Any]:
    """Overflow without a cap: money spent, and no percentage."""
    return {**usage(now), "extra_usage": extra_usage(1234.0, None, None), "spend": spend(1234, None, 0)}


def out_of_credits(now: float) -> dict[str, Any]:
    """The week is used up and so is the money."""
    body = {**limits_only(now), "spend": spend(5000, 5000, 100, enabled=False, disabled_reason="out_of_credits")}
    body["limits"][1]["percent"] = 104
    return body


def promotion(now: float) -> dict[str, Any]:
    """A one-time credit beside the windows, in whole dollars; its `resets_at` is its end."""
    credit = slot(25.0, now + 30 * DAY, limit_dollars=1000, used_dollars=250.0, remaining_dollars=750.0)
    return {**limits_only(now), "cinder_cove": credit}


def codenames(now: float) -> dict[str, Any]:
    """Slots under names that mean nothing to anybody outside, some in use."""
    return {
        **limits_only(now),
        "tangelo": None,
        "nimbus_quill": slot(0.0),
        "iguana_necktie": slot(3.0, now + 6 * DAY),
        "seven_day_omelette": slot(9.0, now + 6 * DAY),
        "seven_day_cowork": slot(0.0, now + 6 * DAY),
    }


VARIANTS: dict[str, Callable[[float], dict[str, Any]]] = {
    "default": usage,
    "legacy": legacy,
    "limits_only": limits_only,
    "not_started": not_started,
    "pro": legacy,
    "free": lambda now: {"five_hour": slot(82.0, now + HOUR), "seven_day": None, "limits": []},
    "team": limits_only,
    "enterprise": seat,
    "uncapped": uncapped,
    "out_of_credits": out_of_credits,
    "promotion": promotion,
    "codenames": codenames,
}


def prepaid_credits(minor: float = 1000, currency: str = "USD") -> dict[str, Any]:
    """`/prepaid/credits`: what is left of money paid in advance, in minor units."""
    return {"amount": minor, "currency": currency, "auto_reload_settings": None}


def answers(now: float, variant: str = "default") -> dict[str, Answer]:
    """What a signed-in browser gets for each source."""
    listed = ORGANIZATIONS.get(variant, ORGANIZATIONS["default"])
    return {
        "claude.organizations": json_answer(listed),
        "claude.usage": json_answer(VARIANTS[variant](now)),
        "claude.prepaid_credits": json_answer(prepaid_credits()),
    }


def error(kind: str, message: str, error_code: str | None = None) -> dict[str, Any]:
    """The body of Anthropic's errors."""
    details = {"error_code": error_code, "error_visibility": "user_facing"} if error_code else {}
    return {
        "type": "error",
        "error": {"type": kind, "message": message, **({"details": details} if details else {})},
        "request_id": "req_SYNTHETIC",
    }


WRONG_ORGANIZATION = json_answer(error("permission_error", "Invalid authorization for organization"), 403)
_SCOPE = "OAuth token does not meet scope requirement user:profile"
_EXPIRED = "OAuth token has expired. Please obtain a new token or refresh your existing token."

#: In the browser: a bad answer of `claude.usage` -> its code, with its variant.
FAILURES: dict[str, tuple[Answer, str]] = {
    **samples.FAILURES,
    "401": (json_answer(error("authentication_error", "Invalid session"), 401), "sign_in_expired"),
    "web session ended": (
        json_answer(error("permission_error", "Invalid authorization", "account_session_invalid"), 403),
        "not_signed_in",
    ),
    "web session ended, without details": (json_answer(error("permission_error", "Invalid authorization"), 403), "not_signed_in"),
    "wrong organisation": (WRONG_ORGANIZATION, "wrong_account"),
    "region": (
        json_answer({"error": {"message": "We are unable to serve your request. Please contact support."}}, 403),
        "region_blocked",
    ),
    "other 403": (json_answer(error("permission_error", "No."), 403), "unexpected_answer.denied"),
    "403 page of a company proxy": (page_answer("<html>Forbidden by policy</html>", 403), "unexpected_answer.denied"),
    "malformed organisation": (json_answer(error("invalid_request_error", "Bad uuid"), 400), "unexpected_answer.status"),
    "throttled": (
        json_answer(error("rate_limit_error", "Rate limited. Please try again later."), 429, {"retry-after": "3600"}),
        "rate_limited",
    ),
    "error with 200": (json_answer({"error": {"type": "api_error", "message": "Overloaded"}}), "unexpected_answer"),
    "nothing but nulls": (json_answer({"five_hour": None, "seven_day": None, "limits": []}), "no_plan"),
    "windows of another kind": (json_answer({"limits": "none"}), "unexpected_answer"),
}

#: With Claude Code's token: what differs from the browser.
OAUTH_FAILURES: dict[str, tuple[Answer, str]] = {
    "token expired": (json_answer(error("authentication_error", _EXPIRED), 401), "sign_in_expired.cli"),
    "token invalid": (json_answer(error("authentication_error", "OAuth access token is invalid."), 401), "sign_in_expired.cli"),
    "token of setup-token": (json_answer(error("permission_error", _SCOPE), 403), "scope_missing"),
    "token of a dead session": (
        json_answer(error("permission_error", "Invalid authorization", "account_session_invalid"), 403),
        "sign_in_expired.cli",
    ),
}


def cached_utilization(now: float, age: float = 600, variant: str = "default") -> dict[str, Any]:
    """Claude Code's `cachedUsageUtilization`, fetched `age` seconds ago."""
    return {"fetchedAtMs": int((now - age) * 1000), "accountUuid": ACCOUNT, "utilization": VARIANTS[variant](now)}


def status_line(now: float) -> dict[str, Any]:
    """The `rate_limits` that Claude Code pipes to a status line."""
    return {
        "five_hour": {"used_percentage": 23.5, "resets_at": int(now + 2 * HOUR)},
        "seven_day": {"used_percentage": 41.2, "resets_at": int(now + 4 * DAY)},
    }

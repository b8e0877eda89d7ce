"""Sample answers of Codex: usage in every generation, workspaces, the CLI's own protocol and logs, and what goes wrong.

All invented. `answers` is a signed-in account, `VARIANTS` the usage bodies by name, `FAILURES` what each bad answer must become.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimo_host import samples
from aimo_host.samples import json_answer, page_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from aimo_host.gauge.model import Answer

HOUR, DAY = 3600, 86400
FIVE_HOURS, WEEK, MONTH = 18000, 604800, 2592000

ACCOUNT = "11111111-2222-4333-8444-555555555555"
WORKSPACE = "11111111-2222-4333-8444-666666666666"


def window(now: float, used: Any, seconds: Any, left: float) -> dict[str, Any]:
    """A window that resets in `left` seconds."""
    return {"used_percent": used, "limit_window_seconds": seconds, "reset_after_seconds": int(left), "reset_at": int(now + left)}


def rate_limit(primary: Any, secondary: Any = None, **more: Any) -> dict[str, Any]:
    """Two slots whose position means nothing."""
    return {"allowed": True, "limit_reached": False, "primary_window": primary, "secondary_window": secondary, **more}


def pool(name: str | None, feature: str | None, limits: Any) -> dict[str, Any]:
    """An element of `additional_rate_limits`."""
    return {"limit_name": name, "metered_feature": feature, "rate_limit": limits, "normal_model_slug": None}


def credits_of(balance: Any = "0", *, has: bool = False, unlimited: bool = False, **more: Any) -> dict[str, Any]:
    """The credits beside the windows."""
    return {
        "has_credits": has,
        "unlimited": unlimited,
        "overage_limit_reached": False,
        "balance": balance,
        "approx_local_messages": [0, 0],
        "approx_cloud_messages": [0, 0],
        **more,
    }


def spend_control(now: float, *, reached: bool = False, **more: Any) -> dict[str, Any]:
    """A workspace's monthly budget for this person, in credits as decimal strings."""
    return {
        "reached": reached,
        "reached_limit_type": "individual" if reached else None,
        "individual_limit": {
            "source": "workspace_spend_controls",
            "limit": "1000",
            "used": "36.797",
            "remaining": "963.203",
            "used_percent": 4,
            "remaining_percent": 96,
            "reset_after_seconds": 10 * DAY,
            "reset_at": int(now + 10 * DAY),
            **more,
        },
        "group_default_limit": None,
        "group_shared_limit": None,
        "workspace_default_limit": None,
        "workspace_shared_limit": None,
        "role_budget_limit": None,
    }


def body(limits: Any, plan: Any = "plus", account: Any = ACCOUNT, **more: Any) -> dict[str, Any]:
    """A whole answer of `wham/usage` around `rate_limit`."""
    return {
        "user_id": "user-SYNTH",
        "account_id": account,
        "email": "ada@example.test",
        "plan_type": plan,
        "rate_limit": limits,
        "code_review_rate_limit": None,
        "additional_rate_limits": None,
        "model_usage": {"gpt-6-astra": {"available": True, "available_at": None, "credits_would_enable": False}},
        "credits": credits_of(),
        "spend_control": None,
        "rate_limit_reached_type": None,
        "rate_limit_reset_credits": None,
        "promo": None,
        "referral_beacon": None,
        **more,
    }


def usage(now: float) -> dict[str, Any]:
    """Today's generation: both windows, an untouched Spark pool, one saved reset."""
    spark = rate_limit(window(now, 0, FIVE_HOURS, 5 * HOUR), window(now, 0, WEEK, 7 * DAY))
    return body(
        rate_limit(window(now, 1, FIVE_HOURS, 3.9 * HOUR), window(now, 16, WEEK, 5.6 * DAY)),
        "pro",
        additional_rate_limits=[pool("GPT-5.3-Codex-Spark", "codex_bengalfox", spark)],
        rate_limit_reset_credits={"available_count": 1, "applicable_available_count": 0},
    )


def weekly_in_primary(now: float) -> dict[str, Any]:
    """Summer 2026, when the five-hour limit was lifted."""
    return body(rate_limit(window(now, 10, WEEK, 4 * DAY)))


def swapped(now: float) -> dict[str, Any]:
    """The slots the other way round."""
    return body(rate_limit(window(now, 40, WEEK, 2 * DAY), window(now, 70, FIVE_HOURS, HOUR)))


def free(now: float) -> dict[str, Any]:
    """A free account: thirty days, in the primary slot."""
    return body(rate_limit(window(now, 55, MONTH, 12 * DAY)), "free")


def team(now: float) -> dict[str, Any]:
    """A workspace with code review and credits."""
    return body(
        rate_limit(window(now, 22, FIVE_HOURS, 2 * HOUR), window(now, 9, 2628000, 20 * DAY)),
        "team",
        WORKSPACE,
        code_review_rate_limit=rate_limit(window(now, 30, WEEK, 3 * DAY)),
        credits=credits_of("812.5", has=True),
    )


def enterprise(now: float) -> dict[str, Any]:
    """Paid by use: no windows, a monthly budget."""
    return body(
        None,
        "enterprise_cbp_usage_based",
        WORKSPACE,
        credits=credits_of(None, has=True),
        spend_control=spend_control(now),
    )


def blocked(now: float) -> dict[str, Any]:
    """The workspace's credits are gone while the bars look free."""
    limits = rate_limit(window(now, 3, FIVE_HOURS, 4 * HOUR), window(now, 5, WEEK, 6 * DAY), allowed=False)
    return body(limits, "business", WORKSPACE, rate_limit_reached_type={"type": "workspace_owner_credits_depleted"})


def exhausted(now: float) -> dict[str, Any]:
    """The week is used up; that is no error and no block."""
    limits = rate_limit(window(now, 0, FIVE_HOURS, 5 * HOUR), window(now, 100, WEEK, 2 * DAY), allowed=False, limit_reached=True)
    return body(limits, rate_limit_reached_type="rate_limit_reached")


VARIANTS: dict[str, Callable[[float], dict[str, Any]]] = {
    "default": usage,
    "plus": lambda now: body(rate_limit(window(now, 33, FIVE_HOURS, 4.6 * HOUR), window(now, 5, WEEK, 6.9 * DAY))),
    "weekly_in_primary": weekly_in_primary,
    "swapped": swapped,
    "free": free,
    "team": team,
    "enterprise": enterprise,
    "blocked": blocked,
    "exhausted": exhausted,
    "unlimited": lambda now: {**team(now), "credits": credits_of("0", has=True, unlimited=True)},
}


def answers(now: float, variant: str = "default") -> dict[str, Answer]:
    """What a signed-in browser gets for each source."""
    return {"codex.usage": json_answer(VARIANTS[variant](now))}


_TOKEN_EXPIRED = json_answer(
    {
        "error": {"message": "Provided authentication token is expired. Please try signing in again.", "code": "token_expired"},
        "status": 401,
    },
    401,
)

#: In the browser: a bad answer of `codex.usage` -> its code, with its variant.
FAILURES: dict[str, tuple[Answer, str]] = {
    **samples.FAILURES,
    "token expired": (_TOKEN_EXPIRED, "sign_in_expired"),
    "token invalidated": (json_answer({"error": {"code": "token_invalidated"}}, 401), "sign_in_expired"),
    "401 without a word": (json_answer({"error": {}, "status": 401}, 401), "sign_in_expired"),
    "wrong workspace in detail": (json_answer({"detail": {"code": "invalid_workspace_selected"}}, 401), "wrong_account"),
    "wrong workspace in error": (json_answer({"error": {"code": "codex_workspace_access_denied"}}, 403), "wrong_account"),
    "wrong workspace at the root": (json_answer({"code": "workspace_access_denied"}, 403), "wrong_account"),
    "403 page": (page_answer("<html>Unable to load site</html>", 403), "browser_check"),
    "other 403": (json_answer({"detail": "No."}, 403), "unexpected_answer.denied"),
    "error with 200": (json_answer({**body(None), "error": {"message": "Overloaded"}}), "unexpected_answer"),
    "no windows and no money": (json_answer(body(None, "enterprise", credits=None)), "no_plan"),
    "windows of another kind": (json_answer(body("unlimited")), "unexpected_answer"),
    "a window of another kind": (json_answer(body(rate_limit("33%"))), "unexpected_answer"),
}

#: With the CLI's token: what differs from the browser.
OAUTH_FAILURES: dict[str, tuple[Answer, str]] = {
    "token expired": (_TOKEN_EXPIRED, "sign_in_expired.cli"),
    "401 without a word": (json_answer({"error": {}, "status": 401}, 401), "sign_in_expired.cli"),
}


def app_server(now: float) -> dict[str, Any]:
    """The result of `account/rateLimits/read`: other names, minutes for seconds."""
    main = {
        "limitId": "codex",
        "limitName": None,
        "primary": {"usedPercent": 10, "windowDurationMins": 10080, "resetsAt": int(now + 4 * DAY)},
        "secondary": None,
        "credits": {"hasCredits": False, "unlimited": False, "balance": "0"},
        "individualLimit": None,
        "planType": "pro",
        "rateLimitReachedType": None,
    }
    spark = {
        "limitId": "codex_bengalfox",
        "limitName": "GPT-5.3-Codex-Spark",
        "primary": {"usedPercent": 2, "windowDurationMins": 300, "resetsAt": int(now + 3 * HOUR)},
        "secondary": None,
    }
    return {
        "rateLimits": main,
        "rateLimitsByLimitId": {"codex": main, "codex_bengalfox": spark},
        "rateLimitResetCredits": {"availableCount": 2},
    }


def log_rate_limits(now: float, **more: Any) -> dict[str, Any]:
    """`payload.rate_limits` of a `token_count` line in a session log."""
    return {
        "limit_id": "codex",
        "limit_name": None,
        "primary": {"used_percent": 12.5, "window_minutes": 300, "resets_at": int(now + 2 * HOUR)},
        "secondary": {"used_percent": 30.0, "window_minutes": 10080, "resets_at": int(now + 4 * DAY)},
        "credits": {"has_credits": False, "unlimited": False, "balance": "0"},
        "individual_limit": None,
        "spend_control_reached": None,
        "plan_type": "plus",
        "rate_limit_reached_type": None,
        **more,
    }

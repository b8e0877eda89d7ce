"""What an answer means whoever gave it: no connection, a bot check, "slow down", an outage, a page that moved.

Provider modules look at their own rows first and ask here for the rest. A rate limit is the provider limiting these checks; it
never says that the user's quota is used up, and a bot check never says that the user is signed out.
"""

from __future__ import annotations

from aimo_host.gauge.problems import Problem
from aimo_host.providers.fields import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimo_host.gauge.model import Answer

#: Why there is no HTTP answer at all -> code and variant. A source that the extension does not know is our own mismatch.
_FAILED: dict[str, tuple[str, str | None]] = {
    "signed_out": ("not_signed_in", None),
    "no_token": ("not_signed_in", None),
    "network": ("unreachable", None),
    "timeout": ("unreachable", "timeout"),
    "too_large": ("unexpected_answer", "too_large"),
    "unknown_source": ("internal", None),
}

#: Cloudflare's pages, in whatever language: the title is translated, the script's path and variable are not.
_BOT_CHECK_MARKS = (
    "just a moment",
    "/cdn-cgi/challenge-platform/",
    "_cf_chl_opt",
    "enable javascript and cookies to continue",
    "attention required! | cloudflare",
)


def problem_of(provider: str, answer: Answer, now: float) -> Problem | None:
    """The problem that `answer` states by its status or by not being there; None exactly for a 2xx, whose body is to be read.

    `now` is in epoch seconds. What a 401 or 403 means differs per provider; here they are the cautious reading of each.
    """
    if answer.failed is not None:
        code, variant = _FAILED.get(answer.failed, ("unreachable", None))
        return Problem(provider, code, variant)
    if answer.redirected:
        return Problem(provider, "not_signed_in")
    if is_bot_check(answer):
        return Problem(provider, "browser_check")
    if 200 <= answer.status <= 299:
        return None
    return _problem_of_status(provider, answer, now)


def _problem_of_status(provider: str, answer: Answer, now: float) -> Problem:
    status = answer.status
    if status == 429:
        return Problem(provider, "rate_limited", retry_at=retry_after(answer.headers, now))
    if status >= 500:
        retry_at = retry_after(answer.headers, now) if "retry-after" in answer.headers else None
        return Problem(provider, "provider_down", "status", status=status, retry_at=retry_at)
    if status == 401:
        return Problem(provider, "sign_in_expired")
    if status == 403:
        return Problem(provider, "unexpected_answer", "denied", status=status)
    if status == 404 or 300 <= status <= 399:
        return Problem(provider, "unexpected_answer", "moved")
    if status == 451:
        return Problem(provider, "region_blocked")
    if status <= 0:
        return Problem(provider, "unreachable")
    return Problem(provider, "unexpected_answer", "status", status=status)


def is_bot_check(answer: Answer) -> bool:
    """Whether a guard in front of the site wants to see a browser. It says nothing about the sign-in."""
    if "challenge" in answer.headers.get("cf-mitigated", "").lower():
        return True
    if 200 <= answer.status <= 299 or not is_html(answer):
        return False
    page = answer.body.lower()
    return any(mark in page for mark in _BOT_CHECK_MARKS)


def is_html(answer: Answer) -> bool:
    """Whether the body is a page, by its declared type or its first character."""
    return "html" in answer.headers.get("content-type", "").lower() or answer.body.lstrip("\ufeff \t\r\n").startswith("<")


def retry_after(headers: Mapping[str, str], now: float, default: float = 300, cap: float = 4500) -> float:
    """The instant (epoch seconds) before which not to ask again, from `Retry-After` in seconds or as an HTTP date.

    Absent, garbage, zero or past: `default` seconds from now (0 is what a nearly empty budget says; asking at once would empty
    it). Never more than `cap` seconds away. A date is measured against the answer's own `Date`, in case the local clock is wrong.
    """
    value = headers.get("retry-after", "")
    seconds = number(value)
    if seconds is None:
        until = _http_date(value)
        seconds = None if until is None else until - (_http_date(headers.get("date", "")) or now)
    if seconds is None or seconds <= 0:
        seconds = default
    return now + min(seconds, cap)


def _http_date(value: str) -> float | None:
    """Epoch seconds of an HTTP date, None for anything else."""
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

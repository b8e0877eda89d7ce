"""What Ollama's JSON answers say: the balance (from ollama.com with a key, or relayed by the user's own Ollama) and the plan.

`remaining_percent` is what is LEFT; the former `/api/usage` gave a FRACTION used; the settings page says percent USED.
Purchased credits never change a window, and an allowance of 0 is no window.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aimo_host.gauge.model import Ask, Balance, Usage, Window
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.times import instant
from aimo_host.providers.answers import is_bot_check, problem_of, retry_after
from aimo_host.providers.fields import amount, load, mapping, number, percent, text
from aimo_host.providers.labels import distinct
from aimo_host.providers.ollama_page import PLANS, address, parse_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimo_host.gauge.model import Answer, AuthSource, Conversation, Kind, State

#: The vendor allows ten checks a minute over all devices; whatever it says, waiting longer than this (seconds) helps nobody.
_LONGEST_WAIT = 900

#: The windows that bind, and their lengths in seconds; the month follows the subscription.
_SECONDS: dict[Kind, int | None] = {"session": 18000, "weekly": 604800, "monthly": None}

#: What `included` is known to hold; an answer with none of it is a shape of tomorrow.
_INCLUDED_KEYS = {"session", "weekly", "allowance_usd", "balance_usd", "period"}

#: The former API's fraction; what is far beyond 1 was no fraction.
_LARGEST_FRACTION = 2


def browse(memory: dict[str, str], now: float) -> Conversation:  # noqa: ARG001 - every provider's browse has a memory
    """One question: the settings page, as the signed-in person would see it."""
    (answer,) = yield (Ask("ollama.settings"),)
    return parse_settings(answer, now)


def parse_balance(answer: Answer, now: float, auth_source: AuthSource = "api_key") -> Usage | Problem:
    """What `GET https://ollama.com/api/balance` says to somebody with a key."""
    if answer.status == 401 and not is_bot_check(answer):
        return Problem("ollama", "bad_credential", "dummy", variable="OLLAMA_API_KEY")
    return _parse_balance(answer, now, auth_source)


def parse_local_balance(answer: Answer, now: float) -> Usage | Problem:
    """What the user's own Ollama relays, or why it cannot. Its sign-in address holds a key and is shown nowhere."""
    if answer.failed in {"network", "timeout"}:
        return Problem("ollama", "unreachable", "local", command="ollama serve")
    if answer.status == 401:
        return Problem("ollama", "not_signed_in", "local", command="ollama signin")
    if answer.status == 403 and "disabled" in (text(mapping(load(answer.body)).get("error")) or "").lower():
        return Problem("ollama", "unreachable", "cloud_off")
    if answer.status == 404:
        return Problem("ollama", "unexpected_answer", "old_version")
    if answer.status == 502:
        return Problem("ollama", "unreachable")
    return _parse_balance(answer, now, "local")


def with_me(usage: Usage, answer: Answer) -> Usage:
    """`usage` with what `POST /api/me` adds, whose keys come in either case: the plan, and whose it is. Nothing if it failed."""
    body = {key.lower(): value for key, value in mapping(load(answer.body)).items()}
    if not 200 <= answer.status <= 299 or not isinstance(body.get("plan"), str):
        return usage
    plan = text(body["plan"]) or "free"
    label = plan.capitalize() if plan.lower() in PLANS else plan
    return replace(usage, account=address(body.get("email")), plan=plan, plan_label=label)


def _parse_balance(answer: Answer, now: float, auth_source: AuthSource) -> Usage | Problem:
    if answer.status == 429 and not is_bot_check(answer):
        return Problem("ollama", "rate_limited", retry_at=retry_after(answer.headers, now, cap=_LONGEST_WAIT))
    problem = problem_of("ollama", answer, now)
    if problem is not None:
        return problem
    body = mapping(load(answer.body))
    if "totals" in body or "buckets" in body:
        return Problem("ollama", "unexpected_answer")  # the history of today, which has no limits
    windows = distinct(_former_windows(mapping(body.get("limits"))))
    if windows:
        return Usage(auth_source=auth_source, windows=windows)
    return _parse_included(mapping(body.get("included")), mapping(body.get("purchased")), auth_source)


def _parse_included(included: dict[str, Any], purchased: dict[str, Any], auth_source: AuthSource) -> Usage | Problem:
    windows = [*_percent_windows(included), *_allowance_window(included)]
    balances = list(_purchased(purchased))
    if not windows and not _INCLUDED_KEYS & included.keys():
        return Problem("ollama", "unexpected_answer")
    if not windows and not balances:
        return Problem("ollama", "no_plan" if amount(included.get("allowance_usd")) == 0 else "unexpected_answer")
    return Usage(auth_source=auth_source, windows=distinct(windows), balances=tuple(balances))


def _percent_windows(included: dict[str, Any]) -> Iterator[Window]:
    """Legacy plans: one window for each object that says what remains, known by name or not."""
    for name, raw in included.items():
        if not isinstance(raw, dict) or not ("remaining_percent" in raw or (name in _SECONDS and raw)):
            continue
        remaining = percent(raw.get("remaining_percent"))
        used = None if remaining is None or remaining > 100 else 100 - remaining
        yield _window(name, used, instant(raw.get("resets_at")))


def _window(name: str, used: float | None, resets_at: float | None) -> Window:
    """A window without counts; one of a name that is not known is shown, and binds nothing."""
    for kind, seconds in _SECONDS.items():
        if name.lower() == kind:
            state: State = "unknown" if used is None else "not_started" if used == 0 and resets_at is None else "active"
            return Window(
                label=kind, kind=kind, used_pct=used, resets_at=resets_at, window_seconds=seconds, binding=True, state=state
            )
    known_as = text(name) or "?"
    return Window(
        label=f"other limit ({known_as})",
        kind="other",
        used_pct=used,
        resets_at=resets_at,
        scope=known_as,
        state="unknown" if used is None else "active",
    )


def _allowance_window(included: dict[str, Any]) -> Iterator[Window]:
    """Credit plans: a monthly allowance in dollars. The balance may exceed it, which is nothing used."""
    allowance = amount(included.get("allowance_usd"))
    if not allowance:
        return
    balance = number(included.get("balance_usd"))
    remaining = None if balance is None else max(0.0, balance)
    period = mapping(included.get("period"))
    start, until = instant(period.get("from")), instant(period.get("until"))
    yield Window(
        label="monthly",
        kind="monthly",
        used_pct=None if remaining is None else max(0.0, (1 - remaining / allowance) * 100),
        resets_at=until,
        window_seconds=int(until - start) if until is not None and start is not None and until > start else None,
        state="unknown" if remaining is None else "active",
        binding=True,
        used=None if remaining is None else max(0.0, allowance - remaining),
        limit=allowance,
        remaining=remaining,
        unit="USD",
    )


def _purchased(purchased: dict[str, Any]) -> Iterator[Balance]:
    left = amount(purchased.get("balance_usd"))
    if left is not None:
        yield Balance(kind="purchased", label="purchased credits", amount=left, unit="USD")


def _former_windows(limits: dict[str, Any]) -> Iterator[Window]:
    """`/api/usage` until September 2026, which a relay or an old cache may still deliver."""
    for name, raw in limits.items():
        usage = mapping(raw).get("usage")
        if usage is None:
            continue
        fraction = amount(usage)
        yield _window(name, fraction * 100 if fraction is not None and fraction <= _LARGEST_FRACTION else None, None)

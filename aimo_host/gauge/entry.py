"""From a parser's records to the JSON of an entry (design §5). The only place that spells the keys of a window or a balance."""

from __future__ import annotations

from aimo_host.gauge.snapshot import entry_at
from aimo_host.gauge.times import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from aimo_host.gauge.model import Balance, Usage, Window


def upwards(instant: float) -> str:
    """ISO text of a moment of ours, rounded up, so that a reading never seems older than the request that caused it."""
    return iso(-(-instant // 1))


def from_usage(
    provider: str, usage: Usage, *, account: str | None, at: float, source: Literal["push", "server"]
) -> dict[str, Any]:
    """The entry as it is stored: what was read, and what followed from it at that moment (`snapshot.py` looks again later).

    `account` is the opaque name; `at` the moment of observation. `_at` and `_tried` keep moments exactly, for ordering.
    """
    entry: dict[str, Any] = {
        "provider": provider,
        "ok": False,
        "plan": usage.plan,
        "plan_label": usage.plan_label,
        "account": account,
        "account_name": None,
        "auth_source": usage.auth_source,
        "headroom_pct": None,
        "tightest": None,
        "windows": [_window(window) for window in sorted(usage.windows, key=_place)[:_MOST_WINDOWS]],
        "balances": [_balance(balance) for balance in usage.balances[:_MOST_BALANCES]],
        "blocked": None if usage.blocked is None else {"code": usage.blocked.code, "message": usage.blocked.message},
        "observed_at": upwards(at),
        "attempted_at": upwards(at),
        "stale": False,
        "error": None,
        "problem": None,
        "_source": source,
        "_received_at": upwards(at),
    }
    then = entry_at(entry, at, {})
    for window, seen in zip(entry["windows"], then["windows"], strict=True):
        window["pace"] = seen["pace"]
    derived = {key: then[key] for key in ("ok", "headroom_pct", "tightest")}
    notes = {f"_{name}": True for name in ("borrowed", "partial") if getattr(usage, name)}
    return {**entry, **derived, "_at": at, "_tried": at, **notes}


#: No plan has nearly as many. An answer that does must not make the snapshot too large for a frame, and all rows dark with it.
_MOST_WINDOWS, _MOST_BALANCES = 60, 20
#: Windows stand in this order whatever order they were sent in.
_KINDS = ("session", "hours", "daily", "weekly", "monthly", "other", "tools", "spend")
_ASIDE = ("tools", "spend")


def _place(window: Window) -> tuple[bool, str, int, float]:
    """The main windows, then each model's or feature's, then tools and spend; short ones before long ones."""
    return window.kind in _ASIDE, window.scope or "", _KINDS.index(window.kind), window.window_seconds or 0


def _window(window: Window) -> dict[str, Any]:
    return {
        "label": window.label,
        "used_pct": _rounded(window.used_pct),
        "resets_at": None if window.resets_at is None else iso(window.resets_at),
        "resets_in": window.resets_in,
        "kind": window.kind,
        "scope": window.scope,
        "window_seconds": window.window_seconds,
        "state": "unknown" if window.used_pct is None else window.state,
        "binding": window.binding,
        "pace": None,
        "usage": _counted(window.used),
        "limit": _counted(window.limit),
        "remaining": _counted(window.remaining),
        "unit": window.unit,
    }


def _balance(balance: Balance) -> dict[str, Any]:
    return {
        "kind": balance.kind,
        "label": balance.label,
        "amount": _rounded(balance.amount),
        "used": _rounded(balance.used),
        "limit": _rounded(balance.limit),
        "unit": balance.unit,
        "unlimited": balance.unlimited,
        "enabled": balance.enabled,
        "reason": balance.reason,
    }


def _rounded(value: float | None) -> float | None:
    """Without the noise of binary fractions."""
    return None if value is None else round(value, 4)


def _counted(value: float | None) -> float | int | None:
    """As `_rounded`; a whole number of calls is a whole number."""
    rounded = _rounded(value)
    return int(rounded) if rounded is not None and rounded % 1 == 0 else rounded

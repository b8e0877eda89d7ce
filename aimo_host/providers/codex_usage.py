"""Codex' limits in all their spellings (the site's, the app server's, the session logs'), brought to windows and balances.

A window is named by its length, never by its slot; one in a slot that nobody knows yet is shown, and binds nothing. Other models'
pools, code review and budgets never stand for the main limit.
"Not allowed" is a state and never rewrites a percentage. Credits are credits, not money. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from aimo_host.gauge.model import Balance, Blocked, Window
from aimo_host.gauge.times import instant
from aimo_host.providers.fields import amount, items, mapping, percent, text
from aimo_host.providers.labels import distinct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from aimo_host.gauge.model import Kind

#: Shortest and longest length in seconds -> kind, the word in a label, the label of the main window. Tolerance is 2 %.
_LENGTHS: tuple[tuple[float, float, Kind, str, str], ...] = (
    (18000, 18000, "session", "5h", "session (5h)"),
    (86400, 86400, "daily", "daily", "daily"),
    (604800, 604800, "weekly", "7d", "weekly (7d)"),
    (2419200, 2678400, "monthly", "monthly", "monthly"),
)
_TOLERANCE = 0.02
#: Only where a window states no length: what its slot usually holds.
_ASSUMED: dict[str, tuple[Kind, str, str]] = {
    "primary": ("session", "5h (assumed)", "session (5h, assumed)"),
    "secondary": ("weekly", "7d (assumed)", "weekly (7d, assumed)"),
}
#: Objects beside the slots that may hold a percentage as well.
_NO_SLOTS = frozenset({"individual_limit", "credits", "spend_control"})
#: If a reset and its countdown disagree by more, the local clock is off and the countdown is right.
_CLOCK_SLACK = 5

_REFUSALS = {
    "rate_limit_reached": "OpenAI refuses work until a limit resets.",
    "workspace_owner_credits_depleted": "The workspace has no credits left.",
    "workspace_member_credits_depleted": "Your credits in this workspace are used up.",
    "workspace_owner_usage_limit_reached": "The workspace has reached its usage limit.",
    "workspace_member_usage_limit_reached": "You have reached your usage limit in this workspace.",
}


def main_windows(limits: Any, now: float) -> tuple[Window, ...] | None:
    """The windows that stop all work when they are full; None if `limits` or one of its slots has an unknown shape."""
    if limits is None:
        return ()
    slots = _slots(limits)
    if not isinstance(limits, dict) or any(not isinstance(raw, dict) for _, raw in slots):
        return None
    known = _shortest_first(_window(raw, slot, now) for slot, raw in slots)
    return distinct([*known, *_windows_of_tomorrow(limits, now)])


def pool_windows(name: str | None, limits: Any, now: float, kind: Kind | None = None) -> tuple[Window, ...]:
    """The windows of a pool of its own (a model's, a feature's); what is malformed is left out."""
    title = name or "other pool"
    found = (_window(raw, slot, now, title, kind) for slot, raw in _slots(limits) if isinstance(raw, dict))
    return (*_shortest_first(found), *_windows_of_tomorrow(limits, now, title))


def _windows_of_tomorrow(limits: Any, now: float, scope: str | None = None) -> Iterator[Window]:
    """What stands beside the known slots and looks like a window: nobody knows what it stops, so it stops nothing here."""
    for name, raw in mapping(limits).items():
        slot = name.removesuffix("_window")
        if slot in _ASSUMED or name in _NO_SLOTS or not isinstance(raw, dict) or (slot == name and "used_percent" not in raw):
            continue
        seconds = _seconds(raw)
        title = text(slot) or "?"
        length = _named(seconds)[1] if seconds else title
        label = f"{scope} {length}" if scope else f"other limit ({length})"
        yield replace(_window(raw, "primary", now), label=label, kind="other", scope=scope or title, binding=False)


def _shortest_first(windows: Iterable[Window]) -> list[Window]:
    """In the order of their lengths, for slots have none."""
    return sorted(windows, key=lambda window: window.window_seconds or 0)


def _slots(limits: Any) -> list[tuple[str, Any]]:
    """Both slots that hold something, under either spelling."""
    raw = mapping(limits)
    found = ((slot, raw.get(slot) if raw.get(f"{slot}_window") is None else raw[f"{slot}_window"]) for slot in _ASSUMED)
    return [(slot, value) for slot, value in found if value is not None]


def _window(raw: dict[str, Any], slot: str, now: float, scope: str | None = None, other: Kind | None = None) -> Window:
    seconds = _seconds(raw)
    kind, short, main = _named(seconds) if seconds else _ASSUMED[slot]
    used = percent(raw.get("used_percent"))
    resets_at = _resets_at(raw, now)
    return Window(
        label=f"{scope} {short}" if scope else main,
        kind=other or kind,
        used_pct=used,
        resets_at=resets_at,
        scope=scope,
        window_seconds=seconds,
        state="unknown" if used is None else "not_started" if used == 0 and resets_at is None else "active",
        binding=scope is None,
    )


def _seconds(raw: dict[str, Any]) -> int | None:
    """The length of a window: in seconds on the site, in minutes from the CLI."""
    seconds = amount(raw.get("limit_window_seconds"))
    if seconds is None:
        minutes = amount(raw.get("window_minutes") or raw.get("window_duration_mins"))
        seconds = None if minutes is None else minutes * 60
    return int(seconds) if seconds is not None and 1 <= seconds <= 1e9 else None


def _named(seconds: int) -> tuple[Kind, str, str]:
    """Kind, word and main label of a length."""
    for shortest, longest, kind, short, main in _LENGTHS:
        if shortest * (1 - _TOLERANCE) <= seconds <= longest * (1 + _TOLERANCE):
            return kind, short, main
    short = f"{seconds}s"
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        count = round(seconds / size)
        if count and abs(seconds - count * size) <= _TOLERANCE * seconds:
            short = f"{count}{unit}"
            break
    return ("hours" if seconds < 86400 else "other"), short, short


def _resets_at(raw: dict[str, Any], now: float) -> float | None:
    """When a window resets, by the local clock; zero and negative mean that no time was given."""
    stated = instant(raw.get("reset_at") or raw.get("resets_at"))
    left = amount(raw.get("reset_after_seconds") or raw.get("resets_in_seconds"))
    counted = instant(now + left) if left else None
    if stated is None or (counted is not None and abs(stated - counted) > _CLOCK_SLACK):
        stated = counted
    return None if stated is None else float(round(stated)) or None


def refusal(body: dict[str, Any], windows: tuple[Window, ...]) -> Blocked | None:
    """Why work is refused although the bars look free. A limit that is simply used up is no block."""
    control = mapping(body.get("spend_control"))
    if control.get("reached") is True or body.get("spend_control_reached") is True:
        scope = text(control.get("reached_limit_type"))
        which = f" ({scope.replace('_', ' ')})" if scope else ""
        return Blocked("spend_control_reached", f"The spending limit of this workspace is reached{which}.")
    used_up = any(window.binding and window.used_pct is not None and window.used_pct >= 100 for window in windows)
    reached = body.get("rate_limit_reached_type")
    kind = text(reached) or text(mapping(reached).get("type"))
    limits = mapping(body.get("rate_limit"))
    if kind is None and (limits.get("allowed") is False or limits.get("limit_reached") is True):
        kind = "rate_limit_reached"
    if kind is None or (kind == "rate_limit_reached" and used_up):
        return None
    known = kind in _REFUSALS
    return Blocked(kind if known else "unknown", _REFUSALS[kind] if known else "OpenAI refuses work and gives no known reason.")


def credits_balance(raw: Any) -> Balance | None:
    """The credits beside the windows; None if the answer does not speak of any."""
    stated = mapping(raw)
    has, unlimited, left = stated.get("has_credits"), stated.get("unlimited") is True, amount(stated.get("balance"))
    if not isinstance(has, bool) and not unlimited and left is None:
        return None
    over = stated.get("overage_limit_reached") is True
    reason = "overage_limit_reached" if over else None
    if reason is None and has is True and stated.get("balance") is None and not unlimited:
        reason = "amount_not_shown"
    return Balance(
        kind="credits",
        label="credits",
        amount=None if unlimited else left,
        unit="credits",
        unlimited=unlimited,
        enabled=not over and (unlimited or has is True or (left or 0) > 0),
        reason=reason,
    )


def budget(body: dict[str, Any], now: float) -> tuple[tuple[Window, ...], tuple[Balance, ...]]:
    """The monthly budget that a workspace gives this person, in credits: its meter, and what is left of it."""
    control = mapping(body.get("spend_control"))
    places = (body, mapping(body.get("rate_limit")), control)
    raw = next((found for place in places if (found := mapping(place.get("individual_limit")))), {})
    used, limit, left = (amount(raw.get(key)) for key in ("used", "limit", "remaining"))
    if left is None and used is not None and limit is not None:
        left = max(0.0, limit - used)
    used_pct = percent(raw.get("used_percent"))
    remaining_pct = amount(raw.get("remaining_percent"))
    if used_pct is None and remaining_pct is not None:
        used_pct = percent(100 - remaining_pct)
    if used_pct is None and used is not None and limit:
        used_pct = percent(100 * used / limit)
    if used_pct is None and used is None and limit is None:
        return (), ()
    label, unit = "monthly budget", "credits"
    window = Window(
        label=label,
        kind="spend",
        used_pct=used_pct,
        resets_at=_resets_at(raw, now),
        state="unknown" if used_pct is None else "active",
        used=used,
        limit=limit,
        remaining=left,
        unit=unit,
    )
    reached = control.get("reached") is True
    balance = Balance(kind="budget", label=label, amount=left, used=used, limit=limit, unit=unit, enabled=not reached)
    return (window,), (balance,)


def saved_resets(raw: Any) -> tuple[Balance, ...]:
    """Resets that the user has saved up. Not enabled: only the user spends one, and it pays for nothing until then."""
    count = amount(mapping(raw).get("available_count"))
    if not count:
        return ()
    return (
        Balance(kind="saved_resets", label="saved resets", amount=count, unit="resets", enabled=False, reason="by_hand_only"),
    )


def pools(raw: Any, now: float) -> list[Window]:
    """`additional_rate_limits`: Spark and other pools, each with both of its windows."""
    found: list[Window] = []
    for element in map(mapping, items(raw)):
        name = text(element.get("limit_name")) or text(element.get("metered_feature"))
        found += pool_windows(name, element.get("rate_limit"), now)
    return found

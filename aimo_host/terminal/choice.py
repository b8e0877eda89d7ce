"""Why this one and not that one, in English: a line for each account, and when the first will fit where none does."""

from __future__ import annotations

from aimo_host.gauge import pick
from aimo_host.gauge.times import parse_iso
from aimo_host.terminal.clock import moment, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Entry = dict[str, Any]

#: Seconds from which on the age of a reading is part of the reason.
_WORTH_SAYING = 90.0


def reasons(choice: dict[str, Any], entries: list[Entry], now: float) -> list[str]:
    """The lines, best first; `choice` as `gauge.choice.choose` makes it of `entries`."""
    by_id = {pick.name_of(entry, entries): entry for entry in entries}
    lines = [f"{one['id']}: {_reason(one, by_id[one['id']], now)}" for one in choice["ranking"]]
    first = parse_iso(choice["available_at"])
    return [*lines, f"none fits; the first will {moment(first, now)}"] if first is not None else lines


def _reason(one: dict[str, Any], entry: Entry, now: float) -> str:
    if one["why"] == "unknown":
        return _unknown(entry, now)
    if one["why"] == "blocked":
        return "refuses work"
    left = f"{_floor(one['headroom_pct'])} % left" if one["headroom_pct"] else "nothing left"
    observed = parse_iso(entry["observed_at"])
    if observed is not None and now - observed > _WORTH_SAYING:
        left += f", read {span(now - observed)} ago"
    again = parse_iso(one["available_at"])
    if one["why"] == "fits":
        return left
    return f"{left}, enough {moment(again, now)}" if again is not None else f"{left}, and no reset is known"


def _floor(percent: float) -> str:
    """To a tenth, downwards: 19.96 is not the 20 that was needed."""
    return f"{int(percent * 10) / 10:g}"


def _unknown(entry: Entry, now: float) -> str:
    if entry["error"] is not None:
        return f"unknown. {entry['error']}"
    observed = parse_iso(entry["observed_at"])
    if observed is not None and all(window["state"] != "reset_due" for window in entry["windows"]):
        return f"unknown; last read {span(now - observed)} ago"
    return "unknown since its reset" if observed is not None else "unknown"

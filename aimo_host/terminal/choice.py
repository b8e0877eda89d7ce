"""Why this one and not that one, in English: a line for each account, and when the first will fit where none does."""

from __future__ import annotations

from aimo_host.dialects.phrases import ago
from aimo_host.gauge import pick
from aimo_host.gauge.times import parse_iso
from aimo_host.terminal.clock import moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.gauge.choice import Question

    Entry = dict[str, Any]

#: Seconds from which on the age of a reading is part of the reason.
_WORTH_SAYING = 90.0


def reasons(question: Question, choice: dict[str, Any], entries: list[Entry], now: float) -> list[str]:
    """The lines, best first; `choice` as `gauge.choice.choose` makes it of `question` and `entries`."""
    by_id = {pick.name_of(entry, entries): entry for entry in entries}
    missing = None if question.is_counted(entries) else question.scope
    lines = [f"{one['id']}: {_reason(one, by_id[one['id']], question.scope, missing, now)}" for one in choice["ranking"]]
    first = parse_iso(choice["available_at"])
    if first is None or len(lines) == 1:
        return lines
    return [*lines, f"none has enough; the first will {_at(first, now)}"]


def _reason(one: dict[str, Any], entry: Entry, scope: str | None, missing: str | None, now: float) -> str:
    """`missing` is the `scope` if none of them has a window for it."""
    observed = _read_at(entry, scope)
    if one["why"] == "unknown":
        return _unknown(entry, observed, now) if missing is None or not entry["windows"] else _misnamed(missing, entry)
    if one["why"] == "blocked":
        return "refuses work"
    left = f"{_floor(one['headroom_pct'])} % left" if one["headroom_pct"] else "nothing left"
    if observed is not None and now - observed > _WORTH_SAYING:
        left += f", read {ago(observed, now)}"
    again = parse_iso(one["available_at"])
    if one["why"] == "fits":
        return left
    return f"{left}, enough {_at(again, now)}" if again is not None else f"{left}, and no reset is known"


def _read_at(entry: Entry, scope: str | None) -> float | None:
    """When the oldest of the windows that decide was read."""
    moments = (entry["observed_at"], *(window.get("observed_at") for window in pick.counted(entry, scope)))
    return min((at for moment in moments if (at := parse_iso(moment)) is not None), default=None)


def _at(at: float, now: float) -> str:
    """`in 2 h`, `on Sat 17:37`."""
    said = moment(at, now)
    return said if said.startswith("in ") else f"on {said}"


def _floor(percent: float) -> str:
    """To a tenth, downwards: 19.96 is not the 20 that was needed."""
    return f"{int(percent * 10) / 10:g}"


def _misnamed(missing: str, entry: Entry) -> str:
    known = list(dict.fromkeys(window["scope"] for window in entry["windows"] if window["scope"]))
    return f"unknown; no window is named {missing}" + (f", only {', '.join(known)}" if known else "")


def _unknown(entry: Entry, observed: float | None, now: float) -> str:
    if entry["error"] is not None:
        return f"unknown. {entry['error']}"
    if observed is not None and all(window["state"] != "reset_due" for window in entry["windows"]):
        return f"unknown; last read {ago(observed, now)}"
    return "unknown since its reset" if observed is not None else "unknown"

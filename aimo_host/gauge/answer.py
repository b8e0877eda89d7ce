"""The answer first: whom to use, how much is left, until when; then what is full, what is unknown, what would be lost. Pure.

Codes and parameters, no text: each face says it in its own language. Old readings decide nothing.
"""

from __future__ import annotations

from aimo_host.gauge import pick
from aimo_host.gauge.times import CLOCK_AHEAD, iso, parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Entry = dict[str, Any]
    Window = dict[str, Any]

#: Older than this (seconds) counts as old everywhere.
OLD_AFTER = 3600.0
#: What a long window still holds this shortly (seconds) before its reset would be lost, if it is worth a word (percent).
_LOST_WITHIN = 86400.0
_WORTH_PCT = 25.0
_FULL_PCT = 100.0
_SILENT_KINDS = ("spend", "tools")


def answer_at(entries: list[Entry], now: float) -> dict[str, Any]:
    """`{use: {code, provider, account, account_name, headroom_pct, until}, notes: [{code, provider, …}]}`.

    `use.code`: `use` (until a reset), `use_open` (no reset known), `none_left` (until when), `none_left_open`, `unknown`.
    `notes[].code`: `full`, `unknown`, `blocked`, `lose`, with `account_name`, `scope`, `pct`, `until`.
    """
    read = [_without_old(entry, now) for entry in entries if entry["observed_at"] is not None]
    fresh = [entry for entry in read if not is_old(entry, now)]
    chosen = pick.best(fresh)
    notes = [note for entry in read if (note := _note(entry, now, is_chosen=entry is chosen)) is not None]
    notes += [note for entry in fresh if (note := _loss(entry, now)) is not None]
    return {"use": _use(chosen) if chosen is not None else _none(fresh, entries), "notes": notes}


def is_old(entry: Entry, now: float) -> bool:
    """Whether the reading is too old to decide by; the age of one from a clock that was ahead is not known."""
    observed = parse_iso(entry["observed_at"])
    return observed is None or not _is_recent(observed, now)


def is_old_window(window: Window, now: float) -> bool:
    """Whether the window was kept from a reading before its entry's that is too old to decide by."""
    observed = parse_iso(window.get("observed_at"))
    return observed is not None and not _is_recent(observed, now)


def _is_recent(observed: float, now: float) -> bool:
    return -CLOCK_AHEAD <= now - observed <= OLD_AFTER


def _without_old(entry: Entry, now: float) -> Entry:
    """The entry with every binding window unknown that is older than it may be."""
    old = [window["binding"] and is_old_window(window, now) for window in entry["windows"]]
    if not any(old):
        return entry
    windows = [{**w, "used_pct": None} if is_past else w for w, is_past in zip(entry["windows"], old, strict=True)]
    return {**entry, "windows": windows, "headroom_pct": None, "tightest": None}


def _use(entry: Entry) -> dict[str, Any]:
    tightest = next((w for w in entry["windows"] if w["label"] == entry["tightest"]), None)
    until = tightest["resets_at"] if tightest is not None else None
    return {
        "code": "use" if until else "use_open",
        "provider": entry["provider"],
        "account": entry["account"],
        "account_name": entry["account_name"],
        "headroom_pct": entry["headroom_pct"],
        "until": until,
    }


def _none(fresh: list[Entry], entries: list[Entry]) -> dict[str, Any]:
    """Nothing to use: used up if everything is known, else simply unknown."""
    nobody = {"provider": None, "account": None, "account_name": None, "headroom_pct": None, "until": None}
    ranked = pick.ranking(fresh)
    if not ranked or len(fresh) < len(entries) or any(one["why"] == "unknown" for one in ranked):
        return {"code": "unknown", **nobody}
    back = [at for one in ranked if (at := parse_iso(one["available_at"])) is not None]
    if not back:
        return {"code": "none_left_open", **nobody}
    return {"code": "none_left", **nobody, "until": iso(min(back))}


def _note(entry: Entry, now: float, *, is_chosen: bool) -> dict[str, Any] | None:
    """What is the matter with one account, if anything; the main windows before those of a model."""
    if is_old(entry, now):
        return _said("unknown", entry)
    if entry["blocked"]:
        return _said("blocked", entry)
    full = [w for w in entry["windows"] if (w["used_pct"] or 0.0) >= _FULL_PCT and w["kind"] not in _SILENT_KINDS]
    binding = [w for w in full if w["binding"]]
    is_unknown = not is_chosen and entry["headroom_pct"] is None and any(w["binding"] for w in entry["windows"])
    if is_unknown and not binding:
        return _said("unknown", entry)
    if not full:
        return None
    latest = max(binding, key=lambda w: parse_iso(w["resets_at"]) or float("inf")) if binding else full[0]
    return _said("full", entry, scope=latest["scope"], until=latest["resets_at"])


def _loss(entry: Entry, now: float) -> dict[str, Any] | None:
    """What a long window would lose at its reset, while nothing else stops the account from spending it."""
    if not entry["headroom_pct"]:
        return None
    for window in entry["windows"]:
        reset = parse_iso(window["resets_at"])
        if not window["binding"] or window["kind"] not in pick.LONG_KINDS or reset is None or window["used_pct"] is None:
            continue
        left = _FULL_PCT - window["used_pct"]
        if 0 < reset - now <= _LOST_WITHIN and left >= _WORTH_PCT:
            return _said("lose", entry, pct=round(left, 1), until=window["resets_at"])
    return None


def _said(
    code: str, entry: Entry, *, scope: str | None = None, pct: float | None = None, until: str | None = None
) -> dict[str, Any]:
    return {
        "code": code,
        "provider": entry["provider"],
        "account_name": entry["account_name"],
        "scope": scope,
        "pct": pct,
        "until": until,
    }

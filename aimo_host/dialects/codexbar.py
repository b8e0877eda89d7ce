"""CodexBar's `GET /usage`, for the widgets that read it: an array with one object per account. Percent used, ISO times.

A window without a number is left out, since this format has no word for unknown and 0 would be a lie. No e-mail is known here, so
none is given; accounts carry our opaque names.
"""

from __future__ import annotations

import json

from aimo_host.dialects import phrases
from aimo_host.gauge.times import parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Entry = dict[str, Any]
    Window = dict[str, Any]

#: Where we say how it was read, CodexBar says what kind of source it was.
_SOURCES = {"session": "web", "jwt": "web", "api_key": "api", "oauth": "oauth", "cli": "cli", "local": "local", "file": "local"}
_SLOTS = ("primary", "secondary", "tertiary")
_STAGES = {"ahead": "ahead", "on": "onTrack", "behind": "behind"}
_PROVIDER_FAILED = 1


def render(snapshot: dict[str, Any], now: float) -> str:
    """The array, as one line of JSON."""
    return json.dumps(payloads(snapshot["entries"], now))


def payloads(entries: list[Entry], now: float) -> list[dict[str, Any]]:
    """One object per entry."""
    return [_payload(entry, entries, now) for entry in entries]


def _payload(entry: Entry, entries: list[Entry], now: float) -> dict[str, Any]:
    several = sum(other["provider"] == entry["provider"] for other in entries) > 1
    label = phrases.plain(entry["account_name"] or entry["account"] or "")
    said = phrases.troubles(entry)
    found = {
        "provider": entry["provider"],
        "account": label if several and label else None,
        "source": _SOURCES.get(entry["auth_source"] or "", "unknown"),
        "usage": _usage(entry, now) if entry["observed_at"] is not None else None,
        "pace": _paces(entry, now),
        "credits": _credits(entry),
        "error": {"code": _PROVIDER_FAILED, "message": " ".join(said), "kind": "provider"} if said else None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _usage(entry: Entry, now: float) -> dict[str, Any]:
    slots, others = _placed(entry)
    identity = {
        "accountEmail": None,
        "accountOrganization": None,
        "loginMethod": None if entry["plan_label"] is None else phrases.plain(entry["plan_label"]),
    }
    return {
        **dict.fromkeys(_SLOTS),
        **{slot: _rate(window, now) for slot, window in slots.items()},
        "extraRateWindows": [_extra(window, now) for window in others],
        "updatedAt": entry["observed_at"],
        "identity": {"providerID": entry["provider"], **identity},
        **identity,
    }


def _placed(entry: Entry) -> tuple[dict[str, Window], list[Window]]:
    """The windows in their slots, and the rest: primary is short, secondary long, tertiary a model's or a third one."""
    known = [window for window in entry["windows"] if window["used_pct"] is not None]
    main = [window for window in known if window["binding"]]
    short = next((window for window in main if window["kind"] in {"session", "hours"}), None)
    long = next((window for window in main if window is not short), None)
    rest = [window for window in known if window is not short and window is not long]
    third = next((window for window in rest if window["binding"] or window["scope"]), None)
    slots = {"primary": short, "secondary": long, "tertiary": third}
    return {slot: window for slot, window in slots.items() if window is not None}, [w for w in rest if w is not third]


def _rate(window: Window, now: float) -> dict[str, Any]:
    rate: dict[str, Any] = {"usedPercent": window["used_pct"]}
    resets_at = parse_iso(window["resets_at"])
    if window["window_seconds"]:
        rate["windowMinutes"] = int(window["window_seconds"] // 60)
    if resets_at is not None:
        rate |= {"resetsAt": window["resets_at"], "resetDescription": f"in {phrases.span(resets_at - now)}"}
    elif window["resets_in"]:
        rate["resetDescription"] = phrases.plain(window["resets_in"])
    return rate


def _extra(window: Window, now: float) -> dict[str, Any]:
    name = phrases.plain(window["label"])
    return {"id": name, "title": name, "window": _rate(window, now), "usageKnown": True}


def _paces(entry: Entry, now: float) -> dict[str, Any] | None:
    slots, _ = _placed(entry)
    return {slot: _pace(window, now) for slot, window in slots.items() if window["pace"]} or None


def _pace(window: Window, now: float) -> dict[str, Any]:
    expected, out = window["pace"]["expected_pct"], parse_iso(window["pace"]["runs_out_at"])
    ahead_by = round(window["used_pct"] - expected, 1)
    shown = {
        "stage": _STAGES[window["pace"]["state"]],
        "deltaPercent": ahead_by,
        "expectedUsedPercent": expected,
        "willLastToReset": out is None,
        "summary": "Lasts until reset" if out is None else f"Runs out in {phrases.span(out - now)}",
    }
    return shown if out is None else {**shown, "etaSeconds": max(0, int(out - now))}


def _credits(entry: Entry) -> dict[str, Any] | None:
    amounts = [b["amount"] for b in entry["balances"] if b["unit"] == "credits" and b["amount"] is not None]
    return {"remaining": sum(amounts), "updatedAt": entry["observed_at"]} if amounts else None

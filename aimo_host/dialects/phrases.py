"""The short English that bars and menus have room for: names of accounts and windows, spans, one headline. Pure.

Everything here returns one line of printable text; what it means to the reader's own syntax is for each dialect to escape.
"""

from __future__ import annotations

from aimo_host.gauge import pick
from aimo_host.gauge.answer import is_old, is_old_window
from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.times import CLOCK_AHEAD, parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Entry = dict[str, Any]
    Window = dict[str, Any]
    Snapshot = dict[str, Any]

_DAY = 86400
_MINUTE_SECONDS = 60
_LONG_SCOPE = 12
_LONGEST = 200
_HIGH_PCT, _NEARLY_FULL, _FULL_PCT = 80.0, 99, 100.0
_KIND_NAMES = {"daily": "Day", "weekly": "Week", "monthly": "Month", "tools": "Tools", "spend": "Extra"}


def plain(text: object, longest: int = _LONGEST) -> str:
    """The text on one line, without anything that a terminal or a parser could obey, cut at `longest` characters."""
    kept = "".join(char for char in str(text)[: longest * 4] if char.isprintable() or char.isspace())
    shown = " ".join(kept.split())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def short_name(window: Window) -> str:
    """`5 h`, `Week`, `Week Fable`, `Month`, `Tools`, `Extra`: from kind, length and scope, never from the label."""
    kind, seconds = window["kind"], window["window_seconds"]
    scope: str | None = window["scope"]
    name = _KIND_NAMES.get(kind)
    if name is None and kind in {"session", "hours"} and seconds:
        name = f"{seconds / 3600:.0f} h"
    elif name is None:
        name = str(window["label"]) if kind == "other" else "Session"
    return f"{name} {short_scope(scope)}" if scope and scope not in name else name


def short_scope(scope: str) -> str:
    """`GPT-5.3-Codex-Spark` is known to everybody as Spark."""
    return scope.rsplit("-", 1)[-1] if len(scope) > _LONG_SCOPE else scope


def span(seconds: float) -> str:
    """A duration in at most two units: `4 s`, `12 m`, `2 h 10 m`, `3 d 4 h`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE_SECONDS:
        return f"{whole} s"
    minutes, hours, days = whole // 60 % 60, whole // 3600 % 24, whole // _DAY
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} m" if minutes else f"{hours} h"
    return f"{minutes} m"


def account(entry: Entry, entries: list[Entry]) -> str:
    """`Claude`, or `Claude work` where there are several."""
    _, _, name = pick.name_of(entry, entries).partition("/")
    return plain(f"{PROVIDERS[entry['provider']]['name']} {name}".strip())


def percent(used_pct: float | None) -> str:
    """`47%`, or `?`: unknown is never 0."""
    return "?" if used_pct is None else f"{rounded(used_pct)}%"


def rounded(pct: float) -> str:
    """`47`, `<1`: never full that is not, nor unused that is not; halves go up. As in extension/view/format.js."""
    if 0 < pct < 1:
        return "<1"
    whole = int(pct + 0.5)
    return str(whole if pct >= _FULL_PCT else min(whole, _NEARLY_FULL))


def age(entry: Entry, now: float) -> str:
    """`3 h ago` for a reading that is old or only the last good one; empty for a fresh one and for none."""
    observed = parse_iso(entry["observed_at"])
    if observed is None or not (entry["stale"] or is_old(entry, now)):
        return ""
    return ago(observed, now)


def ago(observed: float, now: float) -> str:
    """`3 h ago`; what a clock wrote that was ahead was read nobody knows when."""
    return "at an unknown time" if observed - now > CLOCK_AHEAD else f"{span(now - observed)} ago"


def window_age(window: Window, now: float) -> str:
    """`3 h ago` for a window that was read long before the others of its entry; else empty."""
    observed = parse_iso(window.get("observed_at"))
    return ago(observed, now) if observed is not None and is_old_window(window, now) else ""


def fullest(entry: Entry) -> float | None:
    """Percent used of the tightest binding window; None if one of them is unknown."""
    known = [window["used_pct"] for window in entry["windows"] if window["binding"]]
    return None if not known or None in known else max(known)


def brief(entry: Entry, entries: list[Entry], now: float) -> str:
    """`Claude 61%`, `Codex full`, `Z.ai ?`, `Ollama blocked`, with the age of an old reading."""
    words = level(entry)
    state = words if words in {"blocked", "full"} else percent(fullest(entry))
    ages = (window_age(window, now) for window in entry["windows"] if window["binding"])
    old = age(entry, now) or next(filter(None, ages), "")
    return f"{account(entry, entries)} {state}" + (f" ({old})" if old else "")


def level(entry: Entry) -> str:
    """`blocked`, `full`, `high` (from 80 % on), `ok` or `unknown`."""
    if entry["blocked"]:
        return "blocked"
    numbers = [window["used_pct"] for window in entry["windows"] if window["binding"] and window["used_pct"] is not None]
    if numbers and max(numbers) >= _FULL_PCT:
        return "full"
    used = fullest(entry)
    return "unknown" if used is None else "high" if used >= _HIGH_PCT else "ok"


def headline(snapshot: Snapshot, now: float) -> str:
    """Whom to use: `Codex 84% left`; else `nothing left for 2 h 10 m`, or `usage unknown`."""
    use = snapshot["answer"]["use"]
    entry = chosen(snapshot)
    if entry is not None:
        return f"{account(entry, snapshot['entries'])} {int(use['headroom_pct'])}% left"
    if use["code"] not in {"none_left", "none_left_open"}:
        return "usage unknown"
    until = parse_iso(use["until"])
    return "nothing left" if until is None else f"nothing left for {span(until - now)}"


def chosen(snapshot: Snapshot) -> Entry | None:
    """The entry that the answer names, if it also says how much is left there."""
    use = snapshot["answer"]["use"]
    if use["headroom_pct"] is None:
        return None
    entries: list[Entry] = snapshot["entries"]
    return next((e for e in entries if (e["provider"], e["account"]) == (use["provider"], use["account"])), None)


def title(entry: Entry, entries: list[Entry], now: float) -> str:
    """`Claude · Max 20x · 3 h ago`."""
    parts = (account(entry, entries), plain(entry["plan_label"] or ""), age(entry, now))
    return " · ".join(part for part in parts if part)


def window_line(window: Window, now: float) -> str:
    """`Week Fable: 14% used, resets in 2 d 3 h`."""
    name = plain(short_name(window))
    if window["state"] == "reset_due":
        return f"{name}: not read since its reset"
    if window["used_pct"] is None:
        return f"{name}: unknown"
    resets_at = parse_iso(window["resets_at"])
    words = span(resets_at - now) if resets_at is not None else plain(window["resets_in"] or "").removeprefix("in ")
    used = f"{name}: {percent(window['used_pct'])} used"
    old = window_age(window, now)
    return used + (f", resets in {words}" if words else "") + (f", read {old}" if old else "")


def troubles(entry: Entry) -> list[str]:
    """What is the matter with the account, as sentences; none of them is empty."""
    refusal = (entry["blocked"] or {}).get("message")
    sentences = [plain(said) for said in (entry["error"], refusal) if said]
    return [said for said in sentences if said]

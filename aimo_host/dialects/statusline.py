"""One line of text for a prompt, and for Claude Code's status line together with the session's JSON. Total, and never empty.

The session says how full its account is as of its last reply, without saying when that was. So its numbers count beside cached
ones only just after a reply, which shows as a change; and then, within one window, the larger one is the newer one.
"""

from __future__ import annotations

from aimo_host.dialects import phrases
from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.times import instant, iso, parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Entry = dict[str, Any]
    Window = dict[str, Any]

#: What a template may name in braces.
FIELDS = ("model", "folder", "context", "cost", "limits", "claude", "codex", "zai", "ollama", "others", "use")
_JOIN = " · "
_LONGEST = 400
_LONGEST_WORD = 40
#: Reset times of one window move by seconds from answer to answer.
_JITTER = 300.0
_MOST_PCT = 1000.0
#: The slots of `rate_limits`: kind and length, and the label that the same window has in an entry.
_SLOTS = {"five_hour": ("session", 18000, "session (5h)"), "seven_day": ("weekly", 604800, "weekly (all)")}


def render(
    snapshot: dict[str, Any], now: float, session: Any = None, template: str | None = None, *, has_replied: bool = True
) -> str:
    """`Opus · Claude 5 h 47% (2 h 10 m) · Week 61% · Week Fable 14% · Codex 16%`, or the template with its fields filled in.

    `session` is what Claude Code pipes to a status line, or anything else; `has_replied` as for `is_news`.
    """
    entries = snapshot["entries"]
    said = session if isinstance(session, dict) else {}
    mine = _mine(entries, windows_of(said.get("rate_limits"), now), has_replied=has_replied)
    fields = {**_session_fields(said), **_usage_fields(snapshot, entries, mine, now)}
    if template is None:
        shown = _JOIN.join(part for part in (fields["model"], fields["limits"], fields["others"]) if part)
    else:
        shown = _filled(template, fields)
    return phrases.plain(shown, _LONGEST) or phrases.headline(snapshot, now)


def windows_of(limits: Any, now: float) -> list[Window]:
    """The windows that a session's `rate_limits` state and that have not reset since, as in an entry."""
    found = []
    for key, (kind, seconds, label) in _SLOTS.items():
        slot = limits.get(key) if isinstance(limits, dict) else None
        slot = slot if isinstance(slot, dict) else {}
        used, resets_at = _percent(slot.get("used_percentage")), instant(slot.get("resets_at"))
        if used is None or resets_at is None or resets_at <= now:
            continue
        shape = {"label": label, "kind": kind, "scope": None, "window_seconds": seconds, "binding": True, "state": "active"}
        found.append({**shape, "used_pct": used, "resets_at": iso(resets_at), "resets_in": None})
    return found


def is_news(windows: list[Window], entries: list[Entry], *, has_replied: bool = True) -> bool:
    """Whether the session knows more than the entry it agrees with: a window that has grown, or begun anew.

    `has_replied` says that its numbers have changed since it was last heard. Others may be older than any that is cached.
    """
    entry = _agreeing(entries, windows)
    if entry is None:
        return True
    known = {window["kind"]: window for window in _main(entry)}
    newer = [_newer(window, known.get(window["kind"]), has_replied=has_replied) is window for window in windows]
    older = [not new and not _is_equal(window, known[window["kind"]]) for new, window in zip(newer, windows, strict=True)]
    return any(newer) and not any(older)


def _is_equal(one: Window, other: Window) -> bool:
    return _ends_with(one, other) and one["used_pct"] == other["used_pct"]


def _mine(entries: list[Entry], windows: list[Window], *, has_replied: bool) -> list[Window] | None:
    """The windows of the session's account: its own numbers, and the models' from the cache. None if the session has none."""
    if not windows:
        return None
    entry = _agreeing(entries, windows)
    if entry is None:
        return windows
    known = {window["kind"]: window for window in _main(entry)}
    read_at = {"observed_at": entry["observed_at"]}
    rest = [{**read_at, **window} for window in entry["windows"] if window["scope"] is not None]
    return [*(_newer(window, known.get(window["kind"]), has_replied=has_replied) for window in windows), *rest]


def _agreeing(entries: list[Entry], windows: list[Window]) -> Entry | None:
    """The one Claude entry whose week ends when the session's does."""
    week = next((window for window in windows if window["kind"] == "weekly"), None)
    if week is None:
        return None
    claude = [entry for entry in entries if entry["provider"] == "claude"]
    same = [e for e in claude if any(w["kind"] == "weekly" and _ends_with(week, w) for w in _main(e))]
    return same[0] if len(same) == 1 else None


def _main(entry: Entry) -> list[Window]:
    return [window for window in entry["windows"] if window["binding"] and window["scope"] is None]


def _ends_with(one: Window, other: Window) -> bool:
    ends = parse_iso(one["resets_at"]), parse_iso(other["resets_at"])
    return ends[0] is not None and ends[1] is not None and abs(ends[0] - ends[1]) <= _JITTER


def _newer(window: Window, known: Window | None, *, has_replied: bool) -> Window:
    """The session's window, unless the cache has the same one fuller, or a later one; only a later one without a reply."""
    if known is None or known["used_pct"] is None:
        return window
    if _ends_with(window, known):
        return window if has_replied and window["used_pct"] > known["used_pct"] else known
    ends = parse_iso(window["resets_at"]), parse_iso(known["resets_at"])
    if ends[0] is None or ends[1] is None:
        return window if has_replied else known
    return known if ends[1] > ends[0] else window


def _percent(value: Any) -> float | None:
    """Percent from 0 on; some releases send texts for numbers."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= _MOST_PCT else None


def _session_fields(said: dict[str, Any]) -> dict[str, str]:
    model, place, money, context = (said.get(key) for key in ("model", "workspace", "cost", "context_window"))
    name = model.get("display_name") or model.get("id") if isinstance(model, dict) else model
    folder = (place.get("current_dir") if isinstance(place, dict) else None) or said.get("cwd")
    spent = _amount(money.get("total_cost_usd")) if isinstance(money, dict) else None
    full = _percent(context.get("used_percentage")) if isinstance(context, dict) else None
    return {
        "model": phrases.plain(name, _LONGEST_WORD) if isinstance(name, str) else "",
        "folder": _last_part(folder) if isinstance(folder, str) else "",
        "cost": "" if spent is None else f"${spent:.2f}",
        "context": "" if full is None else phrases.percent(full),
    }


def _amount(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 10**9 else None


def _last_part(path: str) -> str:
    return phrases.plain(path.replace("\\", "/").rstrip("/").rpartition("/")[2], _LONGEST_WORD)


def _usage_fields(snapshot: dict[str, Any], entries: list[Entry], mine: list[Window] | None, now: float) -> dict[str, str]:
    fields = {
        provider: _JOIN.join(phrases.brief(entry, entries, now) for entry in entries if entry["provider"] == provider)
        for provider in PROVIDERS
    }
    limits = fields["claude"] if mine is None else f"Claude {_JOIN.join(_window(window, now) for window in mine)}"
    others = _JOIN.join(fields[provider] for provider in PROVIDERS if provider != "claude" and fields[provider])
    return {**fields, "limits": limits, "others": others, "use": phrases.headline(snapshot, now)}


def _window(window: Window, now: float) -> str:
    """`Week 61%`, `Week Fable 14% (3 h ago)`; a session is over soon enough to say when: `5 h 47% (2 h 10 m)`."""
    old = phrases.window_age(window, now)
    text = f"{phrases.plain(phrases.short_name(window), _LONGEST_WORD)} {phrases.percent(window['used_pct'])}"
    resets_at = parse_iso(window["resets_at"])
    if window["kind"] == "session" and window["scope"] is None and resets_at is not None:
        return f"{text} ({phrases.span(resets_at - now)})"
    return f"{text} ({old})" if old else text


def unknown_fields(template: str) -> list[str]:
    """The words in braces that are no fields; they are shown as they stand."""
    words = [name for piece in template.split("{")[1:] for name, brace, _ in [piece.partition("}")] if brace]
    return [word for word in words if word.isidentifier() and word not in FIELDS]


def _filled(template: str, fields: dict[str, str]) -> str:
    """The template with `{field}` replaced; a word in braces that is no field stays as it is."""
    pieces = template.split("{")
    shown = [pieces[0]]
    for piece in pieces[1:]:
        name, brace, rest = piece.partition("}")
        shown.append(fields[name] + rest if brace and name in fields else "{" + piece)
    return "".join(shown)

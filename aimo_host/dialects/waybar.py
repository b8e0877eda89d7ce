"""Waybar: one line of JSON for a custom module with `"return-type": "json"`. Never Pango markup that came from outside.

`text` is the headline, `alt` the provider to use (for `format-icons`), `percentage` what it has left, `class` how bad it is.
"""

from __future__ import annotations

import json

from aimo_host.dialects import phrases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: How man waybar-custom(5) writes a line break in a tooltip; Pango ends a paragraph there.
_BREAK = "\r"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&quot;"}
_MOST_PCT = 100


def render(snapshot: dict[str, Any], now: float) -> str:
    """`{"text", "alt", "tooltip", "class", "percentage"}`; no percentage where nothing is known."""
    use = phrases.chosen(snapshot)
    state = _state(snapshot)
    shown: dict[str, Any] = {
        "text": _escaped(phrases.headline(snapshot, now)),
        "alt": use["provider"] if use is not None else state,
        "tooltip": _BREAK.join(_escaped(line) for line in _lines(snapshot["entries"], now)),
        "class": [state] if use is None else [state, use["provider"]],
    }
    if use is not None:
        shown["percentage"] = min(_MOST_PCT, int(snapshot["answer"]["use"]["headroom_pct"]))
    elif state == "full":
        shown["percentage"] = 0
    return json.dumps(shown)


def _state(snapshot: dict[str, Any]) -> str:
    use = phrases.chosen(snapshot)
    if use is not None:
        return phrases.level(use)
    return "unknown" if snapshot["answer"]["use"]["code"] == "unknown" else "full"


def _lines(entries: list[dict[str, Any]], now: float) -> list[str]:
    lines = []
    for entry in entries:
        lines.append(phrases.title(entry, entries, now))
        lines += [f"  {said}" for said in phrases.troubles(entry)]
        lines += [f"  {phrases.window_line(window, now)}" for window in entry["windows"]]
    return lines or ["Every provider is switched off."]


def _escaped(text: str) -> str:
    return "".join(_ENTITIES.get(char, char) for char in text)

"""tmux: every account in a few letters, coloured by how full it is, for `status-right`. Percent used.

tmux expands `#{…}`, `#(…)` and `#[…]` in what a command prints, so every `#` that is not ours is doubled.
"""

from __future__ import annotations

from aimo_host.dialects import phrases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_COLORS = {"high": "yellow", "full": "red", "blocked": "red"}


def render(snapshot: dict[str, Any], now: float) -> str:
    """`Claude 61%  Codex 16%  Z.ai ?`, on one line."""
    entries = snapshot["entries"]
    return "  ".join(_part(entry, entries, now) for entry in entries) or "aimo: every provider is off"


def _part(entry: dict[str, Any], entries: list[dict[str, Any]], now: float) -> str:
    text = phrases.brief(entry, entries, now).replace("#", "##")
    color = _COLORS.get(phrases.level(entry))
    return f"#[fg={color}]{text}#[default]" if color else text

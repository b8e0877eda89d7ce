"""SwiftBar, xbar and Argos: the headline in the bar, a menu below it. Nothing from outside becomes a parameter or a command.

A menu line is `text | key=value …`, so the text never holds a pipe and never starts with a dash; the only links are to https.
"""

from __future__ import annotations

from urllib.parse import quote

from aimo_host.dialects import phrases
from aimo_host.gauge.catalog import PROVIDERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SEPARATOR = "---"
#: Light, dark.
_COLORS = {"high": "#9a6700,#e3b341", "full": "#cf222e,#ff7b72", "blocked": "#cf222e,#ff7b72"}
_SAFE_IN_LINKS = "/:?&=%+~,;@-._#"


def render(snapshot: dict[str, Any], now: float) -> str:
    """The bar, then one section per account."""
    entries = snapshot["entries"]
    use = phrases.chosen(snapshot)
    lines = [_line(phrases.headline(snapshot, now), **_color(use))]
    for entry in entries:
        lines.append(_SEPARATOR)
        lines.append(_line(phrases.title(entry, entries, now), href=PROVIDERS[entry["provider"]]["usage_page"]))
        where = _link((entry["problem"] or {}).get("url"))
        lines += [_line(said, **({"href": where} if where else {})) for said in phrases.troubles(entry)]
        lines += [_line(phrases.window_line(window, now), font="Menlo", size="12") for window in entry["windows"]]
    return "\n".join([*lines, _SEPARATOR, _line("Read again from the cache", refresh="true")])


def _line(text: str, **parameters: str) -> str:
    # xbar and SwiftBar make pictures of `:words:`, unless they are told.
    said = text.replace("|", "\N{DIVIDES}").strip()
    said = "\N{HYPHEN}" + said[1:] if said.startswith("-") else said
    return f"{said} | " + " ".join(f"{key}={value}" for key, value in {**parameters, "emojize": "false"}.items())


def _color(entry: dict[str, Any] | None) -> dict[str, str]:
    color = _COLORS.get(phrases.level(entry)) if entry is not None else None
    return {"color": color} if color else {}


def _link(url: object) -> str | None:
    """An address of a page, with everything quoted that the menu's syntax knows."""
    if not isinstance(url, str) or not url.startswith("https://"):
        return None
    return quote(phrases.plain(url), safe=_SAFE_IN_LINKS)

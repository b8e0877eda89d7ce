"""Words for people, made from words for programs. A window never loses its row because another one has the same name."""

from __future__ import annotations

import re
from dataclasses import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from aimo_host.gauge.model import Window


def words(raw: str) -> tuple[str, ...]:
    """The lower-case words of a spelling: `Claude_Opus-4` -> claude, opus, 4."""
    return tuple(re.findall(r"[^\W_]+", raw.lower()))


def distinct(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same windows; the second one of a label becomes `label #2`, and so on."""
    seen: dict[str, int] = {}
    found: list[Window] = []
    for window in windows:
        count = seen[window.label] = seen.get(window.label, 0) + 1
        found.append(window if count == 1 else replace(window, label=f"{window.label} #{count}"))
    return tuple(found)

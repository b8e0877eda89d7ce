"""Total accessors for other people's JSON: any value in, the wanted type or None out."""

from __future__ import annotations

import json
import math
from typing import Any

#: Deeper than any provider's answer, shallower than the interpreter's own limit.
_DEEPEST = 64


def load(body: str) -> Any:
    """The JSON value of `body`, or None if it is none. NaN and infinities are refused, as is nesting beyond 64 levels."""
    try:
        value = json.loads(body, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return value if _depth_within(value, _DEEPEST) else None


def _depth_within(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels > 0 and all(_depth_within(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_depth_within(item, levels - 1) for item in value)
    return True


def mapping(value: Any) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The array, or an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """The text without surrounding space and control characters, at most 200 characters; None if nothing is left."""
    if not isinstance(value, str):
        return None
    cleaned = "".join(char for char in value if char.isprintable()).strip()[:200]
    return cleaned or None


def text_whole(value: Any) -> str | None:
    """A token or an identifier: one word of printable ASCII, taken whole or not at all."""
    if not isinstance(value, str):
        return None
    value = value.strip()
    return value if value and value.isascii() and value.isprintable() and " " not in value else None


def number(value: Any) -> float | None:
    """A finite number; numeric strings count (decimal point, whatever the locale), booleans do not."""
    if isinstance(value, str):
        if "_" in value:
            return None  # Python's own spelling, and nobody else's
        try:
            value = float(value.strip())
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        value = float(value)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def amount(value: Any) -> float | None:
    """A finite number that is not negative."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def percent(value: Any) -> float | None:
    """Percent used: 0 or more, may exceed 100; what is negative or beyond any sense is unknown."""
    found = amount(value)
    return found if found is not None and found <= 1_000_000 else None

"""Reading a JSON object from a file of ours that anything may have happened to."""

from __future__ import annotations

import json

from aimo_host.state import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class CorruptFileError(Exception):
    """Something is at that path, and it is not a JSON object that we may read."""


def load(path: str) -> dict[str, Any] | None:
    """The object, or None where there is no file.

    Raises:
        CorruptFileError: it is unreadable, not JSON, or not an object.
    """
    try:
        content = atomic.read(path)
        if content is None:
            return None
        value = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise CorruptFileError(f"{path}: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise CorruptFileError(f"{path}: not an object")
    return value


def load_or_empty(path: str) -> dict[str, Any]:
    """The object; an empty one where there is none that can be read. For files that are only bookkeeping."""
    try:
        return load(path) or {}
    except CorruptFileError:
        return {}


def save(path: str, value: dict[str, Any], *, durable: bool = True) -> None:
    """Replace the file by `value`.

    Raises:
        OSError: see `atomic.replace`.
    """
    atomic.replace(path, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), durable=durable)

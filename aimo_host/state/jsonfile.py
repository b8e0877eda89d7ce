"""Reading a JSON object from a file of ours that anything may have happened to.

What is read can be written and sent again as it is: strict UTF-8, no lone surrogates, no number beyond a float's range.
"""

from __future__ import annotations

import json

from aimo_host.state import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INFINITE = (float("inf"), float("-inf"))
_LARGEST = 1e300


class CorruptFileError(Exception):
    """Something is at that path, and it is not a JSON object that we may read."""


def load(path: str) -> dict[str, Any] | None:
    """The object, or None where there is no file. Numbers that no float can hold are null.

    Raises:
        CorruptFileError: it is not a file that we may read, not JSON, or not an object.
        OSError: it cannot be read just now, and may be in order.
    """
    try:
        content = atomic.read(path)
        value = None if content is None else _parsed(content)
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError) and error.errno in atomic.PASSING:
            raise
        raise CorruptFileError(f"{path}: {type(error).__name__}") from None
    if content is not None and not isinstance(value, dict):
        raise CorruptFileError(f"{path}: not an object")
    return value


def _parsed(content: bytes) -> Any:
    value = json.loads(content.decode("utf-8-sig"), parse_float=_finite, parse_int=_within_floats, parse_constant=_no_number)
    if b"\\u" in content:  # only an escape can smuggle in half a character, which nobody could write out again
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _finite(text: str) -> float | None:
    value = float(text)
    return None if value in _INFINITE else value


def _within_floats(text: str) -> int | None:
    value = int(text)
    return value if -_LARGEST < value < _LARGEST else None


def _no_number(_name: str) -> None:
    return None


def load_or_empty(path: str) -> dict[str, Any]:
    """The object; an empty one where there is none that can be read. Never raises."""
    try:
        return load(path) or {}
    except (CorruptFileError, OSError):
        return {}


def load_or_set_aside(path: str) -> dict[str, Any]:
    """The object, before it is replaced; what is corrupt is kept beside it as evidence, and an empty one taken instead.

    Raises:
        OSError: see `load`.
    """
    try:
        return load(path) or {}
    except CorruptFileError:
        atomic.set_aside(path, keep=atomic.EVIDENCE)
        return {}


def save(path: str, value: dict[str, Any], *, durable: bool = True) -> None:
    """Replace the file by `value`.

    Raises:
        OSError: see `atomic.replace`.
    """
    atomic.replace(path, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), durable=durable)

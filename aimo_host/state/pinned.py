"""What was made of a file of ours, for as long as that very file lies there: it is looked at, and not read again.

Files of ours are replaced, never changed. The one that was read stays open, so that its number cannot pass to another: a path
that leads to the same number, size and time leads to the same content. What is handed out is shared, and not to be changed.
On Windows, where an open file could not be replaced, everything is read every time.
"""

from __future__ import annotations

import os
import sys

from aimo_host.state import atomic, jsonfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from aimo_host.state.atomic import Mark

    T = TypeVar("T")

#: A process has one home, with a few files in it.
_MOST = 8
#: Path -> the descriptor that keeps the file, its mark, and what was made of it.
_kept: dict[str, tuple[int, Mark, Any]] = {}


def load(path: str, make: Callable[[dict[str, Any]], T]) -> T:
    """`make` of the object in the file (see `jsonfile.load_or_empty`). A path has always the same `make`. Never raises itself."""
    kept = _kept.get(path)
    if kept is not None and kept[1] == atomic.mark(path):
        found: T = kept[2]
        return found
    descriptor = _pin(path)
    mark = None if descriptor is None else atomic.mark_of(os.fstat(descriptor))
    value = make(jsonfile.load_or_empty(path))
    if descriptor is None or mark is None:
        return value
    _let_go(path)
    for oldest in [*_kept][: 1 - _MOST]:
        _let_go(oldest)
    # The path led to the pinned file before it was read: if it still does, that was what was read.
    if mark != atomic.mark(path) or _kept.setdefault(path, (descriptor, mark, value))[0] != descriptor:
        os.close(descriptor)
    return value


def _pin(path: str) -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None


def _let_go(path: str) -> None:
    """Taken out before it is closed, so that of two threads only one closes it."""
    kept = _kept.pop(path, None)
    if kept is not None:
        os.close(kept[0])

"""The cache file: the last truth about every account, shared by all processes and readable by anybody of the same user.

`{"schema": 1, "updated_at": …, "entries": […]}`, replaced atomically under one lock. A file that is corrupt is set aside as
evidence and rebuilt; one of a newer schema is read and never written; keys that this version does not know survive a rewrite.
"""

from __future__ import annotations

import os

from aimo_host.gauge.sound import sound
from aimo_host.state import jsonfile, pinned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aimo_host.state.paths import Paths

SCHEMA = 1


class NewerSchemaError(Exception):
    """The file was written by a newer version, which this one must not overwrite."""


def empty() -> dict[str, Any]:
    """A cache in which nothing was ever read."""
    return {"schema": SCHEMA, "updated_at": None, "entries": [], "_feeds": {}}


def read(paths: Paths) -> dict[str, Any]:
    """What is cached; an empty cache where nothing is, or nothing that can be read. Never raises, never writes.

    It is shared by all who read the same file: not to be changed.
    """
    return pinned.load(paths.cache, _whole)


def _whole(found: dict[str, Any]) -> dict[str, Any]:
    return sound({**empty(), **found})


def update(paths: Paths, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Replace the cache by `change(cache)` while nobody else can, ring everybody, and return what is cached now.

    Raises:
        NewerSchemaError: the file belongs to a newer version; it was left alone.
        OSError: the disk is full or read-only, another process keeps the lock, or what is there cannot be read just now.
    """
    from aimo_host.state import bell  # sockets and locks are not worth their import to who only reads
    from aimo_host.state.lock import FileLock

    with FileLock(os.path.join(paths.locks_dir, "cache")).required():
        before = _read_to_write(paths)
        after = change(before)
        if after == before:
            return after
        jsonfile.save(paths.cache, after)
    bell.ring(paths.bells_dir)
    return after


def _read_to_write(paths: Paths) -> dict[str, Any]:
    found = jsonfile.load_or_set_aside(paths.cache)
    schema = found.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise NewerSchemaError
    return sound({**empty(), **found, "schema": SCHEMA})

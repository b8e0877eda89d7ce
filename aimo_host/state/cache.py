"""The cache file: the last truth about every account, shared by all processes and readable by anybody of the same user.

`{"schema": 1, "updated_at": …, "entries": […]}`, replaced atomically under one lock. A file that is corrupt is set aside as
evidence and rebuilt; one of a newer schema is read and never written; keys that this version does not know survive a rewrite.
"""

from __future__ import annotations

import os

from aimo_host.state import atomic, bell, jsonfile
from aimo_host.state.lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aimo_host.state.paths import Paths

SCHEMA = 1
#: How many corrupt files are kept as evidence.
_EVIDENCE = 3
#: A holder writes one small file; who has waited this long stands behind a stopped process.
_LOCK_TIMEOUT = 5.0
#: A feed is named `provider/route/profile`.
_FEED_SLASHES = 2


class CacheBusyError(Exception):
    """The lock was not to be had."""


class NewerSchemaError(Exception):
    """The file was written by a newer version, which this one must not overwrite."""


def empty() -> dict[str, Any]:
    """A cache in which nothing was ever read."""
    return {"schema": SCHEMA, "updated_at": None, "entries": [], "_feeds": {}}


def read(paths: Paths) -> dict[str, Any]:
    """What is cached; an empty cache where nothing is, or nothing that can be read. Never raises, never writes."""
    try:
        found = jsonfile.load(paths.cache)
    except jsonfile.CorruptFileError:
        return empty()
    return sound(found) if found is not None else empty()


def sound(cache: dict[str, Any]) -> dict[str, Any]:
    """The same cache with everything left out that is not an entry: the file may have been edited by anybody."""
    entries = cache.get("entries")
    kept = [_sound_entry(entry) for entry in entries if _is_entry(entry)] if isinstance(entries, list) else []
    feeds = cache.get("_feeds")
    feeds = (
        {name: feed for name, feed in feeds.items() if name.count("/") == _FEED_SLASHES and _is_feed(feed)}
        if isinstance(feeds, dict)
        else {}
    )
    return {**cache, "entries": kept, "_feeds": feeds}


def _is_feed(feed: Any) -> bool:
    return (
        isinstance(feed, dict)
        and isinstance(feed.get("provider"), str)
        and isinstance(feed.get("account", 0), str | None)
        and isinstance(feed.get("at"), int | float)
    )


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("provider"), str)
        and isinstance(entry.get("account"), str | None)
        and isinstance(entry.get("observed_at"), str | None)
        and isinstance(entry.get("attempted_at"), str | None)
    )


def _sound_entry(entry: dict[str, Any]) -> dict[str, Any]:
    windows, balances = entry.get("windows"), entry.get("balances")
    return {
        **entry,
        "windows": [window for window in windows if isinstance(window, dict)] if isinstance(windows, list) else [],
        "balances": [balance for balance in balances if isinstance(balance, dict)] if isinstance(balances, list) else [],
    }


def update(paths: Paths, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Replace the cache by `change(cache)` while nobody else can, ring everybody, and return what is cached now.

    Raises:
        CacheBusyError: the lock was not to be had within 5 s.
        NewerSchemaError: the file belongs to a newer version; it was left alone.
        OSError: the disk is full, the folder is read-only.
    """
    with FileLock(os.path.join(paths.locks_dir, "cache")).hold(_LOCK_TIMEOUT) as got:
        if not got:
            raise CacheBusyError
        before = _read_to_write(paths)
        after = change(before)
        if after == before:
            return after
        jsonfile.save(paths.cache, after)
    bell.ring(paths.bells_dir)
    return after


def _read_to_write(paths: Paths) -> dict[str, Any]:
    try:
        found = jsonfile.load(paths.cache)
    except jsonfile.CorruptFileError:
        atomic.set_aside(paths.cache, keep=_EVIDENCE)
        return empty()
    if found is None:
        return empty()
    schema = found.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise NewerSchemaError
    return sound({**found, "schema": SCHEMA})

"""Opaque names of accounts: a hash salted once per installation, so that no file or answer carries a provider's identifier.

The salt lies beside the cache. Without it the hashes in the cache mean nothing, so a lost salt empties the cache.
"""

from __future__ import annotations

import hashlib
import os

from aimo_host.state import atomic, cache
from aimo_host.state.lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.state.paths import Paths

_SALT_BYTES = 16
_NAME_BYTES = 4


def opaque(paths: Paths, provider: str, raw: str) -> str:
    """The account's name in entries: 8 hexadecimal digits, the same for the same account of the same installation.

    Raises:
        OSError: the salt can be neither read nor written.
    """
    digest = hashlib.blake2s(f"{provider}\0{raw}".encode(), key=_salt(paths), digest_size=_NAME_BYTES)
    return digest.hexdigest()


def _salt(paths: Paths) -> bytes:
    found = _read_salt(paths)
    if found is not None:
        return found
    with FileLock(os.path.join(paths.locks_dir, "salt")).hold(timeout=5.0):
        found = _read_salt(paths)
        if found is not None:
            return found
        fresh = os.urandom(_SALT_BYTES)
        cache.update(paths, _without_old_names)
        atomic.replace(paths.salt, fresh)
        return fresh


def _without_old_names(before: dict[str, Any]) -> dict[str, Any]:
    """Empty where an entry carries a name of the lost salt. The first salt of all finds none, and takes nothing away."""
    return before if all(entry["account"] is None for entry in before["entries"]) else cache.empty()


def _read_salt(paths: Paths) -> bytes | None:
    found = atomic.read(paths.salt)
    return found if found is not None and len(found) == _SALT_BYTES else None

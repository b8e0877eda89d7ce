"""Opaque names of accounts: a hash salted once per installation, so that no file or answer carries a provider's identifier.

The salt lies beside the cache. Without it the hashes in the cache mean nothing, so a lost salt empties the cache.
"""

from __future__ import annotations

import errno
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
        OSError: there is no salt and none can be made, or it cannot be read just now.
    """
    digest = hashlib.blake2s(f"{provider}\0{raw}".encode(), key=_salt(paths), digest_size=_NAME_BYTES)
    return digest.hexdigest()


def _salt(paths: Paths) -> bytes:
    found = _read_salt(paths)
    if found is not None:
        return found
    with FileLock(os.path.join(paths.locks_dir, "salt")).required():
        found = _read_salt(paths)
        if found is not None:
            return found
        fresh = os.urandom(_SALT_BYTES)
        cache.update(paths, _without_old_names)
        if os.path.lexists(paths.salt):
            atomic.set_aside(paths.salt, keep=atomic.EVIDENCE)
        atomic.replace(paths.salt, fresh)
        return fresh


def _without_old_names(before: dict[str, Any]) -> dict[str, Any]:
    """Empty where an entry carries a name of the lost salt. The first salt of all finds none, and takes nothing away."""
    return before if all(entry["account"] is None for entry in before["entries"]) else cache.empty()


def _read_salt(paths: Paths) -> bytes | None:
    """The salt; None where there is none, or something that cannot be one."""
    try:
        found = atomic.read(paths.salt)
    except OSError as error:
        if error.errno in (*atomic.PASSING, errno.EACCES, errno.EPERM):
            raise
        return None
    return found if found is not None and len(found) == _SALT_BYTES else None

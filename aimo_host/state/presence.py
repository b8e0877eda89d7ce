"""Who is here: each waiting process holds a lock on a small file of its own, which drops at its death however it died."""

from __future__ import annotations

import json
import os

from aimo_host.state import atomic
from aimo_host.state.lock import lock_descriptor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SUFFIX = ".here"


class Presence:
    """This process's sign on the door. `facts` is a small JSON object: `kind` ("host", "shim"), `pid`, `profile`, `version`."""

    def __init__(self, folder: str, facts: dict[str, Any]) -> None:
        atomic.private_folder(folder)
        name = f"{os.getpid()}-{os.urandom(3).hex()}"
        temporary = os.path.join(folder, f".{name}{atomic.PART}")
        self._path = os.path.join(folder, name + _SUFFIX)
        self._descriptor = atomic.open_private(temporary, os.O_RDWR | os.O_EXCL)
        os.write(self._descriptor, json.dumps(facts).encode())
        # Locked before it gets its name: nobody may ever see it unlocked and take it for a dead one.
        lock_descriptor(self._descriptor)
        os.rename(temporary, self._path)

    def leave(self) -> None:
        """Take the sign down."""
        atomic.discard(self._path)
        os.close(self._descriptor)


def present(folder: str) -> list[dict[str, Any]]:
    """The facts of every process that is alive; signs of the dead are removed."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(_SUFFIX))
    except OSError:
        return []
    found = (_facts(os.path.join(folder, name)) for name in names)
    return [facts for facts in found if facts is not None]


def _facts(path: str) -> dict[str, Any] | None:
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    try:
        # A shared lock, so that two who look at the same time do not take each other for the owner.
        if lock_descriptor(descriptor, shared=True):
            atomic.discard(path)
            return None
        facts = json.loads(os.read(descriptor, 4096))
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
    return facts if isinstance(facts, dict) else None

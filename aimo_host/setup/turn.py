"""One installation or removal at a time: the others wait for their turn, and then look again at what there is to do.

The lock lies in the folder of the other locks, which an uninstallation takes away: whoever waited at a file that is gone
by then takes a new turn at the one that lies there now.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aimo_host.setup import SetupError
from aimo_host.setup.steps import missing_folders
from aimo_host.state import atomic
from aimo_host.state.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimo_host.setup.system import System

#: Writing takes a second, removing an environment and waiting for its hosts ten.
PATIENCE_SECONDS = 60.0


def path(system: System) -> str:
    """The file that is locked."""
    return os.path.join(system.paths.locks_dir, "install")


class Turn:
    """The turn that was taken; `made` are the folders that were made for the lock, the outermost first."""

    def __init__(self, path: str, lock: FileLock, made: list[str]) -> None:
        self.made = made
        self._path = path
        self._lock = lock

    def leave_no_trace(self) -> None:
        """Remove the lock's file while it is held, so that whoever waits at it takes a new turn."""
        atomic.discard(self._path)
        if os.path.lexists(self._path):  # Windows removes no file that is open
            self._lock.release()
            atomic.discard(self._path)


@contextmanager
def taken(system: System) -> Iterator[Turn]:
    """Hold the turn.

    Raises:
        SetupError: somebody else kept it for too long.
        OSError: the lock cannot be made.
    """
    lock = FileLock(path(system))
    made = _acquire(lock)
    try:
        yield Turn(lock.path, lock, made)
    finally:
        lock.release()


def _acquire(lock: FileLock) -> list[str]:
    """Take the lock, and return the folders that were made for it."""
    made: list[str] = []
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        made += [folder for folder in missing_folders(lock.path) if folder not in made]
        try:
            got = lock.acquire(max(0.0, until - time.monotonic()))
        except FileNotFoundError:  # the folder was just being taken away
            if time.monotonic() >= until:
                raise
            continue
        if not got:
            raise SetupError(
                "Another `aimo install` or `aimo uninstall` is still at work: wait for its end, then run this again."
            )
        if lock.is_in_place():
            return made
        lock.release()

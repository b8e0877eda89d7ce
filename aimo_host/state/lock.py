"""A lock between processes that the operating system drops when its holder dies, however it dies.

`fcntl.flock` on POSIX, `msvcrt.locking` on Windows. The file is only the handle of the lock: its content means nothing. A holder
may be stopped in the middle of its work and go on hours later: whoever writes without the lock then loses what is written.
"""

from __future__ import annotations

import errno
import os
import sys
import time

from aimo_host.state import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

if sys.platform == "win32":  # pragma: no cover - Windows only
    import msvcrt

    #: Far behind any content: a locked byte cannot be read by others on Windows.
    _OFFSET = 1 << 30

    def lock_descriptor(descriptor: int, *, shared: bool = False) -> bool:
        """Try to lock; True if it was got. Windows has no shared locks here, so a probe is as strong as a hold."""
        del shared
        os.lseek(descriptor, _OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def lock_descriptor(descriptor: int, *, shared: bool = False) -> bool:
        """Try to lock the open file without waiting; True if it was got."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


#: A holder writes one small file; who has waited this long stands behind a stopped process.
PATIENCE = 5.0


class BusyError(TimeoutError):
    """The lock was not to be had in time, so what it guards may not be written."""


class FileLock:
    """An exclusive lock; not re-entrant. `with lock.required():` for writers; `hold` or `acquire` for who can do without."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, timeout: float = 0.0) -> bool:
        """Wait at most `timeout` seconds for the lock; False if it was not to be had.

        Waiting is a short poll: holders write one small file, so a waiter is through in a few milliseconds.

        Raises:
            OSError: the lock file cannot be made.
        """
        atomic.private_folder(os.path.dirname(self.path))
        descriptor = atomic.open_private(self.path, os.O_RDWR)
        deadline = time.monotonic() + timeout
        pause = 0.001
        while not lock_descriptor(descriptor):
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, 0.01)  # who looks seldom never finds it free among busy writers
        self._descriptor = descriptor
        return True

    def is_in_place(self) -> bool:
        """Whether the file that is held is the one that lies there now, and not one that was removed meanwhile."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self.path, follow_symlinks=False))
        except OSError:
            return False

    def release(self) -> None:
        """Let go; closing the descriptor is what releases the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def hold(self, timeout: float) -> _Hold:
        """A context that holds the lock, and says whether it was got."""
        return _Hold(self, timeout)

    def required(self) -> _Hold:
        """A context that holds the lock, for whoever writes.

        Raises:
            BusyError: another process kept it for `PATIENCE` seconds.
            OSError: the lock file cannot be made.
        """
        return _Hold(self, PATIENCE, is_required=True)


class _Hold:
    def __init__(self, lock: FileLock, timeout: float, *, is_required: bool = False) -> None:
        self._lock = lock
        self._timeout = timeout
        self._is_required = is_required

    def __enter__(self) -> bool:
        got = self._lock.acquire(self._timeout)
        if self._is_required and not got:
            raise BusyError(errno.ETIMEDOUT, "Another process has stopped in the middle of writing", self._lock.path)
        return got

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lock.release()

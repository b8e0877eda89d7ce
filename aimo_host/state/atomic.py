"""Files that are read and replaced whole: private, never half-written, symlinks not followed.

A reader never needs a lock: it sees the old file or the new one. Nothing else in the house opens a file of ours for writing.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    #: Device, number, length in bytes, and the moment of change in nanoseconds.
    Mark = tuple[int, int, int, int]

#: No file of ours comes near this; a larger one is somebody else's doing and is treated as unreadable.
_LARGEST = 32 * 1024 * 1024

#: Ending of a file that is being written; a killed writer leaves it behind.
PART = ".part"
#: How many corrupt files are kept as evidence.
EVIDENCE = 3
#: Errors that say something of this machine at this moment, and nothing of the file.
PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EINTR)

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
#: A FIFO in the file's place must not hang the reader.
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)


def mark(path: str, *, follow: bool = False) -> Mark | None:
    """What a look tells of the file at `path`, to see later whether another one lies there; None where none does."""
    try:
        return mark_of(os.stat(path, follow_symlinks=follow))
    except OSError:
        return None


def mark_of(status: os.stat_result) -> Mark:
    """The same of a file that was looked at."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def private_folder(folder: str) -> None:
    """Make `folder` with mode 0700 whatever the umask; parents that are missing are made the same way.

    Raises:
        OSError: it cannot be made, or something else is in its place.
    """
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    if parent and parent != folder:
        private_folder(parent)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise
        return
    os.chmod(folder, 0o700)


def read(path: str, *, follow: bool = False) -> bytes | None:
    """The whole file, or None where there is none. `follow` is for other programs' files, which people do link to.

    Raises:
        OSError: it is there and cannot be read: no permission, a symlink, not a regular file, too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | (0 if follow else _NOFOLLOW) | _NONBLOCK | _BINARY)
    except FileNotFoundError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            raise OSError(f"not a file of aimo's: {path}")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def replace(path: str, content: bytes, *, durable: bool = True) -> None:
    """Put `content` in the place of `path`, all or nothing, mode 0600. `durable` also survives a power cut.

    Raises:
        OSError: the folder is read-only, the disk is full, or a folder is in the file's place; the old file is untouched.
    """
    folder, name = os.path.split(path)
    private_folder(folder)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{os.urandom(4).hex()}{PART}")
    descriptor = open_private(temporary, os.O_WRONLY | os.O_EXCL)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        discard(temporary)
        raise


def append(path: str, content: bytes) -> int:
    """Put `content` at the end of a private file, made if it is missing, and return how long that is now.

    Raises:
        OSError: it cannot be written, or is not a file.
    """
    private_folder(os.path.dirname(path))
    descriptor = open_private(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, content)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def open_private(path: str, flags: int) -> int:
    """A descriptor of the file, made if it is missing: mode 0600 whatever the umask, symlinks not followed, nothing waited for.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, flags | os.O_CREAT | _NOFOLLOW | _NONBLOCK | _BINARY, 0o600)
    if sys.platform != "win32":
        os.fchmod(descriptor, 0o600)
    return descriptor


def discard(path: str) -> None:
    """Remove a file of ours if it is there; somebody else may have done so first."""
    try:
        os.unlink(path)
    except OSError:
        pass  # not there (any more), which is all that was wanted


def set_aside(path: str, *, keep: int) -> None:
    """Move what is at `path` (a corrupt file, a folder in its place) to `path.bad-N`, keeping the `keep` newest as evidence."""
    for index in range(keep, 1, -1):
        older, newer = f"{path}.bad-{index}", f"{path}.bad-{index - 1}"
        if index == keep:
            _remove(older)
        if os.path.lexists(newer):
            os.rename(newer, older)
    os.rename(path, f"{path}.bad-1")


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.unlink(path)


def sweep(folder: str, *, older_than: float) -> None:
    """Remove temporary files that a killed writer left in `folder`, `older_than` seconds before the last change in it.

    Both moments are the file system's. Our clock may have jumped, or not be the file server's: then a file that somebody is
    writing just now would look old.
    """
    try:
        changed = os.stat(folder).st_mtime
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if not name.endswith(PART):
            continue
        path = os.path.join(folder, name)
        try:
            expired = changed - os.lstat(path).st_mtime > older_than
        except OSError:
            continue
        if expired:
            discard(path)

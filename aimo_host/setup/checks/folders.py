"""Whether aimo's folders can be made and written. Looks at permissions and at the disk, and writes nothing."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from aimo_host.setup import own
from aimo_host.setup.checks import listed, ok, problem, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aimo_host.setup.checks import Case, Finding

_ELSEWHERE = "Choose an AIMO_HOME in which you can write, and run `aimo install`."


def of(case: Case) -> list[str]:
    """Ours. An AIMO_HOME around them is the person's, who may keep anything in it."""
    where = case.system.paths
    return sorted({where.config_dir, where.cache_dir, where.state_dir, where.data_dir})


def followed(case: Case) -> set[str]:
    """Folders of ours that may just as well be links to folders: `aimo install` refuses that of the others."""
    return {path for name, path in vars(case.system.paths).items() if name.endswith("_dir")} - _refused(case)


def unfollowed(case: Case) -> set[str]:
    """Places in which a link is not followed, wherever it leads."""
    return _refused(case).union(vars(case.system.paths).values()) - followed(case)


def _refused(case: Case) -> set[str]:
    """As `own.check` does; a test holds it to that."""
    written = own.everything(case.system)
    return {*written, *(os.path.dirname(path) for path in written)}


def writable(case: Case) -> list[Finding]:
    """Can each of our folders be written; where it is not there yet, what it would be made in?"""
    blocked = [path for path in _stand({*of(case), *followed(case)}) if not os.path.isdir(path)]
    usable = [path for path in _stand(of(case)) if path not in blocked]
    disks = {path: disk for path in usable if (disk := _disk(path)) is not None}
    read_only = [path for path, disk in disks.items() if disk.f_flag & os.ST_RDONLY]
    # A file system that does not count its blocks says 0 of 0.
    full = [path for path, disk in disks.items() if disk.f_blocks and not disk.f_bavail and path not in read_only]
    shut = [path for path in usable if path not in read_only and not os.access(path, os.W_OK | os.X_OK)]
    findings = [_blocked(path) for path in blocked]
    if read_only:
        text = f"The file system of {listed(read_only)} is read-only."
        findings.append(problem(text, f"Mount it for writing. Or: {_ELSEWHERE}"))
    if full:
        text = f"No space is left on the disk of {listed(full)}."
        findings.append(problem(text, "Make room on it: until then nothing that aimo reads can be kept."))
    findings += [_shut(case, path) for path in shut if not _is_told_of(case, path)]
    return findings if findings or shut else [ok("aimo's folders can be written.")]


def _stand(wanted: Iterable[str]) -> list[str]:
    """Each of these paths, or what is nearest above it where it is not there; each once."""
    return list(dict.fromkeys(map(_nearest, sorted(wanted))))


def _nearest(path: str) -> str:
    while not os.path.lexists(path) and os.path.dirname(path) != path:  # a link that leads nowhere is there
        path = os.path.dirname(path)
    return path


def _disk(path: str) -> os.statvfs_result | None:
    try:
        return os.statvfs(path) if hasattr(os, "statvfs") else None
    except OSError:
        return None


def _blocked(path: str) -> Finding:
    kind = "a link that leads to no folder" if os.path.islink(path) else "no folder"
    return problem(
        f"{path} is {kind}, and aimo needs one there.",
        f"Move it away, for example to {path}.old; or choose an AIMO_HOME elsewhere, and run `aimo install`.",
    )


def _is_told_of(case: Case, path: str) -> bool:
    """Whether `files.permissions` says so already."""
    return path in of(case) and _command(case, path) is not None


def _shut(case: Case, path: str) -> Finding:
    command = _command(case, path)
    text = f"There is no permission to write in {path}."
    return problem(text, f"Run: {command} {quoted(case, path)}" if command else _ELSEWHERE)


def _command(case: Case, path: str) -> str | None:
    """What makes a folder writable; None if it is not the person's to change, or its owner and mode are in order."""
    if case.system.platform == "win32":
        return None
    status = os.stat(path)
    if status.st_uid == os.getuid():
        return None if status.st_mode & stat.S_IRWXU == stat.S_IRWXU else "chmod u+rwx"
    is_personal = path in of(case) or path.startswith(os.path.join(case.system.home, ""))
    return "sudo chown $(id -un)" if is_personal else None

"""Who may read and change our files, whether they can be read at all, and a `.env` that lies where nobody reads it."""

from __future__ import annotations

import codecs
import os
import re
import stat
from typing import TYPE_CHECKING

from aimo_host.setup import browsers
from aimo_host.setup.checks import MOST_NAMED, folders, listed, note, ok, problem, quoted
from aimo_host.state import atomic, jsonfile, paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimo_host.setup.checks import Case, Finding

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
#: Private environments that install.py made: pip's business, and thousands of files.
_ENVIRONMENT = re.compile(r"env-\d")
_MARKS_OF_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_EVIDENCE = re.compile(r"\.bad-\d$")


def permissions(case: Case) -> list[Finding]:
    """Files 0600 and folders 0700, all of them ours, in folders that others cannot rearrange."""
    if case.system.platform == "win32":
        return [note("Who may read aimo's files is decided by the folder of your profile, as Windows sets it up.")]
    found = _ours(case)
    links = [path for path, status in found if stat.S_ISLNK(status.st_mode) and not _is_harmless(case, path)]
    foreign = [path for path, status in found if status.st_uid != os.getuid()]
    is_open = [path for path, status in found if not stat.S_ISLNK(status.st_mode) and status.st_mode & _OTHERS]
    shut = [path for path, status in found if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_IRWXU != stat.S_IRWXU]
    findings = []
    if foreign:
        text = "Files of aimo's belong to another user (was it run with sudo?)"
        findings.append(_about(case, text, foreign, "sudo chown -h $(id -un)"))
    if is_open:
        findings.append(_about(case, "Other users can reach files of aimo's", is_open, "chmod go="))
    if shut:
        findings.append(_about(case, "Folders of aimo's cannot be written", shut, "chmod u+rwx"))
    if links:
        findings.append(_about(case, "Links stand where aimo follows none", links, "rm"))
    findings += _above(case)
    return findings or [ok(f"{len(found)} files and folders of aimo's are closed to other users.")]


def _ours(case: Case) -> list[tuple[str, os.stat_result]]:
    """Everything below our folders, with its status; links are followed where aimo follows them."""
    waiting, followed = folders.of(case), folders.followed(case)
    known = followed.union(waiting)
    found: dict[str, os.stat_result] = {}
    while waiting:
        path = waiting.pop()
        try:
            status = os.stat(path, follow_symlinks=path in followed)
            if path in known and not os.path.isdir(path):
                continue  # `folders.writable` says so
            found[path] = status
            if stat.S_ISDIR(status.st_mode):
                inside = [os.path.join(path, name) for name in os.listdir(path) if not _ENVIRONMENT.match(name)]
                waiting += [one for one in inside if one not in found]
        except OSError:
            continue  # not there, or gone meanwhile
    return sorted(found.items())


def _is_harmless(case: Case, link: str) -> bool:
    """Whether it leads to a folder, from where aimo has nothing to read or write: the person's."""
    is_in_extension = link.startswith(os.path.join(case.system.paths.extension, ""))
    return os.path.isdir(link) and not is_in_extension and link not in folders.unfollowed(case)


def _about(case: Case, text: str, places: list[str], command: str) -> Finding:
    return problem(f"{text}: {listed(places)}.", f"Run: {command} {' '.join(quoted(case, path) for path in places[:MOST_NAMED])}")


def _above(case: Case) -> list[Finding]:
    """Folders on the way to ours in which somebody else may exchange what is there."""
    suspect: set[str] = set()
    for folder in folders.of(case):
        for way in (folder, os.path.realpath(folder)):
            suspect.update(_parents(way))
    ways = {path: status for path in sorted(suspect) if (status := _status(path)) is not None}
    by_owner = [path for path, status in ways.items() if status.st_uid not in {0, os.getuid()}]
    open_ways = {path: status for path, status in ways.items() if not status.st_mode & stat.S_ISVTX}
    by_anybody = [path for path, status in open_ways.items() if status.st_mode & stat.S_IWOTH]
    by_group = [path for path in open_ways if path not in by_anybody and _lets_a_group_write(ways[path])]
    findings = []
    if by_owner:
        text = f"The owner of {by_owner[0]} is another user, who may exchange aimo's folders below it."
        findings.append(problem(text, "Choose an AIMO_HOME below your own home folder, and run `aimo install`."))
    if by_anybody:
        findings.append(_about(case, "Any user may exchange aimo's folders in", by_anybody, "chmod o-w"))
    if by_group:
        findings.append(_about(case, "A group of users may exchange aimo's folders in", by_group, "chmod g-w"))
    return findings


def _parents(path: str) -> Iterator[str]:
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _lets_a_group_write(status: os.stat_result) -> bool:
    """Whether others may be in the group: it is not root's, nor the one that many systems give each user alone."""
    import grp
    import pwd

    if not status.st_mode & stat.S_IWGRP or status.st_gid == 0:
        return False
    try:
        own, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(status.st_gid)
    except KeyError:
        return True
    return group.gr_name != own or not {own}.issuperset(group.gr_mem)


def readable(case: Case) -> list[Finding]:
    """The files that aimo keeps its state in."""
    where, findings = case.system.paths, []
    files = [path for path in (where.cache, where.settings, where.refresh, where.attempts) if _has_folder(path)]
    for path in files:
        try:
            jsonfile.load(path)
        except (jsonfile.CorruptFileError, OSError):
            text = f"{path} cannot be read."
            findings.append(problem(text, "Remove it; or use aimo, which sets it aside as evidence and makes it anew."))
    findings += _env(where.env) if _has_folder(where.env) else []
    evidence = [path for path, _ in _ours(case) if _EVIDENCE.search(path)]
    if evidence:
        text = f"{len(evidence)} files were corrupt and set aside, the first is {evidence[0]}."
        findings.append(note(text, "Say so in an issue, and remove them; do not attach them, they name your plans."))
    return findings or [ok("Cache, settings and state can be read.")]


def _has_folder(path: str) -> bool:
    """Whether there is a folder in which it can lie; `folders.writable` names what stands there instead."""
    return os.path.isdir(os.path.dirname(path))


def _env(path: str) -> list[Finding]:
    """The file of keys: it is the person's, and what is wrong with it would look as if there were no key."""
    try:
        content = atomic.read(path) or b""
    except OSError:
        text = f"{path} cannot be read, so no key in it is used."
        return [problem(text, "Make it a plain file of your own: no folder, no link, no larger than a few lines.")]
    if content.startswith(_MARKS_OF_UTF16) or b"\0" in content:
        text = f"{path} is UTF-16 (PowerShell writes such files), so no key in it is found."
        return [problem(text, "Save it as UTF-8.")]
    return []


def stray_env(case: Case) -> list[Finding]:
    """A `.env` in a checkout, where aimo does not read it and where it may end up in a commit."""
    found = [os.path.join(folder, ".env") for folder in _clones()]
    return [
        problem(
            f"{path} lies in a clone, where aimo does not read it.",
            f"Move its keys to {quoted(case, case.system.paths.env)}, then run: rm {quoted(case, path)}",
        )
        for path in found
        if os.path.lexists(path)
    ]


def protected(case: Case) -> list[Finding]:
    """A clone, or what browsers start, in a folder that macOS keeps browsers' programs out of."""
    system, findings = case.system, []
    if (folder := browsers.protected_folder(system, system.paths.launcher)) is not None:
        text = f"aimo's files lie in {folder}, from where macOS lets no browser start a program."
        findings.append(problem(text, "Choose an AIMO_HOME elsewhere, or none, and run `aimo install`."))
    for clone in _clones():
        if (folder := browsers.protected_folder(system, clone)) is not None:
            text = f"A clone of aimo lies in {folder}, which macOS keeps browsers' programs out of."
            findings.append(note(text, "Run `python3 install.py` in it, not `pip install -e`: that copies what browsers start."))
    return findings


def _clones() -> list[str]:
    """The clone that this program runs from and the one that the person stands in, where they are such."""
    folders = [os.path.dirname(paths.bundled("extension"))]
    try:
        folders.append(os.getcwd())
    except OSError:
        pass  # the person stands in a folder that was removed
    return [folder for folder in dict.fromkeys(folders) if _is_clone(folder)]


def _is_clone(folder: str) -> bool:
    return all(os.path.exists(os.path.join(folder, name)) for name in ("install.py", "aimo_host", "extension"))

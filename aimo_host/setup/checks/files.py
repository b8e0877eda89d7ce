"""Who may read and change our files, whether they can be read at all, and a `.env` that lies where nobody reads it."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from aimo_host.setup import browsers
from aimo_host.setup.checks import note, ok, problem, quoted
from aimo_host.state import jsonfile, paths

if TYPE_CHECKING:
    from aimo_host.setup.checks import Case, Finding

_MOST_NAMED = 3
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
#: Private environments that install.py made: pip's business, and thousands of files.
_ENVIRONMENT = re.compile(r"env-\d")
_EVIDENCE = re.compile(r"\.bad-\d$")


def permissions(case: Case) -> list[Finding]:
    """Files 0600 and folders 0700, all of them ours, in folders that others cannot rearrange."""
    if case.system.platform == "win32":
        return [note("Who may read aimo's files is decided by the folder of your profile, as Windows sets it up.")]
    found = _ours(case)
    links = [path for path, status in found if stat.S_ISLNK(status.st_mode)]
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
        findings.append(_about(case, "Links stand in the place of files of aimo's, which follows none", links, "rm"))
    findings += _above(case)
    return findings or [ok(f"{len(found)} files and folders of aimo's are closed to other users.")]


def _ours(case: Case) -> list[tuple[str, os.stat_result]]:
    """Everything below our folders, with its status; links are not followed."""
    where = case.system.paths
    below = {where.config_dir, where.cache_dir, where.state_dir, where.data_dir}
    waiting = sorted(below | ({where.home} if case.system.environ.get("AIMO_HOME") else set()))
    found: dict[str, os.stat_result] = {}
    while waiting:
        path = waiting.pop()
        try:
            found[path] = os.lstat(path)
            if stat.S_ISDIR(found[path].st_mode):
                inside = [os.path.join(path, name) for name in os.listdir(path) if not _ENVIRONMENT.match(name)]
                waiting += [one for one in inside if one not in found]
        except OSError:
            continue  # not there, or gone meanwhile
    return sorted(found.items())


def _about(case: Case, text: str, places: list[str], command: str) -> Finding:
    named = ", ".join(places[:_MOST_NAMED])
    more = f" and {len(places) - _MOST_NAMED} more" if len(places) > _MOST_NAMED else ""
    return problem(f"{text}: {named}{more}.", f"Run: {command} {' '.join(quoted(case, path) for path in places[:_MOST_NAMED])}")


def _above(case: Case) -> list[Finding]:
    """Folders on the way to ours in which any user may exchange what is there."""
    where, suspect = case.system.paths, set()
    for folder in (where.config_dir, where.cache_dir, where.state_dir, where.data_dir):
        parent = os.path.dirname(folder)
        while parent != os.path.dirname(parent):
            suspect.add(parent)
            parent = os.path.dirname(parent)
    suspect.discard(where.home)
    writable = [folder for folder in sorted(suspect) if _anybody_may_write(folder)]
    return [_about(case, "Any user may exchange aimo's folders in", writable, "chmod o-w")] if writable else []


def _anybody_may_write(folder: str) -> bool:
    try:
        mode = os.stat(folder).st_mode
    except OSError:
        return False
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def readable(case: Case) -> list[Finding]:
    """The files that aimo keeps its state in."""
    where, findings = case.system.paths, []
    for path in (where.cache, where.settings, where.refresh, where.attempts):
        try:
            jsonfile.load(path)
        except (jsonfile.CorruptFileError, OSError):
            text = f"{path} cannot be read."
            findings.append(problem(text, "Remove it; or use aimo, which sets it aside as evidence and makes it anew."))
    evidence = [path for path, _ in _ours(case) if _EVIDENCE.search(path)]
    if evidence:
        text = f"{len(evidence)} files were corrupt and set aside, the first is {evidence[0]}."
        findings.append(note(text, "Say so in an issue, and remove them; do not attach them, they name your plans."))
    return findings or [ok("Cache, settings and state can be read.")]


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

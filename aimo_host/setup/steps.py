"""The single steps of an installation: each says what it would do, whether it is still needed, and does it.

Files are written whole or not at all and keep the mode they are given under any umask.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aimo_host.state import atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping


class Step(Protocol):
    """One thing to do, at one place."""

    @property
    def place(self) -> str:
        """The path or registry key that this step brings about."""

    def needed(self) -> bool:
        """Whether the machine differs from what this step leaves."""

    def apply(self) -> None:
        """Do it.

        Raises:
            OSError: it cannot be done.
        """


@dataclass(frozen=True)
class Write:
    """One file."""

    place: str
    content: bytes
    mode: int

    def needed(self) -> bool:
        """Whether content or mode differ."""
        try:
            return atomic.read(self.place) != self.content or stat.S_IMODE(os.stat(self.place).st_mode) != self.mode
        except OSError:
            return True

    def apply(self) -> None:
        """Replace the file, whole."""
        atomic.replace(self.place, self.content)
        os.chmod(self.place, self.mode)


@dataclass(frozen=True)
class LayOut:
    """A folder of ours with exactly these files in it."""

    place: str
    files: Mapping[str, bytes]

    def needed(self) -> bool:
        """Whether a file differs, is missing or is too many."""
        return any(write.needed() for write in self._writes()) or bool(self.strays())

    def apply(self) -> None:
        """Remove what does not belong, first of all links, through which it would be written elsewhere; write what differs."""
        for stray in self.strays():
            os.unlink(stray)
        for write in self._writes():
            if write.needed():
                write.apply()

    def _writes(self) -> list[Write]:
        return [Write(os.path.join(self.place, name), content, 0o600) for name, content in self.files.items()]

    def strays(self) -> list[str]:
        """The files below the folder that do not belong there."""
        wanted = {os.path.join(self.place, name) for name in self.files}
        return [path for path in files_in(self.place) if path not in wanted]


@dataclass(frozen=True)
class Link:
    """A symbolic link; never in the place of something else."""

    place: str
    target: str

    def needed(self) -> bool:
        """Whether it is not there yet."""
        return not is_link_to(self.place, self.target)

    def apply(self) -> None:
        """Make it, and the folder it lies in."""
        atomic.private_folder(os.path.dirname(self.place))
        os.symlink(self.target, self.place)


@dataclass(frozen=True)
class Register:
    """The default value of a registry key."""

    place: str
    value: str
    registry: MutableMapping[str, str]

    def needed(self) -> bool:
        """Whether the key says something else."""
        return self.registry.get(self.place) != self.value

    def apply(self) -> None:
        """Set it."""
        self.registry[self.place] = self.value


def files_in(folder: str) -> list[str]:
    """Every file below `folder`, and every link, which is not followed."""
    found: list[str] = []
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        found += [os.path.join(parent, name) for name in sorted(names + links)]
    return found


def sweep(places: Iterable[str]) -> None:
    """Remove what a killed installer left half-written beside the files `places`; other programs' halves stay."""
    for place in places:
        folder, name = os.path.split(place)
        half = re.compile(rf"\.{re.escape(name)}\.\d+\.[0-9a-f]+{re.escape(atomic.PART)}")
        try:
            names = os.listdir(folder)
        except OSError:
            continue  # it does not exist
        for found in filter(half.fullmatch, names):
            atomic.discard(os.path.join(folder, found))


def is_link_to(path: str, target: str) -> bool:
    """Whether `path` is a symbolic link with exactly this target."""
    return os.path.islink(path) and os.readlink(path) == target


def missing_folders(path: str) -> list[str]:
    """The folders above `path` that do not exist yet, the outermost first."""
    missing: list[str] = []
    parent = os.path.dirname(path)
    while parent and not os.path.isdir(parent) and os.path.dirname(parent) != parent:
        missing.insert(0, parent)
        parent = os.path.dirname(parent)
    return missing


def remove(path: str, *, but: str = "") -> str | None:
    """Remove a file or a whole folder of ours as far as that is possible, `but` one file and the folders around it.

    Returns why something else is left; None if nothing is, also where nothing was.
    """
    try:
        if not os.path.isdir(path) or os.path.islink(path):
            os.unlink(path)
        elif but.startswith(os.path.join(path, "")):
            left = [remove(one, but=but) for name in os.listdir(path) if (one := os.path.join(path, name)) != but]
            return next((reason for reason in left if reason is not None), None)
        else:
            shutil.rmtree(path, ignore_errors=True)  # one that is held must not keep the others
            if os.path.lexists(path):
                shutil.rmtree(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror or str(error)
    return None


def remove_if_empty(folder: str) -> str | None:
    """Remove a folder unless it holds something; returns why an empty one is left."""
    try:
        if not os.path.islink(folder) and not os.listdir(folder):
            os.rmdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return error.strerror or str(error)
    return None

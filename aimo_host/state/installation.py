"""The aimo that runs here: how it starts a process of its own, and how one goes on as the aimo that would be started now.

An upgrade switches the launcher, or exchanges the package below a running process, whose lazy imports would then fail one by one.
Looks only when asked, and never at a clock: whoever installs rings the bell.
"""

from __future__ import annotations

import os
import sys

import aimo_host
from aimo_host.state import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimo_host.state.atomic import Mark
    from aimo_host.state.paths import Paths


def own_command(*arguments: str) -> list[str]:
    """`aimo` with these arguments in this interpreter, whatever the folder and the environment say about Python.

    One thing of what they say is passed on: to leave nothing compiled behind.
    """
    flags = ["-I", "-B"] if sys.dont_write_bytecode else ["-I"]
    return [sys.executable, *flags, "-m", "aimo_host", *arguments]


class Installation:
    """What is on the disk, as it was when this process began."""

    def __init__(self, paths: Paths) -> None:
        self._launcher, self._command = paths.launcher, paths.command
        files = (paths.launcher, os.path.abspath(str(aimo_host.__file__)))
        self._seen = {path: (_look(path), _content(path)) for path in files}

    def was_replaced(self) -> bool:
        """Whether launcher or package say something else than at the beginning, or are gone. Costs two looks at the disk."""
        for path, (mark, content) in self._seen.items():
            now = _look(path)
            if now == mark:
                continue
            if _content(path) != content:
                return True
            self._seen[path] = (now, content)
        return False

    def is_over(self) -> bool:
        """Whether a long-running process has to go on as another aimo, or to end. Costs as much as `was_replaced`."""
        return self.was_replaced() and (self._can_start() or not os.path.exists(str(aimo_host.__file__)))

    def become(self, environ: Mapping[str, str], *arguments: str) -> None:
        """Go on, in this process, as the aimo that is installed now, with these arguments; returns where there is none any more.

        Raises:
            OSError: it cannot be started.
        """
        if self._can_start():
            os.execve(self._command, [self._command, *arguments], dict(environ))  # noqa: S606 - our own launcher

    def _can_start(self) -> bool:
        # On Windows a process cannot become another one without leaving its terminal; `aimo install` says what to do there.
        # Who takes aimo away begins with the launcher and ends with the command.
        return sys.platform != "win32" and os.path.exists(self._launcher) and os.access(self._command, os.X_OK)


def _look(path: str) -> Mark | None:
    return atomic.mark(path, follow=True)  # an environment's files may be links into a store


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None

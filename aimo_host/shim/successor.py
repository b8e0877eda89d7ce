"""Makes way for a newer aimo: whoever installs one rings, and the shim goes on as that one, in its process and at its port.

Without this, a shim would lose the files it serves and the modules it has not imported yet, with the environment it came from.
"""

from __future__ import annotations

import os
import sys

import aimo_host
from aimo_host.state.installation import Installation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aimo_host.state.paths import Paths


class Successor:
    """Looks, at every ring, whether there is one; `on_arrival` is called in the bell's thread, once."""

    def __init__(self, paths: Paths, on_arrival: Callable[[], None]) -> None:
        self._command, self._launcher = paths.command, paths.launcher
        self._installation = Installation(paths)
        self._on_arrival = on_arrival
        self.is_here = False

    def look(self) -> None:
        """At the disk: two files, of which a look says whether they are the same."""
        if not self.is_here and self._installation.was_replaced() and (self._can_start() or _is_orphan()):
            self.is_here = True
            self._on_arrival()

    def take_over(self, port: int, environ: Mapping[str, str]) -> None:
        """Become the aimo that is installed now, serving at `port`; returns where there is none any more.

        Raises:
            OSError: it cannot be started.
        """
        if self._can_start():
            os.execve(self._command, [self._command, "serve", "--port", str(port)], dict(environ))  # noqa: S606 - our own launcher

    def _can_start(self) -> bool:
        # On Windows a process cannot become another one without leaving its terminal; `aimo install` says what to do there.
        # Who takes aimo away begins with the launcher and ends with the command.
        return sys.platform != "win32" and os.path.exists(self._launcher) and os.access(self._command, os.X_OK)


def _is_orphan() -> bool:
    """Whether aimo was removed below this process."""
    return not os.path.exists(str(aimo_host.__file__))

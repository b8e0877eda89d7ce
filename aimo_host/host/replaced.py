"""Whether the aimo that a browser would start now is still the one that runs here, and what has to end before this one may go.

An upgrade switches the launcher, or exchanges the package below a running host, whose lazy imports would then fail one by one.
Looks only when asked, and never at a clock: whoever installs rings the bell.
"""

from __future__ import annotations

import os
import threading

import aimo_host
from aimo_host.state import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aimo_host.state.atomic import Mark
    from aimo_host.state.paths import Paths


class Installation:
    """What is on the disk, as it was when this process began."""

    def __init__(self, paths: Paths) -> None:
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


def _look(path: str) -> Mark | None:
    return atomic.mark(path, follow=True)  # an environment's files may be links into a store


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


class Work:
    """Threads that do something for the extension. `on_quiet` is called, in the thread that ended last, when there are none."""

    def __init__(self, installation: Installation, on_quiet: Callable[[], None]) -> None:
        self._installation = installation
        self._on_quiet = on_quiet
        self._is_ending = False
        self._count = 0
        self._counting = threading.Lock()

    def is_ending(self) -> bool:
        """Whether nothing new may be begun of what another process can do, since a newer one waits for its turn."""
        self._is_ending = self._is_ending or self._installation.was_replaced()
        return self._is_ending

    def is_over(self) -> bool:
        """Whether it is ending, and nothing is under way any more."""
        return self.is_ending() and self._count == 0

    def begin(self, work: Callable[..., object], *arguments: object) -> None:
        """Do it in a thread of its own, which does not keep the process."""
        with self._counting:
            self._count += 1
        threading.Thread(target=self._do, args=(work, *arguments), daemon=True).start()

    def _do(self, work: Callable[..., object], *arguments: object) -> None:
        try:
            work(*arguments)
        finally:
            with self._counting:
                self._count -= 1
                quiet = self._count == 0
            if quiet:
                self._on_quiet()


class Share:
    """The providers whose requests this process takes on: all of them, until it is ending; then those that it took before."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._taken: set[str] = set()

    def takes(self, provider: str) -> bool:
        """Whether this process begins the provider's request; it stays its business then."""
        if self._work.is_ending():
            return False
        self._taken.add(provider)
        return True

    def of(self, providers: Iterable[str]) -> list[str]:
        """Those among `providers` that are still this process's business."""
        return [provider for provider in providers if provider in self._taken or not self._work.is_ending()]

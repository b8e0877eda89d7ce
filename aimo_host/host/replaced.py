"""What has to end before a host may make way for the newer one that was installed, and what it leaves to that one."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aimo_host.state.installation import Installation


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

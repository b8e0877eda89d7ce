"""What is known, read once and put into words once, for as long as no file has changed and no window has reset.

Fifty agents that ask in the same second are handed the same bytes. Nothing is trusted for longer than a second, nor after a file
that had changed only just before it was read, since two changes within one tick of a file system's clock look alike.
"""

from __future__ import annotations

from aimo_host.gauge import snapshot
from aimo_host.shim import contract
from aimo_host.state import atomic, cache, requests, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.state.atomic import Mark
    from aimo_host.state.paths import Paths

    Entries = list[dict[str, Any]]
    #: Of each file; None where it is missing.
    Marks = tuple[Mark | None, ...]

#: Seconds. Coarse clocks of file systems tick every few milliseconds.
_TRUSTED_FOR = 1.0
_SETTLED_AFTER = 0.1


class Known:
    """The entries as of one moment, and when each provider was last tried. Shared by everybody who asks: not to be changed."""

    def __init__(self, entries: Entries, tried: dict[str, list[float]], at: float, until: float, marks: Marks) -> None:
        self.entries = entries
        self._tried = tried
        self._at = at
        self._until = until
        self._marks = marks
        self._worded: tuple[bytes, str] | None = None

    def holds(self, paths: Paths, now: float) -> bool:
        """Whether reading the files at `now` would come to the same."""
        return self._at <= now < self._until and self._marks == _marks(paths)

    def due(self, provider: str | None, max_age: float, now: float) -> list[str]:
        """The providers, or only this one, that nobody has tried to renew within `max_age` seconds."""
        tried = [(name, at) for name, moments in self._tried.items() if provider in {None, name} for at in moments]
        return requests.older(tried, max_age, now)

    def worded(self) -> tuple[bytes, str]:
        """All entries as the body of an answer, and its tag."""
        if self._worded is None:
            body = contract.body_of(self.entries)
            self._worded = (body, contract.tag_of(body))
        return self._worded


def of_samples(entries: Entries, now: float) -> Known:
    """Entries that come from no file; they hold for this moment only."""
    return Known(entries, {}, now, now, ())


def read(paths: Paths, now: float) -> Known:
    """What the files say at `now`. Never raises."""
    marks = _marks(paths)
    entries = snapshot.entries_at(cache.read(paths), settings.read(paths), now)
    tried: dict[str, list[float]] = {}
    for name, at in requests.tried(paths, entries, now):
        tried.setdefault(name, []).append(at)
    return Known(entries, tried, now, _until(entries, marks, now), marks)


def _until(entries: Entries, marks: Marks, now: float) -> float:
    """How long the entries stay as they are if no file changes."""
    changed = max((one[-1] for one in marks if one is not None), default=0) / 1e9
    if not changed <= now - _SETTLED_AFTER:
        return now
    return min(now + _TRUSTED_FOR, snapshot.next_reset(entries, now) or now + _TRUSTED_FOR)


def _marks(paths: Paths) -> Marks:
    return tuple(map(atomic.mark, (paths.cache, paths.settings, paths.refresh)))

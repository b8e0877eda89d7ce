"""What was tried, by which feed, and when it may be tried again: the memory that keeps many askers from asking twice.

    {"schema": 1, "attempts": {feed: {"handled", "asked", "code", "retry_at", "woken"}}}, moments in epoch seconds

`handled` is the moment of the newest request that this feed has dealt with, by asking or by deciding not to; `asked` is when a
provider was last really asked through it; `code` is the problem that came of it, null for a reading. `woken` is when the person
was last at the provider's site, so that an older "not signed in" proves nothing any more.
"""

from __future__ import annotations

import os

from aimo_host.gauge.times import CLOCK_AHEAD
from aimo_host.state import bell, jsonfile, pinned
from aimo_host.state.lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aimo_host.state.paths import Paths

#: Who comes second within this many seconds takes what the first one wrote.
SHARED_FOR = 10.0
#: Feeds of profiles that are gone; the newest are kept.
_MOST_FEEDS = 200
#: No provider's demand is honoured for longer (see `providers.answers.retry_after`).
_LONGEST_WAIT = 4500.0


class Attempt:
    """The record of one feed."""

    __slots__ = ("asked", "code", "handled", "retry_at", "woken")

    def __init__(self, record: Any = None, now: float = 0.0) -> None:
        record = record if isinstance(record, dict) else {}
        self.handled = _until(record.get("handled"), now + CLOCK_AHEAD) or 0.0
        self.asked = _until(record.get("asked"), now + CLOCK_AHEAD) or 0.0
        code = record.get("code")
        self.code: str | None = code if isinstance(code, str) else None
        self.retry_at = _until(record.get("retry_at"), now + _LONGEST_WAIT)
        self.woken = _until(record.get("woken"), now + CLOCK_AHEAD) or 0.0

    def is_recent(self, now: float, within: float = SHARED_FOR) -> bool:
        """Whether the provider was asked so lately that its answer counts for everybody."""
        return 0 <= now - self.asked < within

    def must_wait(self, now: float) -> bool:
        """Whether the provider demanded to be left alone until later."""
        return self.retry_at is not None and self.retry_at > now

    def as_json(self) -> dict[str, Any]:
        """The record as it is stored."""
        return {name: getattr(self, name) for name in self.__slots__}


def _until(value: Any, latest: float) -> float | None:
    """The moment, unless a clock that was ahead wrote it: it would hold up everything until the right clock gets there."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and value <= latest else None


def read(paths: Paths, now: float) -> dict[str, Attempt]:
    """All feeds' attempts. Never raises."""
    return _understood(pinned.load(paths.attempts, dict), now)


def _understood(found: dict[str, Any], now: float) -> dict[str, Attempt]:
    record = found.get("attempts")
    return {feed: Attempt(one, now) for feed, one in record.items()} if isinstance(record, dict) else {}


def of(paths: Paths, feed: str, now: float) -> Attempt:
    """The attempt of one feed; a blank one if it never tried."""
    return read(paths, now).get(feed) or Attempt()


def note(paths: Paths, feed: str, change: Callable[[Attempt], None], now: float) -> None:
    """Change one feed's record under the lock, and ring.

    Raises:
        OSError: it cannot be written, or another process keeps the lock.
    """
    with FileLock(os.path.join(paths.locks_dir, "attempts")).required():
        attempts = _understood(jsonfile.load_or_set_aside(paths.attempts), now)
        attempt = attempts.setdefault(feed, Attempt())
        change(attempt)
        # Many profiles may deal with one and the same request: then it is who asked last.
        kept = sorted(attempts.items(), key=lambda item: (item[1].handled, item[1].asked), reverse=True)[:_MOST_FEEDS]
        jsonfile.save(paths.attempts, {"schema": 1, "attempts": {name: a.as_json() for name, a in kept}}, durable=False)
    bell.ring(paths.bells_dir)

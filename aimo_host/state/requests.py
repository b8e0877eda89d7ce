"""The refresh request: the durable flag "somebody wants fresh data", per provider.

Whoever wants a refresh writes it and rings; every host asks its browser, one conductor runs the rest and then marks the provider
as settled, and whoever waits looks here. Extra requests join the pending one. A request that nobody could serve stays open for
10 minutes, so that a browser started in the meantime still serves it.

    {"schema": 1, "wanted": {provider: {"at": epoch, "named": bool, "trigger": text}}, "settled": {provider: epoch}}

`settled[p]` is the `at` of the newest request that was carried out as far as anybody could.
"""

from __future__ import annotations

import os

from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.times import CLOCK_AHEAD, parse_iso
from aimo_host.state import bell, jsonfile, pinned
from aimo_host.state.lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from aimo_host.state.paths import Paths

#: How long a request stands that nobody could serve.
EXPIRES_AFTER = 600.0
#: A refresh is over by then, so an unsettled request of this age is not joined but made anew.
_JOINED_FOR = 20.0
#: Between two moments that must differ.
_TICK = 0.001


class Wanted:
    """One provider's open request."""

    __slots__ = ("at", "named", "trigger")

    def __init__(self, *, at: float, named: bool, trigger: str) -> None:
        self.at = at
        self.named = named  # asked for by name, so that dormancy does not hold it back
        self.trigger = trigger


class Requests:
    """The file as it was at one moment. What is not understood is not there, nor is a moment from a clock that was ahead."""

    def __init__(self, record: dict[str, Any], now: float) -> None:
        wanted, settled = record.get("wanted"), record.get("settled")
        latest = now + CLOCK_AHEAD
        self.wanted = {p: w for p, w in ((p, _wanted(wanted, p)) for p in PROVIDERS) if w is not None and w.at <= latest}
        self.settled = {p: at if at <= latest else 0.0 for p, at in ((p, _number(settled, p)) for p in PROVIDERS)}

    def is_settled(self, provider: str, at: float) -> bool:
        """Whether a request of the moment `at` has been carried out."""
        return self.settled[provider] >= at

    def latest(self, provider: str) -> float:
        """The moment of the newest request so far. A later one gets a later moment, whoever's clock or lock was quicker."""
        wanted = self.wanted.get(provider)
        return max(self.settled[provider], wanted.at if wanted is not None else 0.0)

    def unsettled(self, now: float) -> dict[str, Wanted]:
        """What a conductor has to do."""
        return {p: w for p, w in self.wanted.items() if not self.is_settled(p, w.at) and _stands(w, now)}

    def standing(self, now: float) -> dict[str, Wanted]:
        """What a browser that comes now would still serve."""
        return {p: w for p, w in self.wanted.items() if _stands(w, now)}

    def as_json(self) -> dict[str, Any]:
        """The record as it is stored."""
        wanted = {p: {"at": w.at, "named": w.named, "trigger": w.trigger} for p, w in self.wanted.items()}
        return {"schema": 1, "wanted": wanted, "settled": {p: at for p, at in self.settled.items() if at}}


def _stands(wanted: Wanted, now: float) -> bool:
    return now - wanted.at < EXPIRES_AFTER


def _wanted(record: Any, provider: str) -> Wanted | None:
    one = record.get(provider) if isinstance(record, dict) else None
    at = _number(one, "at")
    if not isinstance(one, dict) or not at:
        return None
    return Wanted(at=at, named=one.get("named") is True, trigger=str(one.get("trigger", "")))


def _number(record: Any, key: str) -> float:
    value = record.get(key) if isinstance(record, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def read(paths: Paths, now: float) -> Requests:
    """The open requests. Never raises."""
    return Requests(pinned.load(paths.refresh, dict), now)


def _read_to_write(paths: Paths, now: float) -> Requests:
    return Requests(jsonfile.load_or_set_aside(paths.refresh), now)


def due(paths: Paths, entries: Iterable[dict[str, Any]], max_age: float, now: float) -> list[str]:
    """The providers with a public entry that nobody has tried to renew within `max_age` seconds."""
    return older(tried(paths, entries, now), max_age, now)


def tried(paths: Paths, entries: Iterable[dict[str, Any]], now: float) -> list[tuple[str, float]]:
    """Of each public entry its provider, and when somebody last tried to renew it."""
    settled = read(paths, now).settled
    return [(e["provider"], max(parse_iso(e["attempted_at"]) or 0.0, settled[e["provider"]])) for e in entries]


def older(tried: Iterable[tuple[str, float]], max_age: float, now: float) -> list[str]:
    """The providers of what was `tried` longer than `max_age` seconds ago."""
    # Our own moments are rounded up to whole seconds, so one may lie just ahead.
    return list(dict.fromkeys(provider for provider, at in tried if not -1 <= now - at <= max_age))


def ask(paths: Paths, providers: Iterable[str], *, trigger: str, named: bool, now: float) -> dict[str, float]:
    """Ask for fresh readings of `providers` and ring everybody. Returns, per provider, the moment to wait for in `settled`.

    Raises:
        OSError: the request cannot be written, or another process keeps the lock.
    """
    with FileLock(os.path.join(paths.locks_dir, "refresh")).required():
        requests = _read_to_write(paths, now)
        joined = requests.unsettled(now)
        moments: dict[str, float] = {}
        for provider in providers:
            pending = joined.get(provider)
            if pending is not None and now - pending.at < _JOINED_FOR and (pending.named or not named):
                moments[provider] = pending.at
                continue
            moments[provider] = at = max(now, requests.latest(provider) + _TICK)
            requests.wanted[provider] = Wanted(at=at, named=named, trigger=trigger)
        jsonfile.save(paths.refresh, requests.as_json(), durable=False)
    bell.ring(paths.bells_dir)
    return moments


def conducting(paths: Paths, provider: str) -> FileLock:
    """The lock whose holder carries out the provider's requests."""
    return FileLock(os.path.join(paths.locks_dir, f"conductor~{provider}"))


def settle(paths: Paths, provider: str, at: float, *, served: bool, now: float) -> None:
    """Mark the request of the moment `at` as carried out, and ring. One that was `served` by a reading is taken down.

    Raises:
        OSError: it cannot be written, or another process keeps the lock.
    """
    with FileLock(os.path.join(paths.locks_dir, "refresh")).required():
        requests = _read_to_write(paths, now)
        requests.settled[provider] = max(at, requests.settled[provider])
        wanted = requests.wanted.get(provider)
        if served and wanted is not None and wanted.at <= at:
            del requests.wanted[provider]
        jsonfile.save(paths.refresh, requests.as_json(), durable=False)
    bell.ring(paths.bells_dir)

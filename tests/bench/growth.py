"""What many accounts cost: a cached read, an HTTP answer and a merge with 200 entries of 20 windows, beside 4 of 5.

In this process, so that no start-up hides the growth. What grows faster than the data is somewhere quadratic.
"""

from __future__ import annotations

import gc
import json
import time
from typing import TYPE_CHECKING, Any

from aimo_host.gauge import merge
from aimo_host.gauge.catalog import ORDER
from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.model import Usage, Window
from aimo_host.state import cache, jsonfile, pinned, settings
from tests.bench.ground import Ground, Home, check, in_turn
from tests.bench.table import Figure, median

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.browser.stage import Shim

    Cache = dict[str, Any]

_SMALL, _LARGE = (4, 5), (200, 20)
#: So that one sample of the small case is long enough for the clock.
_REPEATS = 50


def growth(ground: Ground) -> dict[str, Sequence[Figure]]:
    """Each path with both sizes by turns."""
    with ground.installed() as home:
        shim = home.serve()
        gc.collect()
        gc.freeze()  # what the bench itself holds is not looked through again and again while the entries are made
        return {
            "growth": [
                _figure(ground, home, "cached read", lambda _: _read(home)),
                _figure(ground, home, "`GET /api/usage`", lambda size: _usage(shim, size)),
                _figure(ground, home, "merge", lambda size: _merge(home, size)),
            ]
        }


def _figure(ground: Ground, home: Home, label: str, work: Callable[[int], float]) -> Figure:
    sizes = []

    def with_entries(shape: tuple[int, int]) -> Callable[[], float]:
        content = _cache(*shape, time.time())
        sizes.append(len(json.dumps(content)))

        def run() -> float:
            jsonfile.save(home.paths.cache, content, durable=False)
            return work(shape[0])

        return run

    small, large = in_turn(ground.runs(15), with_entries(_SMALL), with_entries(_LARGE))
    grown, data = median(large) / median(small), _LARGE[0] * _LARGE[1] / (_SMALL[0] * _SMALL[1])
    raw = {"subject": median(large), "yardstick": median(small)}
    words = f"{grown:.0f} × (the windows {data:.0f} ×, the bytes {sizes[1] / sizes[0]:.0f} ×)"
    return Figure(label, words, grown / data, grown <= data, raw, "ms", len(large))


def _cache(entries: int, windows: int, now: float) -> Cache:
    """So many accounts, spread evenly over the providers, all read just now."""
    content = cache.empty()
    found = [_reading(ORDER[number % len(ORDER)], number, windows, now) for number in range(entries)]
    feeds = {f"{one['provider']}/browser/{number}": _feed(one, now) for number, one in enumerate(found)}
    return {**content, "entries": sorted(found, key=lambda one: (one["provider"], one["account"])), "_feeds": feeds}


def _feed(entry: dict[str, Any], now: float) -> dict[str, Any]:
    return {"provider": entry["provider"], "account": entry["account"], "at": now}


def _reading(provider: str, number: int, windows: int, now: float) -> dict[str, Any]:
    found = tuple(
        Window(
            label=f"weekly {index}",
            used_pct=float((number * 7 + index * 3) % 90 + 5),
            resets_at=now + 86400 + index,
            kind="weekly",
            scope=f"Model {index}" if index else None,
            window_seconds=604800,
            binding=index == 0,
        )
        for index in range(windows)
    )
    return from_usage(provider, Usage(windows=found, auth_source="session"), account=f"{number:06x}", at=now, source="push")


def _timed(repeats: int, work: Callable[[], object]) -> float:
    """Milliseconds of one of so many repeats, after one that finds memory for the rest."""
    work()
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - began) * 1000 / repeats


def _read(home: Home) -> float:
    """From the file to what a face shows, every time anew."""

    def read() -> None:
        pinned._let_go(home.paths.cache)
        home.expected(time.time())

    check(len(home.expected(time.time())) == _count(home), "there is a row for every entry")
    return _timed(_REPEATS if _count(home) == _SMALL[0] else 2, read)


def _count(home: Home) -> int:
    return len(cache.read(home.paths)["entries"])


def _usage(shim: Shim, size: int) -> float:
    found: list[list[Any]] = []
    took = _timed(3 if size == _SMALL[0] else 1, lambda: found.append(shim.get("/api/usage").json))
    check(all(len(entries) == size for entries in found), f"there are {size} entries")
    return took


def _merge(home: Home, size: int) -> float:
    before, now = cache.read(home.paths), time.time()
    windows = len(before["entries"][0]["windows"])
    news = _reading(ORDER[1], 1, windows, now)
    after = merge.merge_reading(before, news, via=f"{ORDER[1]}/browser/1", now=now)
    check(len(after["entries"]) == size, "one entry was renewed, none was added")
    check(settings.read(home.paths), "the settings can be read")
    return _timed(_REPEATS, lambda: merge.merge_reading(before, news, via=f"{ORDER[1]}/browser/1", now=now))

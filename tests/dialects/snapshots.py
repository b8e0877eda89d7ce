"""Snapshots that the dialects must cope with: the samples, odd ones by name, and whatever a damaged cache could hold."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import strategies as st

from aimo_host.demo import sample_cache
from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.merge import merge_failure
from aimo_host.gauge.model import Balance, Blocked
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.snapshot import snapshot_at
from aimo_host.gauge.sound import sound
from aimo_host.state import settings
from tests.gauge.builders import DAY, EMPTY, HOUR, NOW, cache_of, json_values, reading, usage, window, with_parts_replaced

Snapshot = dict[str, Any]

#: Everything that some reader of a dialect would obey.
HOSTILE = "|a<b>&\"'#{x}#(id)#[fg=red] :skull: \x1b[31m\n--\nbash=/bin/sh {model} %s $(id) `id` \ud800"


def snapshot(cache: dict[str, Any], now: float = NOW, **changed: Any) -> Snapshot:
    return snapshot_at(sound(cache), {**settings.defaults(), **changed}, now)


def samples() -> Snapshot:
    return snapshot(sample_cache(NOW))


def _entry(provider: str, *windows: Any, account: str | None = "a", **more: Any) -> dict[str, Any]:
    return from_usage(provider, usage(*windows, **more), account=account, at=NOW, source="push")


def _hostile() -> Snapshot:
    odd = [window(50.0, label=HOSTILE, kind="other", binding=True), window(60.0, label="w", kind="weekly", scope=HOSTILE)]
    blocked = Blocked("x", HOSTILE)
    entry = _entry(
        "claude", *odd, plan_label=HOSTILE, blocked=blocked, balances=(Balance(kind=HOSTILE, label=HOSTILE, amount=1),)
    )
    entry |= {"error": HOSTILE, "problem": {"code": "internal", "params": {}, "url": "https://x/ |" + HOSTILE, "action": HOSTILE}}
    return snapshot(cache_of(entry, _entry("claude", account="b")), names={"a": HOSTILE})


def _stale() -> Snapshot:
    failed = merge_failure(
        cache_of(reading("claude")),
        Problem("claude", "unreachable"),
        via="claude/browser/p",
        at=NOW + 3 * HOUR,
        now=NOW + 3 * HOUR,
    )
    failed = {**failed, "entries": [{**failed["entries"][0], "stale": True}]}
    return snapshot(failed, NOW + 3 * HOUR)


@functools.cache
def by_name() -> dict[str, Snapshot]:
    """The odd ones."""
    full = _entry("claude", window(100.0, resets_at=NOW + DAY))
    several = cache_of(reading("claude", account="a1"), reading("claude", account="b2", used=90.0))
    off = dict.fromkeys(settings.defaults()["providers"], "off")
    return {
        "samples": samples(),
        "never read": snapshot(EMPTY),
        "all off": snapshot(EMPTY, providers=off),
        "stale": _stale(),
        "unknown": snapshot(cache_of(_entry("claude", window(None)))),
        "full": snapshot(cache_of(full), providers={**off, "claude": "on"}),
        "reset since": snapshot(cache_of(full), NOW + 2 * DAY),
        "blocked": snapshot(cache_of(_entry("codex", blocked=Blocked("x", "The workspace is out of credits.")))),
        "several": snapshot(several, names={"a1": "work"}),
        "hostile": _hostile(),
    }


def any_snapshots() -> st.SearchStrategy[Snapshot]:
    """What comes of a cache that anybody may have edited."""
    entry, *_ = sample_cache(NOW)["entries"]
    damaged = st.builds(
        lambda whole, windows, balances: {**whole, "provider": "claude", "windows": windows, "balances": balances},
        with_parts_replaced(entry),
        st.lists(with_parts_replaced(*entry["windows"]), max_size=4),
        st.lists(with_parts_replaced(*entry["balances"]), max_size=2),
    )
    caches = st.builds(lambda entries: {**EMPTY, "entries": entries}, st.lists(st.one_of(damaged, json_values), max_size=3))
    moments = st.sampled_from([NOW, NOW - DAY, NOW + 40 * DAY])
    return st.builds(snapshot, caches, moments)

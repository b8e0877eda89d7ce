"""Readings put straight into the cache of this test's home, as a browser's host would have put them, with the bell rung."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from aimo_host.gauge import merge
from aimo_host.gauge.entry import from_usage
from aimo_host.state import cache, paths, settings
from tests.gauge.builders import DAY, usage, window

if TYPE_CHECKING:
    from aimo_host.gauge.model import Window


def places(home: str | None = None) -> paths.Paths:
    return paths.find(os.environ if home is None else {"AIMO_HOME": home})


def week(used: float | None, resets_in: float | None = DAY) -> Window:
    """The binding window of a week, which ends in so many seconds from now."""
    return window(used, resets_at=None if resets_in is None else time.time() + resets_in, window_seconds=604800)


def fable(used: float | None) -> Window:
    """The week of one model, which binds nobody else."""
    return window(used, label="weekly Fable", scope="Fable", binding=False, resets_at=time.time() + DAY, window_seconds=604800)


def keep(provider: str, *windows: Window, account: str = "a1", age: float = 0.0, home: str | None = None) -> None:
    """One account was read `age` seconds ago."""
    now = time.time()
    read = from_usage(provider, usage(*windows), account=account, at=now - age, source="push")
    via = merge.feed(provider, "browser", account)
    cache.update(places(home), lambda before: merge.merge_reading(before, read, via=via, now=now - age))


def name(account: str, given: str) -> None:
    settings.change(places(), {"names": {account: given}})


def only(*providers: str) -> None:
    """Switch off all the others."""
    off = {provider: "off" for provider in ("claude", "codex", "zai", "ollama") if provider not in providers}
    settings.change(places(), {"providers": off})

"""Readings, failures and caches in a few words, and JSON that nobody promised. Shared by the tests of the lower rooms."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.model import Balance, Blocked, Usage, Window
from aimo_host.gauge.snapshot import entry_at
from aimo_host.gauge.times import iso

NOW = 1795341600.0  # 2026-11-22T10:00:00Z
HOUR = 3600.0
DAY = 86400.0

EMPTY: dict[str, Any] = {"schema": 1, "updated_at": None, "entries": [], "_feeds": {}}
SETTINGS: dict[str, Any] = {"providers": {}, "names": {}}


def window(used_pct: float | None = 40.0, **more: Any) -> Window:
    """The binding weekly window, unless told otherwise."""
    given: dict[str, Any] = {"label": "weekly (all)", "kind": "weekly", "binding": True, **more}
    return Window(used_pct=used_pct, **given)


def usage(*windows: Window, balances: tuple[Balance, ...] = (), blocked: Blocked | None = None, **more: Any) -> Usage:
    given: dict[str, Any] = {"auth_source": "session", **more}
    return Usage(windows=windows or (window(),), balances=balances, blocked=blocked, **given)


def session(used: float | None, resets_in: float | None = HOUR) -> Window:
    """The binding five hours; `resets_in` is in seconds from `NOW`."""
    reset = None if resets_in is None else NOW + resets_in
    return window(used, label="session (5h)", kind="session", resets_at=reset, window_seconds=18000)


def week(used: float | None, resets_in: float | None = 3 * DAY, **more: Any) -> Window:
    """The binding week, unless told otherwise; `resets_in` is in seconds from `NOW`."""
    reset = None if resets_in is None else NOW + resets_in
    return window(used, resets_at=reset, window_seconds=604800, **more)


def fable(used: float | None) -> Window:
    """The week of one model, which binds nobody else."""
    return week(used, label="weekly Fable", scope="Fable", binding=False)


def reading(provider: str = "claude", *, account: str | None = "a", at: float = NOW, used: float | None = 40.0) -> dict[str, Any]:
    """The entry that a feed hands to the merge."""
    return from_usage(provider, usage(window(used)), account=account, at=at, source="push")


def shown(
    provider: str, *windows: Window, account: str | None = "a", at: float = NOW, name: str = "", **more: Any
) -> dict[str, Any]:
    """The entry that a reading of `at` gives in a snapshot of `NOW`."""
    read = from_usage(provider, usage(*windows, **more), account=account, at=at, source="push")
    return entry_at(read, NOW, {account: name} if account and name else {})


def kept(entry: dict[str, Any], *labels: str, age: float = 2 * DAY) -> dict[str, Any]:
    """The entry after a partial reading of `NOW`, which did not renew the windows of these labels."""
    old = {"observed_at": iso(NOW - age)}
    return {**entry, "windows": [{**w, **old} if w["label"] in labels else w for w in entry["windows"]]}


def cache_of(*entries: dict[str, Any]) -> dict[str, Any]:
    return {**EMPTY, "entries": list(entries)}


_ODD = [
    "",
    "47",
    "²",
    "2026-11-22T10:00:00Z",
    "2 hours",
    "² hours",
    "9" * 400 + " days",
    "\ud800",
    10**400,
    -(10**400),
    -0.0,
    1e308,
]
_leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(_ODD))


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(_leaves, st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3))


#: Any JSON value, and NaN, infinities and halves of characters too, since Python's reader lets them in.
json_values: st.SearchStrategy[Any] = _nested(_nested(_nested(_leaves)))


def with_parts_replaced(*originals: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """One of `originals` in which any keys have garbage for their value, or are missing."""

    keys = [st.lists(st.sampled_from(sorted(original)), max_size=4) for original in originals]

    @st.composite
    def replaced(draw: st.DrawFn) -> dict[str, Any]:
        number = draw(st.integers(0, len(originals) - 1))
        original = dict(originals[number])
        for key in draw(keys[number]):
            if draw(st.booleans()):
                original[key] = draw(json_values)
            else:
                original.pop(key, None)
        return original

    return replaced()

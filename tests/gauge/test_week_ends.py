"""Readings that name nobody, as Z.ai's: the end of the week is the account's own, and tells whose row is whose."""

from __future__ import annotations

import pytest

from aimo_host.gauge import merge
from aimo_host.gauge.entry import from_usage
from tests.gauge.builders import DAY, EMPTY, NOW, usage, window

KEY = "-"


def nameless(*steps: tuple[str, float, float]) -> list[float]:
    """The percentages of Z.ai's rows after readings of (profile, days until the week ends, percentage), one a minute."""
    cache = EMPTY
    for minute, (profile, days, used) in enumerate(steps):
        at = NOW + 60 * minute
        read_then = usage(window(used, resets_at=NOW + days * DAY), auth_source="jwt")
        entry = from_usage("zai", read_then, account=None, at=at, source="push")
        cache = merge.merge_reading(cache, entry, via=merge.feed("zai", "browser", profile), now=at)
    return sorted(entry["windows"][0]["used_pct"] for entry in cache["entries"])


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        pytest.param([("p", 2, 1), ("w", 2, 2)], [2], id="the same week is the same account"),
        pytest.param([("p", 2, 1), ("w", 4, 2)], [1, 2], id="another week is another account"),
        pytest.param([("p", 2, 1), ("w", 9, 2)], [2], id="a week later is the same week"),
        pytest.param([("p", 2, 1), ("w", 4, 2), ("s", 4, 3)], [1, 3], id="a third finds the row that agrees"),
        pytest.param([("p", 2, 1), ("w", 4, 2), ("s", 6, 3)], [1, 2, 3], id="or gets one of its own"),
        pytest.param([("p", 2, 1), ("p", 4, 2)], [2], id="a profile alone may change its account"),
        pytest.param([("p", 2, 1), ("w", 2, 2), ("w", 4, 3)], [2, 3], id="one that shares its row leaves it to the other"),
        pytest.param([("p", 2, 1), ("w", 4, 2), ("w", 2, 3)], [3], id="and one that joins another's row leaves its own"),
        pytest.param([("p", 2, 1), ("w", 2, 2), ("p", 4, 3), ("w", 4, 4)], [4], id="a week that moved ends in one row"),
        pytest.param([("p", 2, 1), (KEY, 4, 2)], [1, 2], id="a key that contradicts a browser has its own row"),
        pytest.param([("p", 2, 1), (KEY, 2, 2), (KEY, 4, 3)], [2, 3], id="also if it was replaced"),
    ],
)
def test_nameless_readings_go_by_the_end_of_the_week(steps: list[tuple[str, float, float]], shown: list[float]) -> None:
    assert nameless(*steps) == shown

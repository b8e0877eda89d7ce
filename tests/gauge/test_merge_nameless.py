"""Readings that do not say whose they are: they join an entry only where that is no guess, and the week's end decides.

One account's weeks all end at the same time of the week; another account's end at another.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge import merge
from aimo_host.gauge.entry import from_usage
from tests.gauge.builders import DAY, EMPTY, HOUR, NOW, usage, window

Cache = dict[str, Any]

PERSONAL, WORK, KEY, FILE = (merge.feed("zai", *way) for way in (("browser", "p"), ("browser", "w"), ("api_key",), ("file",)))
MINE, THEIRS = NOW + 3 * DAY, NOW + 5 * DAY
WEEK = 7 * DAY


def read(
    cache: Cache,
    via: str,
    week_end: float | None,
    *,
    account: str | None = None,
    at: float = NOW,
    used: float = 40.0,
    **more: Any,
) -> Cache:
    found = usage(window(used, resets_at=week_end, window_seconds=604800), **more)
    return merge.merge_reading(cache, from_usage("zai", found, account=account, at=at, source="push"), via=via, now=max(at, NOW))


def rows(cache: Cache) -> dict[Any, float]:
    return {entry["account"]: entry["windows"][0]["used_pct"] for entry in cache["entries"]}


def test_two_profiles_with_different_weeks_are_two_accounts() -> None:
    cache = read(read(EMPTY, PERSONAL, MINE, used=1), WORK, THEIRS, used=2, at=NOW + 1)
    assert sorted(rows(cache).values()) == [1, 2]


def test_each_of_them_goes_on_feeding_its_own_row() -> None:
    cache = read(read(EMPTY, PERSONAL, MINE, used=1), WORK, THEIRS, used=2, at=NOW + 1)
    known = rows(cache)
    cache = read(read(cache, PERSONAL, MINE, used=3, at=NOW + 2), WORK, THEIRS, used=4, at=NOW + 3)
    assert rows(cache).keys() == known.keys()
    assert sorted(rows(cache).values()) == [3, 4]


@pytest.mark.parametrize("later", [0, WEEK, -WEEK, 3 * WEEK, 2, -2, WEEK + 60])
def test_the_same_week_in_two_profiles_is_one_account(later: float) -> None:
    cache = read(read(EMPTY, PERSONAL, MINE, used=1), WORK, MINE + later, used=2, at=NOW + 1)
    assert list(rows(cache).values()) == [2]


@pytest.mark.parametrize(("first", "second"), [(None, MINE), (MINE, None), (None, None)])
def test_without_a_week_to_compare_a_nameless_reading_joins_the_only_entry(first: float | None, second: float | None) -> None:
    cache = read(read(EMPTY, PERSONAL, first, used=1), KEY, second, used=2, at=NOW + 1)
    assert list(rows(cache).values()) == [2]


def test_a_key_of_another_account_has_a_row_of_its_own() -> None:
    cache = read(read(EMPTY, PERSONAL, MINE, account="a", used=1), KEY, THEIRS, used=2, at=NOW + 1)
    assert rows(cache)["a"] == 1
    assert sorted(rows(cache).values()) == [1, 2]


def test_a_feed_whose_week_moves_keeps_its_row() -> None:
    cache = read(read(EMPTY, PERSONAL, MINE, used=1), PERSONAL, THEIRS, used=2, at=NOW + 1)
    assert list(rows(cache).values()) == [2]


def test_a_reading_with_a_name_does_not_take_over_a_nameless_row_of_another_week() -> None:
    cache = read(read(EMPTY, KEY, MINE, used=1), PERSONAL, THEIRS, account="a", used=2, at=NOW + 1)
    assert rows(cache) == {None: 1, "a": 2}


def test_a_borrowed_copy_joins_the_row_that_agrees_with_it() -> None:
    cache = read(read(EMPTY, PERSONAL, MINE, account="a", used=1), WORK, THEIRS, account="b", used=2)
    cache = read(cache, FILE, THEIRS, used=5, at=NOW + HOUR, borrowed=True)
    assert rows(cache) == {"a": 1, "b": 5}


@pytest.mark.parametrize("week_end", [THEIRS, None])
def test_a_borrowed_copy_that_agrees_with_nothing_changes_nothing(week_end: float | None) -> None:
    before = read(EMPTY, PERSONAL, MINE, account="a", used=1)
    assert read(before, FILE, week_end, used=5, at=NOW + HOUR, borrowed=True) == before


def test_an_older_borrowed_copy_changes_no_window() -> None:
    before = read(EMPTY, PERSONAL, MINE, account="a", used=1)
    assert rows(read(before, FILE, MINE, used=5, at=NOW - HOUR, borrowed=True)) == {"a": 1}


def test_where_nothing_else_is_known_a_borrowed_copy_has_a_row() -> None:
    assert rows(read(EMPTY, FILE, MINE, used=5, borrowed=True)) == {None: 5}


def test_that_a_copy_was_borrowed_is_not_kept() -> None:
    [entry] = read(EMPTY, FILE, MINE, borrowed=True)["entries"]
    assert "_borrowed" not in entry


@given(st.permutations([(PERSONAL, MINE, NOW), (WORK, THEIRS, NOW + 1), (KEY, MINE, NOW + 2)]))
def test_two_weeks_are_two_rows_in_whatever_order_they_are_read(order: list[tuple[str, float, float]]) -> None:
    cache = EMPTY
    for via, week_end, at in order:
        cache = read(cache, via, week_end, at=at)
    ends = {entry["windows"][0]["resets_at"] for entry in cache["entries"]}
    assert len(ends) == 2

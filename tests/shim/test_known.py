"""What the shim remembers of the files is what it would read: it is read anew as soon as that could come to something else."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from aimo_host.shim import known
from aimo_host.state import settings
from tests.kept import keep, places, week

if TYPE_CHECKING:
    from collections.abc import Callable

    from aimo_host.shim.known import Known

LONG_AGO = time.time() - 1000


def read_after(age: float = 1000.0, resets_in: float = 86400.0) -> tuple[Known, float]:
    """One row, in a cache that was last changed `age` seconds ago; and the moment of reading it."""
    keep("claude", week(40.0, resets_in))
    now = time.time()
    os.utime(places().cache, (now - age, now - age))
    return known.read(places(), now), now


def test_what_nobody_changed_is_not_read_again() -> None:
    found, now = read_after()
    assert found.holds(places(), now + 0.5)


@pytest.mark.parametrize("at", [-0.001, 1.0, 3600.0])
def test_nothing_holds_for_more_than_a_second_nor_before_it_was_read(at: float) -> None:
    found, now = read_after()
    assert not found.holds(places(), now + at)


@pytest.mark.parametrize(
    "change",
    [
        lambda: keep("claude", week(41.0)),
        lambda: settings.change(places(), {"providers": {"zai": "off"}}),
        lambda: os.unlink(places().cache),
        lambda: os.utime(places().cache, (LONG_AGO, LONG_AGO)),
    ],
    ids=["a reading", "a setting", "the file is gone", "an older file"],
)
def test_after_a_change_it_is_read_again(change: Callable[[], None]) -> None:
    found, now = read_after(500.0)
    change()
    assert not found.holds(places(), now + 0.1)


def test_a_file_that_changed_just_before_may_change_again_unseen_and_is_not_trusted() -> None:
    found, now = read_after(0.05)
    assert not found.holds(places(), now)


def test_a_file_from_the_future_is_not_trusted() -> None:
    found, now = read_after(-3600.0)
    assert not found.holds(places(), now)


def test_it_holds_until_the_next_reset_and_no_longer() -> None:
    reset = time.time() // 1 + 2000
    keep("claude", week(40.0, reset - time.time()))
    os.utime(places().cache, (LONG_AGO, LONG_AGO))
    found = known.read(places(), reset - 0.5)
    assert found.holds(places(), reset - 0.1)
    assert not found.holds(places(), reset)


def test_who_was_tried_long_enough_ago_is_due() -> None:
    keep("claude", week(40.0), age=100.0)
    keep("codex", week(40.0), age=10.0)
    now = time.time()
    found = known.read(places(), now)
    assert found.due(None, 60.0, now) == ["claude", "zai", "ollama"]
    assert found.due("codex", 60.0, now) == []
    assert found.due("codex", 5.0, now) == ["codex"]


def test_samples_hold_for_one_moment() -> None:
    assert not known.of_samples([], 1.0).holds(places(), 1.0)


def test_the_words_are_made_once() -> None:
    found, _ = read_after()
    assert found.worded() is found.worded()

"""Moments of requests only grow, whatever the order in which askers read their clocks and got the lock."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimo_host.gauge.times import iso
from aimo_host.state import paths, requests

NOW = 1_795_000_000.0


@pytest.fixture
def here() -> paths.Paths:
    return paths.find(os.environ)


def _ask(here: paths.Paths, now: float, *, named: bool = False) -> float:
    return requests.ask(here, ["claude"], trigger="agent", named=named, now=now)["claude"]


def test_who_read_the_clock_first_but_asks_second_joins(here: paths.Paths) -> None:
    first = _ask(here, NOW + 0.001)
    assert _ask(here, NOW) == first


def test_a_named_request_never_gets_an_earlier_moment_than_the_one_it_replaces(here: paths.Paths) -> None:
    first = _ask(here, NOW + 0.001)
    assert _ask(here, NOW, named=True) > first


def test_a_request_after_the_clock_was_set_back_is_not_taken_for_settled(here: paths.Paths) -> None:
    requests.settle(here, "claude", _ask(here, NOW), served=True, now=NOW)
    at = _ask(here, NOW - 60)
    assert not requests.read(here, NOW - 60).is_settled("claude", at)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(askers=st.lists(st.tuples(st.integers(-50, 50), st.booleans()), min_size=1, max_size=8))
def test_settling_the_open_request_serves_every_asker(here: paths.Paths, askers: list[tuple[int, bool]]) -> None:
    moments = [_ask(here, NOW + milliseconds / 1000, named=named) for milliseconds, named in askers]
    [wanted] = requests.read(here, NOW + 1).unsettled(NOW + 1).values()
    requests.settle(here, "claude", wanted.at, served=True, now=NOW + 1)
    after = requests.read(here, NOW + 1)
    assert all(after.is_settled("claude", moment) for moment in moments)


@pytest.mark.parametrize(
    ("attempted", "settled", "max_age", "is_due"),
    [
        (None, None, 60, True),
        (-50, None, 60, False),
        (-70, None, 60, True),
        (-70, -50, 60, False),
        (-70, None, 3600, False),
        (-5, None, 0, True),
        (0.9, None, 60, False),
        (90, None, 60, True),
    ],
    ids=["never", "lately", "long ago", "asked in vain lately", "patient", "now", "rounded up", "a clock that was ahead"],
)
def test_due_is_what_nobody_has_tried_to_renew_lately(
    here: paths.Paths, attempted: float | None, settled: float | None, max_age: float, is_due: bool
) -> None:
    if settled is not None:
        requests.settle(here, "claude", NOW + settled, served=False, now=NOW)
    entries = [{"provider": "claude", "attempted_at": None if attempted is None else iso(NOW + attempted)}] * 2
    assert requests.due(here, entries, max_age, NOW) == (["claude"] if is_due else [])

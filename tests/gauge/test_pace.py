"""Ahead of even spending, on it, behind it, or too early to say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge.pace import pace
from aimo_host.gauge.times import iso, parse_iso
from tests.gauge.builders import NOW

WEEK = 604800.0


def at_share(used: float, share: float, length: float = WEEK) -> dict[str, object] | None:
    """The pace when `share` of the window has passed."""
    return pace(used, NOW + length * (1 - share), length, NOW)


@pytest.mark.parametrize(
    ("used", "share", "state"),
    [
        (60, 0.5, "ahead"),
        (53.5, 0.5, "ahead"),
        (53, 0.5, "on"),
        (50, 0.5, "on"),
        (47, 0.5, "on"),
        (46.5, 0.5, "behind"),
        (5, 0.9, "behind"),
        (100, 0.5, "ahead"),
        (130, 0.5, "ahead"),
        (100, 1.0, "on"),
    ],
)
def test_within_three_points_of_even_counts_as_on_it(used: float, share: float, state: str) -> None:
    found = at_share(used, share)
    assert found is not None
    assert found["state"] == state


@pytest.mark.parametrize(("used", "share"), [(50, 0.049), (2.9, 0.5), (0, 0.5), (50, 1.001), (50, -0.1), (50, -3.0)])
def test_it_is_silent_where_extrapolation_lies(used: float, share: float) -> None:
    assert at_share(used, share) is None


@pytest.mark.parametrize("missing", ["used", "reset", "length", "zero length", "negative length"])
def test_without_all_three_numbers_there_is_no_pace(missing: str) -> None:
    used = None if missing == "used" else 50.0
    reset = None if missing == "reset" else NOW + WEEK / 2
    length = {"length": None, "zero length": 0.0, "negative length": -WEEK}.get(missing, WEEK)
    assert pace(used, reset, length, NOW) is None


def test_the_expected_share_is_told() -> None:
    assert at_share(60, 0.25) == {"state": "ahead", "expected_pct": 25.0, "runs_out_at": iso(NOW + WEEK * 0.25 * 40 / 60)}


def test_a_window_that_lasts_until_its_reset_never_runs_out() -> None:
    found = at_share(50, 0.5)
    assert found is not None
    assert found["runs_out_at"] is None


def test_a_window_that_is_used_up_does_not_run_out_again() -> None:
    found = at_share(100, 0.5)
    assert found is not None
    assert found["runs_out_at"] is None


@given(st.floats(0, 1e6), st.floats(-2, 2), st.floats(1, 1e8))
def test_it_runs_out_between_now_and_the_reset_or_not_at_all(used: float, share: float, length: float) -> None:
    found = at_share(used, share, length)
    if found is not None and found["runs_out_at"] is not None:
        runs_out = parse_iso(found["runs_out_at"])
        assert runs_out is not None
        assert NOW - 1 <= runs_out <= NOW + length * (1 - share) + 1

"""Durations and moments in the words of the terminal."""

from __future__ import annotations

import re

import pytest

from aimo_host.terminal import clock

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 m"),
        (3599, "59 m"),
        (3600, "1 h"),
        (7800, "2 h 10 m"),
        (86400, "1 d"),
        (273600, "3 d 4 h"),
        (400 * 86400, "400 d"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert clock.span(seconds) == text


@pytest.mark.parametrize(
    ("ahead", "shape"), [(60, r"in 1 m"), (2 * 86400, r"[A-Z][a-z]{2} \d\d:\d\d"), (8 * 86400, r"\d\d [A-Z][a-z]{2} \d\d:\d\d")]
)
def test_a_far_moment_is_a_weekday_and_a_farther_one_a_date(ahead: float, shape: str) -> None:
    assert re.fullmatch(shape, clock.moment(NOW + ahead, NOW))

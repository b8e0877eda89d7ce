"""What a Claude Code session says of its windows, beside what is cached about the same account."""

from __future__ import annotations

from typing import Any

import pytest

from aimo_host import dialects
from aimo_host.dialects import statusline
from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.times import iso
from tests.dialects.snapshots import snapshot
from tests.gauge.builders import DAY, HOUR, NOW, cache_of, reading, usage, window

WEEK_ENDS = NOW + 3 * DAY


def cached(session_pct: float | None, session_ends: float | None) -> dict[str, Any]:
    """A Claude account whose week the session below is about."""
    week = window(60.0, kind="weekly", label="weekly (all)", resets_at=WEEK_ENDS)
    hours = window(session_pct, kind="session", label="session (5h)", resets_at=session_ends, window_seconds=18000)
    return snapshot(cache_of(from_usage("claude", usage(hours, week), account="a", at=NOW, source="push")))


def said(used: object, ends: object = NOW + 2 * HOUR) -> dict[str, Any]:
    return {
        "five_hour": {"used_percentage": used, "resets_at": ends},
        "seven_day": {"used_percentage": 60, "resets_at": WEEK_ENDS},
    }


@pytest.mark.parametrize(
    ("session_pct", "session_ends", "shown"),
    [
        (20.0, NOW + 2 * HOUR, "5 h 30%"),
        (40.0, NOW + 2 * HOUR, "5 h 40%"),
        (10.0, NOW + 4 * HOUR, "5 h 10%"),
        (90.0, NOW + 1 * HOUR, "5 h 30%"),
        (90.0, None, "5 h 30%"),
        (None, NOW + 2 * HOUR, "5 h 30%"),
    ],
    ids=["fuller", "less full", "an older window", "a newer window", "no reset known", "no number known"],
)
def test_of_the_session_and_the_cache_the_newer_number_is_shown(
    session_pct: float | None, session_ends: float | None, shown: str
) -> None:
    line = statusline.render(cached(session_pct, session_ends), NOW, {"rate_limits": said(30)})
    assert f"Claude {shown} (" in line


@pytest.mark.parametrize(
    ("session_pct", "session_ends", "is_news"),
    [
        (20.0, NOW + 2 * HOUR, False),
        (0.0, None, False),
        (90.0, NOW + 1 * HOUR, True),
        (None, NOW + 2 * HOUR, True),
    ],
    ids=["fuller", "not started", "a newer window", "no number known"],
)
def test_without_a_reply_only_a_later_window_is_news(
    session_pct: float | None, session_ends: float | None, is_news: bool
) -> None:
    windows, entries = statusline.windows_of(said(30), NOW), cached(session_pct, session_ends)["entries"]
    assert statusline.is_news(windows, entries, has_replied=False) is is_news


@pytest.mark.parametrize("value", ["many", "1e999", 10**400, "nan", -1, 1001, True, None, [], {}])
def test_a_percentage_that_is_none_makes_no_window(value: object) -> None:
    assert [one["kind"] for one in statusline.windows_of(said(value), NOW)] == ["weekly"]


@pytest.mark.parametrize(("value", "used"), [("30", 30.0), (" 30.5 ", 30.5), (0, 0.0), (1000, 1000.0)])
def test_a_number_in_words_counts(value: object, used: float) -> None:
    assert statusline.windows_of(said(value), NOW)[0]["used_pct"] == used


def test_a_reset_in_the_provider_s_words_is_passed_on_to_codexbar() -> None:
    shown = snapshot(cache_of(reading("ollama")))
    (entry,) = (entry for entry in shown["entries"] if entry["windows"])
    entry["windows"][0] |= {"resets_at": None, "resets_in": "in 2 hours"}
    assert '"resetDescription": "in 2 hours"' in dialects.render("codexbar", shown, NOW)


def test_the_moment_of_a_reset_is_told_to_the_second() -> None:
    assert statusline.windows_of(said(1), NOW)[0]["resets_at"] == iso(NOW + 2 * HOUR)

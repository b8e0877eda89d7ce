"""Who may ask again, and when: ten seconds are shared, a demanded wait binds, and a wrong clock holds nobody up."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimo_host.state import attempts
from aimo_host.state.bell import Bell
from tests.gauge.builders import DAY, NOW, json_values

if TYPE_CHECKING:
    from aimo_host.state.attempts import Attempt
    from aimo_host.state.paths import Paths

FEED = "claude/browser/p"


def noted(paths: Paths, *, now: float = NOW, feed: str = FEED, **fields: Any) -> None:
    def change(attempt: Attempt) -> None:
        for name, value in fields.items():
            setattr(attempt, name, value)

    attempts.note(paths, feed, change, now)


def test_a_feed_that_never_tried_has_a_blank_record(paths: Paths) -> None:
    assert attempts.of(paths, FEED, NOW).as_json() == {"handled": 0.0, "asked": 0.0, "code": None, "retry_at": None, "woken": 0.0}


def test_what_was_noted_is_there_for_everybody(paths: Paths) -> None:
    noted(paths, handled=NOW, asked=NOW - 1, code="rate_limited", retry_at=NOW + 60)
    assert attempts.of(paths, FEED, NOW).as_json() == {
        "handled": NOW,
        "asked": NOW - 1,
        "code": "rate_limited",
        "retry_at": NOW + 60,
        "woken": 0.0,
    }


def test_a_note_changes_only_its_own_feed(paths: Paths) -> None:
    noted(paths, handled=NOW)
    noted(paths, feed="zai/api_key/-", code="bad_credential")
    assert {feed: (one.handled, one.code) for feed, one in attempts.read(paths, NOW).items()} == {
        FEED: (NOW, None),
        "zai/api_key/-": (0.0, "bad_credential"),
    }


def test_a_note_rings(paths: Paths) -> None:
    waiting = Bell(paths.bells_dir, ())
    noted(paths, handled=NOW)
    assert waiting.wait(0)
    waiting.close()


@pytest.mark.parametrize(("since", "is_recent"), [(0, True), (9.9, True), (10, False), (DAY, False), (-1, False), (-DAY, False)])
def test_an_answer_counts_for_everybody_for_ten_seconds(paths: Paths, since: float, is_recent: bool) -> None:
    noted(paths, asked=NOW)
    assert attempts.of(paths, FEED, NOW + since).is_recent(NOW + since) is is_recent


@pytest.mark.parametrize(
    ("retry_at", "must_wait"),
    [(None, False), (NOW - 1, False), (NOW, False), (NOW + 1, True), (NOW + 4500, True), (NOW + 4501, False)],
)
def test_a_demanded_wait_binds_until_then_and_never_beyond_sense(paths: Paths, retry_at: float | None, must_wait: bool) -> None:
    noted(paths, retry_at=retry_at)
    assert attempts.of(paths, FEED, NOW).must_wait(NOW) is must_wait


@pytest.mark.parametrize("field", ["handled", "asked"])
@pytest.mark.parametrize(("ahead", "kept"), [(0, True), (120, True), (121, False), (DAY, False)])
def test_a_moment_from_a_clock_that_was_ahead_is_not_believed(paths: Paths, field: str, ahead: float, kept: bool) -> None:
    moment: dict[str, Any] = {field: NOW + ahead}
    noted(paths, now=NOW + ahead, **moment)
    assert getattr(attempts.of(paths, FEED, NOW), field) == (NOW + ahead if kept else 0.0)


def test_after_the_clock_was_set_back_a_day_a_demanded_wait_is_over(paths: Paths) -> None:
    noted(paths, retry_at=NOW + 60)
    assert not attempts.of(paths, FEED, NOW - DAY).must_wait(NOW - DAY)


def test_of_very_many_feeds_the_newest_are_kept(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_MOST_FEEDS", 3)
    for number in range(5):
        noted(paths, feed=f"claude/browser/{number}", handled=NOW + number)
    assert sorted(attempts.read(paths, NOW)) == ["claude/browser/2", "claude/browser/3", "claude/browser/4"]


def test_of_very_many_feeds_that_dealt_with_one_request_those_that_asked_last_are_kept(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_MOST_FEEDS", 3)
    for number in range(5):
        noted(paths, feed=f"claude/browser/{number}", handled=NOW, asked=NOW + number)
    assert sorted(attempts.read(paths, NOW)) == ["claude/browser/2", "claude/browser/3", "claude/browser/4"]


_records = st.dictionaries(st.sampled_from(["handled", "asked", "code", "retry_at"]), json_values)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.one_of(json_values, st.dictionaries(st.sampled_from([FEED, "x"]), st.one_of(json_values, _records))))
def test_whatever_the_file_says_a_feed_has_a_record_and_can_note(paths: Paths, value: Any) -> None:
    os.makedirs(paths.state_dir, exist_ok=True)
    with open(paths.attempts, "w", encoding="utf-8") as file:
        json.dump({"schema": 1, "attempts": value}, file)
    noted(paths, handled=NOW)
    found = attempts.of(paths, FEED, NOW)
    assert found.handled == NOW
    assert found.is_recent(NOW) in {True, False}
    assert found.must_wait(NOW) in {True, False}

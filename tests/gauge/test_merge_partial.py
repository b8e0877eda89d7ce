"""A reading of some windows only (a status line): it renews those, and says nothing of the others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.merge import merge_failure, merge_reading
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.snapshot import entries_at
from aimo_host.gauge.sound import sound
from tests.gauge.builders import DAY, EMPTY, HOUR, NOW, SETTINGS, json_values, usage, window

BROWSER, LINE = "claude/browser/p", "claude/claude_status_line/-"
ENDS = NOW + 3 * DAY
WEEK: dict[str, Any] = {"resets_at": ENDS, "window_seconds": 604800}


def whole(at: float = NOW, used: float = 40.0) -> dict[str, Any]:
    """What the browser reads: the week and a model's week."""
    scoped = window(14.0, label="weekly Fable", scope="Fable", binding=False, **WEEK)
    return from_usage("claude", usage(window(used, **WEEK), scoped, plan="max"), account="a", at=at, source="push")


def part(at: float, used: float = 50.0, ends: float = ENDS) -> dict[str, Any]:
    """What the status line says: the week alone."""
    said = usage(window(used, **{**WEEK, "resets_at": ends}), auth_source="cli", borrowed=True, partial=True)
    return from_usage("claude", said, account=None, at=at, source="server")


def merged(*readings: tuple[dict[str, Any], str], now: float = NOW + HOUR) -> dict[str, Any]:
    cache = EMPTY
    for reading, via in readings:
        cache = merge_reading(cache, reading, via=via, now=now)
    return cache


def used(cache: dict[str, Any], now: float = NOW + HOUR) -> dict[str, float | None]:
    entry = next(e for e in entries_at(cache, SETTINGS, now) if e["provider"] == "claude")
    return {w["label"]: w["used_pct"] for w in entry["windows"]}


LATER = NOW + HOUR


def test_the_windows_it_has_are_renewed_and_the_others_stay() -> None:
    assert used(merged((whole(), BROWSER), (part(LATER), LINE))) == {"weekly (all)": 50.0, "weekly Fable": 14.0}


def test_a_window_that_stays_says_when_it_was_read() -> None:
    (entry,) = merged((whole(), BROWSER), (part(LATER), LINE))["entries"]
    assert entry["observed_at"] == "2026-11-22T11:00:00Z"
    assert [w.get("observed_at") for w in entry["windows"]] == [None, "2026-11-22T10:00:00Z"]


def test_it_keeps_what_else_is_known_of_the_account() -> None:
    (entry,) = merged((whole(), BROWSER), (part(LATER), LINE))["entries"]
    assert (entry["account"], entry["plan"], entry["auth_source"]) == ("a", "max", "session")


def test_it_is_no_attempt_so_it_puts_none_off() -> None:
    (entry,) = merged((whole(), BROWSER), (part(LATER), LINE))["entries"]
    assert entry["attempted_at"] == "2026-11-22T10:00:00Z"


@pytest.mark.parametrize("moment", [LATER - 60, LATER - 0.1, LATER + 0.1])
@pytest.mark.parametrize("first", [(), ((whole(), BROWSER),)])
def test_whole_and_partial_come_to_the_same_in_any_order(moment: float, first: tuple[tuple[dict[str, Any], str], ...]) -> None:
    both = [(part(LATER), LINE), (whole(moment, used=49.0), BROWSER)]
    one, other = merged(*first, *both), merged(*first, *reversed(both))
    assert one["entries"] == other["entries"]


def test_a_whole_reading_made_just_before_it_still_counts() -> None:
    cache = merged((part(LATER), LINE), (whole(LATER - 1, used=49.0), BROWSER))
    assert used(cache) == {"weekly (all)": 50.0, "weekly Fable": 14.0}


def test_its_moment_is_not_shown() -> None:
    (entry, *_) = entries_at(merged((part(NOW), LINE)), SETTINGS, NOW)
    assert {"_part", "_at"}.isdisjoint(entry)


def test_one_that_is_older_than_the_whole_changes_nothing_that_is_shown() -> None:
    assert used(merged((whole(LATER), BROWSER), (part(NOW), LINE)))["weekly (all)"] == 40.0


def test_twice_is_as_good_as_once() -> None:
    once = merged((whole(), BROWSER), (part(LATER), LINE))
    assert merge_reading(once, part(LATER), via=LINE, now=LATER) == once


def test_that_of_another_account_has_no_place() -> None:
    before = merged((whole(), BROWSER))
    assert merge_reading(before, part(LATER, ends=ENDS + HOUR), via=LINE, now=LATER) == before


def test_it_is_the_whole_reading_where_there_is_none() -> None:
    assert used(merged((part(NOW), LINE))) == {"weekly (all)": 50.0}


def test_a_failed_attempt_stays_in_sight() -> None:
    failed = merge_failure(merged((whole(), BROWSER)), Problem("claude", "unreachable"), via=BROWSER, at=NOW + 60, now=NOW + 60)
    (entry,) = merge_reading(failed, part(LATER), via=LINE, now=LATER)["entries"]
    assert (entry["problem"] or {}).get("code") == "unreachable"


@pytest.mark.parametrize("key", ["_partial", "_borrowed"])
def test_its_marks_are_not_kept(key: str) -> None:
    (entry,) = merged((part(NOW), LINE))["entries"]
    assert key not in entry


@given(garbage=json_values)
def test_marks_that_somebody_edited_do_no_harm(garbage: object) -> None:
    cache = merged((whole(), BROWSER), (part(LATER), LINE))
    (entry,) = cache["entries"]
    edited = {**entry, "_part": garbage, "windows": [{**w, "observed_at": garbage} for w in entry["windows"]]}
    damaged = sound({**cache, "entries": [edited]})
    for reading, via in ((whole(LATER - 1), BROWSER), (part(LATER + 1), LINE)):
        entries_at(merge_reading(damaged, reading, via=via, now=LATER), SETTINGS, LATER)

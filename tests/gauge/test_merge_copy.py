"""A copy that another program kept (Claude Code's cache, the Codex logs): what it is silent about stays as it was read before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.merge import merge_failure, merge_reading
from aimo_host.gauge.model import Balance
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.snapshot import entries_at
from aimo_host.gauge.times import iso
from tests.gauge.builders import DAY, EMPTY, HOUR, NOW, SETTINGS, fable, session, usage, week

if TYPE_CHECKING:
    from aimo_host.gauge.model import Window

LATER = NOW + 65 * 60
CREDITS = Balance(label="Credits", kind="credits", amount=12.0)


def after(*windows: Window, at: float = NOW + 40 * 60, now: float = LATER, **more: Any) -> dict[str, Any]:
    """The row at `now`: the browser read all there is at `NOW`, and a file was written `at`."""
    whole = from_usage(
        "claude", usage(session(20.0), week(30.0), fable(97.0), balances=(CREDITS,)), account="a", at=NOW, source="push"
    )
    copy = from_usage("claude", usage(*windows, auth_source="file", borrowed=True, **more), account=None, at=at, source="server")
    cache = merge_reading(EMPTY, whole, via="claude/browser/p", now=NOW)
    cache = merge_failure(cache, Problem("claude", "no_browser"), via="claude/browser/p", at=at - 1, now=now)
    cache = merge_reading(cache, copy, via="claude/claude_code_cache/-", now=now)
    return next(entry for entry in entries_at(cache, SETTINGS, now) if entry["provider"] == "claude")


def used(entry: dict[str, Any]) -> dict[str, float | None]:
    return {window["label"]: window["used_pct"] for window in entry["windows"]}


def test_a_window_that_has_ended_since_leaves_the_headroom_unknown() -> None:
    row = after(week(31.0))
    assert (row["headroom_pct"], used(row)["session (5h)"], used(row)["weekly (all)"]) == (None, None, 31.0)


def test_another_pool_stays_and_says_when_it_was_read() -> None:
    [pool] = [window for window in after(session(95.0), week(31.0))["windows"] if window["scope"] == "Fable"]
    assert (pool["used_pct"], pool["observed_at"]) == (97.0, iso(NOW))


def test_balances_that_it_does_not_name_stay() -> None:
    assert [balance["amount"] for balance in after(week(31.0))["balances"]] == [12.0]


def test_a_balance_that_it_names_is_renewed() -> None:
    row = after(week(31.0), balances=(Balance(label="Credits", kind="credits", amount=3.0),))
    assert [balance["amount"] for balance in row["balances"]] == [3.0]


def test_it_ends_a_failure_as_any_reading_does() -> None:
    row = after(week(31.0))
    assert (row["error"], row["stale"], row["auth_source"]) == (None, False, "file")


@pytest.mark.parametrize(("hours", "is_there"), [(5.9, True), (6.1, False)])
def test_a_window_that_ended_longer_ago_than_it_lasts_is_let_go(hours: float, is_there: bool) -> None:
    at = NOW + hours * HOUR
    assert ("session (5h)" in used(after(week(31.0), at=at, now=at))) is is_there


def test_a_window_without_a_reset_is_let_go() -> None:
    whole = from_usage("claude", usage(session(0.0, None), week(30.0)), account="a", at=NOW, source="push")
    copy = from_usage("claude", usage(week(31.0), borrowed=True), account=None, at=NOW + HOUR, source="server")
    cache = merge_reading(merge_reading(EMPTY, whole, via="b", now=NOW), copy, via="f", now=NOW + DAY)
    assert used(cache["entries"][0]) == {"weekly (all)": 31.0}

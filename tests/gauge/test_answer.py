"""Whom to use, and what is the matter: from what is known now, and never from what is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge import pick
from aimo_host.gauge.answer import answer_at
from aimo_host.gauge.model import Balance, Blocked, Window
from aimo_host.gauge.snapshot import entry_at, never_read
from aimo_host.gauge.times import iso
from tests.gauge.builders import DAY, HOUR, NOW, fable, kept, session, shown, week, window

Entry = dict[str, Any]


def used(entries: list[Entry]) -> tuple[Any, ...]:
    use = answer_at(entries, NOW)["use"]
    return use["code"], use["provider"], use["headroom_pct"], use["until"]


def notes(entries: list[Entry]) -> list[tuple[Any, ...]]:
    return [(n["code"], n["provider"], n["scope"], n["pct"], n["until"]) for n in answer_at(entries, NOW)["notes"]]


CLAUDE = shown("claude", session(47), week(61))
CODEX = shown("codex", session(1), week(16, 6 * DAY))
SPENT = shown("zai", session(100, 2 * HOUR), week(40))
BLOCKED = shown("codex", session(1), blocked=Blocked("credits", "No credits."))


def test_the_most_headroom_on_its_tightest_window_wins() -> None:
    assert used([CLAUDE, CODEX]) == ("use", "codex", 84.0, iso(NOW + 6 * DAY))


def test_a_window_without_a_reset_has_no_until() -> None:
    assert used([shown("ollama", week(10, None))]) == ("use_open", "ollama", 90.0, None)


@pytest.mark.parametrize(
    "other",
    [
        never_read("ollama") | {"ok": False},
        shown("ollama", week(None)),
        shown("ollama", week(0, -1)),
        shown("ollama", week(0), at=NOW - HOUR - 1),
        kept(shown("ollama", session(0), week(0)), "weekly (all)"),
        shown("ollama", blocked=Blocked("x", "y")),
        shown("ollama", week(None), balances=(Balance(kind="purchased", label="credits", amount=10.0, unit="USD"),)),
    ],
    ids=["never read", "unknown", "reset since", "old", "an old window", "blocked", "a balance beside an unknown window"],
)
def test_what_is_not_known_is_never_chosen_over_what_is(other: Entry) -> None:
    entries = [entry_at(other, NOW, {}) if "ok" not in other else other, shown("claude", week(99))]
    assert used(entries)[1] == "claude"


def test_with_everything_used_up_it_says_until_when_the_first_is_back() -> None:
    later = shown("claude", session(100, HOUR), week(100, 3 * DAY))
    assert used([SPENT, later]) == ("none_left", None, None, iso(NOW + 2 * HOUR))


def test_with_everything_used_up_and_no_reset_known_it_says_only_that() -> None:
    assert used([shown("claude", week(100, None)), BLOCKED])[0] == "none_left_open"


@pytest.mark.parametrize(
    "entries", [[], [never_read("claude")], [SPENT, never_read("claude")], [SPENT, shown("claude", week(None))]]
)
def test_while_something_is_unknown_nobody_says_that_nothing_is_left(entries: list[Entry]) -> None:
    assert used(entries)[0] == "unknown"


def test_a_full_main_window_is_noted_until_the_last_of_them_resets() -> None:
    both = shown("claude", session(100, HOUR), week(100, 3 * DAY))
    assert notes([both]) == [("full", "claude", None, None, iso(NOW + 3 * DAY))]


def test_a_full_model_is_noted_by_its_name() -> None:
    assert notes([shown("claude", week(50), fable(100))]) == [("full", "claude", "Fable", None, iso(NOW + 3 * DAY))]


def test_full_tools_and_spend_are_not_worth_a_word() -> None:
    tools = window(100, label="tool usage (monthly)", kind="tools", binding=False)
    assert notes([shown("zai", week(50), tools)]) == []


def test_an_unknown_window_is_noted() -> None:
    assert notes([shown("zai", week(None))]) == [("unknown", "zai", None, None, None)]


def test_an_old_reading_is_noted_as_unknown() -> None:
    assert notes([shown("zai", week(50), at=NOW - 2 * HOUR)]) == [("unknown", "zai", None, None, None)]


def test_a_binding_window_that_is_older_than_its_entry_is_noted_as_unknown() -> None:
    entry = kept(shown("zai", session(10), week(40, 3 * HOUR)), "weekly (all)")
    assert notes([entry]) == [("unknown", "zai", None, None, None)]


def test_a_full_window_is_noted_whatever_the_age_of_another() -> None:
    entry = kept(shown("zai", session(100), week(40)), "weekly (all)")
    assert notes([entry]) == [("full", "zai", None, None, iso(NOW + HOUR))]


def test_the_age_of_a_model_s_window_leaves_the_main_ones_as_they_are() -> None:
    assert used([kept(shown("claude", week(45), fable(14)), "weekly Fable")])[:3] == ("use", "claude", 55.0)


def test_a_refusal_is_noted() -> None:
    assert notes([BLOCKED]) == [("blocked", "codex", None, None, None)]


def test_what_a_week_would_lose_within_a_day_is_noted() -> None:
    assert notes([shown("zai", week(40, 3 * HOUR))]) == [("lose", "zai", None, 60.0, iso(NOW + 3 * HOUR))]


@pytest.mark.parametrize(
    "windows",
    [(week(40, 2 * DAY),), (week(80, HOUR),), (session(0, HOUR),), (week(40, HOUR), session(100))],
    ids=["not soon", "not much", "a session comes again", "blocked by the session"],
)
def test_what_nobody_could_save_is_not_noted_as_a_loss(windows: tuple[Window, ...]) -> None:
    assert [note for note in notes([shown("zai", *windows)]) if note[0] == "lose"] == []


def test_accounts_of_one_provider_are_told_apart_by_name() -> None:
    entries = [shown("claude", week(10), account="a1"), shown("claude", week(20), account="b2", name="work")]
    assert [one["id"] for one in pick.ranking(entries)] == ["claude/a1", "claude/work"]


def test_the_need_and_the_model_are_part_of_the_question() -> None:
    entries = [shown("claude", week(50), fable(90)), shown("codex", week(70))]
    assert [(one["id"], one["why"]) for one in pick.ranking(entries, need=40)] == [("claude", "fits"), ("codex", "full")]
    assert [(one["id"], one["headroom_pct"]) for one in pick.ranking(entries, scope="fable")] == [
        ("codex", 30.0),
        ("claude", 10.0),
    ]


def test_it_is_available_again_when_the_last_window_in_the_way_resets() -> None:
    [one] = pick.ranking([shown("claude", session(95, HOUR), week(75, DAY))], need=20)
    assert (one["why"], one["available_at"]) == ("full", iso(NOW + HOUR))
    [one] = pick.ranking([shown("claude", session(95, HOUR), week(75, DAY))], need=50)
    assert one["available_at"] == iso(NOW + DAY)


def test_without_a_reset_nobody_knows_when_it_is_available_again() -> None:
    [one] = pick.ranking([shown("claude", session(100, HOUR), week(100, None))])
    assert one["available_at"] is None


percents = st.none() | st.floats(0, 250)
resets = st.none() | st.floats(-DAY, 10 * DAY)
windows = st.lists(
    st.builds(week, percents, resets) | st.builds(session, percents, resets) | st.builds(fable, percents), max_size=4
)
entries = st.builds(
    lambda provider, found, age: shown(provider, *found, at=NOW - age),
    st.sampled_from(["claude", "codex", "zai", "ollama"]),
    windows,
    st.floats(0, 2 * DAY),
)


@given(st.lists(entries, max_size=5), st.floats(0, 100))
def test_nothing_unknown_is_ever_picked(found: list[Entry], need: float) -> None:
    for one in pick.ranking(found, need=need):
        if one["why"] == "fits":
            assert one["headroom_pct"] >= max(need, 0)
            assert one["headroom_pct"] > 0


@given(st.lists(entries, max_size=5))
def test_the_answer_always_has_its_shape(found: list[Entry]) -> None:
    answer = answer_at(found, NOW)
    assert answer["use"].keys() == {"code", "provider", "account", "account_name", "headroom_pct", "until"}
    assert all(note.keys() == {"code", "provider", "account_name", "scope", "pct", "until"} for note in answer["notes"])


def test_a_reading_from_a_clock_that_was_ahead_decides_nothing() -> None:
    assert used([shown("claude", week(10), at=NOW + DAY)])[0] == "unknown"

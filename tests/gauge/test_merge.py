"""One reading or one failure into the cache: who wins, what is kept, what is removed."""

from __future__ import annotations

import copy
import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge import merge
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.times import iso
from tests.gauge.builders import DAY, EMPTY, NOW, cache_of, reading

Cache = dict[str, Any]

PERSONAL, WORK, KEY = (merge.feed("claude", *way) for way in (("browser", "p"), ("browser", "w"), ("oauth",)))


def read(
    cache: Cache, via: str = PERSONAL, *, account: str | None = "a", at: float = NOW, now: float | None = None, used: float = 40.0
) -> Cache:
    entry = reading(via.split("/", maxsplit=1)[0], account=account, at=at, used=used)
    return merge.merge_reading(cache, entry, via=via, now=at if now is None else now)


def fail(
    cache: Cache,
    via: str = PERSONAL,
    *,
    code: str = "provider_down",
    at: float = NOW,
    now: float | None = None,
    since: float | None = None,
) -> Cache:
    problem = Problem(via.split("/", maxsplit=1)[0], code)
    return merge.merge_failure(cache, problem, via=via, at=at, now=at if now is None else now, since=since)


def after(*steps: Any) -> Cache:
    """The cache after `steps`, each a function of the cache before."""
    cache = EMPTY
    for step in steps:
        cache = step(cache)
    return cache


R = partial(partial, read)
F = partial(partial, fail)


def rows(cache: Cache) -> list[tuple[Any, ...]]:
    return [(e["account"], e["windows"][0]["used_pct"] if e["windows"] else None, e["error"]) for e in cache["entries"]]


def only(cache: Cache) -> dict[str, Any]:
    (entry,) = cache["entries"]
    found: dict[str, Any] = entry
    return found


DOWN = "claude.ai is having trouble."


# Readings


def test_the_newest_reading_wins() -> None:
    assert rows(after(R(used=1.0), R(at=NOW + 1, used=2.0))) == [("a", 2.0, None)]


def test_an_older_reading_of_another_route_changes_nothing_that_is_shown() -> None:
    assert rows(after(R(at=NOW + 1, used=2.0), R(via=KEY, used=1.0))) == [("a", 2.0, None)]


def test_an_older_reading_of_the_same_feed_is_ignored_even_for_another_account() -> None:
    assert rows(after(R(at=NOW + 1, used=2.0), R(account="b", used=1.0))) == [("a", 2.0, None)]


def test_the_same_reading_twice_is_the_same_as_once() -> None:
    once = after(R())
    assert read(once) == once


def test_the_cache_that_comes_in_is_never_changed() -> None:
    cache = after(R(), R(via=WORK, account="b"), F(via=KEY))
    before = copy.deepcopy(cache)
    read(cache, account="c", at=NOW + 1)
    read(cache, via=KEY, account=None, at=NOW + 1)
    fail(cache, at=NOW + 1)
    merge.forget(cache, "claude", NOW + 1)
    assert cache == before


def test_the_time_of_the_update_is_kept() -> None:
    assert after(R(at=NOW + 5))["updated_at"] == iso(NOW + 5)


def test_keys_of_a_newer_version_survive_a_reading_and_a_failure() -> None:
    cache = after(R())
    cache = {**cache, "mood": "fine", "entries": [{**cache["entries"][0], "weather": "wet"}]}
    cache = fail(read(cache, at=NOW + 1), at=NOW + 2)
    assert (cache["mood"], only(cache)["weather"]) == ("fine", "wet")


def test_two_profiles_with_two_accounts_give_two_entries() -> None:
    assert rows(after(R(used=1.0), R(via=WORK, account="b", used=2.0))) == [("a", 1.0, None), ("b", 2.0, None)]


def test_the_same_account_in_two_profiles_is_one_entry() -> None:
    assert rows(after(R(used=1.0), R(via=WORK, at=NOW + 1, used=2.0))) == [("a", 2.0, None)]


# Readings from a clock that was wrong


def test_a_reading_from_the_future_loses_to_any_new_one() -> None:
    assert rows(after(R(at=NOW + DAY, used=1.0), R(at=NOW, used=2.0))) == [("a", 2.0, None)]


def test_a_reading_from_the_future_of_another_route_loses_too() -> None:
    assert rows(after(R(via=KEY, at=NOW + DAY, used=1.0), R(at=NOW, used=2.0))) == [("a", 2.0, None)]


def test_two_minutes_of_difference_are_not_the_future() -> None:
    assert rows(after(R(via=KEY, at=NOW + 119, used=1.0), R(at=NOW, used=2.0))) == [("a", 1.0, None)]


def test_a_reading_from_the_future_does_not_hide_a_failure() -> None:
    assert rows(after(R(at=NOW + DAY), F(at=NOW, since=NOW - 1))) == [("a", 40.0, DOWN)]


def test_a_failure_from_the_future_does_not_hide_a_later_one() -> None:
    assert only(after(R(at=NOW - 5), F(at=NOW + DAY), F(code="rate_limited", at=NOW)))["problem"]["code"] == "rate_limited"


def test_a_failure_from_the_future_does_not_darken_a_new_reading() -> None:
    assert rows(after(R(at=NOW - 5), F(at=NOW + DAY), R(at=NOW))) == [("a", 40.0, None)]


# Failures


def test_a_failed_refresh_keeps_the_last_good_windows() -> None:
    entry = only(after(R(), F(at=NOW + 60)))
    assert (len(entry["windows"]), entry["stale"], entry["error"]) == (1, True, DOWN)


def test_a_failed_refresh_tells_when_it_was_tried_and_keeps_when_it_was_read() -> None:
    entry = only(after(R(), F(at=NOW + 60)))
    assert (entry["observed_at"], entry["attempted_at"]) == (iso(NOW), iso(NOW + 60))


def test_the_same_failure_twice_is_the_same_as_once() -> None:
    once = after(R(), F(at=NOW + 60, since=NOW + 50))
    assert fail(once, at=NOW + 60, since=NOW + 50) == once


def test_a_reading_clears_the_failure_before_it() -> None:
    entry = only(after(R(), F(at=NOW + 60), R(at=NOW + 120)))
    assert (entry["stale"], entry["error"], entry["problem"]) == (False, None, None)


def test_an_older_failure_does_not_darken_a_newer_reading() -> None:
    assert only(after(R(at=NOW + 60), F(at=NOW)))["error"] is None


def test_a_late_reading_from_before_the_failure_leaves_the_failure_shown() -> None:
    cache = after(R(), F(at=NOW + 60), R(via=WORK, at=NOW + 30, used=2.0))
    assert rows(cache) == [("a", 2.0, DOWN)]
    assert only(cache)["stale"] is True


def test_a_failure_touches_only_what_its_feed_last_fed() -> None:
    cache = after(R(), R(via=WORK, account="b"), F(via=WORK, at=NOW + 60))
    assert rows(cache) == [("a", 40.0, None), ("b", 40.0, DOWN)]


def test_a_failure_of_a_feed_that_never_fed_leaves_a_good_entry_alone() -> None:
    cache = after(R())
    assert fail(cache, via=KEY, at=NOW + 60) is cache


def test_a_failure_of_a_feed_that_never_fed_is_shown_where_nothing_is_good() -> None:
    assert rows(after(F(via=KEY))) == [(None, None, DOWN)]


def test_a_failure_where_nothing_was_read_makes_nothing_stale() -> None:
    assert only(after(F(), F(at=NOW + 1)))["stale"] is False


def test_the_first_reading_takes_the_place_of_the_failure() -> None:
    assert rows(after(F(via=KEY), R(at=NOW + 1))) == [("a", 40.0, None)]


def test_a_failure_of_one_provider_leaves_the_others_alone() -> None:
    cache = after(R(), R(via="zai/api_key/-"), F(at=NOW + 60))
    assert [(e["provider"], e["error"]) for e in cache["entries"]] == [("claude", DOWN), ("zai", None)]


# Several failures


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        ("not_signed_in", "no_credential", "not_signed_in"),
        ("no_credential", "not_signed_in", "not_signed_in"),
        ("not_signed_in", "bad_credential", "bad_credential"),
        ("no_browser", "no_credential", "no_credential"),
    ],
)
@pytest.mark.parametrize("was_read", [True, False])
def test_within_one_refresh_a_later_problem_never_hides_a_clearer_one(
    first: str, second: str, shown: str, was_read: bool
) -> None:
    since = NOW + 60
    before = [R(), R(via=KEY)] if was_read else []
    cache = after(*before, F(code=first, at=since + 1, since=since), F(via=KEY, code=second, at=since + 2, since=since))
    assert only(cache)["problem"]["code"] == shown
    assert only(cache)["attempted_at"] == iso(since + 2)


@pytest.mark.parametrize("was_read", [True, False])
def test_a_later_refresh_shows_what_is_the_matter_now(was_read: bool) -> None:
    before = [R()] if was_read else []
    cache = after(*before, F(code="bad_credential", at=NOW + 1, since=NOW), F(code="no_credential", at=NOW + 60, since=NOW + 60))
    assert only(cache)["problem"]["code"] == "no_credential"


def test_an_older_failure_never_replaces_a_newer_one() -> None:
    assert only(after(R(), F(code="rate_limited", at=NOW + 60), F(at=NOW + 30)))["problem"]["code"] == "rate_limited"


def test_what_another_profile_has_read_in_the_same_refresh_stays_bright() -> None:
    since = NOW + 60
    cache = after(R(), R(via=WORK), R(via=WORK, at=since + 1), F(code="not_signed_in", at=since + 2, since=since))
    assert rows(cache) == [("a", 40.0, None)]


def test_what_was_read_before_the_refresh_is_darkened_by_its_failure() -> None:
    assert rows(after(R(), R(via=WORK, at=NOW + 9), F(at=NOW + 12, since=NOW + 10))) == [("a", 40.0, DOWN)]


# Readings that cannot name their account


def test_an_anonymous_reading_joins_the_only_entry() -> None:
    assert rows(after(R(), R(via=KEY, account=None, at=NOW + 1, used=2.0))) == [("a", 2.0, None)]


def test_a_reading_with_a_name_takes_over_the_anonymous_one() -> None:
    assert rows(after(R(via=KEY, account=None), R(at=NOW + 1, used=2.0))) == [("a", 2.0, None)]


def test_an_older_reading_with_a_name_names_the_anonymous_one_and_keeps_its_windows() -> None:
    assert rows(after(R(via=KEY, account=None, at=NOW + 1, used=2.0), R(used=1.0))) == [("a", 2.0, None)]


def test_a_key_whose_reading_was_given_a_name_darkens_that_entry() -> None:
    cache = after(R(via=KEY, account=None), R(at=NOW + 1), F(via=KEY, at=NOW + 60))
    assert rows(cache) == [("a", 40.0, DOWN)]


def test_where_there_are_several_an_anonymous_reading_joins_the_one_it_joined_last() -> None:
    cache = after(R(), R(via=KEY, account=None, at=NOW + 1), R(via=WORK, account="b", at=NOW + 2))
    cache = read(cache, via=KEY, account=None, at=NOW + 3, used=2.0)
    assert rows(cache) == [("a", 2.0, None), ("b", 40.0, None)]


def test_where_there_are_several_and_it_joined_none_it_is_an_entry_of_its_own() -> None:
    cache = after(R(), R(via=WORK, account="b"), R(via=KEY, account=None, used=2.0))
    assert rows(cache) == [("a", 40.0, None), ("b", 40.0, None), (None, 2.0, None)]


def test_an_anonymous_reading_joins_no_entry_that_was_never_read() -> None:
    assert rows(after(F(), R(via=KEY, account=None, at=NOW + 1))) == [(None, 40.0, None)]


# Another account in the same profile


def test_another_account_read_by_the_same_profile_removes_the_first() -> None:
    assert rows(after(R(), R(account="b", at=NOW + 1, used=2.0))) == [("b", 2.0, None)]


def test_an_account_that_another_profile_keeps_up_stays() -> None:
    cache = after(R(), R(via=WORK), R(account="b", at=NOW + 1, used=2.0))
    assert rows(cache) == [("a", 40.0, None), ("b", 2.0, None)]


def test_a_switch_of_accounts_leaves_other_providers_alone() -> None:
    cache = after(R(via="zai/browser/p"), R(), R(account="b", at=NOW + 1))
    assert [(e["provider"], e["account"]) for e in cache["entries"]] == [("claude", "b"), ("zai", "a")]


def test_a_profile_that_switched_away_no_longer_darkens_what_it_left() -> None:
    cache = after(R(), R(via=WORK), R(account="b", at=NOW + 1), F(at=NOW + 60))
    assert rows(cache) == [("a", 40.0, None), ("b", 40.0, DOWN)]


# Switching off


def test_a_provider_that_is_switched_off_is_forgotten_with_its_feeds() -> None:
    cache = merge.forget(after(R(), R(via="zai/api_key/-")), "claude", NOW + 1)
    assert [e["provider"] for e in cache["entries"]] == ["zai"]
    assert list(cache["_feeds"]) == ["zai/api_key/-"]


def test_forgetting_what_is_not_there_changes_nothing() -> None:
    cache = after(R())
    assert merge.forget(cache, "zai", NOW) is cache


# A file from elsewhere


def test_an_entry_without_our_exact_moments_is_ordered_by_the_public_ones() -> None:
    entry = {key: value for key, value in reading(at=NOW + 60, used=2.0).items() if key not in {"_at", "_tried"}}
    assert rows(read(cache_of(entry), at=NOW + 30, used=1.0, now=NOW + 60)) == [("a", 2.0, None)]


# Whatever order the news comes in

FEEDS = {PERSONAL: "a", WORK: "b", KEY: "a", merge.feed("claude", "cache_file"): "a"}
Event = tuple[str, str, float]  # feed, what came of it, when


@st.composite
def histories(draw: st.DrawFn, outcomes: tuple[str, ...]) -> list[Event]:
    happened = draw(st.lists(st.tuples(st.sampled_from(sorted(FEEDS)), st.sampled_from(outcomes)), min_size=1, max_size=7))
    return [(via, outcome, NOW + index) for index, (via, outcome) in enumerate(happened)]


def retold(events: list[Event]) -> str:
    """The cache after `events` in the order given, all of which have happened by the same time."""
    cache, now = EMPTY, NOW + 100
    for via, outcome, at in events:
        if outcome == "read":
            cache = read(cache, via, account=FEEDS[via], at=at, now=now, used=at - NOW)
        else:
            cache = fail(cache, via, code=outcome, at=at, now=now)
    return json.dumps({**cache, "updated_at": None}, sort_keys=True)


@given(histories(("read",)), st.randoms(use_true_random=False))
def test_readings_give_one_cache_whatever_order_they_come_in(events: list[Event], random: Any) -> None:
    shuffled = random.sample(events, len(events))
    assert retold(shuffled) == retold(events)


@given(histories(("read", "provider_down", "no_browser")), st.randoms(use_true_random=False))
def test_readings_and_failures_of_several_feeds_give_one_cache_however_they_interleave(events: list[Event], random: Any) -> None:
    """Within one feed the order is given: its lock is held from asking to merging."""
    waiting = {via: [event for event in events if event[0] == via] for via in FEEDS}
    interleaved = [waiting[via].pop(0) for via, _, _ in random.sample(events, len(events))]
    assert retold(interleaved) == retold(events)


@given(histories(("read", "provider_down", "no_browser")))
def test_one_account_is_never_two_rows(events: list[Event]) -> None:
    entries = json.loads(retold(events))["entries"]
    assert len({entry["account"] for entry in entries}) == len(entries)


@given(histories(("read", "provider_down", "no_browser")))
def test_windows_once_read_are_never_erased_by_a_failure(events: list[Event]) -> None:
    shown = {entry["account"]: entry["windows"] for entry in json.loads(retold(events))["entries"]}
    newest = {FEEDS[via]: at - NOW for via, outcome, at in events if outcome == "read"}
    assert {account: windows[0]["used_pct"] for account, windows in shown.items() if windows} == newest

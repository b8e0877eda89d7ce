"""A cache file may hold anything. Nothing in it may crash a reader, or be believed without being of the right type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge import merge
from aimo_host.gauge.catalog import ORDER
from aimo_host.gauge.model import Balance, Blocked
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.snapshot import entries_at, unread
from aimo_host.gauge.sound import sound
from tests.gauge.builders import DAY, EMPTY, NOW, SETTINGS, cache_of, json_values, reading, usage, window, with_parts_replaced
from tests.gauge.test_entry import ENTRY_KEYS, WINDOW_KEYS, stored

FULL = stored(
    usage(
        window(61.0, resets_at=NOW + 3 * DAY, window_seconds=604800, used=1, limit=2, remaining=1, unit="calls"),
        window(resets_in="2 hours", label="session", kind="session"),
        balances=(Balance(kind="purchased", label="credits", amount=1.0, used=1.0, limit=2.0, unit="USD"),),
        blocked=Blocked("limit", "x"),
    )
)
FAILED = unread(Problem("zai", "no_credential", "key", variable="ZAI_API_KEY", retry_at=NOW))
FED = merge.merge_reading(EMPTY, reading(), via=merge.feed("claude", "browser", "p"), now=NOW)

# Made once: to make a strategy costs more than to draw from it.
_entries = st.lists(with_parts_replaced(FULL, FAILED, FED["entries"][0]), max_size=3)
_windows = st.lists(st.one_of(with_parts_replaced(*FULL["windows"]), json_values), max_size=3)
_balances = st.lists(st.one_of(with_parts_replaced(*FULL["balances"]), json_values), max_size=2)
_problems = with_parts_replaced(FAILED["problem"])
_feeds = st.one_of(json_values, st.just(FED["_feeds"]), st.dictionaries(st.sampled_from(["a/b/c", "a/b"]), json_values))
_strangers = st.lists(json_values, max_size=2)


@st.composite
def torn_caches(draw: st.DrawFn) -> dict[str, Any]:
    """Entries with parts replaced, some of them deep inside, among whatever else may stand in the file."""
    torn = draw(_entries)
    for entry in torn:
        if draw(st.booleans()):
            entry.update(windows=draw(_windows), balances=draw(_balances), problem=draw(_problems))
    return {**EMPTY, "entries": [*torn, *draw(_strangers)], "_feeds": draw(_feeds)}


caches = st.one_of(torn_caches(), with_parts_replaced(FED), st.dictionaries(st.text(max_size=8), json_values, max_size=4))


@given(caches)
def test_any_cache_is_shown_with_every_key_of_the_contract(cache: dict[str, Any]) -> None:
    shown = entries_at(sound(cache), SETTINGS, NOW)
    assert {entry["provider"] for entry in shown} == set(ORDER)
    for entry in shown:
        assert set(ENTRY_KEYS) <= set(entry)
        assert all(set(WINDOW_KEYS) <= set(one) for one in entry["windows"])
        assert entry["blocked"] is None or isinstance(entry["blocked"]["message"], str)
        assert entry["problem"] is None or isinstance(entry["problem"]["code"], str)


@given(caches)
def test_a_percentage_is_a_number_within_sense_or_unknown(cache: dict[str, Any]) -> None:
    for entry in entries_at(sound(cache), SETTINGS, NOW):
        for shown in [entry["headroom_pct"], *(one["used_pct"] for one in entry["windows"])]:
            assert shown is None or (not isinstance(shown, bool) and abs(shown) < 1e16)


@given(caches)
def test_any_cache_takes_a_reading_and_a_failure(cache: dict[str, Any]) -> None:
    via = merge.feed("claude", "browser", "p")
    read = merge.merge_reading(sound(cache), reading(at=NOW), via=via, now=NOW)
    failed = merge.merge_failure(read, Problem("claude", "provider_down"), via=via, at=NOW + 1, now=NOW + 1, since=NOW)
    entry = next(e for e in entries_at(failed, SETTINGS, NOW) if (e["provider"], e["account"]) == ("claude", "a"))
    assert entry["windows"]


@given(caches)
def test_what_is_sound_stays_as_it_is(cache: dict[str, Any]) -> None:
    once = sound(cache)
    assert repr(sound(once)) == repr(once)


@pytest.mark.parametrize("cache", [EMPTY, FED, cache_of(FULL), cache_of(FAILED)], ids=["empty", "fed", "full", "failed"])
def test_what_we_wrote_ourselves_is_sound(cache: dict[str, Any]) -> None:
    assert sound(json.loads(json.dumps(cache))) == cache


@pytest.mark.parametrize(
    "entry",
    [None, 0, "claude", [], {}, {"provider": 1}, {"provider": "claude", "account": 1}, {"provider": "claude", "observed_at": 0}],
)
def test_what_does_not_say_whose_reading_it_is_is_no_entry(entry: Any) -> None:
    assert sound({"entries": [entry]})["entries"] == []


@pytest.mark.parametrize(
    ("name", "feed"),
    [
        ("claude/browser", {"provider": "claude", "account": None, "at": 1.0}),
        ("claude/browser/p/q", {"provider": "claude", "account": None, "at": 1.0}),
        ("claude/browser/p", {"provider": "claude", "at": 1.0}),
        ("claude/browser/p", {"provider": None, "account": None, "at": 1.0}),
        ("claude/browser/p", {"provider": "claude", "account": None, "at": True}),
        ("claude/browser/p", None),
    ],
)
def test_what_does_not_say_what_it_fed_is_no_feed(name: str, feed: Any) -> None:
    assert sound({"_feeds": {name: feed}})["_feeds"] == {}


@pytest.mark.parametrize("key", ["mood", "_weather"])
def test_keys_of_a_newer_version_are_left_alone_at_every_level(key: str) -> None:
    said = {"deep": [1, None]}
    entry = {**FULL, key: said, "windows": [{**FULL["windows"][0], key: said}], "problem": {"code": "internal", key: said}}
    cache = sound({**cache_of(entry), key: said})
    kept = cache["entries"][0]
    assert [cache[key], kept[key], kept["windows"][0][key], kept["problem"][key]] == [said] * 4


@pytest.mark.parametrize("value", ["14", True, [], 10**400, float("nan"), float("inf")])
def test_a_percentage_of_another_type_is_unknown(value: Any) -> None:
    entry = {**FULL, "windows": [{**FULL["windows"][0], "used_pct": value}]}
    assert sound(cache_of(entry))["entries"][0]["windows"][0]["used_pct"] is None


@pytest.mark.parametrize(("value", "message"), [("yes", ""), ({"message": "x"}, "x"), ({"message": 1, "code": []}, ""), (1, "")])
def test_a_refusal_that_is_not_understood_is_still_one(value: Any, message: str) -> None:
    (entry,) = sound(cache_of({**FULL, "blocked": value}))["entries"]
    assert entry["blocked"] == {"code": "", "message": message}


@pytest.mark.parametrize("value", [None, False, {}, 0, ""])
def test_nothing_is_no_refusal(value: Any) -> None:
    assert sound(cache_of({**FULL, "blocked": value}))["entries"][0]["blocked"] is None


def test_a_moment_that_is_none_is_no_reading() -> None:
    (entry,) = sound(cache_of({**FULL, "observed_at": "yesterday"}))["entries"]
    assert entry["observed_at"] is None


@pytest.mark.parametrize("value", [None, 5, "yesterday", [], {}])
def test_a_window_s_own_moment_that_is_none_is_left_out(value: Any) -> None:
    entry = reading()
    entry["windows"][0]["observed_at"] = value
    [window] = sound(cache_of(entry))["entries"][0]["windows"]
    assert "observed_at" not in window


@pytest.mark.parametrize("value", [-0.1, -5, -1e300, float("-inf")])
def test_a_negative_percentage_is_unknown(value: float) -> None:
    entry = {**FULL, "windows": [{**FULL["windows"][0], "used_pct": value}]}
    assert sound(cache_of(entry))["entries"][0]["windows"][0]["used_pct"] is None


@pytest.mark.parametrize("is_reversed", [False, True])
def test_of_two_rows_about_one_account_the_newest_reading_is_the_truth(*, is_reversed: bool) -> None:
    old, new = reading(at=NOW - DAY, used=10.0), reading(used=90.0)
    failed = {**FAILED, "provider": "claude", "account": "a", "attempted_at": "2026-11-22T11:00:00Z"}
    rows = [failed, new, old] if is_reversed else [old, new, failed]
    (row,) = [entry for entry in entries_at(sound(cache_of(*rows)), SETTINGS, NOW) if entry["provider"] == "claude"]
    assert row["windows"][0]["used_pct"] == 90.0


@given(caches)
def test_no_account_ever_has_two_rows(cache: dict[str, Any]) -> None:
    names = [(entry["provider"], entry["account"]) for entry in sound(cache)["entries"]]
    assert len(names) == len(set(names))


@given(caches)
def test_a_row_that_is_not_ok_says_why(cache: dict[str, Any]) -> None:
    for entry in entries_at(sound(cache), SETTINGS, NOW):
        due = [one for one in entry["windows"] if one["binding"] and one["state"] == "reset_due"]
        assert entry["ok"] or entry["problem"] or entry["blocked"] or due

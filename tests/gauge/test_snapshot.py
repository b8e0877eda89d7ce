"""What a reader sees at one moment: the rules of design §5, as tables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge import snapshot
from aimo_host.gauge.catalog import ORDER
from aimo_host.gauge.model import Balance, Blocked, Window
from aimo_host.gauge.times import iso
from tests.gauge.builders import DAY, HOUR, NOW, SETTINGS, cache_of, reading, usage, window
from tests.gauge.test_entry import ENTRY_KEYS, stored


def seen(*windows: Window, at: float = NOW, **more: Any) -> dict[str, Any]:
    """The public entry of these windows, read at NOW, as of `at`."""
    return snapshot.entry_at(stored(usage(*windows, **more)), at, {})


def seen_window(at: float, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = seen(window(**more), at=at)["windows"][0]
    return found


# reset_due


@pytest.mark.parametrize(("after", "state"), [(HOUR - 1, "active"), (HOUR, "reset_due"), (HOUR + 1, "reset_due")])
def test_a_window_whose_reset_has_passed_is_finished(after: float, state: str) -> None:
    assert seen_window(NOW + after, resets_at=NOW + HOUR)["state"] == state


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("2 hours", 2 * HOUR),
        ("in 2 hours", 2 * HOUR),
        ("1 hour", HOUR),
        ("45 minutes", HOUR * 0.75),
        ("30 seconds", 30),
        ("3 days", 3 * DAY),
        ("1 week", 7 * DAY),
        ("1 month", 30 * DAY),
        ("1 day 3 hours", DAY + 3 * HOUR),
        ("1 day, 3 hours", DAY + 3 * HOUR),
        ("1 hour and 30 minutes", 1.5 * HOUR),
        ("2 Hours", 2 * HOUR),
    ],
)
def test_a_reset_in_words_counts_from_the_reading(words: str, seconds: float) -> None:
    assert seen_window(NOW + seconds - 1, resets_in=words)["state"] == "active"
    assert seen_window(NOW + seconds, resets_in=words)["state"] == "reset_due"


@pytest.mark.parametrize(
    "words", ["", "soon", "2 moons", "two hours", "² hours", "-2 hours", "0 hours", "9" * 5000 + " days", "2"]
)
def test_words_that_are_not_understood_finish_nothing(words: str) -> None:
    assert seen_window(NOW + 1000 * DAY, resets_in=words)["state"] == "active"


def test_a_finished_window_shows_neither_its_percentage_nor_its_counts() -> None:
    found = seen_window(NOW + DAY, resets_at=NOW + HOUR, used=47, remaining=953, limit=1000, window_seconds=604800)
    assert [found[key] for key in ("used_pct", "usage", "remaining", "pace")] == [None] * 4
    assert found["limit"] == 1000


def test_looking_changes_nothing_in_the_cache() -> None:
    entry = stored(usage(window(resets_at=NOW + HOUR)))
    before = json.dumps(entry)
    snapshot.entry_at(entry, NOW + DAY, {})
    assert json.dumps(entry) == before


# ok, headroom, tightest

UNKNOWN = window(None, label="unknown")
FULL = window(100.0, label="full")
OVER = window(130.0, label="over")
HALF = window(50.0, label="half")
FREE = window(0.0, label="free", state="not_started")
DUE = window(70.0, label="due", resets_at=NOW)
ASIDE = window(99.0, label="aside", binding=False)
ASIDE_UNKNOWN = window(None, label="aside unknown", binding=False)


@pytest.mark.parametrize(
    ("windows", "ok", "headroom", "tightest"),
    [
        ((HALF,), True, 50.0, "half"),
        ((FREE, HALF), True, 50.0, "half"),
        ((FREE,), True, 100.0, "free"),
        ((FULL, HALF), True, 0.0, "full"),
        ((OVER,), True, 0.0, "over"),
        ((HALF, ASIDE), True, 50.0, "half"),
        ((HALF, ASIDE_UNKNOWN), True, 50.0, "half"),
        ((HALF, UNKNOWN), False, None, None),
        ((UNKNOWN,), False, None, None),
        ((HALF, DUE), True, None, None),
        ((DUE,), False, None, None),
        ((ASIDE,), False, None, None),
    ],
)
def test_what_may_be_used_follows_from_the_binding_windows(
    windows: tuple[Window, ...], ok: bool, headroom: float | None, tightest: str | None
) -> None:
    found = seen(*windows)
    assert (found["ok"], found["headroom_pct"], found["tightest"]) == (ok, headroom, tightest)


@pytest.mark.parametrize(
    ("balance", "ok"),
    [
        ({"amount": 10.0}, True),
        ({"amount": 0.0}, False),
        ({"amount": None}, False),
        ({"amount": -3.0}, False),
        ({"amount": 10.0, "enabled": False}, False),
        ({"unlimited": True}, True),
        ({"unlimited": True, "enabled": False}, False),
    ],
)
def test_without_a_number_a_balance_must_be_able_to_pay(balance: dict[str, Any], ok: bool) -> None:
    assert seen(ASIDE, balances=(Balance(kind="purchased", label="credits", **balance),))["ok"] is ok


def test_a_balance_does_not_make_an_unknown_window_known() -> None:
    assert seen(UNKNOWN, balances=(Balance(kind="purchased", label="credits", amount=10.0),))["ok"] is False


def test_a_blocked_account_has_no_headroom_though_percentages_look_free() -> None:
    found = seen(HALF, blocked=Blocked("owner_limit", "x"))
    assert (found["ok"], found["headroom_pct"], found["tightest"]) == (False, 0.0, "half")


def test_staleness_alone_keeps_it_usable() -> None:
    entry = {**stored(usage(HALF)), "stale": True, "error": "claude.ai is having trouble."}
    assert snapshot.entry_at(entry, NOW, {})["ok"] is True


def test_what_the_file_claims_to_follow_is_worked_out_anew() -> None:
    entry = {**stored(usage(HALF)), "ok": False, "headroom_pct": 99.0, "tightest": "lie"}
    found = snapshot.entry_at(entry, NOW, {})
    assert (found["ok"], found["headroom_pct"], found["tightest"]) == (True, 50.0, "half")


@given(st.lists(st.one_of(st.none(), st.floats(0, 1000)), min_size=1, max_size=5))
def test_headroom_and_the_fullest_window_never_promise_more_than_there_is(percentages: list[float | None]) -> None:
    found = seen(*(window(used, label=str(index)) for index, used in enumerate(percentages)))
    if None in percentages:
        assert found["headroom_pct"] is None
    else:
        assert found["headroom_pct"] == pytest.approx(max(0.0, 100 - max(used or 0.0 for used in percentages)), abs=1e-3)


# pace


def test_pace_is_as_of_the_reading_however_late_one_looks() -> None:
    at_once, later = (seen_window(at, resets_at=NOW + 3 * DAY, window_seconds=604800) for at in (NOW, NOW + 2 * DAY))
    assert at_once["pace"] is not None
    assert later["pace"] == at_once["pace"]


def test_a_window_that_has_not_started_has_no_pace() -> None:
    assert seen_window(NOW, used_pct=0.0, state="not_started", resets_at=NOW + DAY, window_seconds=604800)["pace"] is None


# the array of entries


def listed(cache: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    return snapshot.entries_at(cache, {**SETTINGS, **settings}, NOW)


def test_every_provider_has_an_entry_even_if_none_was_ever_read() -> None:
    assert [(e["provider"], e["ok"], e["windows"], e["observed_at"]) for e in listed(cache_of())] == [
        (provider, False, [], None) for provider in ORDER
    ]


@pytest.mark.parametrize(
    ("provider", "code"),
    [("claude", "no_browser"), ("ollama", "no_browser"), ("codex", "no_credential"), ("zai", "no_credential")],
)
def test_one_that_was_never_read_says_what_it_takes(provider: str, code: str) -> None:
    (entry,) = (e for e in listed(cache_of()) if e["provider"] == provider)
    assert entry["problem"]["code"] == code
    assert entry["error"]


def test_read_or_never_read_the_keys_are_the_same() -> None:
    assert [list(entry) for entry in listed(cache_of(reading()))] == [ENTRY_KEYS] * 4


def test_a_provider_that_is_switched_off_is_absent() -> None:
    found = listed(cache_of(reading("zai"), reading("claude")), providers={"zai": "off", "codex": "on", "ollama": "auto"})
    assert [entry["provider"] for entry in found] == ["claude", "codex", "ollama"]


def test_a_provider_outside_the_catalog_is_not_shown() -> None:
    assert [entry["provider"] for entry in listed(cache_of(reading("gemini")))] == list(ORDER)


def test_entries_stand_in_the_fixed_order_then_by_account_unnamed_ones_last() -> None:
    cache = cache_of(
        reading("ollama", account="x"),
        reading("claude", account=None),
        reading("claude", account="b"),
        reading("zai"),
        reading("claude", account="a"),
        reading("codex"),
    )
    order = [("claude", "a"), ("claude", "b"), ("claude", None), ("codex", "a"), ("zai", "a"), ("ollama", "x")]
    assert [(entry["provider"], entry["account"]) for entry in listed(cache)] == order


def test_an_account_carries_the_name_that_the_user_gave_it() -> None:
    found = listed(cache_of(reading(account="a"), reading(account="b")), names={"b": "work"})
    assert [entry["account_name"] for entry in found[:2]] == [None, "work"]


def test_keys_of_a_newer_version_are_shown_and_moments_of_ours_are_not() -> None:
    entry = listed(cache_of({**reading(), "mood": "fine"}))[0]
    assert entry["mood"] == "fine"
    assert not {"_at", "_tried"} & set(entry)


def test_the_snapshot_is_the_entries_with_a_schema_number() -> None:
    cache = {**cache_of(reading()), "updated_at": iso(NOW)}
    shown = snapshot.snapshot_at(cache, SETTINGS, NOW)
    assert {key: shown[key] for key in shown if key != "answer"} == {
        "schema": 1,
        "updated_at": iso(NOW),
        "entries": listed(cache),
    }


# why not


@pytest.mark.parametrize(
    ("windows", "code"),
    [
        ((window(None),), "unexpected_answer"),
        ((window(10.0), window(None, label="session", kind="session")), "unexpected_answer"),
        ((window(10.0, resets_at=NOW), window(None, label="session", kind="session")), "unexpected_answer"),
        ((window(None, binding=False, scope="Fable"),), "no_plan"),
        ((window(10.0, binding=False, scope="Fable"),), None),
        ((window(10.0, binding=False, scope="Fable", resets_at=NOW),), None),
        ((window(10.0),), None),
        ((window(10.0, resets_at=NOW),), None),
    ],
)
def test_a_reading_that_does_not_say_whether_work_may_go_there_says_why(windows: tuple[Window, ...], code: str | None) -> None:
    entry = seen(*windows)
    assert (entry["problem"] or {}).get("code") == code
    assert (entry["error"] is None) == (code is None)


def test_what_went_wrong_since_is_said_rather_than_what_was_unclear_before() -> None:
    failed = {**stored(usage(window(None))), "problem": {"code": "rate_limited"}, "error": "x"}
    assert snapshot.entry_at(failed, NOW, {})["problem"] == {"code": "rate_limited"}


@pytest.mark.parametrize(
    ("windows", "seconds"),
    [
        ([], None),
        ([window(40.0, resets_at=NOW + 30), window(50.0, resets_at=NOW + 7)], 7.0),
        ([window(40.0, resets_at=NOW + DAY)], 60.0),
        ([window(40.0)], None),
        ([window(None, resets_at=NOW + 9)], None),
        ([window(40.0, resets_at=NOW - 5)], None),
        ([window(40.0, resets_in="5 seconds")], 5.0),
    ],
)
def test_who_waits_for_a_change_sleeps_until_the_next_known_reset(windows: list[Window], seconds: float | None) -> None:
    entries = [seen(*windows)] if windows else []
    assert snapshot.pause(entries, NOW) == seconds

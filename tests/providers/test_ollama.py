"""Ollama's JSON: the balance with a key, the same relayed by the user's own Ollama, the plan, and the API as it was before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge.model import Answer, Ask, Balance, Usage, Window
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.times import parse_iso
from aimo_host.providers import ollama
from aimo_host.samples import BOT_CHECKS, json_answer
from aimo_host.samples import FAILURES as SHARED_FAILURES
from aimo_host.samples import ollama as samples
from tests.providers.garbage import anything, cut, mutated
from tests.providers.garbage import check as check_sound

NOW = 1795341600.0  # 2026-11-22T10:00:00Z
DAY = 86400.0


def read(body: Any) -> Usage:
    result = ollama.parse_balance(json_answer(body), NOW)
    assert isinstance(result, Usage), result
    return result


def included(**keys: Any) -> Usage:
    return read({"included": keys, "purchased": {"balance_usd": 0}})


def only(**keys: Any) -> Window:
    (window,) = included(**keys).windows
    return window


def used(usage: Usage) -> dict[str, float | None]:
    return {window.label: window.used_pct for window in usage.windows}


def problem(answer: Answer, *, local: bool = False) -> Problem:
    result = ollama.parse_local_balance(answer, NOW) if local else ollama.parse_balance(answer, NOW)
    assert isinstance(result, Problem), result
    return result


# Windows


@pytest.mark.parametrize(
    ("name", "windows"),
    [
        ("legacy", {"session": 16.5, "weekly": 71}),
        ("legacy_session_only", {"session": 16.5}),
        ("legacy_unused", {"session": 0}),
        ("credits", {"monthly": 31.25}),
        ("credits_used_up", {"monthly": 100}),
        ("pay_as_you_go", {}),
        ("former", {"session": 31, "weekly": 7}),
    ],
)
def test_each_kind_of_plan_gives_its_windows(name: str, windows: dict[str, float]) -> None:
    assert used(read(samples.BALANCES[name](NOW))) == pytest.approx(windows)


def test_a_session_carries_all_that_is_known_of_it() -> None:
    assert only(session={"remaining_percent": 83.5, "resets_at": "2026-11-22T14:00:00Z"}) == Window(
        label="session", kind="session", used_pct=16.5, resets_at=NOW + 4 * 3600, window_seconds=18000, binding=True
    )


def test_a_week_carries_all_that_is_known_of_it() -> None:
    assert only(weekly={"remaining_percent": 29, "resets_at": "2026-11-23T00:00:00Z"}) == Window(
        label="weekly", kind="weekly", used_pct=71, resets_at=NOW + 14 * 3600, window_seconds=604800, binding=True
    )


def test_a_monthly_allowance_is_counted_in_dollars() -> None:
    period = {"from": "2026-11-09T08:15:00Z", "until": "2026-12-09T08:15:00Z"}
    assert only(balance_usd=41.25, allowance_usd=60, period=period) == Window(
        label="monthly",
        kind="monthly",
        used_pct=31.25,
        resets_at=parse_iso("2026-12-09T08:15:00Z"),
        window_seconds=30 * 86400,
        binding=True,
        used=18.75,
        limit=60,
        remaining=41.25,
        unit="USD",
    )


@pytest.mark.parametrize(
    ("remaining", "expected"),
    [(0, 100), (100, 0), (29.5, 70.5), ("29.5", 70.5), (None, None), ("much", None), (-3, None), (101, None), (True, None)],
)
def test_what_remains_is_turned_into_what_is_used_or_unknown(remaining: Any, expected: float | None) -> None:
    assert only(session={"remaining_percent": remaining, "resets_at": "2026-11-22T14:00:00Z"}).used_pct == expected


def test_a_window_that_only_says_when_it_resets_is_unknown() -> None:
    assert only(session={"resets_at": "2026-11-22T14:00:00Z"}).used_pct is None


@pytest.mark.parametrize("absent", [None, {}, [], "x", 5])
def test_a_window_that_was_not_sent_does_not_exist(absent: Any) -> None:
    assert used(included(session={"remaining_percent": 50}, weekly=absent)) == {"session": 50}


@pytest.mark.parametrize("time", ["2026-11-22T14:00:00Z", "2026-11-22T14:00:00.000000+00:00", "2026-11-22T16:00:00+02:00"])
def test_a_reset_may_have_a_fraction_or_an_offset(time: str) -> None:
    assert only(session={"remaining_percent": 1, "resets_at": time}).resets_at == NOW + 4 * 3600


def test_an_untouched_window_without_a_reset_has_not_started() -> None:
    assert only(session={"remaining_percent": 100}).state == "not_started"


def test_a_window_in_use_without_a_reset_is_active() -> None:
    assert only(session={"remaining_percent": 99}).state == "active"


def test_a_window_of_an_unknown_name_is_shown_and_binds_nothing() -> None:
    window = only(images={"remaining_percent": 25})
    assert (window.label, window.kind, window.scope, window.used_pct, window.binding) == (
        "other limit (images)",
        "other",
        "images",
        75,
        False,
    )


def test_a_window_without_a_name_still_has_a_label() -> None:
    assert only(**{"": {"remaining_percent": 25}}).label == "other limit (?)"


def test_one_name_in_two_spellings_gives_two_labels() -> None:
    assert used(included(session={"remaining_percent": 1}, Session={"remaining_percent": 2})) == {"session": 99, "session #2": 98}


# Dollars


@pytest.mark.parametrize(
    ("balance", "allowance", "expected"),
    [
        (60, 60, 0),
        (75, 60, 0),
        (0, 60, 100),
        (-4, 60, 100),
        ("30", "60", 50),
        (None, 60, None),
        ("some", 60, None),
        (1e308, 1e-300, 0),
    ],
)
def test_percent_used_of_an_allowance_stays_between_0_and_100(balance: Any, allowance: Any, expected: float | None) -> None:
    assert only(balance_usd=balance, allowance_usd=allowance).used_pct == expected


@pytest.mark.parametrize("allowance", [0, "0", None, -60])
def test_an_allowance_of_nothing_gives_no_window_but_the_balance(allowance: Any) -> None:
    usage = read({"included": {"balance_usd": 0, "allowance_usd": allowance}, "purchased": {"balance_usd": 7.5}})
    assert (usage.windows, [balance.amount for balance in usage.balances]) == ((), [7.5])


@pytest.mark.parametrize(
    "period",
    [None, {}, {"until": "2026-12-09T08:15:00Z"}, {"from": "2026-12-10T00:00:00Z", "until": "2026-12-09T08:15:00Z"}],
)
def test_a_period_without_two_ends_in_order_has_no_length(period: Any) -> None:
    assert only(balance_usd=1, allowance_usd=60, period=period).window_seconds is None


def test_purchased_credits_are_a_balance() -> None:
    assert read(samples.credits_plan(NOW)).balances == (
        Balance(kind="purchased", label="purchased credits", amount=10, unit="USD"),
    )


def test_purchased_credits_do_not_hide_a_used_up_allowance() -> None:
    assert used(read(samples.credits_plan(NOW, balance=0, purchased=100))) == {"monthly": 100}


@pytest.mark.parametrize("purchased", [None, {}, {"balance_usd": None}, {"balance_usd": -1}, []])
def test_without_a_purchased_amount_there_is_no_balance(purchased: Any) -> None:
    assert read({"included": {"session": {"remaining_percent": 1}}, "purchased": purchased}).balances == ()


def test_a_reading_says_how_it_was_made() -> None:
    answer = json_answer(samples.legacy(NOW))
    with_key, relayed = ollama.parse_balance(answer, NOW), ollama.parse_local_balance(answer, NOW)
    assert isinstance(with_key, Usage)
    assert isinstance(relayed, Usage)
    assert (with_key.auth_source, relayed.auth_source, with_key.windows == relayed.windows) == ("api_key", "local", True)


# The API as it was


def test_a_former_limit_without_usage_does_not_exist() -> None:
    assert used(read(samples.former_usage(weekly=None))) == {"session": 31}


def test_a_former_monthly_limit_is_read_too() -> None:
    assert used(read({"limits": {"monthly": {"usage": "0.5"}}})) == {"monthly": 50}


@pytest.mark.parametrize("usage", ["a third", -0.1, 31, [], True])
def test_a_former_usage_that_is_no_fraction_is_unknown(usage: Any) -> None:
    assert used(read({"limits": {"session": {"usage": usage}}})) == {"session": None}


def test_a_former_limit_may_be_exceeded() -> None:
    assert used(read({"limits": {"session": {"usage": 1.02}}})) == {"session": 102}


# Plan and account

BARE = Usage(auth_source="api_key")


@pytest.mark.parametrize("capitals", [False, True])
def test_the_account_behind_a_key_is_told_by_its_address_in_one_spelling(capitals: bool) -> None:
    me = samples.me(capitals=capitals)
    assert (
        ollama.with_me(BARE, json_answer({key: str(value).upper() for key, value in me.items()})).account == "someone@example.com"
    )


@pytest.mark.parametrize("email", [None, 5, "", "no address", "two words@example.com", "a@b@c", "a@" + "b" * 300])
def test_what_is_no_address_names_no_account(email: Any) -> None:
    assert ollama.with_me(BARE, json_answer({"plan": "pro", "email": email})).account is None


@pytest.mark.parametrize("capitals", [False, True])
@pytest.mark.parametrize(("plan", "expected"), [("pro", "pro"), ("Max", "Max"), ("", "free"), ("  ", "free")])
def test_the_plan_is_read_in_either_spelling_of_its_key(plan: str, expected: str, capitals: bool) -> None:
    assert ollama.with_me(BARE, json_answer(samples.me(plan, capitals=capitals))).plan == expected


@pytest.mark.parametrize(
    "answer",
    [
        json_answer({"plan": None}),
        json_answer({}),
        json_answer([]),
        json_answer(samples.me(), 401),
        Answer(200, "<html>"),
        Answer(failed="network"),
    ],
)
def test_a_plan_that_cannot_be_read_is_unknown(answer: Answer) -> None:
    assert ollama.with_me(BARE, answer) == BARE


@given(anything)
def test_any_json_gives_a_plan_or_none(value: Any) -> None:
    plan = ollama.with_me(BARE, json_answer(value)).plan
    assert plan is None or plan.isprintable()


# Failures


@pytest.mark.parametrize("name", samples.CLOUD_FAILURES)
def test_each_failure_of_the_cloud_has_its_code(name: str) -> None:
    row = samples.CLOUD_FAILURES[name]
    found = problem(row.answer)
    assert (found.code, found.params.get("variant")) == (row.code, row.variant)


@pytest.mark.parametrize("name", samples.LOCAL_FAILURES)
def test_each_failure_of_the_local_ollama_has_its_code(name: str) -> None:
    row = samples.LOCAL_FAILURES[name]
    found = problem(row.answer, local=True)
    assert (found.code, found.params.get("variant")) == (row.code, row.variant)


@pytest.mark.parametrize("name", SHARED_FAILURES)
def test_what_means_the_same_everywhere_means_it_here_too(name: str) -> None:
    answer, expected = SHARED_FAILURES[name]
    assert problem(answer).code == expected.partition(".")[0]


@pytest.mark.parametrize("answer", BOT_CHECKS.values())
@pytest.mark.parametrize("status", [401, 429])
def test_a_bot_check_says_nothing_about_the_key_whatever_its_status(answer: Answer, status: int) -> None:
    assert problem(Answer(status, answer.body, answer.headers)).code == "browser_check"


def test_a_rejected_key_says_that_it_is_no_ollama_key_and_where_to_make_one() -> None:
    found = problem(samples.CLOUD_FAILURES["rejected"].answer)
    assert (found.sentence, found.url) == ("OLLAMA_API_KEY is not an ollama.com key.", "https://ollama.com/settings/keys")


def test_a_refusal_of_a_valid_key_does_not_ask_for_a_new_key() -> None:
    assert problem(samples.CLOUD_FAILURES["suspended"].answer).action != "add_key"


def test_the_local_sign_in_address_is_shown_nowhere() -> None:
    found = problem(samples.LOCAL_FAILURES["not_signed_in"].answer, local=True)
    assert "connect" not in f"{found!r}{found.sentence}{found.url}"


@pytest.mark.parametrize(("value", "seconds"), [("30", 30), ("86400", 900), ("soon", 300), ("", 300)])
def test_a_rate_limit_is_obeyed_for_a_quarter_of_an_hour_at_most(value: str, seconds: float) -> None:
    assert problem(samples.error(429, "slow down", {"retry-after": value})).retry_at == NOW + seconds


# The conversation


def test_the_browser_is_asked_for_the_settings_page_and_the_page_is_read() -> None:
    talk = ollama.browse({}, NOW)
    assert next(talk) == (Ask("ollama.settings"),)
    with pytest.raises(StopIteration) as end:
        talk.send((samples.answers(NOW)["ollama.settings"],))
    assert used(end.value.value) == {"session": 11.7, "weekly": 40.2}


# Whatever else may come

BODIES = [build(NOW) for build in samples.BALANCES.values()]


def check(body: str, status: int = 200) -> None:
    for result in (ollama.parse_balance(Answer(status, body), NOW), ollama.parse_local_balance(Answer(status, body), NOW)):
        check_sound(result)
        if isinstance(result, Usage):
            assert len(result.windows) <= body.count("{")


@given(anything, st.integers(-1, 599))
def test_any_json_gives_a_usage_or_a_problem(value: Any, status: int) -> None:
    check(json.dumps(value), status)


@given(
    st.dictionaries(st.sampled_from(["session", "weekly", "monthly", "allowance_usd", "balance_usd", "period", "x"]), anything),
    anything,
)
def test_any_included_part_gives_a_usage_or_a_problem(keys: dict[str, Any], purchased: Any) -> None:
    check(json.dumps({"included": keys, "purchased": purchased}))


@given(mutated(BODIES))
def test_a_damaged_answer_gives_a_usage_or_a_problem(body: Any) -> None:
    check(json.dumps(body))


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")), st.integers(-1, 599))
def test_any_text_gives_a_usage_or_a_problem(body: str, status: int) -> None:
    check(body, status)


@given(st.sampled_from(BODIES).flatmap(cut))
def test_a_cut_answer_gives_a_problem_or_is_whole(body: str) -> None:
    whole = body in map(json.dumps, BODIES)
    assert isinstance(ollama.parse_balance(Answer(200, body), NOW), Usage if whole else Problem)

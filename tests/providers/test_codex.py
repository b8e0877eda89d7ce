"""Codex: windows by length, pools, credits, budgets and refusals, one claim each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge.model import Answer, Ask, Balance, Blocked, Usage, Window
from aimo_host.gauge.problems import Problem
from aimo_host.providers import codex
from aimo_host.samples import codex as samples
from aimo_host.samples import json_answer
from aimo_host.samples.codex import (
    ACCOUNT,
    DAY,
    FIVE_HOURS,
    HOUR,
    WEEK,
    WORKSPACE,
    body,
    credits_of,
    pool,
    rate_limit,
    spend_control,
    window,
)
from tests.providers import garbage
from tests.providers.garbage import NOW
from tests.providers.test_answers import spelled

if TYPE_CHECKING:
    from aimo_host.gauge.model import AuthSource

FREE = rate_limit(window(NOW, 3, FIVE_HOURS, HOUR), window(NOW, 5, WEEK, DAY))


def usage_of(answer: Any) -> Usage:
    usage = codex.parse_usage(json_answer(answer), NOW)
    assert isinstance(usage, Usage), usage
    return usage


def windows_of(answer: Any) -> dict[str, Window]:
    return {window.label: window for window in usage_of(answer).windows}


def balance_of(answer: Any, kind: str) -> Balance:
    (found,) = [balance for balance in usage_of(answer).balances if balance.kind == kind]
    return found


def talk(answer: Answer, account: str | None = None) -> tuple[tuple[Ask, ...], Usage | Problem]:
    conversation = codex.browse({}, NOW, account)
    asks = next(conversation)
    with pytest.raises(StopIteration) as end:
        conversation.send((answer,))
    result: Usage | Problem = end.value.value
    return asks, result


# The conversation


def test_it_asks_one_source_for_whoever_is_signed_in() -> None:
    asks, usage = talk(samples.answers(NOW)["codex.usage"])
    assert isinstance(usage, Usage)
    assert (asks, usage.account, usage.auth_source) == ((Ask("codex.usage"),), ACCOUNT, "session")


def test_it_asks_for_the_workspace_that_is_wanted() -> None:
    asks, usage = talk(samples.answers(NOW, "team")["codex.usage"], WORKSPACE)
    assert isinstance(usage, Usage)
    assert (asks, usage.account) == ((Ask("codex.usage", {"account": WORKSPACE}),), WORKSPACE)


def test_an_answer_about_another_workspace_is_no_answer() -> None:
    _, problem = talk(samples.answers(NOW)["codex.usage"], WORKSPACE)
    assert isinstance(problem, Problem)
    assert spelled(problem) == "wrong_account"


def test_an_answer_without_an_account_is_of_the_one_that_was_asked() -> None:
    _, usage = talk(json_answer(body(FREE, account=None)), WORKSPACE)
    assert isinstance(usage, Usage)
    assert usage.account == WORKSPACE


# Windows


@pytest.mark.parametrize(
    ("variant", "labels"),
    [
        ("default", ["session (5h)", "weekly (7d)", "GPT-5.3-Codex-Spark 5h", "GPT-5.3-Codex-Spark 7d"]),
        ("plus", ["session (5h)", "weekly (7d)"]),
        ("weekly_in_primary", ["weekly (7d)"]),
        ("swapped", ["session (5h)", "weekly (7d)"]),
        ("free", ["monthly"]),
        ("team", ["session (5h)", "monthly", "code review 7d"]),
        ("enterprise", ["monthly budget"]),
    ],
)
def test_every_generation_has_its_windows_and_no_other(variant: str, labels: list[str]) -> None:
    assert list(windows_of(samples.VARIANTS[variant](NOW))) == labels


@pytest.mark.parametrize(
    ("seconds", "label", "kind"),
    [
        (18000, "session (5h)", "session"),
        (17700, "session (5h)", "session"),
        (18300, "session (5h)", "session"),
        ("18000", "session (5h)", "session"),
        (86400, "daily", "daily"),
        (604800, "weekly (7d)", "weekly"),
        (596000, "weekly (7d)", "weekly"),
        (2419200, "monthly", "monthly"),
        (2592000, "monthly", "monthly"),
        (2628000, "monthly", "monthly"),
        (2678400, "monthly", "monthly"),
        (32400, "9h", "hours"),
        (5400, "90m", "hours"),
        (37, "37s", "hours"),
        (259200, "3d", "other"),
        (7776000, "90d", "other"),
    ],
)
@pytest.mark.parametrize("slot", ["primary_window", "secondary_window"])
def test_a_window_is_named_by_its_length_never_by_its_slot(slot: str, seconds: Any, label: str, kind: str) -> None:
    found = windows_of(body({slot: window(NOW, 10, seconds, HOUR)}))
    assert [(name, w.kind, w.window_seconds, w.binding) for name, w in found.items()] == [(label, kind, int(seconds), True)]


@pytest.mark.parametrize("seconds", [0, None, "x", -18000, 1e300])
def test_only_without_a_length_the_slot_decides_and_says_so(seconds: Any) -> None:
    found = windows_of(body(rate_limit(window(NOW, 1, seconds, HOUR), window(NOW, 2, seconds, DAY))))
    assert [(label, w.window_seconds) for label, w in found.items()] == [
        ("session (5h, assumed)", None),
        ("weekly (7d, assumed)", None),
    ]


def test_two_windows_of_one_length_are_both_shown() -> None:
    found = windows_of(body(rate_limit(window(NOW, 1, WEEK, HOUR), window(NOW, 2, WEEK, DAY))))
    assert [(label, w.used_pct, w.binding) for label, w in found.items()] == [
        ("weekly (7d)", 1, True),
        ("weekly (7d) #2", 2, True),
    ]


@pytest.mark.parametrize(
    ("sent", "read"),
    [(1, 1), (33.5, 33.5), ("33", 33), (104, 104), (None, None), (-1, None), ("nan", None), (True, None), ([], None)],
)
def test_a_percentage_is_shown_as_sent_or_unknown(sent: Any, read: float | None) -> None:
    found = windows_of(body(rate_limit(window(NOW, sent, WEEK, DAY))))["weekly (7d)"]
    assert (found.used_pct, found.state) == (read, "unknown" if read is None else "active")


def test_a_reached_limit_does_not_rewrite_a_percentage() -> None:
    found = windows_of(body(rate_limit(window(NOW, 97, WEEK, DAY), allowed=False, limit_reached=True)))
    assert found["weekly (7d)"].used_pct == 97


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"reset_at": NOW + 100}, NOW + 100),
        ({"reset_at": NOW + 100, "reset_after_seconds": 97}, NOW + 100),
        ({"reset_at": NOW + 5000, "reset_after_seconds": 100}, NOW + 100),
        ({"reset_after_seconds": 100}, NOW + 100),
        ({"reset_at": 0, "reset_after_seconds": 100}, NOW + 100),
        ({"reset_at": NOW + 100, "reset_after_seconds": 0}, NOW + 100),
        ({"reset_at": NOW + 100, "reset_after_seconds": -7}, NOW + 100),
        ({"reset_at": NOW - 100}, NOW - 100),
        ({"reset_at": str(NOW + 100)}, NOW + 100),
        ({"reset_at": 0}, None),
        ({"reset_at": 0.2}, None),
        ({"reset_at": 10**400}, None),
        ({"reset_at": -5}, None),
        ({"reset_at": "soon"}, None),
        ({"reset_after_seconds": 1e300}, None),
        ({}, None),
    ],
)
def test_a_reset_is_the_stated_time_unless_the_countdown_disagrees(times: dict[str, Any], expected: float | None) -> None:
    found = windows_of(body(rate_limit({"used_percent": 10, "limit_window_seconds": WEEK, **times})))
    assert found["weekly (7d)"].resets_at == expected


def test_nothing_used_and_no_reset_is_not_started() -> None:
    found = windows_of(body(rate_limit({"used_percent": 0, "limit_window_seconds": WEEK})))
    assert found["weekly (7d)"].state == "not_started"


# Pools


def test_a_pool_has_its_own_rows_and_does_not_bind() -> None:
    found = windows_of(samples.usage(NOW))["GPT-5.3-Codex-Spark 5h"]
    assert (found.kind, found.scope, found.window_seconds, found.binding) == ("session", "GPT-5.3-Codex-Spark", 18000, False)


@pytest.mark.parametrize(
    ("name", "feature", "label"),
    [
        ("Spark", "codex_x", "Spark 7d"),
        (None, "codex_x", "codex_x 7d"),
        (None, None, "other pool 7d"),
        (5, [], "other pool 7d"),
    ],
)
def test_a_pool_is_called_by_its_name_else_by_its_feature(name: Any, feature: Any, label: str) -> None:
    extra = [pool(name, feature, rate_limit(window(NOW, 1, WEEK, DAY)))]
    assert list(windows_of(body(None, additional_rate_limits=extra))) == [label]


@pytest.mark.parametrize("element", [None, 5, "x", {}, pool("Broken", None, "x"), pool("Broken", None, rate_limit("x"))])
def test_a_malformed_pool_is_passed_over_and_the_others_kept(element: Any) -> None:
    extra = [element, pool("Spark", None, rate_limit(window(NOW, 1, WEEK, DAY)))]
    assert list(windows_of(body(FREE, additional_rate_limits=extra))) == ["session (5h)", "weekly (7d)", "Spark 7d"]


def test_two_pools_of_one_name_are_both_shown() -> None:
    extra = [pool("Spark", None, rate_limit(window(NOW, pct, WEEK, DAY))) for pct in (1, 2)]
    assert list(windows_of(body(None, additional_rate_limits=extra))) == ["Spark 7d", "Spark 7d #2"]


def test_a_full_pool_blocks_nothing() -> None:
    extra = [pool("Spark", None, rate_limit(window(NOW, 100, WEEK, DAY), allowed=False, limit_reached=True))]
    assert usage_of(body(FREE, additional_rate_limits=extra)).blocked is None


def test_code_review_is_a_feature_of_its_own() -> None:
    found = windows_of(samples.team(NOW))["code review 7d"]
    assert (found.kind, found.scope, found.binding, found.used_pct) == ("other", "code review", False, 30)


# Refusals


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rate_limit_reached_type": {"type": "workspace_owner_credits_depleted"}}, "workspace_owner_credits_depleted"),
        ({"rate_limit_reached_type": "workspace_member_credits_depleted"}, "workspace_member_credits_depleted"),
        ({"rate_limit_reached_type": "workspace_owner_usage_limit_reached"}, "workspace_owner_usage_limit_reached"),
        ({"rate_limit_reached_type": {"type": "workspace_member_usage_limit_reached"}}, "workspace_member_usage_limit_reached"),
        ({"rate_limit_reached_type": "rate_limit_reached"}, "rate_limit_reached"),
        ({"rate_limit_reached_type": "moon_phase"}, "unknown"),
        ({"rate_limit": {**FREE, "allowed": False}}, "rate_limit_reached"),
        ({"rate_limit": {**FREE, "limit_reached": True}}, "rate_limit_reached"),
        ({"spend_control": spend_control(NOW, reached=True)}, "spend_control_reached"),
        ({"spend_control": {"reached": True}}, "spend_control_reached"),
    ],
)
def test_a_refusal_under_free_bars_is_told_with_its_reason(change: dict[str, Any], code: str) -> None:
    blocked = usage_of({**body(FREE), **change}).blocked
    assert blocked is not None
    assert (blocked.code, blocked.message.endswith(".")) == (code, True)


def test_a_reached_spending_limit_says_which() -> None:
    blocked = usage_of({**body(FREE), "spend_control": spend_control(NOW, reached=True)}).blocked
    assert blocked == Blocked("spend_control_reached", "The spending limit of this workspace is reached (individual).")


def test_a_limit_that_is_used_up_is_no_block() -> None:
    assert usage_of(samples.exhausted(NOW)).blocked is None


def test_credits_that_ran_out_block_even_when_a_bar_is_full() -> None:
    limits = rate_limit(window(NOW, 100, WEEK, DAY))
    assert usage_of(body(limits, rate_limit_reached_type="workspace_owner_credits_depleted")).blocked is not None


# Credits and budgets


@pytest.mark.parametrize(
    ("credit", "amount", "unlimited", "enabled", "reason"),
    [
        (credits_of("0"), 0, False, False, None),
        (credits_of("812.50", has=True), 812.5, False, True, None),
        (credits_of(12, has=True), 12, False, True, None),
        (credits_of(None, has=True), None, False, True, "amount_not_shown"),
        (credits_of("5", has=True, unlimited=True), None, True, True, None),
        (credits_of("5", has=True, overage_limit_reached=True), 5, False, False, "overage_limit_reached"),
        (credits_of("1,5", has=True), None, False, True, None),
        (credits_of("-5", has=True), None, False, True, None),
        ({"balance": "3"}, 3, False, True, None),
    ],
)
def test_credits_are_credits(credit: Any, amount: float | None, reason: str | None, *, unlimited: bool, enabled: bool) -> None:
    assert balance_of(body(FREE, credits=credit), "credits") == Balance(
        kind="credits", label="credits", amount=amount, unit="credits", unlimited=unlimited, enabled=enabled, reason=reason
    )


@pytest.mark.parametrize("credit", [None, {}, "0", {"balance": None}])
def test_credits_that_are_not_spoken_of_are_left_out(credit: Any) -> None:
    assert usage_of(body(FREE, credits=credit)).balances == ()


def test_a_budget_is_a_meter_in_credits() -> None:
    assert windows_of(samples.enterprise(NOW))["monthly budget"] == Window(
        label="monthly budget",
        kind="spend",
        used_pct=4,
        resets_at=NOW + 10 * DAY,
        used=36.797,
        limit=1000,
        remaining=963.203,
        unit="credits",
    )


def test_what_is_left_of_a_budget_can_pay() -> None:
    balance = balance_of(samples.enterprise(NOW), "budget")
    assert (balance.amount, balance.used, balance.limit, balance.enabled) == (963.203, 36.797, 1000, True)


@pytest.mark.parametrize(
    ("limit", "used_pct", "left"),
    [
        ({"used_percent": 4, "limit": "1000", "used": "40"}, 4, 960),
        ({"remaining_percent": 96, "reset_at": NOW + DAY}, 4, None),
        ({"remaining_percent": 130}, None, None),
        ({"limit": "1000", "used": "250"}, 25, 750),
        ({"limit": "1000", "used": "1250"}, 125, 0),
        ({"limit": "0", "used": "0"}, None, 0),
        ({"limit": "1000"}, None, None),
    ],
)
def test_a_budgets_percentage_is_sent_or_reckoned(limit: dict[str, Any], used_pct: float | None, left: float | None) -> None:
    answer = body(FREE, spend_control={"reached": False, "individual_limit": limit})
    found = windows_of(answer).get("monthly budget")
    if found is None:
        assert limit == {"remaining_percent": 130}
    else:
        assert (found.used_pct, found.remaining) == (used_pct, left)


def test_the_older_places_of_a_budget_win() -> None:
    control = {"reached": False, "individual_limit": {"used_percent": 3}}
    limits = {**FREE, "individual_limit": {"used_percent": 2}}
    answers = [
        body(limits, spend_control=control, individual_limit={"used_percent": 1}),
        body(limits, spend_control=control),
        body(FREE, spend_control=control),
    ]
    assert [windows_of(answer)["monthly budget"].used_pct for answer in answers] == [1, 2, 3]


def test_saved_resets_are_counted_and_pay_nothing_by_themselves() -> None:
    balance = balance_of(samples.usage(NOW), "saved_resets")
    assert (balance.amount, balance.unit, balance.enabled, balance.reason) == (1, "resets", False, "by_hand_only")


@pytest.mark.parametrize("raw", [None, {"available_count": 0}, {"available_count": "x"}, []])
def test_no_saved_resets_are_not_mentioned(raw: Any) -> None:
    assert [balance.kind for balance in usage_of(body(FREE, rate_limit_reset_credits=raw)).balances] == ["credits"]


# Plans


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("free", "Free"),
        ("guest", "Guest"),
        ("go", "Go"),
        ("plus", "Plus"),
        ("pro", "Pro"),
        ("prolite", "Pro 5x"),
        ("pro_lite", "Pro 5x"),
        ("pro-lite", "Pro 5x"),
        ("team", "Team"),
        ("business", "Business"),
        ("self_serve_business_usage_based", "Business (usage-based)"),
        ("enterprise_cbp_usage_based", "Enterprise (usage-based)"),
        ("enterprise", "Enterprise"),
        ("hc", "Enterprise"),
        ("edu", "Edu"),
        ("education", "Education"),
        ("k12", "K12"),
        ("quorum", "Quorum"),
        ("free_workspace", "Free workspace"),
        ("super_plus", "Super Plus"),
        ("PLUS", "Plus"),
        ("__", None),
        (None, None),
        (5, None),
    ],
)
def test_a_plan_is_named_for_people(raw: Any, label: str | None) -> None:
    assert usage_of(body(FREE, raw)).plan_label == label


# Failures


@pytest.mark.parametrize("name", sorted(samples.FAILURES))
def test_every_bad_answer_in_the_browser_has_its_code(name: str) -> None:
    answer, code = samples.FAILURES[name]
    problem = codex.parse_usage(answer, NOW)
    assert isinstance(problem, Problem)
    assert spelled(problem) == code


@pytest.mark.parametrize("name", sorted({**samples.FAILURES, **samples.OAUTH_FAILURES}))
def test_every_bad_answer_to_the_token_has_its_code(name: str) -> None:
    answer, code = {**samples.FAILURES, **samples.OAUTH_FAILURES}[name]
    problem = codex.parse_usage(answer, NOW, "oauth")
    assert isinstance(problem, Problem)
    assert spelled(problem) == ("sign_in_expired.cli" if name == "token invalidated" else code)


def test_an_expired_token_names_the_command() -> None:
    problem = codex.parse_usage(samples.OAUTH_FAILURES["token expired"][0], NOW, "oauth")
    assert isinstance(problem, Problem)
    assert problem.sentence == "Codex's saved sign-in is out of date. Run `codex` once."


def test_an_empty_account_with_a_reason_shows_the_reason() -> None:
    usage = usage_of(body(None, credits=None, rate_limit_reached_type="workspace_owner_credits_depleted"))
    assert (usage.windows, usage.blocked is not None) == ((), True)


# The CLI's own protocol and logs


def test_the_app_server_says_the_same_in_minutes() -> None:
    usage = codex.parse_app_server(samples.app_server(NOW), NOW)
    assert isinstance(usage, Usage)
    assert [(w.label, w.used_pct, w.resets_at) for w in usage.windows] == [
        ("weekly (7d)", 10, NOW + 4 * DAY),
        ("GPT-5.3-Codex-Spark 5h", 2, NOW + 3 * HOUR),
    ]
    assert (usage.auth_source, usage.plan_label, usage.account) == ("cli", "Pro", None)
    assert [(balance.kind, balance.amount) for balance in usage.balances] == [("credits", 0), ("saved_resets", 2)]


def test_an_app_server_without_limits_by_id_is_read_too() -> None:
    result = {"rateLimits": samples.app_server(NOW)["rateLimits"]}
    usage = codex.parse_app_server(result, NOW)
    assert isinstance(usage, Usage)
    assert [w.label for w in usage.windows] == ["weekly (7d)"]


def test_an_app_servers_single_limit_of_another_pool_is_not_the_main_one() -> None:
    result = {"rateLimits": samples.app_server(NOW)["rateLimitsByLimitId"]["codex_bengalfox"]}
    usage = codex.parse_app_server(result, NOW)
    assert isinstance(usage, Usage)
    assert [(w.label, w.binding) for w in usage.windows] == [("GPT-5.3-Codex-Spark 5h", False)]


def test_an_app_servers_budget_is_read() -> None:
    limits = {"primary": None, "individualLimit": {"limit": "100", "used": "25", "remainingPercent": 75, "resetsAt": NOW + DAY}}
    usage = codex.parse_app_server({"rateLimits": limits}, NOW)
    assert isinstance(usage, Usage)
    assert [(w.label, w.used_pct, w.resets_at) for w in usage.windows] == [("monthly budget", 25, NOW + DAY)]


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (None, "unexpected_answer"),
        ({}, "unexpected_answer"),
        ({"rateLimits": []}, "unexpected_answer"),
        ({"rateLimits": {"planType": "edu"}}, "no_plan"),
    ],
)
def test_an_app_server_without_limits_is_a_problem(result: Any, code: str) -> None:
    problem = codex.parse_app_server(result, NOW)
    assert isinstance(problem, Problem)
    assert spelled(problem) == code


def test_a_session_logs_limits_are_read() -> None:
    usage = codex.parse_log_rate_limits(samples.log_rate_limits(NOW), NOW)
    assert usage is not None
    assert [(w.label, w.used_pct, w.resets_at) for w in usage.windows] == [
        ("session (5h)", 12.5, NOW + 2 * HOUR),
        ("weekly (7d)", 30, NOW + 4 * DAY),
    ]
    assert (usage.auth_source, usage.plan_label) == ("file", "Plus")


def test_an_old_logs_countdown_starts_at_its_own_line() -> None:
    limits = {"primary": {"used_percent": 5, "window_minutes": 299, "resets_in_seconds": 60}}
    usage = codex.parse_log_rate_limits(limits, NOW - 500)
    assert usage is not None
    assert [(w.label, w.resets_at) for w in usage.windows] == [("session (5h)", NOW - 440)]


def test_a_logs_reached_spending_limit_blocks() -> None:
    usage = codex.parse_log_rate_limits(samples.log_rate_limits(NOW, spend_control_reached=True), NOW)
    assert usage is not None
    assert usage.blocked == Blocked("spend_control_reached", "The spending limit of this workspace is reached.")


@pytest.mark.parametrize(
    "limits",
    [
        samples.log_rate_limits(NOW, limit_id="codex_bengalfox"),
        samples.log_rate_limits(NOW, limit_id="premium", primary=None, secondary=None),
        samples.log_rate_limits(NOW, primary=None, secondary=None),
        samples.log_rate_limits(NOW, primary="x"),
        None,
        [],
        {},
    ],
)
def test_a_log_line_about_something_else_does_not_count(limits: Any) -> None:
    assert codex.parse_log_rate_limits(limits, NOW) is None


# Whatever comes

SHAPES = [variant(NOW) for variant in samples.VARIANTS.values()]
AUTH: list[AuthSource] = ["session", "oauth"]


@given(garbage.answers, st.sampled_from(AUTH))
def test_any_answer_gives_a_usage_or_a_problem(answer: Answer, auth_source: AuthSource) -> None:
    garbage.check(codex.parse_usage(answer, NOW, auth_source))


@given(garbage.mutated(SHAPES))
def test_a_changed_answer_gives_a_usage_or_a_problem(answer: Any) -> None:
    garbage.check(codex.parse_usage(Answer(status=200, body=json.dumps(answer)), NOW))


@given(garbage.mutated(SHAPES))
def test_a_changed_answer_never_invents_a_window(answer: Any) -> None:
    usage = codex.parse_usage(Answer(status=200, body=json.dumps(answer)), NOW)
    if isinstance(usage, Usage):
        sent = sum(json.dumps(answer).count(slot) for slot in ('"primary', '"secondary', '"individual_limit'))
        assert len(usage.windows) <= sent


@given(st.data())
def test_half_an_answer_is_no_answer(data: st.DataObject) -> None:
    text = data.draw(garbage.cut(samples.usage(NOW)))
    result = codex.parse_usage(Answer(status=200, body=text), NOW)
    assert isinstance(result, Usage) == (text == json.dumps(samples.usage(NOW)))


@given(st.one_of(garbage.anything, garbage.mutated([samples.app_server(NOW)])))
def test_any_result_of_an_app_server_gives_a_usage_or_a_problem(result: Any) -> None:
    garbage.check(codex.parse_app_server(result, NOW))


@given(st.one_of(garbage.anything, garbage.mutated([samples.log_rate_limits(NOW)])))
def test_any_line_of_a_log_gives_a_usage_or_nothing(limits: Any) -> None:
    garbage.check(codex.parse_log_rate_limits(limits, NOW))


@pytest.mark.parametrize(
    ("name", "seconds", "label"),
    [
        ("tertiary_window", 30 * DAY, "other limit (monthly)"),
        ("tertiary_window", WEEK, "other limit (7d)"),
        ("quaternary", 12 * HOUR, "other limit (12h)"),
        ("burst_window", None, "other limit (burst)"),
    ],
)
def test_a_slot_of_tomorrow_is_shown_and_binds_nothing(name: str, seconds: int | None, label: str) -> None:
    found = windows_of(body({**FREE, name: {"used_percent": 97, "limit_window_seconds": seconds}}))
    assert list(found) == ["session (5h)", "weekly (7d)", label]
    odd = found[label]
    assert (odd.used_pct, odd.binding, odd.kind, odd.scope) == (97, False, "other", name.removesuffix("_window"))


def test_a_slot_of_tomorrow_stands_in_a_pool_and_in_the_app_server_too() -> None:
    spark = {**FREE, "tertiary_window": {"used_percent": 1, "limit_window_seconds": DAY}}
    found = windows_of(body(FREE, additional_rate_limits=[pool("Spark", "spark", spark)]))
    assert (found["Spark daily"].scope, found["Spark daily"].binding) == ("Spark", False)
    told = codex.parse_app_server(
        {"rateLimits": {"primary": {"usedPercent": 1, "windowDurationMins": 300}, "tertiary": {"usedPercent": 2}}}, NOW
    )
    assert isinstance(told, Usage)
    assert [window.label for window in told.windows] == ["session (5h)", "other limit (tertiary)"]


@pytest.mark.parametrize("other", [{"note": {"text": "x"}}, {"individual_limit": {"used_percent": 3}}, {"tertiary_window": 7}])
def test_what_does_not_look_like_a_window_is_none(other: dict[str, Any]) -> None:
    meters = {"monthly budget"}
    assert set(windows_of(body({**FREE, **other}))) - meters == {"session (5h)", "weekly (7d)"}


def test_a_full_slot_of_tomorrow_does_not_explain_a_refusal_away() -> None:
    full = {"used_percent": 100, "limit_window_seconds": 30 * DAY}
    refused = usage_of(body({**FREE, "tertiary_window": full, "limit_reached": True, "allowed": False}))
    assert refused.blocked is not None

"""Claude: organisations, windows, money and refusals, one claim each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge.model import Answer, Ask, Balance, Usage, Window
from aimo_host.gauge.problems import Problem
from aimo_host.providers import claude
from aimo_host.samples import FAILURES, json_answer
from aimo_host.samples import claude as samples
from aimo_host.samples.claude import DAY, HOUR, PERSONAL, TEAM, organization
from tests.providers import garbage
from tests.providers.garbage import NOW
from tests.providers.test_answers import spelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from aimo_host.gauge.model import AuthSource

OTHER = "0a1b2c3d-0000-4000-8000-000000000009"


def usage_of(body: Any) -> Usage:
    usage = claude.parse_usage(json_answer(body), NOW)
    assert isinstance(usage, Usage), usage
    return usage


def windows_of(body: Any) -> dict[str, Window]:
    return {window.label: window for window in usage_of(body).windows}


def balance_of(body: Any, kind: str = "extra_usage") -> Balance:
    (found,) = [balance for balance in usage_of(body).balances if balance.kind == kind]
    return found


def talk(
    answer: Callable[[Ask], Answer], memory: dict[str, str] | None = None, pinned: str | None = None
) -> tuple[Usage | Problem, list[list[str]]]:
    """Drive a conversation; the result, and which sources were asked in which round."""
    conversation = claude.browse({} if memory is None else memory, NOW, pinned)
    rounds: list[list[str]] = []
    asks = next(conversation)
    while True:
        rounds.append([" ".join([ask.source.removeprefix("claude."), *ask.params.values()]) for ask in asks])
        try:
            asks = conversation.send(tuple(answer(ask) for ask in asks))
        except StopIteration as end:
            result: Usage | Problem = end.value
            return result, rounds


def site(organizations: Any, usage: dict[str, Answer] | None = None, credit: Answer | None = None) -> Callable[[Ask], Answer]:
    """A claude.ai that lists `organizations` and answers for those in `usage` (by default, for all)."""

    def answer(ask: Ask) -> Answer:
        if ask.source == "claude.organizations":
            return organizations if isinstance(organizations, Answer) else json_answer(organizations)
        if ask.source == "claude.prepaid_credits":
            return credit or json_answer(samples.prepaid_credits())
        return json_answer(samples.usage(NOW)) if usage is None else usage.get(ask.params["org"], samples.WRONG_ORGANIZATION)

    return answer


# Organisations


@pytest.mark.parametrize(
    ("organizations", "pinned", "chosen"),
    [
        pytest.param([organization(capabilities=("chat",))], None, PERSONAL, id="the only one"),
        pytest.param([samples.CONSOLE_ORGANIZATION, organization()], None, PERSONAL, id="never API-only"),
        pytest.param(
            [organization(capabilities=("chat",)), organization(TEAM, ("raven", "chat"))], None, TEAM, id="paid over plain"
        ),
        pytest.param(
            [organization(), organization(TEAM, ("chat",), raven_type=None)], None, PERSONAL, id="capabilities in any order"
        ),
        pytest.param([organization(), organization(TEAM, ("raven", "chat"))], TEAM, TEAM, id="the pinned one"),
        pytest.param([organization(), organization(TEAM, ("chat",))], TEAM, TEAM, id="the pinned one, even if plain"),
        pytest.param([organization()], OTHER.upper(), PERSONAL, id="the pinned one is gone"),
        pytest.param([organization(capabilities=())], None, PERSONAL, id="capabilities unknown"),
        pytest.param([organization(), organization()], None, PERSONAL, id="listed twice"),
        pytest.param(
            [{"uuid": "../usage"}, {"uuid": 5}, None, organization()], None, PERSONAL, id="malformed ones are passed over"
        ),
    ],
)
def test_the_organisation_is_chosen_by_the_rules(organizations: Any, pinned: str | None, chosen: str) -> None:
    usage, _ = talk(site(organizations), pinned=pinned)
    assert isinstance(usage, Usage)
    assert usage.account == chosen


@pytest.mark.parametrize(
    ("organizations", "code"),
    [
        ([], "no_plan.organization"),
        ([samples.CONSOLE_ORGANIZATION], "no_plan.api_only"),
        ([organization(), organization(TEAM, ("chat", "raven"))], "wrong_account.choose"),
        ([organization(capabilities=("chat",)), organization(OTHER, ("chat",))], "wrong_account.choose"),
        ({}, "unexpected_answer"),
        ([{"uuid": "x"}], "unexpected_answer"),
    ],
)
def test_without_a_clear_organisation_nothing_is_guessed(organizations: Any, code: str) -> None:
    problem, rounds = talk(site(organizations))
    assert (spelled(problem) if isinstance(problem, Problem) else problem, len(rounds)) == (code, 1)


def test_a_problem_of_choosing_tells_nothing_private() -> None:
    problem, _ = talk(site([organization(), organization(TEAM, ("chat", "raven"))]))
    assert isinstance(problem, Problem)
    assert problem.params == {"variant": "choose"}


def test_the_first_conversation_lists_and_then_reads() -> None:
    _, rounds = talk(site([organization()]))
    assert rounds == [["organizations"], [f"usage {PERSONAL}", f"prepaid_credits {PERSONAL}"]]


def test_the_second_conversation_asks_everything_side_by_side() -> None:
    memory: dict[str, str] = {}
    first, _ = talk(site([organization()]), memory)
    second, rounds = talk(site([organization()]), memory)
    assert (second, rounds) == (first, [["organizations", f"usage {PERSONAL}", f"prepaid_credits {PERSONAL}"]])


def test_a_remembered_organisation_is_dropped_when_the_list_says_otherwise() -> None:
    memory = {"org": PERSONAL}
    usage, rounds = talk(site([organization(OTHER)]), memory)
    assert isinstance(usage, Usage)
    assert (usage.account, memory["org"], len(rounds)) == (OTHER, OTHER, 2)


def test_a_newly_pinned_organisation_wins_over_the_remembered_one() -> None:
    usage, _ = talk(site([organization(), organization(TEAM, ("chat", "raven"))]), {"org": PERSONAL}, TEAM)
    assert isinstance(usage, Usage)
    assert usage.account == TEAM


def test_a_remembered_organisation_breaks_no_tie() -> None:
    memory = {"org": PERSONAL}
    problem, _ = talk(site([organization(), organization(TEAM, ("chat", "raven"))]), memory)
    assert isinstance(problem, Problem)
    assert (spelled(problem), memory.get("org")) == ("wrong_account.choose", None)


def test_a_failed_list_does_not_hide_the_usage_of_the_remembered_organisation() -> None:
    memory: dict[str, str] = {}
    talk(site([organization()]), memory)
    usage, _ = talk(site(json_answer({}, 500)), memory)
    assert isinstance(usage, Usage)
    assert (usage.account, usage.plan, usage.plan_label) == (PERSONAL, "default_claude_max_20x", "Max 20x")


def test_a_failed_list_is_the_problem_if_nothing_else_could_be_read() -> None:
    problem, _ = talk(site(json_answer({}, 500), {}), {"org": PERSONAL})
    assert isinstance(problem, Problem)
    assert problem.code == "provider_down"


def test_a_failed_list_never_shows_another_organisation_than_the_pinned_one() -> None:
    problem, _ = talk(site(json_answer({}, 500)), {"org": PERSONAL}, TEAM)
    assert isinstance(problem, Problem)


def test_after_a_wrong_organisation_it_lists_and_chooses_again_once() -> None:
    lists = iter([[organization()], [organization(OTHER)]])
    good = {OTHER: json_answer(samples.usage(NOW))}

    def answer(ask: Ask) -> Answer:
        return json_answer(next(lists)) if ask.source == "claude.organizations" else site([], good)(ask)

    usage, rounds = talk(answer)
    assert isinstance(usage, Usage)
    assert (usage.account, len(rounds)) == (OTHER, 4)


def test_a_second_wrong_organisation_is_a_problem() -> None:
    problem, rounds = talk(site([organization()], {}))
    assert isinstance(problem, Problem)
    assert (spelled(problem), problem.action, len(rounds)) == ("wrong_account", "choose_account", 4)


def test_a_list_that_fails_the_second_time_is_the_problem() -> None:
    lists = iter([json_answer([organization()]), json_answer({}, 429)])

    def answer(ask: Ask) -> Answer:
        return next(lists) if ask.source == "claude.organizations" else site([], {})(ask)

    problem, _ = talk(answer)
    assert isinstance(problem, Problem)
    assert problem.code == "rate_limited"


@pytest.mark.parametrize(
    "credit", [json_answer({}, 500), Answer(failed="network"), Answer(status=200), json_answer({"amount": "x"})]
)
def test_missing_credits_do_not_hide_the_windows(credit: Answer) -> None:
    usage, _ = talk(site([organization()], credit=credit))
    assert isinstance(usage, Usage)
    assert (len(usage.windows), [balance.kind for balance in usage.balances]) == (5, ["extra_usage"])


def test_prepaid_credits_are_in_minor_units() -> None:
    usage, _ = talk(site([organization()], credit=json_answer(samples.prepaid_credits(1250, "EUR"))))
    assert isinstance(usage, Usage)
    assert usage.balances[-1] == Balance(kind="purchased", label="purchased credits", amount=12.5, unit="EUR")


# Plans


@pytest.mark.parametrize(
    ("evidence", "label"),
    [
        ({"raven_type": "enterprise", "tier": "default_raven"}, "Enterprise"),
        ({"capabilities": ["chat", "claude_enterprise"]}, "Enterprise"),
        ({"subscription": "enterprise"}, "Enterprise"),
        ({"raven_type": "team"}, "Team"),
        ({"capabilities": ["chat", "raven"], "tier": "default_claude_max_5x"}, "Team"),
        ({"tier": "default_raven_2"}, "Team"),
        ({"subscription": "team"}, "Team"),
        ({"capabilities": ["claude_team"]}, "Team"),
        ({"capabilities": ["chat", "claude_max"], "tier": "default_claude_max_20x"}, "Max 20x"),
        ({"tier": "default_claude_max_5x"}, "Max 5x"),
        ({"capabilities": ["claude_max", "chat"], "tier": "default_claude_ai"}, "Max"),
        ({"subscription": "max"}, "Max"),
        ({"subscription": "pro", "tier": "default_claude_max_5x"}, "Max 5x"),
        ({"capabilities": ["chat", "claude_pro"], "tier": "default_claude_ai"}, "Pro"),
        ({"subscription": "pro", "tier": "default_claude_ai"}, "Pro"),
        ({"tier": "default_claude_pro"}, "Pro"),
        ({"capabilities": ["chat"], "tier": "default_claude_ai"}, "Free"),
        ({"tier": "default_claude_ai"}, None),
        ({"capabilities": ["chat", "claude_ultra"], "tier": "default_claude_ai"}, "Claude ultra"),
        ({"subscription": "ultra", "tier": "default_claude_ai"}, "Ultra"),
        ({"tier": "default_claude_ultra"}, "Claude ultra"),
        ({"tier": "___"}, None),
        ({}, None),
    ],
)
def test_a_plan_is_named_by_its_strongest_evidence(evidence: dict[str, Any], label: str | None) -> None:
    assert claude.plan_of(**evidence).label == label


@pytest.mark.parametrize(
    ("variant", "plan", "label"),
    [
        ("default", "default_claude_max_20x", "Max 20x"),
        ("pro", "default_claude_ai", "Pro"),
        ("free", "default_claude_ai", "Free"),
        ("team", "default_raven", "Team"),
        ("enterprise", "default_raven_enterprise", "Enterprise"),
    ],
)
def test_the_plan_is_spelled_as_the_provider_does_and_for_people(variant: str, plan: str, label: str) -> None:
    usage, _ = talk(lambda ask: samples.answers(NOW, variant)[ask.source])
    assert isinstance(usage, Usage)
    assert (usage.plan, usage.plan_label) == (plan, label)


# Windows


@pytest.mark.parametrize(
    ("variant", "labels"),
    [
        ("default", ["session (5h)", "weekly (all)", "weekly Fable", "weekly Sonnet", "extra credits"]),
        ("legacy", ["session (5h)", "weekly (all)", "weekly Opus", "weekly Sonnet"]),
        ("limits_only", ["session (5h)", "weekly (all)", "weekly Fable"]),
        ("not_started", ["session (5h)", "weekly (all)"]),
        ("free", ["session (5h)"]),
        ("enterprise", ["extra credits"]),
        ("uncapped", ["session (5h)", "weekly (all)", "weekly Fable", "weekly Sonnet"]),
        ("out_of_credits", ["session (5h)", "weekly (all)", "weekly Fable"]),
        ("promotion", ["session (5h)", "weekly (all)", "weekly Fable"]),
        ("codenames", ["session (5h)", "weekly (all)", "weekly Fable", "weekly Design", "other limit (iguana_necktie)"]),
    ],
)
def test_every_generation_has_its_windows_and_no_other(variant: str, labels: list[str]) -> None:
    assert list(windows_of(samples.VARIANTS[variant](NOW))) == labels


def test_a_main_window_is_complete() -> None:
    assert windows_of(samples.usage(NOW))["session (5h)"] == Window(
        label="session (5h)", kind="session", used_pct=47, resets_at=NOW + 2.2 * HOUR, window_seconds=18000, binding=True
    )


def test_a_models_window_is_scoped_and_does_not_bind() -> None:
    window = windows_of(samples.usage(NOW))["weekly Fable"]
    assert (window.kind, window.scope, window.window_seconds, window.binding) == ("weekly", "Fable", 604800, False)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (1.0, 1.0),
        (0.4, 0.4),
        (100, 100),
        (137.5, 137.5),
        ("47", 47),
        (None, None),
        ("47 %", None),
        (-1, None),
        (True, None),
        (1e300, None),
    ],
)
def test_percent_is_percent_and_what_is_no_number_is_unknown(sent: Any, read: float | None) -> None:
    window = windows_of({"five_hour": samples.slot(sent, NOW + HOUR)})["session (5h)"]
    assert (window.used_pct, window.state) == (read, "unknown" if read is None else "active")


@pytest.mark.parametrize("sent", [{}, [], 47, "47", {"utilization": None}])
def test_a_main_window_of_unknown_shape_is_there_and_unknown(sent: Any) -> None:
    window = windows_of({"five_hour": sent, "seven_day": samples.slot(5, NOW + DAY)})["session (5h)"]
    assert (window.used_pct, window.state, window.binding) == (None, "unknown", True)


def test_an_absent_window_is_left_out() -> None:
    assert list(windows_of({"five_hour": None, "seven_day": samples.slot(5, NOW + DAY)})) == ["weekly (all)"]


@pytest.mark.parametrize(
    ("sent", "state"), [(None, "not_started"), (NOW + HOUR, "active"), ("2026-13-45", "active"), ("", "active"), (0, "active")]
)
def test_only_nothing_used_and_no_reset_is_not_started(sent: Any, state: str) -> None:
    assert windows_of({"five_hour": {"utilization": 0, "resets_at": sent}})["session (5h)"].state == state


@pytest.mark.parametrize(
    "sent",
    [
        "2026-11-20T16:29:59.538465+00:00",
        "2026-11-20T16:30:00.4+00:00",
        "2026-11-20T16:30:00Z",
        "2026-11-20T16:30:00",
        1795192200,
        1795192200000,
        "1795192200",
    ],
)
def test_a_reset_is_read_in_every_spelling_to_the_nearest_second(sent: Any) -> None:
    assert windows_of({"five_hour": {"utilization": 5, "resets_at": sent}})["session (5h)"].resets_at == 1795192200


@pytest.mark.parametrize("sent", ["soon", 0, 0.2, -5, 10**400, "", [], True])
def test_a_reset_that_is_no_time_is_unknown(sent: Any) -> None:
    assert windows_of({"five_hour": {"utilization": 5, "resets_at": sent}})["session (5h)"].resets_at is None


def test_a_past_reset_is_kept_for_the_readers_to_judge() -> None:
    assert windows_of({"five_hour": samples.slot(90, NOW - 5)})["session (5h)"].resets_at == NOW - 5


def merged(limits: list[Any], **slots: Any) -> dict[str, float | None]:
    return {label: window.used_pct for label, window in windows_of({"limits": limits, **slots}).items()}


@pytest.mark.parametrize(
    ("limits", "slots", "expected"),
    [
        pytest.param([("session", 40)], {"five_hour": 47}, {"session (5h)": 40}, id="limits win"),
        pytest.param([("session", None)], {"five_hour": 47}, {"session (5h)": 47}, id="a gap is filled"),
        pytest.param([("session", 40)], {"seven_day": 13}, {"session (5h)": 40, "weekly (all)": 13}, id="a missing row is added"),
        pytest.param([("weekly_scoped", 14, "Opus")], {"seven_day_opus": 15}, {"weekly Opus": 14}, id="a model by its name"),
        pytest.param(
            [("weekly_scoped", 14, "Opus 4.5")], {"seven_day_opus": 15}, {"weekly Opus 4.5": 14}, id="a model by its first name"
        ),
        pytest.param(
            [("weekly_scoped", 14, "Fable")], {"seven_day_opus": 15}, {"weekly Fable": 14, "weekly Opus": 15}, id="another model"
        ),
        pytest.param(
            [("weekly_scoped", 14, "Fable")], {"seven_day_overage_included": 15}, {"weekly Fable": 14}, id="Fable's old code"
        ),
        pytest.param(
            [("weekly_scoped", 9, "All models"), ("weekly_all", 8)], {}, {"weekly (all)": 8}, id="all models is the main one"
        ),
        pytest.param([("weekly_scoped", 9, "All models")], {}, {"weekly (all)": 9}, id="all models counts if alone"),
        pytest.param(
            [("weekly_scoped", 9, "all_models")], {"seven_day": 8}, {"weekly (all)": 8}, id="all models repeats the old slot"
        ),
        pytest.param([("session", 10), ("session", 90)], {}, {"session (5h)": 90}, id="of two the one that promises less"),
        pytest.param([("session", 90), ("session", None)], {}, {"session (5h)": 90}, id="of two the known one"),
        pytest.param(
            [("five_hour", 3), ("seven_day", 4)], {}, {"session (5h)": 3, "weekly (all)": 4}, id="limits under the old names"
        ),
        pytest.param([("session", 3, "Fable")], {}, {"session Fable": 3}, id="a session of one model"),
        pytest.param([("weekly_scoped", 3)], {}, {"weekly other": 3}, id="scoped to nothing named"),
        pytest.param([("weekly_cowork", 3)], {}, {"weekly Cowork": 3}, id="an unknown kind has the length of its group"),
        pytest.param(
            [("weekly_scoped", 3, "🦊")], {"seven_day_opus": 5}, {"weekly 🦊": 3, "weekly Opus": 5}, id="no letters in a name"
        ),
        pytest.param(
            [],
            {"omelette": 3, "omelette_promotional": 4},
            {"other limit (omelette)": 3, "other limit (omelette_promotional)": 4},
            id="similar codenames",
        ),
        pytest.param(
            [], {"seven_day_opus": 3, "seven_day_opus_4": 4}, {"weekly Opus": 3, "weekly Opus 4": 4}, id="similar models"
        ),
        pytest.param(
            [], {"seven_day_oauth_apps": 3, "seven_day_": 4}, {"weekly OAuth apps": 3, "weekly Other": 4}, id="names of slots"
        ),
    ],
)
def test_both_spellings_of_a_limit_are_one_window(limits: list[Any], slots: dict[str, float], expected: dict[str, float]) -> None:
    rows = [samples.limit(row[0], row[1], NOW + DAY, *row[2:]) for row in limits]
    assert merged(rows, **{key: samples.slot(value, NOW + DAY) for key, value in slots.items()}) == expected


def test_a_gap_in_the_reset_is_filled_from_the_old_slot() -> None:
    body = {"limits": [samples.limit("session", 47)], "five_hour": samples.slot(47, NOW + HOUR)}
    assert windows_of(body)["session (5h)"].resets_at == NOW + HOUR


def test_an_unused_session_is_started_if_the_old_slot_knows_its_reset() -> None:
    body = {"limits": [samples.limit("session", 0)], "five_hour": samples.slot(0, NOW + HOUR)}
    assert windows_of(body)["session (5h)"].state == "active"


def test_an_inactive_row_is_as_true_as_an_active_one() -> None:
    row = {**samples.limit("weekly_all", 31, NOW + DAY), "is_active": False}
    assert merged([row]) == {"weekly (all)": 31}


@pytest.mark.parametrize(
    ("scope", "label"),
    [
        ({"model": {"id": "claude-fable-5", "display_name": "Fable"}}, "weekly Fable"),
        ({"model": {"id": "claude-fable-5", "display_name": None}}, "weekly claude-fable-5"),
        ({"model": None, "surface": "cowork"}, "weekly cowork"),
        ({"model": {"display_name": "Fable"}, "surface": {"name": "Cowork"}}, "weekly Fable Cowork"),
        ("Fable", "weekly Fable"),
        ({}, "weekly other"),
        (7, "weekly other"),
    ],
)
def test_a_scope_is_a_model_a_surface_or_both(scope: Any, label: str) -> None:
    assert list(merged([{**samples.limit("weekly_scoped", 3, NOW + DAY), "scope": scope}])) == [label]


def test_two_models_of_one_name_are_two_rows() -> None:
    rows = [
        {**samples.limit("weekly_scoped", pct, NOW + DAY), "scope": {"model": {"id": identity, "display_name": "Opus"}}}
        for identity, pct in (("opus-a", 3), ("opus-b", 4))
    ]
    assert merged(rows) == {"weekly Opus": 3, "weekly Opus #2": 4}


def test_a_model_called_by_its_id_is_the_old_slots_model() -> None:
    row = {**samples.limit("weekly_scoped", 3, NOW + DAY), "scope": {"model": {"id": "claude-opus-4-5", "display_name": "O"}}}
    assert merged([row], seven_day_opus=samples.slot(5, NOW + DAY)) == {"weekly O": 3}


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ({"kind": "orbit", "group": "lunar", "percent": 3}, "other limit (orbit)"),
        ({"kind": "orbit", "percent": 3, "scope": {"model": {"display_name": "Fable"}}}, "other limit (orbit Fable)"),
        ({"group": "lunar", "percent": 3}, "other limit (lunar)"),
    ],
)
def test_an_unknown_limit_is_never_called_session_or_weekly(row: Any, label: str) -> None:
    window = windows_of({"limits": [row]})[label]
    assert (window.kind, window.binding, window.window_seconds) == ("other", False, None)


def test_a_row_without_a_kind_is_what_its_group_says() -> None:
    assert merged([{"group": "session", "percent": 3}]) == {"session (5h)": 3}


@pytest.mark.parametrize("row", [None, 5, "weekly", [], {}, {"percent": 50}])
def test_a_row_without_identity_is_left_out(row: Any) -> None:
    assert merged([row, samples.limit("session", 5, NOW + HOUR)]) == {"session (5h)": 5}


@pytest.mark.parametrize("name", ["nimbus_quill", "tangelo", "seven_day_omelette", "seven_day_sonnet", "iguana_necktie"])
def test_a_side_limit_at_zero_is_hidden(name: str) -> None:
    assert list(windows_of({**samples.limits_only(NOW), name: samples.slot(0.0)})) == [
        "session (5h)",
        "weekly (all)",
        "weekly Fable",
    ]


def test_the_main_limits_are_shown_at_zero() -> None:
    assert merged([samples.limit("session", 0), samples.limit("weekly_all", 0)]) == {"session (5h)": 0, "weekly (all)": 0}


@pytest.mark.parametrize("slot", [{"utilization": "much"}, {"state": 1}, [], 5, "x"])
def test_an_unknown_slot_without_a_number_is_no_limit(slot: Any) -> None:
    assert len(windows_of({**samples.limits_only(NOW), "amber_ladder": slot})) == 3


def test_dollars_of_a_window_are_kept() -> None:
    slot = samples.slot(25, NOW + HOUR, limit_dollars=20, used_dollars=5, remaining_dollars=15)
    window = windows_of({"five_hour": slot})["session (5h)"]
    assert (window.used, window.limit, window.remaining, window.unit) == (5, 20, 15, "USD")


def test_dollars_of_a_listed_window_win_over_the_old_slots() -> None:
    row = {**samples.limit("session", 25, NOW + HOUR), "limit_dollars": 20}
    window = windows_of({"limits": [row], "five_hour": samples.slot(25, NOW + HOUR, limit_dollars=99)})["session (5h)"]
    assert window.limit == 20


# Money


def test_a_cap_makes_a_meter_in_whole_currency() -> None:
    assert windows_of(samples.usage(NOW))["extra credits"] == Window(
        label="extra credits", kind="spend", used_pct=25, used=12.34, limit=50, remaining=50 - 12.34, unit="USD"
    )


def test_the_old_spelling_alone_says_the_same() -> None:
    body = {**samples.limits_only(NOW), "extra_usage": samples.extra_usage()}
    window = windows_of(body)["extra credits"]
    assert (window.used_pct, window.used, window.limit, window.unit) == (24.68, 12.34, 50, "USD")


@pytest.mark.parametrize(
    ("spend", "used_pct"),
    [
        (samples.spend(percent=25), 25),
        (samples.spend(percent=0), 24.68),
        ({**samples.spend(), "percent": None}, 24.68),
        ({**samples.spend(), "used": None, "percent": 30}, 30),
    ],
)
def test_the_money_itself_decides_where_the_percentage_was_not_measured(spend: Any, used_pct: float) -> None:
    assert windows_of({**samples.limits_only(NOW), "spend": spend})["extra credits"].used_pct == pytest.approx(used_pct)


@pytest.mark.parametrize(
    ("exponent", "places", "used"),
    [(2, None, 12.34), (0, None, 1234), (3, 2, 1.234), (None, 0, 1234), (None, None, 12.34), ("2", None, 12.34)],
)
def test_minor_units_have_an_exponent_else_decimal_places_else_two(exponent: Any, places: Any, used: float) -> None:
    spent = {"amount_minor": 1234, "currency": "JPY", "exponent": exponent, "decimal_places": places}
    assert balance_of({**samples.limits_only(NOW), "spend": {**samples.spend(), "used": spent}}).used == pytest.approx(used)


@pytest.mark.parametrize("exponent", [-1, 99, 1.5, "x"])
def test_money_of_a_senseless_scale_is_unknown(exponent: Any) -> None:
    spent = {"amount_minor": 1234, "currency": "USD", "exponent": exponent}
    assert balance_of({**samples.limits_only(NOW), "spend": {**samples.spend(), "used": spent}}).used is None


def test_used_credits_may_be_fractional() -> None:
    assert balance_of({"five_hour": None, "extra_usage": samples.extra_usage(305.5)}).used == 3.055


def test_without_a_cap_there_is_money_spent_and_no_meter() -> None:
    balance = balance_of(samples.uncapped(NOW))
    assert (balance.used, balance.limit, balance.amount, balance.unlimited, balance.enabled) == (12.34, None, None, True, True)


def test_an_unreadable_cap_is_not_no_cap() -> None:
    balance = balance_of({**samples.limits_only(NOW), "spend": {**samples.spend(), "limit": "a lot"}})
    assert (balance.limit, balance.unlimited) == (None, False)


def test_an_absent_cap_is_not_no_cap() -> None:
    spend = samples.spend()
    del spend["limit"]
    assert balance_of({**samples.limits_only(NOW), "spend": spend}).unlimited is False


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"is_enabled": False, "disabled_reason": "out_of_credits"}, "out_of_credits"),
        ({"is_enabled": False, "user_disabled": True}, "user_disabled"),
        ({"is_enabled": False, "spend_limit_reached": True}, "spend_limit_reached"),
        ({"is_enabled": None, "disabled_reason": "no_payment_method"}, "no_payment_method"),
    ],
)
def test_what_is_switched_off_says_why_and_not_zero_of_zero(extra: dict[str, Any], reason: str) -> None:
    balance = balance_of({**samples.limits_only(NOW), "extra_usage": samples.extra_usage(0, 0, 0, **extra)})
    assert (balance.enabled, balance.reason, balance.used, balance.limit) == (False, reason, None, None)


def test_money_that_ran_out_keeps_its_figures() -> None:
    balance = balance_of(samples.out_of_credits(NOW))
    assert (balance.enabled, balance.reason, balance.used, balance.limit) == (False, "out_of_credits", 50, 50)


def test_an_enterprise_seat_with_money_only_is_healthy() -> None:
    usage = usage_of(samples.seat(NOW))
    assert ([window.label for window in usage.windows], usage.balances[0].amount) == (["extra credits"], 694.5)


def test_a_one_time_credit_is_a_balance_in_whole_dollars() -> None:
    assert balance_of(samples.promotion(NOW), "promotional") == Balance(
        kind="promotional", label="promotional credit", amount=750, used=250, limit=1000, unit="USD"
    )


@pytest.mark.parametrize(
    ("slot", "amount", "enabled"),
    [
        (samples.slot(25, NOW - 1, limit_dollars=1000, used_dollars=250, remaining_dollars=750), 750, False),
        (samples.slot(25, limit_dollars=1000, used_dollars=250), 750, True),
        (samples.slot(25, limit_dollars=1000), None, True),
    ],
)
def test_a_one_time_credit_ends_and_is_reckoned_only_from_what_was_sent(
    slot: Any, amount: float | None, *, enabled: bool
) -> None:
    balance = balance_of({**samples.limits_only(NOW), "cinder_cove": slot}, "promotional")
    assert (balance.amount, balance.enabled) == (amount, enabled)


def test_a_one_time_credit_without_dollars_says_nothing() -> None:
    assert usage_of({**samples.limits_only(NOW), "cinder_cove": samples.slot(25, NOW + DAY)}).balances == ()


# Failures


@pytest.mark.parametrize("name", sorted(samples.FAILURES))
def test_every_bad_answer_in_the_browser_has_its_code(name: str) -> None:
    answer, code = samples.FAILURES[name]
    problem = claude.parse_usage(answer, NOW)
    assert isinstance(problem, Problem)
    assert spelled(problem) == code


@pytest.mark.parametrize("name", sorted(FAILURES.keys() - {"JSON of no known key"}))
def test_every_bad_list_of_organisations_has_its_code(name: str) -> None:
    answer, code = FAILURES[name]
    problem = claude.parse_organizations(answer, NOW)
    assert isinstance(problem, Problem)
    assert spelled(problem) == code


@pytest.mark.parametrize("name", sorted({**samples.FAILURES, **samples.OAUTH_FAILURES}))
def test_every_bad_answer_to_the_token_has_its_code(name: str) -> None:
    answer, code = {**samples.FAILURES, **samples.OAUTH_FAILURES}[name]
    problem = claude.parse_usage(answer, NOW, auth_source="oauth")
    assert isinstance(problem, Problem)
    expired = {"401", "web session ended", "web session ended, without details"}
    assert spelled(problem) == ("sign_in_expired.cli" if name in expired else code)


def test_an_expired_token_names_the_program_and_the_command() -> None:
    problem = claude.parse_usage(samples.OAUTH_FAILURES["token expired"][0], NOW, auth_source="oauth")
    assert isinstance(problem, Problem)
    assert (problem.sentence, problem.action) == ("Claude Code's saved sign-in is out of date. Run `claude` once.", "run_command")


@pytest.mark.parametrize(
    ("auth_source", "header", "seconds"),
    [
        ("session", "3600", 3600),
        ("oauth", "3600", 4500),
        ("oauth", "1600", 2500),
        ("oauth", "0", 300),
        ("oauth", "30", 300),
        ("oauth", "soon", 300),
        ("oauth", "86400", 4500),
    ],
)
def test_the_token_endpoint_is_left_alone_longer_than_it_asks(auth_source: AuthSource, header: str, seconds: float) -> None:
    answer = json_answer({}, 429, {"retry-after": header})
    problem = claude.parse_usage(answer, NOW, auth_source=auth_source)
    assert isinstance(problem, Problem)
    assert problem.retry_at == NOW + seconds


def test_the_token_endpoint_reads_like_the_site() -> None:
    plan = claude.plan_of(tier="default_claude_max_5x", subscription="pro")
    usage = claude.parse_usage(json_answer(samples.usage(NOW)), NOW, auth_source="oauth", plan=plan)
    assert isinstance(usage, Usage)
    assert (usage.auth_source, usage.plan_label, usage.account, len(usage.windows)) == ("oauth", "Max 5x", None, 5)


# Files of Claude Code


def test_a_cached_answer_says_when_it_was_fetched() -> None:
    found = claude.parse_cached(samples.cached_utilization(NOW, 600), NOW, samples.ACCOUNT)
    assert found is not None
    usage, fetched_at = found
    assert (usage.auth_source, fetched_at, len(usage.windows)) == ("file", NOW - 600, 5)


def test_a_cached_answer_of_another_account_is_ignored() -> None:
    assert claude.parse_cached(samples.cached_utilization(NOW), NOW, OTHER) is None


def test_a_cached_window_that_has_reset_is_dropped() -> None:
    found = claude.parse_cached(samples.cached_utilization(NOW), NOW + 3 * HOUR)
    assert found is not None
    assert [window.label for window in found[0].windows] == ["weekly (all)", "weekly Fable", "weekly Sonnet", "extra credits"]


def test_a_cached_session_that_had_not_started_proves_nothing_five_hours_later() -> None:
    found = claude.parse_cached(samples.cached_utilization(NOW, 6 * HOUR, "not_started"), NOW)
    assert found is not None
    assert [window.label for window in found[0].windows] == ["weekly (all)"]


def test_a_cached_answer_whose_windows_have_all_reset_is_nothing() -> None:
    assert claude.parse_cached(samples.cached_utilization(NOW, variant="legacy"), NOW + 9 * DAY) is None


def test_a_cached_answer_of_a_seat_paid_by_use_counts() -> None:
    cached = {**samples.cached_utilization(NOW), "utilization": {"limits": [], "spend": samples.spend(1234, None, 0)}}
    found = claude.parse_cached(cached, NOW)
    assert found is not None
    assert (found[0].windows, found[0].balances[0].used) == ((), 12.34)


@pytest.mark.parametrize(
    "change", [{"fetchedAtMs": None}, {"fetchedAtMs": "x"}, {"utilization": None}, {"utilization": {"a": 1}}]
)
def test_a_cached_answer_of_unknown_age_or_shape_is_nothing(change: dict[str, Any]) -> None:
    assert claude.parse_cached({**samples.cached_utilization(NOW), **change}, NOW) is None


def test_the_status_lines_limits_are_percent_and_epoch_seconds() -> None:
    usage = claude.parse_status_line(samples.status_line(NOW), NOW)
    assert usage is not None
    assert [(window.label, window.used_pct, window.resets_at) for window in usage.windows] == [
        ("session (5h)", 23.5, NOW + 2 * HOUR),
        ("weekly (all)", 41.2, NOW + 4 * DAY),
    ]


@pytest.mark.parametrize("value", [None, {}, [], {"five_hour": None}, {"five_hour": 3}, {"five_hour": {"used_percentage": None}}])
def test_a_status_line_without_limits_is_nothing(value: Any) -> None:
    assert claude.parse_status_line(value, NOW) is None


def test_status_line_windows_that_have_reset_are_dropped() -> None:
    usage = claude.parse_status_line(samples.status_line(NOW), NOW + 3 * HOUR)
    assert usage is not None
    assert [window.label for window in usage.windows] == ["weekly (all)"]


# Whatever comes

SHAPES = [variant(NOW) for variant in samples.VARIANTS.values()]
LISTS = [*samples.ORGANIZATIONS.values()]
AUTH: list[AuthSource] = ["session", "oauth"]


@given(garbage.answers, st.sampled_from(AUTH))
def test_any_answer_gives_a_usage_or_a_problem(answer: Answer, auth_source: AuthSource) -> None:
    garbage.check(claude.parse_usage(answer, NOW, auth_source=auth_source))


@given(garbage.mutated(SHAPES))
def test_a_changed_answer_gives_a_usage_or_a_problem(body: Any) -> None:
    garbage.check(claude.parse_usage(Answer(status=200, body=json.dumps(body)), NOW))


@given(garbage.mutated(SHAPES))
def test_a_changed_answer_never_invents_a_window(body: Any) -> None:
    usage = claude.parse_usage(Answer(status=200, body=json.dumps(body)), NOW)
    if isinstance(usage, Usage):
        sent = len(body["limits"]) if isinstance(body.get("limits"), list) else 0
        slots = sum(value is not None for key, value in body.items() if key != "limits")
        assert len(usage.windows) <= sent + slots
        labels = {window.label for window in usage.windows}
        assert "weekly (all)" not in labels or "weekly" in json.dumps(body) or body.get("seven_day") is not None


@given(st.data())
def test_half_an_answer_is_no_answer(data: st.DataObject) -> None:
    body = data.draw(garbage.cut(samples.usage(NOW)))
    result = claude.parse_usage(Answer(status=200, body=body), NOW)
    assert isinstance(result, Usage) == (body == json.dumps(samples.usage(NOW)))


@given(st.one_of(garbage.anything, garbage.mutated(LISTS)))
def test_any_list_of_organisations_ends_the_conversation_properly(organizations: Any) -> None:
    result, rounds = talk(site(Answer(status=200, body=json.dumps(organizations))))
    garbage.check(result)
    assert len(rounds) <= 2


@given(st.one_of(garbage.anything, garbage.mutated([samples.cached_utilization(NOW)])))
def test_any_cached_value_gives_a_usage_or_nothing(value: Any) -> None:
    found = claude.parse_cached(value, NOW)
    garbage.check(None if found is None else found[0])


@given(st.one_of(garbage.anything, garbage.mutated([samples.status_line(NOW)])))
def test_any_status_line_gives_a_usage_or_nothing(value: Any) -> None:
    garbage.check(claude.parse_status_line(value, NOW))

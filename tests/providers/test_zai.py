"""Z.ai's quota answers: every generation of plan, every rule of the sheet. The failures are in `test_zai_failures.py`."""

from __future__ import annotations

from typing import Any

import pytest

from aimo_host.gauge.model import Usage, Window
from aimo_host.providers import zai
from aimo_host.samples import json_answer
from aimo_host.samples import zai as samples
from aimo_host.samples.zai import credit_session, quota, session, tools, weekly, without

NOW = 1795341600.0  # 2026-11-22T10:00:00Z
HOUR = 3600.0
DAY = 86400.0


def read(*limits: Any, **envelope: Any) -> Usage:
    return parsed(quota(*limits, **envelope))


def parsed(body: Any) -> Usage:
    result = zai.parse_quota(json_answer(body), NOW)
    assert isinstance(result, Usage), result
    return result


def only(*limits: Any) -> Window:
    (window,) = read(*limits).windows
    return window


def variant(name: str) -> Usage:
    return parsed(samples.VARIANTS[name](NOW))


def labels(usage: Usage) -> list[str]:
    return [window.label for window in usage.windows]


def used(usage: Usage) -> dict[str, float | None]:
    return {window.label: window.used_pct for window in usage.windows}


# The windows of the three generations


@pytest.mark.parametrize(
    ("name", "windows"),
    [
        ("v1", {"5h": 22, "tool usage (monthly)": 3.7}),
        ("v1_unitless", {"5h": 22}),
        ("v2", {"tool usage (monthly)": 3.7, "5h": 22, "weekly": 61}),
        ("v2_unitless", {"weekly": 61, "5h": 22, "tool usage (monthly)": 3.7}),
        ("v2_end_of_week", {"5h": 22, "weekly": 97}),
        ("v3", {"5h": 2.2, "weekly": 39.53}),
        ("v3_unstarted", {"5h": 0, "weekly": 39.53}),
        ("v3_used_up", {"5h": 2.2, "weekly": 100.04}),
        ("mixture", {"5h": 2.2, "weekly": 39.53, "tool usage (monthly)": 3.7}),
        ("root_limits", {"5h": 22, "weekly": 61}),
        ("data_is_limits", {"5h": 22, "weekly": 61}),
        ("lower_case", {"5h": 22, "weekly": 61}),
        ("name_for_type", {"5h": 22}),
        ("numbers_as_text", {"5h": 2.2}),
        ("week_as_seven_days", {"5h": 22, "weekly": 61}),
        ("unknown_unit", {"5h": 22, "other limit (unit 9 x 2)": 61}),
        ("unknown_type", {"other limit (VIDEO_LIMIT)": 22}),
    ],
)
def test_each_generation_and_odd_shape_gives_its_windows(name: str, windows: dict[str, float]) -> None:
    assert used(variant(name)) == pytest.approx(windows)


def test_the_five_hour_window_carries_all_that_is_known_of_it() -> None:
    assert only(session(NOW)) == Window(
        label="5h", kind="session", used_pct=22, resets_at=NOW + 7800, window_seconds=18000, binding=True
    )


def test_the_weekly_window_carries_all_that_is_known_of_it() -> None:
    assert only(weekly(NOW)) == Window(
        label="weekly", kind="weekly", used_pct=61, resets_at=NOW + 4.5 * DAY, window_seconds=604800, binding=True
    )


def test_tool_calls_are_counted_and_never_bind() -> None:
    window = only(tools(NOW))
    assert (window.kind, window.binding, window.resets_at) == ("tools", False, NOW + 17 * DAY)
    assert (window.used, window.limit, window.remaining, window.unit) == (37, 1000, 963, "calls")


def test_credits_are_counted() -> None:
    window = only(credit_session(NOW))
    assert (window.used, window.limit, window.remaining, window.unit) == (264, 12000, 11736, "credits")


def test_a_plan_without_a_weekly_limit_has_no_weekly_window() -> None:
    assert "weekly" not in labels(variant("v1"))


@pytest.mark.parametrize("name", ["v2", "v2_unitless"])
def test_the_order_of_the_limits_does_not_matter(name: str) -> None:
    body = samples.VARIANTS[name](NOW)
    turned = body | {"data": body["data"] | {"limits": body["data"]["limits"][::-1]}}
    assert set(parsed(turned).windows) == set(parsed(body).windows)


def test_a_weekly_window_that_resets_before_the_five_hour_one_stays_weekly() -> None:
    five, week = variant("v2_end_of_week").windows
    assert five.resets_at is not None
    assert week.resets_at is not None
    assert (week.label, week.resets_at < five.resets_at) == ("weekly", True)


# Names by type and unit


@pytest.mark.parametrize(
    ("unit", "count", "label", "kind", "seconds"),
    [
        (3, 5, "5h", "session", 18000),
        (3, 1, "1h", "hours", 3600),
        (3, 24, "24h", "hours", 86400),
        (3, None, "other limit (unit 3 x ?)", "other", None),
        (3, 2.5, "other limit (unit 3 x 2.5)", "other", None),
        (3, -5, "other limit (unit 3 x -5)", "other", None),
        (6, 1, "weekly", "weekly", 604800),
        (6, 7, "weekly", "weekly", 604800),
        (6, None, "weekly", "weekly", 604800),
        (4, 1, "daily", "daily", 86400),
        (4, 3, "3 days", "other", 259200),
        (1, 1, "other limit (unit 1 x 1)", "other", None),
        (5, 1, "other limit (unit 5 x 1)", "other", None),
        (99, 10**30, "other limit (unit 99 x 1e+30)", "other", None),
    ],
)
def test_a_window_is_named_by_its_unit(unit: int, count: float | None, label: str, kind: str, seconds: int | None) -> None:
    window = only(session(NOW, unit=unit, number=count))
    assert (window.label, window.kind, window.window_seconds, window.binding) == (label, kind, seconds, True)


@pytest.mark.parametrize("unit", [1, 3, 5, 6, None])
def test_a_tool_limit_is_monthly_whatever_its_unit(unit: int | None) -> None:
    assert only(tools(NOW, unit=unit)).kind == "tools"


def test_an_unknown_type_is_shown_by_its_raw_name_and_binds_nothing() -> None:
    window = only(session(NOW, "Video_Limit"))
    assert (window.label, window.kind, window.scope, window.binding) == (
        "other limit (Video_Limit)",
        "other",
        "Video_Limit",
        False,
    )


@pytest.mark.parametrize(
    ("unit", "label", "binding"), [(3, "5h", True), (6, "weekly", True), (5, "other limit (unit 5 x 5)", False)]
)
def test_a_limit_without_a_type_is_named_by_its_unit(unit: int, label: str, binding: bool) -> None:
    window = only(without(session(NOW, unit=unit), "type"))
    assert (window.label, window.binding) == (label, binding)


def test_an_element_with_neither_type_nor_percentage_is_no_window() -> None:
    assert labels(read({"unit": 3}, session(NOW))) == ["5h"]


# Old answers without units


def unitless(resets_at: float | None, percentage: int) -> dict[str, Any]:
    return {"type": "TOKENS_LIMIT", "percentage": percentage, "nextResetTime": resets_at and int(resets_at * 1000)}


def test_of_two_limits_without_units_the_earlier_reset_is_the_five_hour_one() -> None:
    assert used(read(unitless(NOW + DAY, 61), unitless(NOW + HOUR, 22))) == {"weekly": 61, "5h": 22}


def test_of_two_limits_without_units_the_one_that_has_not_started_is_the_five_hour_one() -> None:
    assert used(read(unitless(NOW + HOUR, 61), unitless(None, 0))) == {"weekly": 61, "5h": 0}


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param([unitless(None, 1), unitless(None, 2)], id="neither has started"),
        pytest.param([unitless(NOW + 9, 1), unitless(NOW + 9, 2)], id="same reset"),
        pytest.param([unitless(NOW + 1, 1), unitless(NOW + 2, 2), unitless(NOW + 3, 3)], id="three"),
        pytest.param([session(NOW), unitless(NOW + 9, 1)], id="beside a 5-hour one"),
        pytest.param([session(NOW), unitless(NOW + 9, 1), unitless(NOW + 99, 1)], id="two beside a 5-hour one"),
    ],
)
def test_where_the_units_are_missing_and_nothing_tells_them_apart_no_length_is_guessed(limits: list[Any]) -> None:
    windows = read(*limits).windows
    assert {window.kind for window in windows if window.used_pct != 22} == {"other"}
    assert len(windows) == len(limits)


# Two that describe the same window


def test_credits_win_over_tokens_for_the_same_window() -> None:
    assert labels(read(session(NOW), credit_session(NOW))) == ["5h"]


def test_tokens_stay_where_the_credits_describe_another_window() -> None:
    assert used(read(weekly(NOW), credit_session(NOW))) == pytest.approx({"weekly": 61, "5h": 2.2})


def test_the_same_limit_twice_is_one_window() -> None:
    assert labels(read(session(NOW), session(NOW))) == ["5h"]


def test_two_limits_of_the_same_length_are_two_windows_with_different_labels() -> None:
    assert used(read(session(NOW), session(NOW, percentage=80))) == {"5h": 22, "5h #2": 80}


# Percent used


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"usage": 10000, "currentValue": 9855, "percentage": 98}, 98.55, id="finer than the floor"),
        pytest.param({"usage": 1000, "currentValue": 999, "percentage": 99}, 99.9, id="nearly full is not 99"),
        pytest.param({"usage": 2000, "currentValue": 2005, "percentage": 100}, 100.25, id="over"),
        pytest.param({"usage": 1000, "remaining": 890, "percentage": 11}, 11, id="by what remains"),
        pytest.param({"usage": 1000, "remaining": 1100}, 0, id="more left than allowed"),
        pytest.param({"usage": 1000, "currentValue": 500, "remaining": 900}, 50, id="used before remaining"),
        pytest.param({"usage": 1000, "currentValue": 500, "percentage": 22}, 22, id="amounts contradict"),
        pytest.param({"usage": 1000, "currentValue": 240, "percentage": 22}, 24, id="two points apart"),
        pytest.param({"usage": 1000, "currentValue": 241, "percentage": 22}, 22, id="more than two points apart"),
        pytest.param({"usage": 350, "percentage": 35}, 35, id="usage alone is no ratio"),
        pytest.param({"usage": 0, "currentValue": 0, "percentage": 7}, 7, id="no division by zero"),
        pytest.param({"usage": 1000, "currentValue": -5, "percentage": 7}, 7, id="negative amount"),
        pytest.param({"usage": 1e-300, "currentValue": 1e300, "percentage": 7}, 7, id="beyond any sense"),
        pytest.param({"usage": 350}, None, id="nothing to divide"),
        pytest.param({}, None, id="nothing at all"),
        pytest.param({"percentage": None}, None, id="null"),
        pytest.param({"percentage": "a lot"}, None, id="words"),
        pytest.param({"percentage": -1}, None, id="negative"),
        pytest.param({"percentage": True}, None, id="boolean"),
        pytest.param({"percentage": "22"}, 22, id="number as text"),
        pytest.param({"percentage": 0}, 0, id="nought"),
    ],
)
def test_percent_used_is_the_ratio_unless_the_percentage_contradicts_it(fields: dict[str, Any], expected: float | None) -> None:
    window = only(without(session(NOW), "percentage") | fields)
    assert window.used_pct == (None if expected is None else pytest.approx(expected))


def test_amounts_that_contradict_the_percentage_are_not_shown() -> None:
    window = only(session(NOW, usage=1000, currentValue=900))
    assert (window.used, window.limit, window.remaining, window.unit) == (None, None, None, None)


# Resets


@pytest.mark.parametrize("reset", [{}, {"nextResetTime": None}, {"nextResetTime": 0}, {"nextResetTime": "0"}])
def test_an_untouched_window_without_a_reset_has_not_started(reset: dict[str, Any]) -> None:
    window = only(without(session(NOW, percentage=0), "nextResetTime") | reset)
    assert (window.state, window.used_pct, window.resets_at) == ("not_started", 0, None)


def test_a_window_in_use_without_a_reset_is_active() -> None:
    assert only(without(session(NOW), "nextResetTime")).state == "active"


def test_an_untouched_window_with_a_reset_is_active() -> None:
    assert only(session(NOW, percentage=0)).state == "active"


def test_a_window_without_any_figure_is_unknown_rather_than_not_started() -> None:
    assert only({"type": "TOKENS_LIMIT", "unit": 3, "number": 5}).state == "unknown"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(1795349400000, 1795349400, id="milliseconds"),
        pytest.param(1795349400, 1795349400, id="seconds"),
        pytest.param("1795349400000", 1795349400, id="text"),
        pytest.param(1795300000000, 1795300000, id="past, for the reader to see"),
        pytest.param(-5, None, id="negative"),
        pytest.param(10**40, None, id="beyond any calendar"),
        pytest.param("soon", None, id="words"),
        pytest.param([], None, id="list"),
    ],
)
def test_a_reset_is_in_milliseconds_or_unknown(raw: Any, expected: float | None) -> None:
    assert only(session(NOW, nextResetTime=raw)).resets_at == expected


# Plan


@pytest.mark.parametrize(
    ("level", "label"),
    [("lite", "Lite"), ("pro", "Pro"), ("MAX", "Max"), ("standard", "standard"), ("GLM Coding Ultra", "GLM Coding Ultra")],
)
def test_a_known_plan_has_a_capital_and_others_stay_as_they_are(level: str, label: str) -> None:
    usage = read(session(NOW), level=level)
    assert (usage.plan, usage.plan_label) == (level, label)


def test_a_missing_plan_is_unknown() -> None:
    usage = read(session(NOW), level=None)
    assert (usage.plan, usage.plan_label) == (None, None)


@pytest.mark.parametrize("key", ["planName", "plan", "plan_type", "planType", "packageName"])
def test_a_plan_is_found_under_its_other_names(key: str) -> None:
    assert read(session(NOW), data={key: "Pro", "limits": [session(NOW)]}).plan == "Pro"


def test_an_array_of_accounts_is_read_by_its_first() -> None:
    assert parsed({"success": True, "data": [{"level": "pro", "limits": [session(NOW)]}]}).plan == "pro"


@pytest.mark.parametrize("allowance", [0, None, "", -5])
def test_amounts_without_an_allowance_say_nothing(allowance: Any) -> None:
    bare = {"type": "CREDIT_LIMIT", "unit": 3, "number": 5, "usage": allowance, "currentValue": 0, "remaining": 0}
    assert (only(bare).used_pct, only(bare).state) == (None, "unknown")

"""Z.ai's failures, most of which arrive as HTTP 200, the conversation in the browser, and whatever else may come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge.model import Answer, Ask, AuthSource, Usage
from aimo_host.gauge.problems import Problem
from aimo_host.providers import zai
from aimo_host.samples import BOT_CHECKS, json_answer
from aimo_host.samples import FAILURES as SHARED_FAILURES
from aimo_host.samples import zai as samples
from aimo_host.samples.zai import quota, session, tools
from tests.providers.garbage import anything, cut, mutated
from tests.providers.garbage import check as check_sound

NOW = 1795341600.0  # 2026-11-22T10:00:00Z


def refused(answer: Answer, source: AuthSource = "api_key") -> Problem:
    problem = zai.parse_quota(answer, NOW, source)
    assert isinstance(problem, Problem), problem
    return problem


# Failures


@pytest.mark.parametrize("name", samples.FAILURES)
@pytest.mark.parametrize("source", ["api_key", "jwt"])
def test_each_failure_has_its_code(name: str, source: AuthSource) -> None:
    failure = samples.FAILURES[name]
    assert refused(failure.answer, source).code == (failure.by_key if source == "api_key" else failure.by_token)


@pytest.mark.parametrize("name", SHARED_FAILURES)
def test_what_means_the_same_everywhere_means_it_here_too(name: str) -> None:
    answer, expected = SHARED_FAILURES[name]
    assert refused(answer).code == expected.partition(".")[0]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"quotas": [session(NOW)]}, id="another key"),
        pytest.param({"limits": {"session": {}}}, id="an object for the list"),
        pytest.param("limits", id="a text"),
        pytest.param(7, id="a number"),
    ],
)
def test_data_of_another_shape_is_unexpected_rather_than_no_plan(data: Any) -> None:
    assert refused(json_answer({"success": True, "data": data})) == Problem("zai", "unexpected_answer")


def test_a_rejected_key_names_the_region() -> None:
    assert refused(samples.FAILURES["rejected"].answer) == Problem("zai", "bad_credential", "region")


def test_no_coding_plan_names_the_region() -> None:
    assert refused(samples.FAILURES["no_coding_plan"].answer) == Problem("zai", "no_plan", "region")


def test_a_missing_key_names_the_variable_to_set() -> None:
    assert "ZAI_API_KEY" in refused(samples.FAILURES["no_key"].answer).sentence


@pytest.mark.parametrize(("name", "seconds"), [("http_429", 60), ("frequency", 90), ("overload", 300)])
def test_a_rate_limit_says_when_to_come_back(name: str, seconds: float) -> None:
    assert refused(samples.FAILURES[name].answer).retry_at == NOW + seconds


def test_a_refusal_with_limits_is_a_refusal() -> None:
    assert refused(json_answer(quota(session(NOW)) | {"success": False})) == Problem("zai", "unexpected_answer")


@pytest.mark.parametrize("code", [200, 0, "200", None])
def test_these_codes_are_success(code: Any) -> None:
    assert isinstance(zai.parse_quota(json_answer(quota(session(NOW), code=code)), NOW), Usage)


def test_the_message_may_be_missing_or_in_chinese() -> None:
    assert isinstance(zai.parse_quota(json_answer(quota(session(NOW), msg="操作成功")), NOW), Usage)


# Bearer, then bare


@pytest.mark.parametrize(
    "name", [name for name, row in samples.FAILURES.items() if row.by_key in {"bad_credential", "no_credential"}]
)
def test_an_authentication_failure_is_worth_the_other_form_of_the_header(name: str) -> None:
    assert zai.is_auth_failure(samples.FAILURES[name].answer)


OTHER_FAILURES = [row.answer for row in samples.FAILURES.values() if row.by_key not in {"bad_credential", "no_credential"}]


@pytest.mark.parametrize("answer", [*OTHER_FAILURES, *BOT_CHECKS.values(), samples.answers(NOW)["zai.quota"]])
def test_nothing_else_is_worth_the_other_form_of_the_header(answer: Answer) -> None:
    assert not zai.is_auth_failure(answer)


# The conversation


def converse(answer: Answer) -> tuple[tuple[Ask, ...], Usage | Problem]:
    talk = zai.browse({}, NOW)
    asks = next(talk)
    with pytest.raises(StopIteration) as end:
        talk.send((answer,))
    return asks, end.value.value


def test_the_browser_is_asked_one_thing() -> None:
    assert converse(samples.answers(NOW)["zai.quota"])[0] == (Ask("zai.quota"),)


def test_a_reading_through_the_browser_is_by_its_token() -> None:
    result = converse(samples.answers(NOW)["zai.quota"])[1]
    assert isinstance(result, Usage)
    assert result.auth_source == "jwt"


def test_a_rejected_token_is_a_sign_in_that_has_ended() -> None:
    assert converse(samples.answers(NOW, "rejected")["zai.quota"])[1] == Problem("zai", "sign_in_expired")


# Whatever else may come

BODIES = [build(NOW) for build in samples.VARIANTS.values()]


def check(result: Usage | Problem, sent: int) -> None:
    check_sound(result)
    if isinstance(result, Usage):
        assert 1 <= len(result.windows) <= sent


def limits_in(body: Any) -> int:
    """How many elements could be limits: an upper bound for the windows."""
    return json.dumps(body).count("{")


@given(anything, st.integers(-1, 599))
def test_any_json_gives_a_usage_or_a_problem(value: Any, status: int) -> None:
    check(zai.parse_quota(json_answer(value, status), NOW), limits_in(value))


@given(st.lists(st.dictionaries(st.sampled_from(list(tools(NOW))), anything, max_size=9), max_size=5))
def test_any_limits_give_a_usage_or_a_problem(limits: list[Any]) -> None:
    check(zai.parse_quota(json_answer(quota(*limits)), NOW), len(limits))


@given(mutated(BODIES))
def test_a_damaged_answer_gives_a_usage_or_a_problem(body: Any) -> None:
    check(zai.parse_quota(json_answer(body), NOW), limits_in(body))


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")), st.integers(-1, 599))
def test_any_text_gives_a_problem(body: str, status: int) -> None:
    check_sound(zai.parse_quota(Answer(status, body), NOW))


@given(st.sampled_from(BODIES).flatmap(cut))
def test_a_cut_answer_gives_a_problem_or_is_whole(body: str) -> None:
    whole = body in map(json.dumps, BODIES)
    assert isinstance(zai.parse_quota(Answer(200, body), NOW), Usage if whole else Problem)

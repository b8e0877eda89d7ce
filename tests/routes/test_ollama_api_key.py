"""Ollama Cloud by key: the balance is the reading, the plan's name is a bonus that never costs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aimo_host.gauge.model import Answer, Usage
from aimo_host.gauge.problems import Problem
from aimo_host.routes import ollama_api_key, read
from aimo_host.samples import json_answer
from tests.simulator import canaries

if TYPE_CHECKING:
    from aimo_host.routes import Context
    from tests.simulator.simulator import Simulator


@pytest.fixture
def keyed(context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("OLLAMA_API_KEY", canaries.OLLAMA_API_KEY)
    return context


def test_without_a_key_there_is_nothing_to_try(context: Context, simulator: Simulator) -> None:
    assert read("ollama_api_key", context) is None
    assert simulator.tunnels == []


def test_the_balance_and_the_plan_are_one_reading(keyed: Context, simulator: Simulator) -> None:
    usage = read("ollama_api_key", keyed)
    assert isinstance(usage, Usage)
    assert (usage.auth_source, usage.plan, usage.plan_label) == ("api_key", "pro", "Pro")
    assert [(seen.method, seen.path) for seen in simulator.requests] == [("GET", "/api/balance"), ("POST", "/api/me")]
    assert {seen.headers["authorization"] for seen in simulator.requests} == {f"Bearer {canaries.OLLAMA_API_KEY}"}


@pytest.mark.parametrize("answer", [json_answer({}, 500), json_answer([]), Answer(200, "{"), Answer(failed="network")], ids=repr)
def test_a_plan_that_cannot_be_had_costs_nothing(keyed: Context, simulator: Simulator, answer: Answer) -> None:
    simulator.set("ollama.me", answer)
    usage = read("ollama_api_key", keyed)
    assert isinstance(usage, Usage)
    assert usage.windows or usage.balances


@pytest.mark.parametrize(
    "answer", [json_answer({}, 500), json_answer({}, 429), json_answer({"hello": 1}), Answer(failed="network")], ids=repr
)
def test_a_failed_balance_is_the_problem_and_the_plan_is_not_asked(keyed: Context, simulator: Simulator, answer: Answer) -> None:
    simulator.set("ollama.balance", answer)
    assert isinstance(read("ollama_api_key", keyed), Problem)
    assert len(simulator.requests) == 1


def test_a_rejected_key_is_named_by_its_variable_and_not_by_its_value(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "CANARYwrong")
    outcome = read("ollama_api_key", context)
    assert isinstance(outcome, Problem)
    assert outcome.code == "bad_credential"
    assert "CANARY" not in repr(outcome) + outcome.sentence


def test_a_plan_that_takes_too_long_costs_two_seconds_and_not_the_reading(
    keyed: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama_api_key, "_BONUS_SECONDS", 0.2)
    simulator.set("ollama.me", Answer(failed="timeout"))
    usage = read("ollama_api_key", keyed)
    assert isinstance(usage, Usage)
    assert usage.plan is None


@pytest.mark.parametrize("value", ["CANARY\nkey", "CANARYé", "CANARY鍵", "C" * 5000])
def test_a_key_that_no_header_can_carry_is_named_by_its_variable(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", value)
    problem = read("ollama_api_key", context)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.params) == ("bad_credential", {"variant": "malformed", "variable": "OLLAMA_API_KEY"})
    assert "CANARY" not in problem.sentence + repr(problem)
    assert simulator.tunnels == []

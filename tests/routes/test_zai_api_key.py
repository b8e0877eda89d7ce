"""Z.ai by key: which key, which region, which form of the header; and that a key goes to its own region only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aimo_host.gauge.model import Answer, Usage
from aimo_host.gauge.problems import Problem
from aimo_host.routes import read
from aimo_host.samples import json_answer
from tests.simulator import canaries

if TYPE_CHECKING:
    from aimo_host.routes import Context
    from tests.simulator.simulator import Simulator


def write_env(context: Context, text: str) -> None:
    os.makedirs(context.paths.config_dir, mode=0o700, exist_ok=True)
    with open(context.paths.env, "w", encoding="utf-8") as file:
        file.write(text)


def sent(simulator: Simulator) -> list[tuple[str, str]]:
    return [(seen.host, seen.headers["authorization"]) for seen in simulator.requests]


def test_without_a_key_there_is_nothing_to_try(context: Context, simulator: Simulator) -> None:
    assert read("zai_api_key", context) is None
    assert simulator.tunnels == []


@pytest.mark.parametrize("name", ["ZAI_API_KEY", "Z_AI_API_KEY"])
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_key_is_found_in_either_name_and_place(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    if place == "environment":
        monkeypatch.setenv(name, canaries.ZAI_API_KEY)
    else:
        write_env(context, f"# mine\nexport {name}='{canaries.ZAI_API_KEY}'\n")
    usage = read("zai_api_key", context)
    assert isinstance(usage, Usage)
    assert usage.auth_source == "api_key"
    assert {window.label for window in usage.windows} == {"5h", "weekly", "tool usage (monthly)"}
    assert sent(simulator) == [("api.z.ai", f"Bearer {canaries.ZAI_API_KEY}")]


def test_the_environment_comes_before_the_file(context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    write_env(context, "ZAI_API_KEY=of.thefile\n")
    monkeypatch.setenv("ZAI_API_KEY", canaries.ZAI_API_KEY)
    assert isinstance(read("zai_api_key", context), Usage)
    assert len(simulator.requests) == 1


def test_a_rejected_bearer_is_followed_by_the_bare_key_once(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZAI_API_KEY", "wrong.key")
    outcome = read("zai_api_key", context)
    assert isinstance(outcome, Problem)
    assert outcome.code == "bad_credential"
    assert sent(simulator) == [("api.z.ai", "Bearer wrong.key"), ("api.z.ai", "wrong.key")]


@pytest.mark.parametrize(
    "answer", [json_answer({}, 429), json_answer({}, 500), Answer(failed="network"), json_answer({"hello": 1})]
)
def test_no_other_failure_is_tried_a_second_time(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setenv("ZAI_API_KEY", canaries.ZAI_API_KEY)
    simulator.set("zai.key_quota", answer)
    assert isinstance(read("zai_api_key", context), Problem)
    assert len(simulator.requests) == 1


@pytest.mark.parametrize(
    ("region", "key", "host"),
    [
        (None, canaries.ZAI_API_KEY, "api.z.ai"),
        ("", canaries.ZAI_API_KEY, "api.z.ai"),
        ("global", canaries.ZAI_API_KEY, "api.z.ai"),
        ("GLOBAL", canaries.ZAI_API_KEY, "api.z.ai"),
        ("china", canaries.ZAI_CHINA_API_KEY, "open.bigmodel.cn"),
    ],
)
def test_the_region_decides_the_host(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, region: str | None, key: str, host: str
) -> None:
    monkeypatch.setenv("ZAI_API_KEY", key)
    if region is not None:
        monkeypatch.setenv("ZAI_REGION", region)
    assert isinstance(read("zai_api_key", context), Usage)
    assert {seen.host for seen in simulator.requests} == {host}


@pytest.mark.parametrize(("region", "key"), [("china", canaries.ZAI_API_KEY), ("global", canaries.ZAI_CHINA_API_KEY)])
def test_a_key_of_the_other_region_never_goes_there(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, region: str, key: str
) -> None:
    monkeypatch.setenv("ZAI_API_KEY", key)
    monkeypatch.setenv("ZAI_REGION", region)
    assert isinstance(read("zai_api_key", context), Problem)
    assert {tunnel.target for tunnel in simulator.tunnels} == {"api.z.ai:443" if region == "global" else "open.bigmodel.cn:443"}


@pytest.mark.parametrize("region", ["mars", "api.z.ai", "https://evil.example", "china/../global"])
def test_an_unknown_region_sends_the_key_nowhere(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    monkeypatch.setenv("ZAI_API_KEY", canaries.ZAI_API_KEY)
    monkeypatch.setenv("ZAI_REGION", region)
    outcome = read("zai_api_key", context)
    assert isinstance(outcome, Problem)
    assert (outcome.code, outcome.params) == ("unreachable", {"variant": "variable", "variable": "ZAI_REGION"})
    assert simulator.tunnels == []


@pytest.mark.parametrize("key", ["with\nnewline", "schlüssel", "tab\tbed", "\x00"])
def test_a_key_that_no_header_can_carry_is_not_sent(context: Context, simulator: Simulator, key: str) -> None:
    write_env(context, f'ZAI_API_KEY="{key}"\n')
    read("zai_api_key", context)
    assert simulator.tunnels == []


def test_nothing_that_came_of_it_names_the_key(context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAI_API_KEY", canaries.ZAI_API_KEY)
    said = repr(read("zai_api_key", context))
    simulator.set("zai.key_quota", json_answer({"code": 401, "msg": f"no {canaries.ZAI_API_KEY}", "success": False}))
    said += repr(read("zai_api_key", context))
    assert canaries.ZAI_API_KEY not in said


@pytest.mark.parametrize("value", ["CANARY\nkey", "CANARYé", "CANARY鍵", "C" * 5000])
def test_a_key_that_no_header_can_carry_is_named_by_its_variable(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ZAI_API_KEY", value)
    problem = read("zai_api_key", context)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.params) == ("bad_credential", {"variant": "malformed", "variable": "ZAI_API_KEY"})
    assert "CANARY" not in problem.sentence + repr(problem)
    assert simulator.tunnels == []

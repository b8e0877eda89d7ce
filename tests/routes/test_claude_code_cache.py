"""What Claude Code has fetched for itself: as old as it is, without what has reset since, and nothing else of that file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimo_host.providers import fields
from aimo_host.routes import claude_code_cache
from aimo_host.samples import claude
from tests.providers.garbage import anything
from tests.routes.stage import NOW, Stage, recorded, usage, used

if TYPE_CHECKING:
    from pathlib import Path

    from aimo_host.gauge.model import Usage

HOUR, DAY = 3600, 86400
PRIVATE: dict[str, Any] = {
    "oauthAccount": {"emailAddress": "CANARY@example.test", "accountUuid": claude.ACCOUNT},
    "projects": {"/secret": {"history": [{"display": 'CANARY "cachedUsageUtilization": {"fetchedAtMs": 1}'}]}},
    "mcpServers": {"x": {"env": {"TOKEN": "CANARY"}}},
}


def put(stage: Stage, cached: object, name: str = ".claude.json") -> Path:
    return stage.file(name, {**PRIVATE, "cachedUsageUtilization": cached, "numStartups": 3})


def read(stage: Stage) -> Usage | None:
    outcome = claude_code_cache.read(stage.context)
    return None if outcome is None else usage(outcome)


@pytest.mark.parametrize("age", [0, 600, 90 * 60])
def test_the_windows_are_read_with_their_age(stage: Stage, age: float) -> None:
    put(stage, claude.cached_utilization(NOW, age))
    outcome = usage(read(stage))
    assert outcome.at == NOW - age
    assert used(outcome).keys() >= {"session (5h)", "weekly (all)"}


def test_it_claims_no_account_and_is_only_borrowed(stage: Stage) -> None:
    put(stage, claude.cached_utilization(NOW))
    outcome = usage(read(stage))
    assert (outcome.account, outcome.borrowed, outcome.auth_source) == (None, True, "file")


def test_a_window_that_has_reset_since_is_dropped(stage: Stage) -> None:
    put(stage, claude.cached_utilization(NOW))
    stage.now = NOW + 6 * HOUR
    assert "session (5h)" not in used(read(stage))
    assert "weekly (all)" in used(read(stage))


def test_when_everything_has_reset_there_is_nothing(stage: Stage) -> None:
    put(stage, claude.cached_utilization(NOW))
    stage.now = NOW + 40 * DAY
    assert read(stage) is None


@pytest.mark.parametrize("ahead", [121, DAY, 365 * DAY])
def test_an_answer_from_tomorrow_is_not_believed(stage: Stage, ahead: float) -> None:
    put(stage, claude.cached_utilization(NOW, -ahead))
    assert read(stage) is None


def test_the_folder_is_where_claude_config_dir_says(stage: Stage) -> None:
    stage.environ["CLAUDE_CONFIG_DIR"] = str(stage.home / "elsewhere")
    put(stage, claude.cached_utilization(NOW, 60), "elsewhere/.claude.json")
    put(stage, claude.cached_utilization(NOW, 5))
    assert usage(read(stage)).at == NOW - 60


@pytest.mark.parametrize("name", [".claude/.claude.json", ".claude/claude.json", ".config/claude/.claude.json"])
def test_no_other_file_is_taken_for_it(stage: Stage, name: str) -> None:
    put(stage, claude.cached_utilization(NOW), name)
    assert read(stage) is None


def test_the_rest_of_the_file_is_not_even_parsed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    put(stage, claude.cached_utilization(NOW))
    parsed = recorded(monkeypatch, fields, "load")
    usage(read(stage))
    assert [json.loads(text).keys() for text in parsed] == [{"fetchedAtMs", "accountUuid", "utilization"}]


def test_nothing_of_the_rest_is_in_the_reading(stage: Stage) -> None:
    put(stage, claude.cached_utilization(NOW))
    assert "CANARY" not in repr(read(stage))


def test_a_prompt_that_quotes_the_key_is_not_taken_for_it(stage: Stage) -> None:
    stage.file(".claude.json", PRIVATE)
    assert read(stage) is None


def test_a_file_that_is_just_being_written_still_gives_what_is_there(stage: Stage) -> None:
    path = stage.file(".claude.json", {"cachedUsageUtilization": claude.cached_utilization(NOW), **PRIVATE})
    path.write_text(path.read_text()[:-30])
    assert read(stage) is not None


UNUSABLE: dict[str, object] = {
    "null": None,
    "a list": [],
    "empty": {},
    "no time": {"utilization": claude.usage(NOW)},
    "a time that is none": claude.cached_utilization(NOW) | {"fetchedAtMs": "now"},
    "no answer": {"fetchedAtMs": NOW * 1000},
    "an answer of another kind": claude.cached_utilization(NOW) | {"utilization": "full"},
    "nothing but nulls": claude.cached_utilization(NOW) | {"utilization": {"five_hour": None, "limits": []}},
}


@pytest.mark.parametrize("cached", UNUSABLE.values(), ids=UNUSABLE)
def test_what_says_nothing_is_nothing(stage: Stage, cached: object) -> None:
    put(stage, cached)
    assert read(stage) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cachedUsageUtilization":', '"cachedUsageUtilization": {"a"', "\x00" * 9])
def test_a_broken_file_is_nothing(stage: Stage, text: str) -> None:
    stage.file(".claude.json", text)
    assert read(stage) is None


def test_a_missing_file_is_nothing(stage: Stage) -> None:
    assert read(stage) is None


def test_nesting_without_end_is_nothing(stage: Stage) -> None:
    stage.file(".claude.json", '{"cachedUsageUtilization": ' + "[" * 200000)
    assert read(stage) is None


def test_no_request_is_made_and_nothing_written(stage: Stage) -> None:
    path = put(stage, claude.cached_utilization(NOW))
    before = path.read_bytes()
    read(stage)
    assert (stage.asked(), stage.kept(), path.read_bytes()) == ([], "", before)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything, st.sampled_from(["fetchedAtMs", "utilization", "accountUuid", "whole"]))
def test_any_content_gives_a_usage_or_nothing(stage: Stage, value: object, key: str) -> None:
    put(stage, value if key == "whole" else claude.cached_utilization(NOW) | {key: value})
    outcome = read(stage)
    assert outcome is None or outcome.at is not None

"""The closed list of settings: what may be changed, and what a damaged file still says."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from aimo_host.gauge.catalog import ORDER
from aimo_host.state import atomic, jsonfile, settings
from aimo_host.state.bell import Bell
from tests.gauge.builders import json_values

if TYPE_CHECKING:
    from aimo_host.state.paths import Paths

UUID = "0a1b2c3d-0000-4000-8000-00000000000F"
KEYS = sorted(settings.defaults())


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"providers": {}},
        {"providers": {"zai": "off", "claude": "on", "codex": "auto"}},
        {"order": []},
        {"order": ["zai", "claude"]},
        {"names": {}},
        {"names": {"c3f9a1": "work", "d": "仕事 & Co"}},
        {"names": {"c3f9a1": None}},
        {"names": {"a": "x" * 40}},
        {"claude_organization": None},
        {"claude_organization": UUID},
        {"language": "ja"},
        {"badge": False},
        {"badge": True, "language": "auto"},
    ],
)
def test_what_the_list_allows_is_acceptable(changed: Any) -> None:
    assert settings.acceptable(changed)


@pytest.mark.parametrize(
    "changed",
    [
        None,
        [],
        "badge",
        {"eclipse": 1},
        {"badge": True, "eclipse": 1},
        {"providers": None},
        {"providers": []},
        {"providers": {"gemini": "on"}},
        {"providers": {"zai": "maybe"}},
        {"providers": {"zai": []}},
        {"providers": {"zai": True}},
        {"order": None},
        {"order": "claude"},
        {"order": ["claude", "claude"]},
        {"order": ["gemini"]},
        {"order": [[]]},
        {"order": [{}]},
        {"order": [None]},
        {"names": []},
        {"names": {"a": ""}},
        {"names": {"": "work"}},
        {"names": {"ada@example.com": "work"}},
        {"names": {"f" * 17: "work"}},
        {"names": {"a": 1}},
        {"names": {"a": "x" * 41}},
        {"names": {"a": "two\nlines"}},
        {"names": {str(n): "x" for n in range(65)}},
        {"claude_organization": ""},
        {"claude_organization": UUID + "0"},
        {"claude_organization": UUID.replace("-", "")},
        {"claude_organization": UUID.replace("a", "g")},
        {"claude_organization": 1},
        {"language": "tlh"},
        {"language": []},
        {"language": None},
        {"badge": 1},
        {"badge": None},
    ],
)
def test_everything_else_is_not(changed: Any) -> None:
    assert not settings.acceptable(changed)


@given(st.one_of(json_values, st.dictionaries(st.sampled_from([*KEYS, "eclipse"]), json_values)))
def test_anything_is_acceptable_or_not(changed: Any) -> None:
    assert settings.acceptable(changed) in {True, False}


def test_somebody_who_never_changed_anything_has_the_defaults(paths: Paths) -> None:
    assert settings.read(paths) == settings.defaults()


def test_a_change_is_kept_and_the_rest_stays(paths: Paths) -> None:
    settings.change(paths, {"badge": False})
    record = settings.change(paths, {"language": "ja"})
    assert record == settings.read(paths) == {**settings.defaults(), "badge": False, "language": "ja"}


def test_providers_are_merged_one_by_one(paths: Paths) -> None:
    settings.change(paths, {"providers": {"zai": "off"}})
    assert settings.change(paths, {"providers": {"codex": "on"}})["providers"] == {
        "claude": "auto",
        "codex": "on",
        "zai": "off",
        "ollama": "auto",
    }


def test_a_null_name_forgets_it(paths: Paths) -> None:
    settings.change(paths, {"names": {"a": "work", "b": "home"}})
    assert settings.change(paths, {"names": {"a": None}})["names"] == {"b": "home"}


def test_of_too_many_names_the_newest_are_kept(paths: Paths) -> None:
    settings.change(paths, {"names": {f"{n:04x}": "x" for n in range(64)}})
    settings.change(paths, {"names": {"fade": "work"}})
    names = settings.read(paths)["names"]
    assert (len(names), names["fade"], "0000" in names) == (64, "work", False)


def test_a_change_of_settings_rings(paths: Paths) -> None:
    waiting = Bell(paths.bells_dir, ())
    settings.change(paths, {"badge": False})
    assert waiting.wait(0)
    waiting.close()


def test_providers_that_are_not_in_the_order_come_last(paths: Paths) -> None:
    assert settings.change(paths, {"order": ["zai"]})["order"] == ["zai"]
    assert settings.read(paths)["order"] == ["zai", "claude", "codex", "ollama"]


def test_wanted_is_what_is_not_switched_off_in_the_fixed_order(paths: Paths) -> None:
    record = settings.change(paths, {"providers": {"codex": "off"}, "order": ["zai"]})
    assert settings.wanted(record) == ["claude", "zai", "ollama"]


# A file that anything may have happened to


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"null"])
def test_a_garbage_file_means_the_defaults(paths: Paths, content: bytes) -> None:
    atomic.replace(paths.settings, content)
    assert settings.read(paths) == settings.defaults()


def test_a_garbage_file_is_kept_as_evidence_before_it_is_replaced(paths: Paths) -> None:
    atomic.replace(paths.settings, b'{"names": {"a": "work",}}')
    settings.change(paths, {"badge": False})
    assert atomic.read(paths.settings + ".bad-1") == b'{"names": {"a": "work",}}'


def test_one_value_that_is_not_understood_leaves_the_others(paths: Paths) -> None:
    jsonfile.save(paths.settings, {"badge": "no", "language": "ja"})
    assert settings.read(paths) == {**settings.defaults(), "language": "ja"}


def test_a_provider_that_this_version_does_not_know_switches_no_other_on_again(paths: Paths) -> None:
    jsonfile.save(paths.settings, {"providers": {"gemini": "on", "zai": "off", "codex": "of"}})
    assert settings.read(paths)["providers"] == {"claude": "auto", "codex": "auto", "zai": "off", "ollama": "auto"}


def test_keys_that_this_version_does_not_know_survive_a_change(paths: Paths) -> None:
    jsonfile.save(paths.settings, {"eclipse": [1]})
    settings.change(paths, {"badge": False})
    assert (jsonfile.load(paths.settings) or {})["eclipse"] == [1]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=st.dictionaries(st.sampled_from(KEYS), json_values))
def test_whatever_the_file_says_the_record_is_whole_and_acceptable(paths: Paths, record: dict[str, Any]) -> None:
    os.makedirs(paths.config_dir, exist_ok=True)
    with open(paths.settings, "w", encoding="utf-8") as file:
        json.dump(record, file)
    found = settings.read(paths)
    assert settings.acceptable(found)
    assert sorted(found) == KEYS
    assert sorted(found["order"]) == sorted(ORDER)
    assert settings.wanted(found)

"""The extension's words and tables against the host's: no key missing, no placeholder lost, one list of providers."""

from __future__ import annotations

import ast
import json
import os
import re
from typing import Any

import pytest

import aimo_host
from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.problems import SENTENCES

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_EXTENSION = os.path.join(_ROOT, "extension")
_LANGUAGES = ("en", "ja")


def _read(*path: str) -> str:
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def _words(language: str) -> dict[str, str]:
    messages: dict[str, dict[str, str]] = json.loads(_read(_EXTENSION, "_locales", language, "messages.json"))
    return {key: row["message"] for key, row in messages.items()}


def _placeholders(message: str) -> list[str]:
    return sorted(set(re.findall(r"\{(\w+)\}", message)))


def _key(problem: str) -> str:
    return "problem_" + problem.replace(".", "_")


def _sources(folder: str, ending: str) -> list[str]:
    return [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names if name.endswith(ending)]


@pytest.mark.parametrize("language", _LANGUAGES)
def test_every_problem_has_its_sentence(language: str) -> None:
    assert [problem for problem in SENTENCES if _key(problem) not in _words(language)] == []


def test_no_sentence_is_left_of_a_problem_that_is_gone() -> None:
    known = {_key(problem) for problem in SENTENCES}
    assert [key for key in _words("en") if key.startswith("problem_") and key not in known] == []


def test_the_english_sentences_are_the_host_s_own() -> None:
    assert {problem: _words("en")[_key(problem)] for problem in SENTENCES} == SENTENCES


def test_both_languages_have_the_same_keys() -> None:
    assert sorted(_words("en")) == sorted(_words("ja"))


@pytest.mark.parametrize("key", sorted(_words("en")))
def test_both_languages_use_the_same_placeholders_and_commands(key: str) -> None:
    english, japanese = _words("en")[key], _words("ja")[key]
    assert _placeholders(english) == _placeholders(japanese)
    assert english.count("`") == japanese.count("`")


@pytest.mark.parametrize("language", _LANGUAGES)
def test_no_message_is_empty_save_the_joint_between_units(language: str) -> None:
    assert [key for key, message in _words(language).items() if not message and key != "unit_joint"] == []


def test_every_word_that_a_face_asks_for_exists() -> None:
    asked: set[str] = set()
    for path in _sources(_EXTENSION, ".js") + _sources(_EXTENSION, ".html"):
        asked |= set(re.findall(r"""(?:say\(|data-say=)"(\w+)\"""", _read(path)))
    assert asked - set(_words("en")) == set()


def test_every_word_is_asked_for_by_somebody() -> None:
    text = "".join(_read(path) for path in (*_sources(_EXTENSION, ".js"), *_sources(_EXTENSION, ".html")))
    text += _read(_EXTENSION, "manifest.json")
    built = set(re.findall(r"`(\w+_)\$\{", text))
    unused = [key for key in _words("en") if f'"{key}"' not in text and not any(key.startswith(stem) for stem in built)]
    assert [key for key in unused if not key.startswith("extension_")] == []


def _balance_kinds() -> set[str]:
    kinds = set()
    for path in _sources(os.path.join(_ROOT, "aimo_host", "providers"), ".py"):
        for node in ast.walk(ast.parse(_read(path))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Balance":
                kinds |= {ast.unparse(word.value).strip("'") for word in node.keywords if word.arg == "kind"}
    return kinds


def test_every_kind_of_balance_has_a_name() -> None:
    assert {f"balance_{kind}" for kind in _balance_kinds()} - set(_words("en")) == set()


def test_every_known_refusal_has_its_sentence() -> None:
    from aimo_host.providers.codex_usage import _REFUSALS

    codes = {*_REFUSALS, "spend_control_reached", "unknown"}
    assert {f"blocked_{code}" for code in codes} - set(_words("en")) == set()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_extension_s_table_of_providers_is_the_catalog_s(provider: str) -> None:
    text = _read(_EXTENSION, "view", "providers.js")
    block = re.search(rf"^  {provider}: \{{(.*?)^  \}},", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    row: dict[str, Any] = dict(re.findall(r'^    (\w+): (?:"([^"]*)"|null),', block.group(1), re.MULTILINE))
    known: Any = PROVIDERS[provider]
    assert row == {key: known[key] or "" for key in row}
    assert {"name", "company", "site", "home", "sign_in", "usage_page", "keys_page"} == set(row)


def test_the_extension_s_providers_stand_in_the_fixed_order() -> None:
    text = _read(_EXTENSION, "view", "providers.js")
    assert re.findall(r"^  (\w+): \{", text, re.MULTILINE) == list(PROVIDERS)


def test_there_is_one_version_number() -> None:
    assert json.loads(_read(_EXTENSION, "manifest.json"))["version"] == aimo_host.__version__


@pytest.mark.parametrize("language", _LANGUAGES)
def test_the_description_fits_the_store(language: str) -> None:
    assert len(_words(language)["extension_description"]) <= 132

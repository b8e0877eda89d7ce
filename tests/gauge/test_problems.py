"""Every problem has a sentence without a hole, a next step, and a place to do it at."""

from __future__ import annotations

import ast
import json
import os
import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aimo_host
from aimo_host.gauge.catalog import ORDER, PROVIDERS
from aimo_host.gauge.problems import ACTIONS, CODES, SENTENCES, Problem, as_json, clarity
from tests.gauge.builders import NOW, json_values

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the callers of each variant must say.
PARAMS: dict[str, Any] = {
    "program": "Codex",
    "command": "codex login",
    "variable": "ZAI_API_KEY",
    "item": "zai-api-key",
    "status": 418,
}
#: Design §6, fixed: in this order, append only.
FIXED = [
    "not_signed_in",
    "sign_in_expired",
    "no_credential",
    "bad_credential",
    "scope_missing",
    "wrong_account",
    "browser_check",
    "region_blocked",
    "rate_limited",
    "no_plan",
    "provider_down",
    "unreachable",
    "unexpected_answer",
    "no_browser",
    "disabled",
    "internal",
]


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def _problem(provider: str, key: str) -> Problem:
    code, _, variant = key.partition(".")
    needed = _fields(SENTENCES[key]) - set(PROVIDERS["claude"])
    return Problem(provider, code, variant or None, **{name: PARAMS[name] for name in needed})


def test_the_codes_are_the_fixed_ones() -> None:
    assert set(FIXED) == CODES


@pytest.mark.parametrize("provider", ORDER)
@pytest.mark.parametrize("key", SENTENCES)
def test_every_sentence_is_whole_for_every_provider(provider: str, key: str) -> None:
    sentence = _problem(provider, key).sentence
    assert sentence.endswith(".")
    assert not set("{}") & set(sentence)
    assert "None" not in sentence


@pytest.mark.parametrize("key", SENTENCES)
def test_every_problem_can_be_sent(key: str) -> None:
    found = json.loads(json.dumps(as_json(_problem("zai", key))))
    assert set(found) == {"code", "params", "action", "url", "retry_at"}


@pytest.mark.parametrize("key", SENTENCES)
def test_every_problem_has_a_next_step(key: str) -> None:
    assert _problem("ollama", key).action in ACTIONS.values()


@pytest.mark.parametrize("key", ACTIONS)
def test_every_action_belongs_to_a_sentence(key: str) -> None:
    assert key in SENTENCES


@pytest.mark.parametrize(
    ("code", "url"),
    [
        ("not_signed_in", "https://claude.ai/login"),
        ("browser_check", "https://claude.ai/"),
        ("no_browser", None),
        ("bad_credential", None),
        ("rate_limited", None),
    ],
)
def test_an_action_leads_to_its_page(code: str, url: str | None) -> None:
    assert Problem("claude", code).url == url


def test_every_page_is_one_of_the_providers_own() -> None:
    for provider in ORDER:
        for key in SENTENCES:
            url = _problem(provider, key).url
            assert url is None or url.split("/")[2].endswith(PROVIDERS[provider]["site"])


def test_a_code_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no such problem code: eclipse"):
        Problem("claude", "eclipse")


def test_a_forgotten_parameter_is_no_crash() -> None:
    assert (
        Problem("zai", "no_credential", "key").sentence
        == "No Z.ai key was found. Sign in to z.ai in the browser, or set variable."
    )


def test_a_provider_outside_the_catalog_is_called_by_its_name() -> None:
    assert Problem("gemini", "rate_limited").sentence == "gemini is limiting usage checks."


def test_an_unknown_variant_falls_back_to_the_code() -> None:
    problem = Problem("codex", "unreachable", "eclipse")
    assert (problem.sentence, problem.action) == ("chatgpt.com could not be reached.", "retry")


def test_the_time_to_try_again_is_told() -> None:
    assert as_json(Problem("claude", "rate_limited", retry_at=NOW))["retry_at"] == "2026-11-22T10:00:00Z"


def test_equal_problems_are_equal_and_hash_alike() -> None:
    one, other = (Problem("zai", "no_credential", "key", variable="X", retry_at=NOW) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(
    "other",
    [
        Problem("codex", "no_credential"),
        Problem("zai", "disabled"),
        Problem("zai", "no_credential", "key"),
        Problem("zai", "no_credential", retry_at=NOW),
        "no_credential",
    ],
)
def test_different_problems_differ(other: object) -> None:
    assert Problem("zai", "no_credential") != other


def test_a_problem_shows_itself_to_its_developer() -> None:
    shown = repr(Problem("zai", "provider_down", "status", status=502))
    assert shown == "Problem('zai', 'provider_down', {'variant': 'status', 'status': 502}, retry_at=None)"


@pytest.mark.parametrize(
    ("code", "variant", "clear"),
    [
        ("no_browser", None, 0),
        ("no_browser", "never", 0),
        ("disabled", None, 0),
        ("no_credential", None, 0),
        ("no_credential", "key", 0),
        ("no_credential", "cli", 0),
        ("no_credential", "vault_locked", 1),
        ("no_credential", "keyring", 1),
        ("not_signed_in", None, 2),
        ("bad_credential", None, 2),
        ("unreachable", "timeout", 2),
    ],
)
def test_an_answer_is_clearer_than_a_search_and_that_than_nothing(code: str, variant: str | None, clear: int) -> None:
    assert clarity(as_json(Problem("zai", code, variant))) == clear


@given(st.fixed_dictionaries({}, optional={"code": json_values, "params": st.one_of(json_values, st.just({"variant": []}))}))
def test_the_clarity_of_anything_is_a_number(problem: dict[str, Any]) -> None:
    assert clarity(problem) in {0, 1, 2}


def _raised_in_source() -> Iterator[tuple[str, ast.Call]]:
    """Every `Problem(…)` in the source, with its place."""
    root = os.path.dirname(aimo_host.__file__)
    for folder, _, names in os.walk(root):
        for path in (os.path.join(folder, name) for name in names if name.endswith(".py")):
            with open(path, encoding="utf-8") as file:
                tree = ast.parse(file.read())
            calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
            yield from ((f"{path}:{call.lineno}", call) for call in calls if getattr(call.func, "id", "") == "Problem")


def _faults(call: ast.Call) -> set[str]:
    """What is wrong with a `Problem(…)` whose code and variant are spelled out: a sentence or a field of it that is missing."""
    literals = [arg.value if isinstance(arg, ast.Constant) else None for arg in call.args[1:]]
    if not literals or None in literals or any(word.arg is None for word in call.keywords):
        return set()
    key = ".".join(map(str, literals))
    if key not in SENTENCES:
        return {key}
    return _fields(SENTENCES[key]) - set(PROVIDERS["claude"]) - {word.arg or "" for word in call.keywords}


def test_whoever_raises_a_problem_names_a_sentence_and_all_its_fields() -> None:
    assert {place: faults for place, call in _raised_in_source() if (faults := _faults(call))} == {}

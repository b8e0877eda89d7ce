"""The string between a provider's conversation and whatever can ask a named source: it carries, and adds nothing."""

from __future__ import annotations

import json
import os
import re
import time

import pytest

from aimo_host.gauge.catalog import ORDER
from aimo_host.gauge.model import Answer, Ask, Usage
from aimo_host.gauge.problems import Problem
from aimo_host.routes import browser
from aimo_host.samples import claude, codex, ollama, zai
from tests.host.peer import REPOSITORY

NOW = time.time()
HEALTHY = claude.answers(NOW) | codex.answers(NOW) | zai.answers(NOW) | ollama.answers(NOW)


def answered(asks: tuple[Ask, ...]) -> tuple[Answer, ...]:
    return tuple(HEALTHY[ask.source] for ask in asks)


@pytest.mark.parametrize("provider", ORDER)
def test_every_provider_s_conversation_comes_to_a_reading(provider: str) -> None:
    assert isinstance(browser.drive(browser.converse(provider, {}, NOW), answered), Usage)


@pytest.mark.parametrize("provider", ORDER)
@pytest.mark.parametrize("failed", ["signed_out", "no_token", "network", "timeout", "too_large", "unknown_source", "eclipse"])
def test_no_answer_at_all_comes_to_a_problem(provider: str, failed: str) -> None:
    def ask(asks: tuple[Ask, ...]) -> tuple[Answer, ...]:
        return tuple(Answer(failed=failed) for _ in asks)

    assert isinstance(browser.drive(browser.converse(provider, {}, NOW), ask), Problem)


def test_the_pinned_organisation_reaches_claude() -> None:
    asked: list[Ask] = []

    def ask(asks: tuple[Ask, ...]) -> tuple[Answer, ...]:
        asked.extend(asks)
        return answered(asks)

    browser.drive(browser.converse("claude", {}, NOW, claude.PERSONAL), ask)
    assert {one.params["org"] for one in asked if "org" in one.params} == {claude.PERSONAL}


def test_every_source_that_is_asked_for_is_in_the_extension_s_table() -> None:
    asked: set[str] = set()

    def ask(asks: tuple[Ask, ...]) -> tuple[Answer, ...]:
        asked.update(one.source for one in asks)
        return answered(asks)

    for provider in ORDER:
        browser.drive(browser.converse(provider, {}, NOW), ask)
    with open(os.path.join(REPOSITORY, "extension", "background", "sources.js"), encoding="utf-8") as file:
        table = set(re.findall(r'"([a-z]+\.[a-z_]+)"', file.read()))
    assert asked <= table, json.dumps(sorted(asked - table))

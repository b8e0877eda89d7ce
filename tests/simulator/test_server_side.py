"""No browser anywhere: the routes of the machine itself, by the credentials that a person already has, through the proxy."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.stage import Stage
from tests.simulator import canaries
from tests.simulator.simulator import Simulator

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

KEYS = {"ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def stage(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A machine with a signed-in Codex and two keys in our `.env`."""
    folder = tmp_path_factory.mktemp("s")
    codex = folder / "codex"
    codex.mkdir()
    tokens = {"access_token": simulator.codex_cli_token, "refresh_token": canaries.CODEX_REFRESH_TOKEN}
    (codex / "auth.json").write_text(json.dumps({"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": tokens}))
    with Stage(str(folder), simulator, "", CODEX_HOME=str(codex)) as ours:
        ours.write_env(**KEYS)
        yield ours


@pytest.fixture(scope="module")
def done(stage: Stage) -> subprocess.CompletedProcess[str]:
    """One run of the command line."""
    return stage.aimo("--json")


@pytest.fixture(scope="module")
def entries(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return {entry["provider"]: entry for entry in json.loads(done.stdout)}


@pytest.mark.parametrize("provider", ["codex", "zai", "ollama"])
def test_a_provider_with_a_credential_is_read(entries: dict[str, dict[str, Any]], provider: str) -> None:
    entry = entries[provider]
    assert (entry["ok"], entry["error"], entry["_source"]) == (True, None, "server")
    assert entry["windows"]


def test_claude_says_that_it_needs_the_browser(entries: dict[str, dict[str, Any]]) -> None:
    assert (entries["claude"]["ok"], entries["claude"]["problem"]["code"]) == (False, "no_browser")


@pytest.mark.usefixtures("entries")
def test_each_source_is_asked_once_and_through_the_proxy(simulator: Simulator) -> None:
    assert sorted(str(seen.source) for seen in simulator.requests) == [
        "codex.cli_usage",
        "ollama.balance",
        "ollama.me",
        "zai.key_quota",
    ]
    assert all(seen.proxied for seen in simulator.requests)


@pytest.mark.usefixtures("entries")
def test_no_other_host_is_asked(simulator: Simulator) -> None:
    assert {tunnel.target for tunnel in simulator.tunnels} == {"chatgpt.com:443", "ollama.com:443", "api.z.ai:443"}


@pytest.mark.usefixtures("entries")
def test_no_secret_and_no_person_is_kept_or_shown(stage: Stage, done: subprocess.CompletedProcess[str]) -> None:
    texts = {"stdout": done.stdout, "stderr": done.stderr}
    for folder, _, names in os.walk(stage.home):
        for name in names:
            path = os.path.join(folder, name)
            if name != ".env" and os.path.isfile(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    texts[path] = file.read()
    marks = (*canaries.SECRETS, *canaries.PRIVATE)
    assert [(where, mark) for where, text in texts.items() for mark in marks if mark in text] == []


def test_another_run_within_ten_seconds_asks_nobody(
    stage: Stage, simulator: Simulator, entries: dict[str, dict[str, Any]]
) -> None:
    before = len(simulator.requests)
    again = {entry["provider"]: entry for entry in json.loads(stage.aimo("--json").stdout)}
    assert len(simulator.requests) == before
    assert again["zai"]["observed_at"] == entries["zai"]["observed_at"]

"""`GET /api/pick`: the same question and the same answer as the command line's, over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.gauge.builders import DAY
from tests.host.peer import REPOSITORY, Peer
from tests.kept import fable, keep, week
from tests.shim.wire import Shim
from tests.simulator import canaries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.simulator.simulator import Simulator


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    """A shim whose four accounts were all read a moment ago."""
    with Shim(str(tmp_path_factory.mktemp("k"))) as running:
        keep("claude", week(50, DAY), fable(90), home=running.home)
        keep("codex", week(20, 3 * DAY), home=running.home)
        keep("zai", week(100, DAY), home=running.home)
        keep("ollama", week(None), home=running.home)
        yield running


@pytest.mark.parametrize(
    ("target", "picked"),
    [
        ("/api/pick", "codex"),
        ("/api/pick?strategy=headroom&need=60", "codex"),
        ("/api/pick?strategy=expiring", "claude"),
        ("/api/pick?need=90", None),
        ("/api/pick?among=claude,zai", "claude"),
        ("/api/pick?among=zai", None),
        ("/api/pick?among=claude%2Fa1", "claude"),
        ("/api/pick?scope=Fable&max_age=600", "codex"),
        ("/api/pick?scope=fabel&max_age=600", None),
    ],
)
def test_the_parameters_are_those_of_the_command_line(kept: Shim, target: str, picked: str | None) -> None:
    reply = kept.ask("GET", target)
    assert (reply.status, reply.json["pick"]) == (200, picked)
    assert list(reply.json) == ["pick", "ranking", "available_at"]


@pytest.mark.parametrize("query", ["", "?need=90", "?strategy=expiring", "?among=zai", "?scope=fabel"])
def test_the_answer_is_that_of_the_command_line(kept: Shim, query: str) -> None:
    options = [f"--{part}" for part in query.lstrip("?").split("&") if part]
    command = [sys.executable, "-m", "aimo_host", "pick", "--json", *options]
    done = subprocess.run(command, env=kept.environ, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == kept.ask("GET", f"/api/pick{query}").json


@pytest.mark.parametrize(
    "query",
    [
        "need=101",
        "need=",
        "need=nan",
        "need=1&need=1",
        "strategy=random",
        "scope=",
        "scope=a%0Ab",
        "among=",
        "among=gemini",
        "among=claude,,zai",
        "max_age=-1",
        "wait=5",
        "provider=claude",
        "x=1",
    ],
)
def test_a_bad_parameter_is_400_with_a_sentence_and_asks_nobody(shim: Shim, query: str) -> None:
    reply = shim.ask("GET", f"/api/pick?{query}")
    assert (reply.status, reply.code) == (400, "bad_parameter")
    assert reply.json["error"]["message"].endswith(".")
    assert not os.path.exists(os.path.join(shim.home, "state", "refresh.json"))


def test_it_can_only_be_read(kept: Shim) -> None:
    reply = kept.ask("POST", "/api/pick")
    assert (reply.status, reply.header("allow")) == (405, "GET")


def test_what_is_old_is_asked_first_and_only_among_those_in_question(tmp_path: Path, simulator: Simulator) -> None:
    keys = {"ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}
    with Shim(str(tmp_path), **simulator.environment(), **keys) as shim:
        for _ in range(2):
            assert shim.ask("GET", "/api/pick?among=zai,codex").json["pick"] == "zai"
    assert [seen.source for seen in simulator.requests] == ["zai.key_quota"]


def test_an_open_browser_is_asked(tmp_path: Path) -> None:
    with Shim(str(tmp_path)) as shim, Peer(environ=shim.environ) as peer:
        peer.hello()
        found = shim.ask("GET", "/api/pick").json
    assert found["pick"] is not None
    assert len(found["ranking"]) == 4

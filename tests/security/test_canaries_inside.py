"""Promise 12 from inside: no object of ours that ever holds a secret shows it, nor does any library's log at its most talkative.

Every function of ours that runs while a route is tried is watched: whatever object of ours it belongs to or returns has a repr.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import pytest

from aimo_host import routes
from aimo_host.gauge.model import Answer
from aimo_host.routes import browser, client
from aimo_host.samples import codex
from tests.routes.stage import Stage
from tests.security.canary_world import MARKS, MOODS
from tests.simulator import canaries, defaults
from tests.simulator.people import ADA
from tests.simulator.simulator import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

    from aimo_host.gauge.model import Ask
    from tests.simulator.simulator import Simulator

#: The moods of the providers, and ways to fail before there is an answer or after it has begun.
WAYS: dict[str, Any] = {
    **MOODS,
    "moved": lambda _: Answer(302, "CANARY", {"location": f"https://ollama.com/?token=CANARY&as={canaries.EMAIL}"}),
    "broken": lambda _: Answer(200, "CANARY", {"content-encoding": "gzip"}),
    "half": lambda answer: Answer(200, answer.body[:40] + "CANARY", answer.headers),
    "cut": lambda _: Answer(failed="network"),
    "silent": lambda _: Answer(failed="timeout"),
}
#: Route -> what it wants of the machine.
ROUTES = {
    "claude_oauth": "claude",
    "codex_auth_json": "codex",
    "codex_app_server": "codex",
    "codex_session_logs": "codex",
    "claude_code_cache": "claude",
    "zai_api_key": "zai",
    "zai_bitwarden": "zai",
    "ollama_api_key": "ollama",
}


class Watch:
    """The reprs of all objects of ours that functions of ours belong to or return, while it is on."""

    def __init__(self) -> None:
        self.reprs: set[str] = set()
        self.kinds: set[str] = set()

    def __enter__(self) -> Self:
        self._before = sys.getprofile()
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)

    def _see(self, frame: FrameType, event: str, value: object) -> None:
        if event != "return" or "/aimo_host/" not in frame.f_code.co_filename or "__init__" in frame.f_code.co_name:
            return
        for one in (frame.f_locals.get("self"), value, *(value if isinstance(value, tuple) else ())):
            if type(one).__module__.startswith("aimo_host"):
                self.kinds.add(type(one).__name__)
                self.reprs.add(repr(one))


@pytest.fixture
def signed_in(home: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A machine with every credential, whose providers answer as the test says."""
    simulator.reset()
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(client, "_PHASE_SECONDS", 0.3)
    stage = Stage(home)
    stage.now = time.time()
    stage.environ |= {"OLLAMA_API_KEY": canaries.OLLAMA_API_KEY, "BW_SESSION": "CANARYbwsession", "OLLAMA_HOST": "127.0.0.1:1"}
    tokens = {
        "access_token": simulator.codex_cli_token,
        "refresh_token": canaries.CODEX_REFRESH_TOKEN,
        "account_id": codex.ACCOUNT,
    }
    stage.file(".codex/auth.json", {"tokens": tokens})
    stage.file(".claude/.credentials.json", {"claudeAiOauth": {"accessToken": canaries.CLAUDE_OAUTH_TOKEN}})
    stage.file(".claude.json", {"oauthAccount": {"emailAddress": canaries.EMAIL}, "x": "CANARY"})
    stage.file(".codex/sessions/2026/11/20/rollout-a.jsonl", '{"type": "CANARY", "payload": "rate_limits CANARY"}\n')
    yield stage
    simulator.reset()


def _credential(stage: Stage, route: str) -> None:
    """What this route alone needs beside all the others' credentials."""
    if route == "zai_api_key":
        stage.environ["ZAI_API_KEY"] = canaries.ZAI_API_KEY
    elif route == "zai_bitwarden":
        stage.program("bw", stdout=canaries.ZAI_API_KEY + "\n", stderr="CANARY warning\n")
    elif route == "codex_app_server":
        complaint = {"error": {"code": 1, "message": f"500 CANARY {canaries.EMAIL} content-type=CANARY; body=CANARY"}}
        stage.program("codex", answers={"initialize": {"result": {}}, "account/rateLimits/read": complaint}, noise=["CANARY"])


def _leaks(*texts: str) -> list[tuple[str, str]]:
    return [(mark, text[max(0, text.find(mark) - 100) :][:200]) for text in texts for mark in MARKS if mark in text]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("route", ROUTES)
def test_a_route_shows_no_secret_whatever_comes_of_it(
    signed_in: Stage, simulator: Simulator, caplog: pytest.LogCaptureFixture, route: str, way: str
) -> None:
    for source in SOURCES:
        answer = WAYS[way](defaults.answer(source, time.time(), simulator.chatgpt_token))
        simulator.set(source, answer)
    _credential(signed_in, route)
    context = signed_in.context
    with caplog.at_level(logging.DEBUG), Watch() as watch:
        logging.getLogger().debug("the log is on")
        outcome = routes.read(route, context)
        context.report_drift(outcome)
    assert "the log is on" in caplog.text
    assert "Context" in watch.kinds
    assert _leaks(*watch.reprs) == []
    assert _leaks(caplog.text, signed_in.kept(), repr(outcome), getattr(outcome, "sentence", "")) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("provider", ["claude", "codex", "zai", "ollama"])
def test_a_conversation_with_the_browser_shows_no_secret_either(signed_in: Stage, provider: str, way: str) -> None:
    def ask(asks: tuple[Ask, ...]) -> tuple[Answer, ...]:
        given = ADA.answers(time.time())
        return tuple(WAYS[way](given[one.source]) for one in asks)

    context = signed_in.context
    with Watch() as watch:
        noted = browser.noting(context, provider, ask)
        outcome = browser.drive(browser.converse(provider, {}, time.time()), noted)
        context.report_drift(outcome)
    assert {"Answer", "Usage"} & watch.kinds or {"Problem"} & watch.kinds
    assert _leaks(*watch.reprs) == []
    assert _leaks(signed_in.kept(), repr(outcome)) == []


@pytest.mark.parametrize(
    "odd", ["CANARY\nX: y", "CANARY\r\n", "CANARY\0", "CANARY key", "CANARYé", "CANARY鍵", "\tCANARY", "CANARY" * 2000]
)
def test_a_credential_that_no_header_can_carry_is_neither_sent_nor_shown(
    signed_in: Stage, simulator: Simulator, caplog: pytest.LogCaptureFixture, odd: str
) -> None:
    signed_in.file(".codex/auth.json", {"tokens": {"access_token": odd, "account_id": odd}})
    signed_in.file(".claude/.credentials.json", {"claudeAiOauth": {"accessToken": odd}})
    signed_in.environ |= {"ZAI_API_KEY": odd, "OLLAMA_API_KEY": odd}
    with caplog.at_level(logging.DEBUG), Watch() as watch:
        outcomes = [
            routes.read(name, signed_in.context) for name in ("codex_auth_json", "claude_oauth", "zai_api_key", "ollama_api_key")
        ]
    said = [getattr(outcome, "sentence", "") for outcome in outcomes]
    assert _leaks(*watch.reprs, caplog.text, repr(outcomes), *said) == []
    assert not any("\n" in value or len(value) > 100_000 for seen in simulator.requests for value in seen.headers.values())


def test_the_watch_would_see_a_secret_that_shows(signed_in: Stage) -> None:
    signed_in.environ["AIMO_BITWARDEN_ITEM"] = "CANARYitem"
    signed_in.program("bw", stderr="Not found.\n", code=1)
    with Watch() as watch:
        routes.read("zai_bitwarden", signed_in.context)
    assert {mark for mark, _ in _leaks(*watch.reprs)} == {"CANARY"}

"""Claude by Claude Code's own token: read from its file, sent once under our own name to one host, and left as it was."""

from __future__ import annotations

import json
import os
import sys
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aimo_host
from aimo_host.gauge.model import Answer, Usage
from aimo_host.gauge.problems import Problem
from aimo_host.routes import claude_oauth, client
from aimo_host.samples import claude, json_answer
from tests.providers.garbage import anything
from tests.routes.stage import NOW, Stage, problem, usage, used
from tests.simulator.canaries import CLAUDE_OAUTH_TOKEN

if TYPE_CHECKING:
    from tests.simulator.simulator import Simulator

FILE = ".claude/.credentials.json"
REFRESH = "sk-ant-ort01-CANARYrefresh"
TOO_MANY = json.dumps(claude.error("rate_limit_error", "Rate limited. Please try again later."))


def sign_in(**more: Any) -> dict[str, Any]:
    """The credentials file; `None` removes a key."""
    found = {
        "accessToken": CLAUDE_OAUTH_TOKEN,
        "refreshToken": REFRESH,
        "expiresAt": int((NOW + 3600) * 1000),
        "scopes": ["user:inference", "user:profile", "user:sessions:claude_code"],
        "subscriptionType": "max",
        "rateLimitTier": "default_claude_max_20x",
    }
    return {"claudeAiOauth": {key: value for key, value in (found | more).items() if value is not None}, "mcpOAuth": {}}


@pytest.fixture
def simulator(simulator: Simulator) -> Simulator:
    simulator.set("claude.oauth_usage", json_answer(claude.usage(NOW)))
    return simulator


def test_the_usage_is_read(stage: Stage, simulator: Simulator) -> None:
    stage.file(FILE, sign_in())
    outcome = usage(claude_oauth.read(stage.context))
    assert used(outcome).keys() >= {"session (5h)", "weekly (all)"}
    assert (outcome.auth_source, outcome.plan_label, outcome.account) == ("oauth", "Max 20x", None)
    assert len(simulator.requests) == 1


def test_the_request_is_the_documented_one_under_our_own_name(stage: Stage, simulator: Simulator) -> None:
    stage.file(FILE, sign_in())
    claude_oauth.read(stage.context)
    (seen,) = simulator.requests
    assert (seen.host, seen.method, seen.path) == ("api.anthropic.com", "GET", "/api/oauth/usage")
    assert seen.headers["user-agent"] == f"aimo/{aimo_host.__version__}"
    assert (seen.headers["anthropic-beta"], seen.headers["authorization"]) == ("oauth-2025-04-20", f"Bearer {CLAUDE_OAUTH_TOKEN}")
    assert "cookie" not in seen.headers


NO_SIGN_IN: dict[str, object] = {
    "mcpOAuth alone": {"mcpOAuth": {"server": {"accessToken": CLAUDE_OAUTH_TOKEN}}},
    "no token": sign_in(accessToken=None),
    "an empty token": sign_in(accessToken=""),
    "a token of another kind": sign_in(accessToken=["x"]),
    "a token that would break the header": sign_in(accessToken="a\r\nHost: b"),
    "a token of two words": sign_in(accessToken="a b"),
    "null": {"claudeAiOauth": None},
    "a list": [1],
    "half a file": '{"claudeAiOauth": {"accessToken": "' + CLAUDE_OAUTH_TOKEN,
    "nothing": "",
}


@pytest.mark.parametrize("content", NO_SIGN_IN.values(), ids=NO_SIGN_IN)
def test_a_file_without_a_sign_in_is_nothing_to_try(stage: Stage, simulator: Simulator, content: object) -> None:
    stage.file(FILE, content)
    assert claude_oauth.read(stage.context) is None
    assert simulator.requests == []


def test_a_missing_file_is_nothing_to_try(stage: Stage) -> None:
    assert claude_oauth.read(stage.context) is None


def test_something_else_in_its_place_is_nothing_to_try(stage: Stage) -> None:
    (stage.home / ".claude").mkdir()
    os.mkfifo(stage.home / FILE)
    assert claude_oauth.read(stage.context) is None


def test_a_token_in_the_environment_does_not_stand_in(stage: Stage, simulator: Simulator) -> None:
    stage.environ["CLAUDE_CODE_OAUTH_TOKEN"] = CLAUDE_OAUTH_TOKEN
    assert claude_oauth.read(stage.context) is None
    assert simulator.requests == []


def test_a_file_behind_a_link_is_read(stage: Stage, simulator: Simulator) -> None:
    real = stage.file("dotfiles/credentials", sign_in())
    (stage.home / ".claude").mkdir()
    (stage.home / FILE).symlink_to(real)
    usage(claude_oauth.read(stage.context))
    assert len(simulator.requests) == 1


@pytest.mark.usefixtures("simulator")
def test_the_folder_is_where_claude_config_dir_says(stage: Stage) -> None:
    stage.environ["CLAUDE_CONFIG_DIR"] = str(stage.home / "elsewhere")
    stage.file(FILE, sign_in(expiresAt=1000))
    stage.file("elsewhere/.credentials.json", sign_in())
    usage(claude_oauth.read(stage.context))


@pytest.mark.parametrize("expires_at", [int(NOW * 1000), int((NOW - 1) * 1000), str(int((NOW - 1) * 1000)), NOW - 1])
def test_an_expired_token_is_a_sentence_and_no_request(stage: Stage, simulator: Simulator, expires_at: object) -> None:
    stage.file(FILE, sign_in(expiresAt=expires_at))
    outcome = claude_oauth.read(stage.context)
    assert problem(outcome) == "sign_in_expired.cli"
    assert isinstance(outcome, Problem)
    assert outcome.sentence == "Claude Code's saved sign-in is out of date. Run `claude` once."
    assert simulator.requests == []


def test_an_expired_file_on_a_mac_says_nothing_since_the_keychain_has_the_token(
    stage: Stage, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.file(FILE, sign_in(expiresAt=1000))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert claude_oauth.read(stage.context) is None
    assert simulator.requests == []


@pytest.mark.parametrize("expires_at", [None, 0, "soon", [], True, -1, int((NOW + 1) * 1000)])
def test_a_token_that_does_not_say_that_it_is_over_is_tried(stage: Stage, simulator: Simulator, expires_at: object) -> None:
    stage.file(FILE, sign_in(expiresAt=expires_at))
    usage(claude_oauth.read(stage.context))
    assert len(simulator.requests) == 1


@pytest.mark.parametrize("scopes", [["user:inference"], ["user:profiles"], ["user:inference", 1]])
def test_a_token_of_setup_token_is_not_sent(stage: Stage, simulator: Simulator, scopes: object) -> None:
    stage.file(FILE, sign_in(scopes=scopes))
    assert problem(claude_oauth.read(stage.context)) == "scope_missing"
    assert simulator.requests == []


@pytest.mark.parametrize("scopes", [None, [], "user:inference", [None], {}, ["user:profile"]])
def test_scopes_that_say_nothing_are_tried(stage: Stage, simulator: Simulator, scopes: object) -> None:
    stage.file(FILE, sign_in(scopes=scopes))
    usage(claude_oauth.read(stage.context))
    assert len(simulator.requests) == 1


REFUSALS = {
    **claude.OAUTH_FAILURES,
    "outage": (Answer(503, "<html>", {"retry-after": "60"}), "provider_down.status"),
    "region": claude.FAILURES["region"],
    "bot check": claude.FAILURES["bot check"],
    "another 403": claude.FAILURES["other 403"],
    "error with 200": claude.FAILURES["error with 200"],
    "redirect": (Answer(307, "", {"location": "https://elsewhere.test/"}), "unexpected_answer.moved"),
    "cut off": (Answer(failed="network"), "unreachable"),
}


@pytest.mark.parametrize(("answer", "code"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_understood(stage: Stage, simulator: Simulator, answer: Answer, code: str) -> None:
    simulator.set("claude.oauth_usage", answer)
    stage.file(FILE, sign_in())
    assert problem(claude_oauth.read(stage.context)) == code
    assert len(simulator.requests) == 1


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "3600"}, 4500),
        ({"retry-after": "1600"}, 2500),
        ({"retry-after": "0"}, 300),
        ({"retry-after": "20"}, 300),
        ({"retry-after": "soon"}, 300),
        ({"retry-after": "-5"}, 300),
        ({"retry-after": "999999"}, 4500),
        ({}, 300),
    ],
)
def test_a_limit_on_these_checks_says_when_to_come_back(
    stage: Stage, simulator: Simulator, headers: dict[str, str], wait: float
) -> None:
    simulator.set("claude.oauth_usage", Answer(429, TOO_MANY, headers))
    stage.file(FILE, sign_in())
    outcome = claude_oauth.read(stage.context)
    assert isinstance(outcome, Problem)
    assert (outcome.code, outcome.retry_at) == ("rate_limited", NOW + wait)


@pytest.mark.parametrize(("ahead", "wait"), [(1200, 2100), (3600, 4500), (-60, 300)])
def test_a_date_to_come_back_at_is_measured_by_the_server_s_clock(
    stage: Stage, simulator: Simulator, ahead: float, wait: float
) -> None:
    simulator.set("claude.oauth_usage", lambda now: Answer(429, TOO_MANY, {"retry-after": formatdate(now + ahead, usegmt=True)}))
    stage.file(FILE, sign_in())
    outcome = claude_oauth.read(stage.context)
    assert isinstance(outcome, Problem)
    assert outcome.retry_at == pytest.approx(NOW + wait, abs=3)


def test_a_token_that_nobody_knows_is_out_of_date(stage: Stage, simulator: Simulator) -> None:
    stage.file(FILE, sign_in(accessToken="sk-ant-oat01-unknown"))
    assert problem(claude_oauth.read(stage.context)) == "sign_in_expired.cli"
    assert simulator.requests[0].status == 401


@pytest.mark.parametrize("answer", [None, Answer(429, TOO_MANY), Answer(200, CLAUDE_OAUTH_TOKEN), Answer(failed="network")])
def test_no_token_is_in_a_file_of_ours_or_in_what_we_say(stage: Stage, simulator: Simulator, answer: Answer | None) -> None:
    if answer is not None:
        simulator.set("claude.oauth_usage", answer)
    stage.file(FILE, sign_in())
    context = stage.context
    outcome = claude_oauth.read(context)
    context.report_drift(outcome)
    seen = f"{outcome!r} {context!r} {stage.kept()} {outcome.sentence if isinstance(outcome, Problem) else ''}"
    assert [secret for secret in (CLAUDE_OAUTH_TOKEN, REFRESH, "CANARY") if secret in seen] == []


def test_no_token_is_in_an_exception(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client.HOSTS, "claude", frozenset())
    stage.file(FILE, sign_in())
    with pytest.raises(ValueError, match="not a place to ask") as raised:
        claude_oauth.read(stage.context)
    assert "CANARY" not in repr(raised.value)


def test_the_file_is_left_as_it_was(stage: Stage, simulator: Simulator) -> None:
    simulator.set("claude.oauth_usage", claude.OAUTH_FAILURES["token expired"][0])
    path = stage.file(FILE, sign_in())
    before = path.read_bytes(), path.stat().st_mtime_ns
    claude_oauth.read(stage.context)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert {seen.path for seen in simulator.requests} == {"/api/oauth/usage"}


def test_the_request_is_in_the_ledger(stage: Stage, simulator: Simulator) -> None:
    simulator.set("claude.oauth_usage", Answer(429, TOO_MANY))
    stage.file(FILE, sign_in())
    claude_oauth.read(stage.context)
    assert stage.asked() == [("claude.oauth_usage", 429)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything, st.sampled_from(["accessToken", "expiresAt", "scopes", "subscriptionType", "rateLimitTier", "claudeAiOauth"]))
def test_any_credentials_file_gives_an_outcome(stage: Stage, monkeypatch: pytest.MonkeyPatch, value: object, key: str) -> None:
    monkeypatch.setattr(client, "fetch", lambda *_: json_answer(claude.usage(NOW)))
    stage.file(FILE, {key: value} if key == "claudeAiOauth" else sign_in(**{key: value}))
    assert claude_oauth.read(stage.context) is None or isinstance(claude_oauth.read(stage.context), Usage | Problem)

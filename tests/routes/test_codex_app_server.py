"""The CLI's own protocol, against a stand-in that speaks it: noise, silence, death, refusal, never beyond the deadline."""

from __future__ import annotations

import json
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.routes import codex_app_server
from aimo_host.samples import codex
from tests.routes.stage import NOW, Stage, problem, usage, used
from tests.simulator import canaries
from tests.state.children import in_time

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 86400
METHODS = ("start", "initialize", "initialized", "account/read", "account/rateLimits/read")
SIGNED_IN = {"result": {"account": {"type": "chatgpt", "email": canaries.EMAIL, "planType": "pro"}, "requiresOpenaiAuth": True}}


def answers(limits: dict[str, Any] | None = None, account: dict[str, Any] | None = SIGNED_IN) -> dict[str, Any]:
    return {
        "initialize": {"result": {"userAgent": "codex/1.0"}},
        "account/read": account,
        "account/rateLimits/read": {"result": codex.app_server(NOW)} if limits is None else limits,
    }


def refusal(message: str, code: int = -32603) -> dict[str, Any]:
    return answers({"error": {"code": code, "message": message}})


def sign_in(stage: Stage, expires: float | None = NOW + 8 * DAY, **more: Any) -> None:
    claims = {"https://api.openai.com/auth": {"chatgpt_account_id": codex.ACCOUNT}} | ({"exp": int(expires)} if expires else {})
    tokens = {"access_token": canaries.jwt(claims, canaries.CODEX_CLI_SIGNATURE), "refresh_token": canaries.CODEX_REFRESH_TOKEN}
    stage.file(".codex/auth.json", {"auth_mode": "chatgpt", "tokens": tokens, **more})


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codex_app_server, "_SECONDS", 0.6)


def test_the_limits_are_read(stage: Stage) -> None:
    stage.program("codex", answers=answers())
    outcome = usage(codex_app_server.read(stage.context))
    assert used(outcome) == {"weekly (7d)": 10.0, "GPT-5.3-Codex-Spark 5h": 2.0}
    assert (outcome.plan, outcome.auth_source, outcome.borrowed) == ("pro", "cli", False)


def test_it_speaks_the_protocol(stage: Stage) -> None:
    program = stage.program("codex", answers=answers())
    codex_app_server.read(stage.context)
    heard = program.records("heard.jsonl")
    assert [(message.get("id"), message["method"]) for message in heard] == [
        (0, "initialize"),
        (None, "initialized"),
        (1, "account/read"),
        (2, "account/rateLimits/read"),
    ]
    assert program.calls[0]["argv"] == ["app-server"]


def test_it_asks_the_cli_not_to_renew_its_token(stage: Stage) -> None:
    program = stage.program("codex", answers=answers())
    codex_app_server.read(stage.context)
    asked = {message["method"]: message.get("params") for message in program.records("heard.jsonl")}
    assert asked["account/read"] == {"refreshToken": False}


def test_the_reading_belongs_to_the_account_of_the_sign_in(stage: Stage) -> None:
    sign_in(stage)
    stage.program("codex", answers=answers())
    assert usage(codex_app_server.read(stage.context)).account == codex.ACCOUNT


def test_where_the_keyring_has_the_sign_in_the_reading_names_no_account(stage: Stage) -> None:
    stage.file(".codex/config.toml", 'cli_auth_credentials_store = "keyring"\n')
    stage.program("codex", answers=answers())
    assert usage(codex_app_server.read(stage.context)).account is None


NOISE: dict[str, list[str]] = {
    "notifications": ['{"method":"account/updated","params":{"id":2}}', '{"method":"codex/event","params":{"result":{}}}'],
    "lines that are no JSON": ["WARNING: npm is old", "", "{", "\\u0000", "[1,2]", "2", "null", '"id"'],
    "answers to others": ['{"id":7,"result":{}}', '{"id":"2","result":{}}', '{"id":null,"error":{}}', '{"id":2.5,"result":{}}'],
    "a boolean for a number": ['{"id":true,"result":{}}', '{"id":false,"result":{}}'],
    "requests of the server": ['{"id":2,"method":"item/approve","params":{}}', '{"id":0,"method":"x"}'],
    "a huge line": ["HUGE"],
    "deep nesting": ["[" * 20000],
    "many lines": ['{"method":"tick"}'] * 2000,
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_noise_is_passed_over(stage: Stage, noise: list[str]) -> None:
    stage.program("codex", answers=answers(), noise=noise)
    assert used(codex_app_server.read(stage.context))["weekly (7d)"] == 10.0


def test_an_answer_inside_a_line_that_is_too_long_is_none(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = '{"id":2,"error":{"message":"429"}}'
    monkeypatch.setattr(codex_app_server, "_LONGEST_LINE", 4096)
    stage.program("codex", answers=answers(), noise=["x" * 4096 + forged, "x" * 4095 + forged])
    assert used(codex_app_server.read(stage.context))["weekly (7d)"] == 10.0


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("method", METHODS)
def test_one_that_hangs_is_given_up_at_the_deadline(stage: Stage, method: str) -> None:
    stage.program("codex", answers=answers(), hangs_at=method)
    began = time.monotonic()
    assert problem(codex_app_server.read(stage.context)) == "unreachable.cli"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("method", METHODS)
def test_one_that_dies_gives_no_answer(stage: Stage, method: str) -> None:
    stage.program("codex", answers=answers(), dies_at=method)
    assert problem(codex_app_server.read(stage.context)) == "unreachable.cli"


@pytest.mark.usefixtures("hasty")
def test_one_that_never_answers_the_question_is_given_up(stage: Stage) -> None:
    stage.program("codex", answers={"initialize": {"result": {}}})
    assert problem(codex_app_server.read(stage.context)) == "unreachable.cli"


def test_an_account_that_is_not_told_does_not_matter(stage: Stage) -> None:
    stage.program("codex", answers=answers(account=None))
    assert used(codex_app_server.read(stage.context))["weekly (7d)"] == 10.0


def test_its_own_children_are_gone_with_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codex_app_server, "_SECONDS", 1.5)
    program = stage.program("codex", answers=answers(), forks_at=METHODS[-1], hangs_at=METHODS[-1])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(program.folder / "s"))
        listener.listen()
        listener.settimeout(20)
        in_time(lambda: codex_app_server.read(stage.context))
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(20)
            assert connection.recv(1) == b""


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "not signed in": (refusal("codex account authentication required to read rate limits", -32600), "no_credential.cli"),
    "not signed in to ChatGPT": (refusal("chatgpt authentication required to read rate limits", -32600), "no_credential.cli"),
    "api key": (
        answers(
            {"error": {"code": -32600, "message": "chatgpt authentication required"}}, {"result": {"account": {"type": "apiKey"}}}
        ),
        "no_credential.api_key_login",
    ),
    "token refused": (
        refusal(
            "failed to fetch codex rate limits: GET https://chatgpt.com/backend-api/wham/usage failed: 401 Unauthorized; "
            'content-type=application/json; body={"error":{"code":"token_expired"}}'
        ),
        "sign_in_expired.cli",
    ),
    "bot check": (
        refusal(
            "failed to fetch codex rate limits: GET https://chatgpt.com/backend-api/wham/usage failed: 403 Forbidden; "
            "content-type=text/html; charset=UTF-8; body=<html><title>Just a moment...</title>login auth sign in</html>"
        ),
        "browser_check",
    ),
    "wrong workspace": (
        refusal('GET https://x failed: 403; content-type=application/json; body={"detail":{"code":"workspace_access_denied"}}'),
        "wrong_account",
    ),
    "throttled": (refusal("GET https://x failed: 429 Too Many Requests; content-type=; body="), "rate_limited"),
    "outage": (refusal("GET https://x failed: 503 Service Unavailable"), "provider_down.status"),
    "offline": (refusal("failed to fetch codex rate limits: error sending request for url (https://x)"), "unreachable"),
    "an old CLI": (refusal("Method not found", -32601), "unexpected_answer"),
    "an author's error": (refusal("unknown author"), "unexpected_answer"),
    "no message": (answers({"error": {"code": 1}}), "unexpected_answer"),
    "an error of another kind": (answers({"error": "oh"}), "unexpected_answer"),
    "an error beside null": (answers({"error": None, "result": {}}), "unexpected_answer"),
    "no limits": (answers({"result": {}}), "unexpected_answer"),
    "a result of another kind": (answers({"result": [1]}), "unexpected_answer"),
    "refused at the start": ({"initialize": {"error": {"message": "Not initialized"}}}, "unexpected_answer"),
}


@pytest.mark.parametrize(("plan", "code"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_understood(stage: Stage, plan: dict[str, Any], code: str) -> None:
    stage.program("codex", answers=plan)
    assert problem(codex_app_server.read(stage.context)) == code


def test_nothing_of_an_error_s_text_is_kept(stage: Stage) -> None:
    text = f"Bearer {canaries.CODEX_REFRESH_TOKEN} of {canaries.EMAIL} body=<html>{canaries.NAME}"
    stage.program("codex", answers=refusal(text))
    outcome = codex_app_server.read(stage.context)
    seen = f"{outcome!r} {stage.kept()}"
    assert [secret for secret in (canaries.CODEX_REFRESH_TOKEN, canaries.EMAIL, canaries.NAME) if secret in seen] == []


def test_the_shape_of_an_answer_that_is_not_understood_is_kept(stage: Stage) -> None:
    stage.program("codex", answers=answers({"result": {"fuelGauge": {"used": "CANARY"}}}))
    codex_app_server.read(stage.context)
    report = json.loads((stage.home.parent / "aimo/state/drift/codex.app_server.json").read_text())
    assert report["shape"]["result"] == {"fuelGauge": {"used": "string"}}


@pytest.mark.parametrize(
    ("plan", "status"), [({"answers": answers()}, "answer"), ({"answers": answers(), "dies_at": "initialize"}, "no answer")]
)
def test_the_question_is_in_the_ledger(stage: Stage, plan: dict[str, Any], status: str) -> None:
    stage.program("codex", **plan)
    codex_app_server.read(stage.context)
    assert stage.asked() == [("codex.app_server", status)]


def test_the_child_is_given_its_own_folder_and_none_of_our_keys(stage: Stage) -> None:
    ours = ("ZAI_API_KEY", "Z_AI_API_KEY", "OLLAMA_API_KEY", "AIMO_TOKEN", "AIMO_HOME", "BW_SESSION", "OPENAI_API_KEY")
    stage.environ |= dict.fromkeys(ours, "CANARY") | {
        "AIMO_HOME": stage.environ["AIMO_HOME"],
        "CODEX_HOME": str(stage.home / "c"),
    }
    program = stage.program("codex", answers=answers())
    codex_app_server.read(stage.context)
    environ = program.calls[0]["environ"]
    assert environ["CODEX_HOME"] == str(stage.home / "c")
    assert [name for name in ours if name in environ] == []


def test_without_the_cli_there_is_nothing_to_try(stage: Stage) -> None:
    sign_in(stage)
    assert codex_app_server.read(stage.context) is None


def test_without_a_path_there_is_nothing_to_try(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    program = stage.program("codex", answers=answers())
    monkeypatch.setenv("PATH", stage.environ.pop("PATH"))
    assert codex_app_server.read(stage.context) is None
    assert program.calls == []


@pytest.mark.parametrize("text", ["", "#!/nowhere/node\n", "\x7fELF"])
def test_a_broken_installation_gives_no_answer_and_was_not_asked(stage: Stage, text: str) -> None:
    program = stage.program("codex")
    (program.folder / "codex").write_text(text)
    assert problem(codex_app_server.read(stage.context)) == "unreachable.cli"
    assert stage.asked() == []


def _old(stage: Stage) -> None:
    sign_in(stage, expires=None, last_refresh="2026-11-10T08:00:00.123456Z")


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda stage: sign_in(stage, NOW - 1), id="over"),
        pytest.param(lambda stage: sign_in(stage, NOW), id="just over"),
        pytest.param(lambda stage: sign_in(stage, NOW + 299), id="over in less than five minutes"),
        pytest.param(_old, id="unreadable, and nine days old"),
    ],
)
def test_a_cli_that_would_renew_its_token_for_us_is_not_started(stage: Stage, prepare: Callable[[Stage], None]) -> None:
    prepare(stage)
    program = stage.program("codex", answers=answers())
    assert codex_app_server.read(stage.context) is None
    assert program.calls == []


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda stage: sign_in(stage, NOW + 301), id="six minutes to go"),
        pytest.param(lambda stage: sign_in(stage, None), id="unreadable, age unknown"),
        pytest.param(lambda stage: sign_in(stage, None, last_refresh="2026-11-19T08:00:00Z"), id="unreadable, and new"),
        pytest.param(lambda stage: stage.file(".codex/auth.json", "{"), id="half-written"),
        pytest.param(lambda stage: os.makedirs(stage.home / ".codex/auth.json"), id="a folder in its place"),
    ],
)
def test_otherwise_it_is(stage: Stage, prepare: Callable[[Stage], None]) -> None:
    prepare(stage)
    program = stage.program("codex", answers=answers())
    usage(codex_app_server.read(stage.context))
    assert len(program.calls) == 1

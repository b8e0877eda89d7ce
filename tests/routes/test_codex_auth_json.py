"""Codex by the CLI's own sign-in: read and used once, never refreshed, and every state of the file is a sentence."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimo_host.gauge.model import Usage
from aimo_host.gauge.problems import Problem
from aimo_host.routes import Context, codex_files, read
from aimo_host.samples import codex, json_answer
from aimo_host.state import paths
from tests.reliability import figures
from tests.simulator import canaries

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator.simulator import Simulator


@pytest.fixture
def folder(home: Path) -> Path:
    """Where the CLI keeps its files."""
    made = home / ".codex"
    made.mkdir()
    return made


def tokens(simulator: Simulator, **more: Any) -> dict[str, Any]:
    """What the CLI writes after a sign-in with ChatGPT."""
    return {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": None,
        "tokens": {
            "id_token": canaries.jwt(canaries.chatgpt_claims(time.time() + 3600), "id"),
            "access_token": simulator.codex_cli_token,
            "refresh_token": canaries.CODEX_REFRESH_TOKEN,
            "account_id": codex.ACCOUNT,
        }
        | more,
        "last_refresh": "2026-11-20T10:00:00Z",
    }


def expiring(at: float) -> str:
    return canaries.jwt(canaries.chatgpt_claims(at), canaries.CODEX_CLI_SIGNATURE)


def write(folder: Path, record: Any) -> bytes:
    content = json.dumps(record).encode()
    (folder / "auth.json").write_bytes(content)
    return content


def problem_of(context: Context) -> str:
    """The code and variant of the problem that reading comes to."""
    outcome = read("codex_auth_json", context)
    assert isinstance(outcome, Problem), outcome
    return ".".join(filter(None, (outcome.code, outcome.params.get("variant"))))


def test_where_the_cli_never_was_there_is_nothing_to_try(context: Context, simulator: Simulator) -> None:
    assert read("codex_auth_json", context) is None
    assert simulator.tunnels == []


def test_the_usage_of_the_signed_in_account_is_read_and_the_file_left_alone(
    context: Context, simulator: Simulator, folder: Path
) -> None:
    content = write(folder, tokens(simulator))
    usage = read("codex_auth_json", context)
    assert isinstance(usage, Usage)
    assert (usage.auth_source, usage.windows[0].label) == ("oauth", "session (5h)")
    [seen] = simulator.requests
    assert (seen.method, seen.path) == ("GET", "/backend-api/wham/usage")
    assert seen.headers["chatgpt-account-id"] == codex.ACCOUNT
    assert (folder / "auth.json").read_bytes() == content
    assert [entry.name for entry in folder.iterdir()] == ["auth.json"]


def test_codex_home_says_where_it_is(
    context: Context, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path))
    write(tmp_path, tokens(simulator))
    assert isinstance(read("codex_auth_json", context), Usage)


def test_a_linked_file_is_followed_for_people_do_that(
    context: Context, simulator: Simulator, folder: Path, tmp_path: Path
) -> None:
    write(tmp_path, tokens(simulator))
    (folder / "auth.json").symlink_to(tmp_path / "auth.json")
    assert isinstance(read("codex_auth_json", context), Usage)


@pytest.mark.parametrize("account_id", [None, "", 7, "two words", "new\nline"])
def test_a_missing_account_is_taken_from_the_tokens_claims(
    context: Context, simulator: Simulator, folder: Path, account_id: Any
) -> None:
    write(folder, tokens(simulator, account_id=account_id))
    read("codex_auth_json", context)
    assert simulator.requests[0].headers["chatgpt-account-id"] == codex.ACCOUNT


def test_without_any_account_none_is_named(context: Context, simulator: Simulator, folder: Path) -> None:
    simulator.codex_cli_token = canaries.jwt({"exp": time.time() + 3600}, canaries.CODEX_CLI_SIGNATURE)
    write(folder, {"tokens": {"access_token": simulator.codex_cli_token}})
    read("codex_auth_json", context)
    assert "chatgpt-account-id" not in simulator.requests[0].headers


@pytest.mark.parametrize("seconds", [0, -1, -86400 * 30])
def test_an_expired_token_is_a_sentence_and_no_request(
    context: Context, simulator: Simulator, folder: Path, seconds: float
) -> None:
    content = write(folder, tokens(simulator, access_token=expiring(time.time() + seconds)))
    assert problem_of(context) == "sign_in_expired.cli"
    assert simulator.tunnels == []
    assert (folder / "auth.json").read_bytes() == content


def test_a_token_that_says_nothing_of_its_end_is_tried(context: Context, simulator: Simulator, folder: Path) -> None:
    simulator.codex_cli_token = "opaque-token"
    write(folder, {"tokens": {"access_token": "opaque-token"}})
    assert isinstance(read("codex_auth_json", context), Usage)


def test_a_revoked_token_is_a_sign_in_that_ended(context: Context, simulator: Simulator, folder: Path) -> None:
    write(folder, tokens(simulator, access_token=expiring(time.time() + 7200)))
    assert problem_of(context).startswith("sign_in_expired")
    assert len(simulator.requests) == 1


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-CANARY"}, "no_credential.api_key_login"),
        ({"OPENAI_API_KEY": "sk-CANARY", "tokens": None}, "no_credential.api_key_login"),
        ({"OPENAI_API_KEY": None, "tokens": None}, "no_credential.cli"),
        ({"tokens": {}}, "no_credential.cli"),
        ({"tokens": []}, "no_credential.cli"),
        ({"tokens": {"access_token": 7}}, "no_credential.cli"),
        ({"tokens": {"access_token": "two words"}}, "no_credential.cli"),
        ({"tokens": {"access_token": "schlüssel"}}, "no_credential.cli"),
        ({"tokens": {"access_token": "new\r\nHeader: x"}}, "no_credential.cli"),
        ({}, "no_credential.cli"),
        ([], "no_credential.cli"),
        (None, "no_credential.cli"),
    ],
    ids=json.dumps,
)
def test_a_file_without_a_usable_token_is_a_sentence_and_no_request(
    context: Context, simulator: Simulator, folder: Path, record: Any, problem: str
) -> None:
    write(folder, record)
    assert problem_of(context) == problem
    assert simulator.tunnels == []


@pytest.mark.parametrize("setting", ["keyring", "auto"])
def test_a_sign_in_in_the_keyring_is_no_sign_out(context: Context, folder: Path, setting: str) -> None:
    (folder / "config.toml").write_text(f'cli_auth_credentials_store = "{setting}"\n')
    assert problem_of(context) == "no_credential.keyring"


@pytest.mark.parametrize("config", ['cli_auth_credentials_store = "file"\n', "", "not = = toml", "\x00\xff"])
def test_any_other_configuration_says_nothing(context: Context, folder: Path, config: str) -> None:
    (folder / "config.toml").write_bytes(config.encode("latin-1"))
    assert read("codex_auth_json", context) is None


def test_a_file_that_is_just_being_rewritten_is_read_again(context: Context, simulator: Simulator, folder: Path) -> None:
    whole = json.dumps(tokens(simulator))
    (folder / "auth.json").write_text(whole[:50])
    finish = threading.Timer(0.03, (folder / "auth.json").write_text, (whole,))
    finish.start()
    assert isinstance(read("codex_auth_json", context), Usage)
    finish.join()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 5000, b"null"], ids=repr)
def test_a_file_that_stays_broken_is_a_sentence(context: Context, folder: Path, content: bytes) -> None:
    (folder / "auth.json").write_bytes(content[:5000])
    assert problem_of(context) == "no_credential.cli"


def test_a_folder_in_its_place_is_a_sentence(context: Context, folder: Path) -> None:
    (folder / "auth.json").mkdir()
    assert problem_of(context) == "no_credential.cli"


@settings(max_examples=figures.examples(is_costly=True))
@given(payload=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_claims_give_an_outcome(payload: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    import base64

    folder = tmp_path_factory.mktemp("codex")
    middle = base64.urlsafe_b64encode(payload).decode().rstrip("=")
    write(folder, {"tokens": {"access_token": f"head.{middle}.CANARY"}})
    # A proxy that cannot be used: what is tested here ends before the network.
    environ = {**os.environ, "CODEX_HOME": str(folder)}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("HTTPS_PROXY", "socks9://nowhere")
        outcome = read("codex_auth_json", Context(paths.find(os.environ), environ, time.time))
    assert isinstance(outcome, Problem)
    assert outcome.code in {"unreachable", "sign_in_expired"}
    assert "CANARY" not in repr(outcome)


def test_nothing_that_came_of_it_names_a_token_or_a_person(context: Context, simulator: Simulator, folder: Path) -> None:
    write(folder, tokens(simulator))
    simulator.set("codex.cli_usage", json_answer({"detail": canaries.EMAIL, "token": simulator.codex_cli_token}, 403))
    said = repr(read("codex_auth_json", context))
    assert [secret for secret in (*canaries.SECRETS, *canaries.PRIVATE) if secret in said] == []


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "a.b.c.d", "a.bbbbb.c", "a.W10.c", "a.bm8.c", "a..c"])
def test_what_is_no_jwt_claims_nothing(token: str) -> None:
    assert codex_files.claims(token) == {}

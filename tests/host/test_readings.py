"""What the host makes of answers: one provider's trouble is its own row's, and nobody's name or key gets beyond the parser."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge.model import Answer
from aimo_host.samples import BOT_CHECK, claude, codex, json_answer, page_answer
from tests.host.peer import PROVIDERS, Peer, environment, healthy, message_of
from tests.simulator import canaries

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator.simulator import Simulator

#: The ways of failing, and the codes that may come of them (what a 401 means differs per provider).
WAYS: dict[str, tuple[Answer, set[str]]] = {
    "401": (json_answer({"detail": "Unauthorized"}, 401), {"not_signed_in", "sign_in_expired", "bad_credential"}),
    "403 with a bot check": (BOT_CHECK, {"browser_check"}),
    "429": (json_answer({}, 429, {"retry-after": "60"}), {"rate_limited"}),
    "500": (json_answer({}, 500), {"provider_down"}),
    "HTML for JSON": (page_answer("<html><body>Welcome to HotelNet</body></html>"), {"unexpected_answer"}),
    "half a JSON": (Answer(200, '{"data": {"lim', {"content-type": "application/json"}), {"unexpected_answer"}),
    "an empty body": (Answer(200, "", {"content-type": "application/json"}), {"unexpected_answer"}),
    "no network": (Answer(failed="network"), {"unreachable"}),
    "nothing at all": (Answer(failed="timeout"), {"unreachable"}),
    "signed out": (Answer(failed="signed_out"), {"not_signed_in"}),
}


def _refreshed(peer: Peer) -> dict[str, dict[str, Any]]:
    """The entries after one more refresh, as if the last one were long ago."""
    attempts = os.path.join(os.environ["AIMO_HOME"], "state", "attempts.json")
    if os.path.exists(attempts):
        os.remove(attempts)
    after = len(peer.messages)
    peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
    peer.settled(after)
    after = len(peer.messages)
    peer.send({"type": "get"})
    return {entry["provider"]: entry for entry in peer.expect("welcome", after=after)["snapshot"]["entries"]}


@pytest.mark.parametrize("way", WAYS)
def test_a_failure_keeps_the_last_windows_says_what_to_do_and_leaves_the_other_rows_alone(way: str) -> None:
    failing = ""

    def answers(source: str, params: dict[str, str]) -> dict[str, Any] | None:
        return message_of(WAYS[way][0]) if source.startswith(f"{failing}.") else healthy(source, params)

    with Peer(answers) as peer:
        peer.hello()
        now = _refreshed(peer)
        for failing in PROVIDERS:
            before, now = now, _refreshed(peer)
            row = now[failing]
            assert row["windows"] == before[failing]["windows"]
            assert (row["ok"], row["stale"], row["observed_at"]) == (True, True, row["_received_at"])
            assert row["problem"]["code"] in WAYS[way][1], failing
            assert row["error"]
            assert row["problem"]["action"]
            assert [name for name in PROVIDERS if now[name]["error"] or now[name]["stale"]] == [failing]


def test_a_parser_s_fault_is_its_own_row_s_problem(tmp_path: Path) -> None:
    program = tmp_path / "faulty.py"
    program.write_text(
        "from aimo_host.providers import zai\n"
        "def parse_quota(*_, **__): raise ZeroDivisionError('CANARY')\n"
        "zai.parse_quota = parse_quota\n"
        "from aimo_host.host.__main__ import main\n"
        "main()\n"
    )
    import sys

    with Peer(command=(sys.executable, str(program)), environ=environment(PYTHONPATH=".")) as peer:
        peer.hello()
        entries = _refreshed(peer)
        assert entries["zai"]["problem"]["code"] == "internal"
        assert all(entries[provider]["ok"] for provider in ("claude", "codex", "ollama"))
        assert "CANARY" not in json.dumps(peer.messages)


def test_a_reading_of_a_server_side_route_comes_where_the_browser_is_signed_out(simulator: Simulator) -> None:
    environ = environment(**simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY)
    with Peer(lambda _s, _p: {"failed": "signed_out"}, environ=environ) as peer:
        peer.hello()
        entries = _refreshed(peer)
    assert (entries["zai"]["ok"], entries["zai"]["_source"], entries["zai"]["auth_source"]) == (True, "server", "api_key")
    assert {code["problem"]["code"] for name, code in entries.items() if name != "zai"} == {"not_signed_in"}
    assert [seen.source for seen in simulator.requests] == ["zai.key_quota"]


def test_a_reading_of_the_browser_spares_the_server_side_routes(simulator: Simulator) -> None:
    environ = environment(**simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY, OLLAMA_API_KEY=canaries.OLLAMA_API_KEY)
    with Peer(environ=environ) as peer:
        peer.hello()
        _refreshed(peer)
    assert simulator.requests == []


# -- canaries

PERSONAL = (*canaries.PRIVATE, canaries.EMAIL, canaries.NAME, "CANARY")
#: Whoever is asked may need the organisation that it gave itself, and only it.
_NEEDED = re.compile(f"{claude.PERSONAL}|{codex.ACCOUNT}")


def _with_personal_data(source: str, params: dict[str, str]) -> dict[str, Any] | None:
    """The healthy answer with the person's name all over it."""
    message = healthy(source, params)
    assert message is not None
    personal = {"email": canaries.EMAIL, "full_name": canaries.NAME, "access_token": "CANARYtoken"}
    if message["body"].startswith("{"):
        message["body"] = json.dumps(json.loads(message["body"]) | personal)
    elif message["body"].startswith("["):
        message["body"] = json.dumps([one | personal for one in json.loads(message["body"])])
    else:
        message["body"] = message["body"].replace("<body", f"<!-- {json.dumps(personal)} --><body", 1)
    message["headers"] |= {"set-cookie": "session=CANARYcookie", "x-account": canaries.EMAIL}
    return message


def _refusing(source: str, params: dict[str, str]) -> dict[str, Any] | None:
    """A refusal that talks about the person."""
    message = _with_personal_data(source, params)
    assert message is not None
    body = {
        "error": {"type": canaries.EMAIL, "message": f"{canaries.NAME} <{canaries.EMAIL}> CANARY"},
        "msg": "CANARY",
        "code": 1,
    }
    return message | {"status": 403, "body": json.dumps(body)}


def _malformed(_source: str, _params: dict[str, str]) -> dict[str, Any] | None:
    """A shape that nobody knows, full of personal data in keys and values."""
    body = {
        "CANARY": canaries.EMAIL,
        canaries.EMAIL: [canaries.NAME],
        "limits": [{"type": "TOKENS_LIMIT", "percentage": "CANARY"}],
    }
    return {"status": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(body), "redirected": False}


@pytest.mark.parametrize("answers", [_with_personal_data, _refusing, _malformed], ids=lambda f: f.__name__)
def test_nobody_s_name_gets_beyond_the_parser(answers: Any, aimo_home: Path, simulator: Simulator) -> None:
    keys = {
        "ZAI_API_KEY": canaries.ZAI_API_KEY,
        "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY,
        "CODEX_HOME": str(aimo_home.parent / "codex"),
    }
    (aimo_home.parent / "codex").mkdir()
    tokens = {
        "access_token": simulator.codex_cli_token,
        "refresh_token": canaries.CODEX_REFRESH_TOKEN,
        "account_id": codex.ACCOUNT,
    }
    (aimo_home.parent / "codex" / "auth.json").write_text(json.dumps({"tokens": tokens}))
    with Peer(answers, environ=environment(**simulator.environment(), **keys)) as peer:
        peer.hello()
        _refreshed(peer)
        frames = "".join(
            _NEEDED.sub("", json.dumps(message)) if message["type"] == "ask" else json.dumps(message) for message in peer.messages
        )
        said = frames + peer.stderr
    kept = ""
    for folder, _, names in os.walk(aimo_home):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    kept += name + file.read()
    assert "zai" in kept
    assert [secret for secret in (*canaries.SECRETS, *PERSONAL) if secret in said] == []
    assert [secret for secret in (*canaries.SECRETS, *PERSONAL) if secret in kept] == []

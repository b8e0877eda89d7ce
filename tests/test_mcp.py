"""`aimo mcp`: what an agent gets that speaks the protocol, by the SDK's own client over a real pipe to a real process.

The client holds every structured answer against the tool's output schema, and fails where it does not fit.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import given
from hypothesis import strategies as st

from aimo_host import cli
from aimo_host.gauge.choice import BadQuestionError
from aimo_host.mcp_server import serve, shapes, tools
from aimo_host.state import ledger, secrets
from aimo_host.state.paths import find
from tests.gauge.builders import json_values
from tests.host.peer import PATIENCE, REPOSITORY, environment
from tests.kept import fable, keep, only, places, week

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from anyio.from_thread import BlockingPortal
    from mcp import Client
    from mcp.types import CallToolResult, Tool

    Call = tuple[str, dict[str, Any]]

COMMAND = [sys.executable, "-m", "aimo_host", "mcp"]


class Agent:
    """An agent that keeps its server as long as it runs, as they all do; the server's home is emptied between two tests."""

    def __init__(self, home: str, client: Client, portal: BlockingPortal) -> None:
        self.home = home
        self._client, self._portal = client, portal

    def tools(self) -> list[Tool]:
        listed: list[Tool] = self._portal.call(self._within_patience, self._client.list_tools).tools
        return listed

    def call(self, *calls: Call) -> list[CallToolResult]:
        return [self._portal.call(self._within_patience, self._client.call_tool, *one) for one in calls]

    def ask(self, *calls: Call) -> list[Any]:
        return [answer.structured_content for answer in self.call(*calls)]

    @staticmethod
    async def _within_patience(does: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
        with anyio.fail_after(PATIENCE):
            return await does(*arguments)


@pytest.fixture(scope="module")
def serving_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """One server for all: starting one takes a second of the SDK's."""
    from mcp import Client, StdioServerParameters, stdio_client  # slow, and every worker of a run reads this module

    home = str(tmp_path_factory.mktemp("m"))
    server = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment(AIMO_HOME=home), cwd=REPOSITORY)
    with (
        open(os.devnull, "w") as errors,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(stdio_client(server, errlog=errors))) as client,
    ):
        yield Agent(home, client, portal)


@pytest.fixture
def agent(serving_agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """With nothing read yet, and this test in the same home."""
    if os.path.exists(serving_agent.home):
        shutil.rmtree(serving_agent.home)
    monkeypatch.setenv("AIMO_HOME", serving_agent.home)
    return serving_agent


def kept(claude: float, codex: float) -> None:
    only("claude", "codex")
    keep("claude", week(claude), fable(0))
    keep("codex", week(codex))


def test_the_five_tools_say_what_comes_out_and_whether_they_only_read(agent: Agent) -> None:
    listed = agent.tools()
    assert {tool.name for tool in listed} == {"get_usage", "pick_provider", "can_run", "refresh", "when_available"}
    assert all(tool.output_schema and tool.description for tool in listed)
    assert [tool.name for tool in listed if not (tool.annotations and tool.annotations.read_only_hint)] == ["refresh"]


def test_an_agent_learns_whom_to_use_and_when(agent: Agent) -> None:
    kept(claude=90, codex=40)
    usage, pick, yes, no, now, later = agent.ask(
        ("get_usage", {}),
        ("pick_provider", {"need": 20, "among": ["claude", "codex"], "strategy": "expiring", "scope": "Fable"}),
        ("can_run", {"provider": "codex", "need": 20}),
        ("can_run", {"provider": "claude", "need": 20}),
        ("when_available", {"need": 20}),
        ("when_available", {"need": 20, "among": ["claude"]}),
    )
    assert [(entry["provider"], entry["headroom_pct"]) for entry in usage["entries"]] == [("claude", 10), ("codex", 60)]
    assert (pick["pick"], [one["id"] for one in pick["ranking"]]) == ("codex", ["codex", "claude"])
    assert (yes["answer"], yes["headroom_pct"]) == ("yes", 60)
    assert (no["answer"], no["headroom_pct"]) == ("no", 10)
    assert (now["answer"], now["id"], now["available_at"]) == ("now", "codex", None)
    assert (later["answer"], later["id"], later["available_at"]) == ("later", "claude", no["available_at"])


def test_what_is_unknown_is_never_free(agent: Agent) -> None:
    only("claude")
    keep("claude", week(None))
    can, when, pick = agent.ask(
        ("can_run", {"provider": "claude", "need": 0}), ("when_available", {"need": 0}), ("pick_provider", {"need": 0})
    )
    assert (can["answer"], when["answer"], pick["pick"]) == ("unknown", "unknown", None)


def test_a_misspelt_model_is_unknown_and_the_reason_names_what_there_is(agent: Agent) -> None:
    only("claude")
    keep("claude", week(10), fable(20))
    can, when = agent.ask(
        ("can_run", {"provider": "claude", "need": 20, "scope": "fabel"}), ("when_available", {"need": 20, "scope": "fabel"})
    )
    assert (can["answer"], when["answer"]) == ("unknown", "unknown")
    assert can["reasons"] == ["claude: unknown; no window is named fabel, only Fable"]


def test_a_refresh_that_fails_keeps_the_last_reading(agent: Agent) -> None:
    only("claude")
    keep("claude", week(40), age=120)
    cached, refreshed = agent.ask(("get_usage", {"cached": True}), ("refresh", {"provider": "claude"}))
    before, after = cached["entries"][0], refreshed["entries"][0]
    assert after["attempted_at"] > before["attempted_at"]
    assert after["headroom_pct"] == before["headroom_pct"] == 60


def test_the_log_of_requests_says_that_it_was_an_agent_s_tool(agent: Agent) -> None:
    only("zai")
    secrets.store(places(), "ZAI_API_KEY", "a-key")  # and no way to the provider: the attempt counts
    agent.ask(("refresh", {"provider": "zai"}))
    assert {record["trigger"] for record in ledger.read(find(os.environ), 10)} == {"mcp"}


def test_a_wrong_argument_is_answered_with_a_sentence_and_the_server_stays(agent: Agent) -> None:
    kept(claude=40, codex=70)
    calls: list[Call] = [("can_run", {"provider": "nobody", "need": 20}), ("nonsense", {}), ("get_usage", {"cached": True})]
    wrong, unknown, right = agent.call(*calls)
    assert (wrong.is_error, unknown.is_error, right.is_error) == (True, True, False)
    assert wrong.content[0].model_dump()["text"].startswith("provider must name one of claude")


def serving(answer: str) -> subprocess.Popen[bytes]:
    """A server whose tools do what the expression says, and which has been called once."""
    code = f"import os, sys, time; from aimo_host.mcp_server import serve, tools; tools.answer = lambda *_: ({answer}, {{}})[1]; "
    start = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    said: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": start},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "get_usage", "arguments": {}}},
    ]
    command = [sys.executable, "-c", code + "sys.exit(serve.main([], os.environ))"]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, env=environment(), cwd=REPOSITORY, stdin=pipe, stdout=pipe, stderr=pipe)
    say(running, *said)
    assert heard(running) == 1
    return running


def say(running: subprocess.Popen[bytes], *messages: dict[str, Any]) -> None:
    assert running.stdin is not None
    running.stdin.write("".join(json.dumps(one) + "\n" for one in messages).encode())
    running.stdin.flush()


def heard(running: subprocess.Popen[bytes]) -> object:
    """The id of the next answer."""
    assert running.stdout is not None
    return json.loads(running.stdout.readline())["id"]


def test_what_a_library_prints_does_not_reach_the_wire() -> None:
    with serving("print('noise')") as running:
        assert heard(running) == 2
        rest, errors = running.communicate(timeout=PATIENCE)
    assert (rest, running.returncode) == (b"", 0)
    assert b"noise" in errors


def test_a_slow_provider_holds_up_neither_other_callers_nor_the_end() -> None:
    with serving("time.sleep(60)") as running:
        say(running, {"jsonrpc": "2.0", "id": 3, "method": "ping"})
        assert heard(running) == 3
        running.communicate(timeout=PATIENCE)
    assert running.returncode == 0


def test_without_the_sdk_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.lowlevel", None)
    assert cli.main(["mcp"]) == 1
    said = capsys.readouterr()
    command = f"{sys.executable} -m pip install '{serve.SDK}'"
    assert (said.out, said.err) == ("", f"aimo: This needs the MCP SDK: {command}\n")


def test_an_aimo_that_was_exchanged_below_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'aimo_host.collect.asking'")

    monkeypatch.setattr(tools, "answer", gone)
    answer = serve._call("get_usage", {}, places(), {})
    assert answer.is_error
    assert answer.model_dump()["content"][0]["text"] == (
        "aimo was upgraded or taken away while this server ran: start the server anew."
    )


def test_the_sdk_that_is_asked_for_is_the_one_of_the_extra() -> None:
    with open(f"{REPOSITORY}/pyproject.toml", "rb") as file:
        assert tomllib.load(file)["project"]["optional-dependencies"]["mcp"] == [serve.SDK]


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("can_run", {"need": 20}, "can_run needs provider."),
        ("can_run", {}, "can_run needs provider and need."),
        ("refresh", {"need": 20}, "refresh takes provider, and nothing else."),
        ("when_available", {"need": 101}, "need must be a percentage from 0 to 100."),
        ("when_available", {"need": -1}, "need must be a percentage from 0 to 100."),
        ("when_available", {"need": True}, "need must be a number."),
        ("when_available", {"need": float("nan")}, "need must be a percentage from 0 to 100."),
        ("pick_provider", {"among": []}, "among must be a list of ids."),
        ("pick_provider", {"scope": 5}, "scope must be text."),
        ("pick_provider", {"strategy": "best"}, "strategy must be one of headroom, expiring."),
        ("get_usage", {"cached": 1}, "cached must be true or false."),
        ("get_usage", {"provider": ["claude"]}, "provider must be one of claude, codex, zai, ollama."),
    ],
)
def test_a_question_that_cannot_be_asked_is_told_why(name: str, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadQuestionError) as refused:
        tools.answer(name, arguments, places(), environment())
    assert str(refused.value) == sentence


@given(name=st.sampled_from(sorted(shapes.TOOLS)), data=st.data())
def test_any_arguments_are_taken_or_refused_with_a_sentence(name: str, data: st.DataObject) -> None:
    keys = st.sampled_from(shapes.TAKEN[name]) | st.text(max_size=5)
    arguments = data.draw(st.dictionaries(keys, json_values))
    found, refused = arguments, "."
    try:
        found = tools.checked(name, arguments)
    except BadQuestionError as error:
        refused = str(error)
    assert refused.endswith(".")
    assert found.keys() == arguments.keys()

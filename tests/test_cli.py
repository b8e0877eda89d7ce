"""`aimo`: exit codes, what goes to stdout and what to stderr, and that a cached read is cheap and leaves no trace."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host import __version__, cli
from tests.command import COMMAND, aimo, here
from tests.host.peer import PROVIDERS, REPOSITORY, Peer, environment, silent
from tests.simulator import canaries
from tests.simulator.fixtures import simulator

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator.simulator import Simulator

__all__ = ["simulator"]


def entries_of(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The entries on stdout, by provider; nothing else may be there."""
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return {entry["provider"]: entry for entry in found}


def keep(aimo_home: Path, *names: str, content: str) -> None:
    path = aimo_home.joinpath(*names)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@pytest.fixture
def read(aimo_home: Path) -> Path:
    """All four providers were read by a browser that has gone since."""
    with Peer() as peer:
        peer.hello()
        peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
        peer.settled()
        peer.hang_up()
        assert peer.exit_code() == 0
    return aimo_home


# -- exit codes and streams


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--cached",), 4),
        (("--cached", "--json"), 4),
        (("--json", "--cached"), 4),
        (("--json",), 4),
        ((), 4),
        (("refresh",), 4),
        (("refresh", "--json"), 4),
        (("--json", "refresh", "--provider", "zai"), 4),
        (("paths",), 0),
        (("paths", "--json"), 0),
        (("--version",), 0),
        (("--help",), 0),
        (("refresh", "--help"), 0),
        (("demo",), 0),
        (("--bogus",), 2),
        (("bogus",), 2),
        (("refresh", "--provider", "gemini"), 2),
        (("refresh", "claude"), 2),
        (("--json", "demo"), 2),
        (("serve", "--port", "x"), 2),
        (("demo", "--bogus"), 2),
    ],
)
def test_the_exit_code_tells_and_stdout_carries_the_answer_only(arguments: tuple[str, ...], code: int) -> None:
    done = aimo(*arguments)
    assert done.returncode == code, done.stderr
    assert bool(done.stdout) is (code != 2)
    assert bool(done.stderr) is (code == 2)
    if "--json" in arguments and code != 2:
        json.loads(done.stdout)


@pytest.mark.parametrize(
    "arguments", [(), ("--cached", "--json"), ("refresh",), ("paths",), ("serve",), ("install",), ("uninstall",)]
)
def test_a_relative_aimo_home_is_exit_2_for_every_command(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(AIMO_HOME="here", PYTHONPATH=REPOSITORY),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "AIMO_HOME must be an absolute path, not 'here'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_reading_however_old_is_exit_0(read: Path) -> None:
    assert aimo("--cached").returncode == 0
    assert list(entries_of(aimo("--cached", "--json"))) == PROVIDERS
    assert read.exists()


def test_the_version_is_the_one_version() -> None:
    assert aimo("--version").stdout == f"aimo {__version__}\n"


@pytest.mark.parametrize("arguments", [("--cached",), ("--cached", "--json"), ("paths",), ("demo",), ("--help",)])
def test_a_reader_that_goes_early_is_no_error(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as broken:
        done = subprocess.run(
            [*COMMAND, *arguments], env=environment(), cwd=REPOSITORY, stdout=broken, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", ["--cached", "--cached --json", "paths"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_stream_that_was_closed_for_us_is_no_error(arguments: str, closed: str) -> None:
    command = f'"$0" -m aimo_host {arguments} {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable], env=environment(), cwd=REPOSITORY, capture_output=True, check=False
    )
    assert done.returncode in {0, 4}
    assert done.stderr == b""


@pytest.mark.parametrize("arguments", [("--cached",), ("--cached", "--json"), ("paths",)])
def test_an_answer_that_cannot_be_written_is_exit_1_and_a_sentence(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], env=environment(), cwd=REPOSITORY, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"aimo: No space left on device: a file\n")


def test_a_fault_of_ours_is_exit_1_without_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_arguments: list[str]) -> int:
        raise LookupError("CANARY")

    monkeypatch.setattr(cli, "_dispatch", fail)
    assert cli.main(["paths"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"aimo: failed with LookupError at \S+:\d+\. Please report it\.\n", err)


def test_an_interrupt_is_130_at_once_and_without_a_traceback() -> None:
    # A proxy that takes connections and never says a word.
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        environ = environment(HTTPS_PROXY=f"http://127.0.0.1:{proxy.getsockname()[1]}", ZAI_API_KEY=canaries.ZAI_API_KEY)
        child = subprocess.Popen(COMMAND, env=environ, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with proxy.accept()[0]:
            before = time.monotonic()
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=20)
            assert time.monotonic() - before < 2
    assert (child.returncode, out, err) == (130, b"", b"")


# -- the cached read


@pytest.mark.parametrize("arguments", [("--cached",), ("--cached", "--json"), ("paths",)])
def test_a_cached_read_asks_nobody_and_leaves_no_trace(arguments: tuple[str, ...], aimo_home: Path, simulator: Simulator) -> None:
    aimo(*arguments, **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY)
    assert simulator.tunnels == []
    assert not aimo_home.exists()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"entries": 7}', '{"entries": [7, {"provider": "claude"}]}', '{"entries": [{"provider": "x"}]}']
)
def test_a_broken_cache_is_as_good_as_none(content: str, aimo_home: Path) -> None:
    keep(aimo_home, "cache", "usage.json", content=content)
    assert list(entries_of(aimo("--cached", "--json"))) == PROVIDERS
    assert aimo("--cached").returncode == 4


def test_the_json_can_be_written_in_any_encoding(read: Path) -> None:
    account = entries_of(aimo("--cached", "--json"))["claude"]["account"]
    keep(read, "config", "settings.json", content=json.dumps({"names": {account: "仕事"}}))
    done = aimo("--cached", "--json", PYTHONIOENCODING="ascii")
    assert entries_of(done)["claude"]["account_name"] == "仕事"
    assert aimo("--cached", PYTHONIOENCODING="ascii").returncode == 0


# -- refreshing


def test_it_asks_the_server_side_routes_itself(simulator: Simulator) -> None:
    done = aimo("--json", **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY)
    assert (done.returncode, done.stderr) == (0, "")
    found = entries_of(done)
    assert [name for name, entry in found.items() if entry["ok"]] == ["zai"]
    assert found["claude"]["problem"]["code"] == "no_browser"
    assert [seen.source for seen in simulator.requests] == ["zai.key_quota"]


def test_a_key_of_the_shell_is_used_though_a_browser_without_it_is_open(simulator: Simulator) -> None:
    with Peer(lambda _s, _p: {"failed": "signed_out"}) as peer:
        peer.hello()
        found = entries_of(aimo("--json", **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY))
    assert (found["zai"]["ok"], found["zai"]["auth_source"]) == (True, "api_key")


def test_it_asks_an_open_browser() -> None:
    with Peer() as peer:
        peer.hello()
        done = aimo("--json")
    assert done.returncode == 0
    assert [(entry["ok"], entry["_source"]) for entry in entries_of(done).values()] == [(True, "push")] * 4


def test_two_at_once_both_get_the_reading_of_one_request(simulator: Simulator) -> None:
    environ = environment(**simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY)
    both = [subprocess.Popen([*COMMAND, "--json"], env=environ, cwd=REPOSITORY, stdout=subprocess.PIPE) for _ in range(2)]
    answers = [json.loads(child.communicate(timeout=60)[0]) for child in both]
    assert [answer[2]["ok"] for answer in answers] == [True, True]
    assert len(simulator.requests) == 1


def test_a_refresh_by_name_asks_and_shows_only_that_one(simulator: Simulator) -> None:
    keys = {"ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}
    done = aimo("refresh", "--json", "--provider", "ollama", **simulator.environment(), **keys)
    assert list(entries_of(done)) == ["ollama"]
    assert {seen.provider for seen in simulator.requests} == {"ollama"}


def test_a_provider_that_is_switched_off_says_so_and_is_not_asked(aimo_home: Path, simulator: Simulator) -> None:
    keep(aimo_home, "config", "settings.json", content='{"providers": {"zai": "off"}}')
    done = aimo("refresh", "--json", "--provider", "zai", **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY)
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (4, [], "aimo: Z.ai is switched off.\n")
    assert list(entries_of(aimo("--json", **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY))) == [
        "claude",
        "codex",
        "ollama",
    ]
    assert simulator.requests == []


def test_what_is_pending_is_served_and_nothing_else_is_asked(aimo_home: Path, simulator: Simulator) -> None:
    wanted = {"zai": {"at": time.time() - 1, "named": False, "trigger": "agent"}}
    keep(aimo_home, "state", "refresh.json", content=json.dumps({"schema": 1, "wanted": wanted, "settled": {}}))
    keys = {"ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}
    assert aimo("refresh", "--pending", **simulator.environment(), **keys).returncode == 0
    assert {seen.provider for seen in simulator.requests} == {"zai"}
    aimo("refresh", "--pending", **simulator.environment(), **keys)
    assert len(simulator.requests) == 1


def test_a_disk_that_cannot_be_written_shows_what_is_cached_and_says_why(read: Path) -> None:
    (read / "state").rename(read / "moved")
    (read / "state").write_text("a file where a folder should be")
    done = aimo("--json")
    assert done.returncode == 0
    assert all(entry["windows"] for entry in entries_of(done).values())
    assert done.stderr.startswith("aimo: nothing was asked. ")


def test_a_refresh_that_somebody_else_conducts_is_taken_over_when_that_one_dies() -> None:
    with Peer(silent) as peer:
        peer.hello()
        peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
        peer.expect("ask")
        child = subprocess.Popen(COMMAND, env=environment(), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(1)  # it waits with the others
        peer.process.kill()
        out, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (4, b"")
    assert b"no browser" in out


def test_no_key_and_no_name_is_ever_printed(simulator: Simulator, tmp_path: Path) -> None:
    tokens = {"access_token": simulator.codex_cli_token, "refresh_token": canaries.CODEX_REFRESH_TOKEN}
    (tmp_path / "auth.json").write_text(json.dumps({"tokens": tokens}))
    keys = {"ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY, "CODEX_HOME": str(tmp_path)}
    said = ""
    for arguments in (("--json",), ("--cached",)):
        done = aimo(*arguments, **simulator.environment(), **keys)
        assert done.returncode == 0
        said += done.stdout + done.stderr
    assert [secret for secret in (*canaries.SECRETS, *canaries.PRIVATE) if secret in said] == []


# -- paths


def test_the_paths_are_the_promised_ones_below_aimo_home(aimo_home: Path) -> None:
    found = json.loads(aimo("paths", "--json").stdout)
    assert list(found) == ["home", "cache", "refresh", "settings", "env", "ledger", "log", "extension", "launcher"]
    assert found["home"] == str(aimo_home)
    assert found["cache"] == str(aimo_home / "cache" / "usage.json")
    assert found["settings"] == str(aimo_home / "config" / "settings.json")
    assert found["env"] == str(aimo_home / "config" / ".env")
    assert all(path.startswith(str(aimo_home)) for path in found.values())


def test_the_paths_for_people_are_the_same() -> None:
    lines = [line.split(None, 1) for line in aimo("paths").stdout.splitlines()]
    assert dict(lines) == json.loads(aimo("--json", "paths").stdout)


def test_an_unknown_command_is_answered_with_all_that_there_are() -> None:
    done = aimo("nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert all(f"{command}" in done.stderr for command in ("refresh", "serve", "doctor", "pick", "log"))


def test_a_command_with_a_slip_in_it_is_answered_with_the_one_that_was_meant() -> None:
    done = here("demmo")
    assert (done.returncode, done.stderr) == (2, "aimo: there is no command 'demmo'. Did you mean demo?\n")


@pytest.mark.parametrize("words", [("--json", "pick"), ("--cached", "refresh")])
def test_options_that_a_command_would_not_heed_are_refused(words: tuple[str, ...]) -> None:
    done = aimo(*words)
    assert (done.returncode, done.stdout) == (2, "")

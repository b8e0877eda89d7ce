"""The end of stdin while every route hangs: how long the host lives on, and that nothing it started outlives it.

Every browser ask, every server-side request, the vault's program and Codex' program hang.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.browser import processes
from tests.host.peer import PATIENCE, REPOSITORY, Peer, silent
from tests.reliability import figures
from tests.simulator import canaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.host.machine import Machine

RUNS = 200 if figures.IS_DEEP else 5
#: What the figure says, and what a busy machine may take: the browser kills the host after two seconds.
PROMISED, AT_MOST = 0.5, 1.5
#: Says that it runs, and hangs.
HANGS = '#!/bin/sh\necho $$ > "$HOME/$(basename "$0").pid"\nexec sleep 60\n'
PROGRAMS = ("bw", "codex")
SOURCES = ("claude.organizations", "codex.usage", "zai.quota", "ollama.settings")


@pytest.fixture
def mute(machine: Machine) -> Iterator[Machine]:
    """A key for everything, and nothing ever answers: neither the network nor the programs."""
    machine.put(".claude/.credentials.json", json.dumps({"claudeAiOauth": {"accessToken": canaries.CLAUDE_OAUTH_TOKEN}}))
    for program in PROGRAMS:
        machine.put(f"bin/{program}", HANGS, mode=0o700)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        machine.stage.environ |= {"HTTPS_PROXY": address, "OLLAMA_API_KEY": "hangs.hangs"}
        del machine.stage.environ["AIMO_BITWARDEN_ITEM"]
        yield machine


def _failing(_source: str, _params: dict[str, str]) -> dict[str, str]:
    return {"failed": "network"}


def _seconds_to_end(machine: Machine, number: int, *, browser_hangs: bool) -> float:
    """From the end of stdin to the end of the host, with every source of the browser hanging, or every route without it."""
    profile = f"99999999-0000-4000-8000-{number:012d}"
    with Peer(silent if browser_hangs else _failing, profile=profile, environ=machine.stage.environ) as peer:
        peer.hello()
        peer.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["claude", "codex", "zai", "ollama"]})
        for source in SOURCES:
            peer.expect("ask", lambda message, source=source: message["source"] == source)  # type: ignore[misc]
        if not browser_hangs:
            processes.until(lambda: len(_programs(machine)) == len(PROGRAMS), "the programs hang")
        before = time.monotonic()
        peer.hang_up()
        assert peer.exit_code() == 0
        return time.monotonic() - before


def _programs(machine: Machine) -> list[int]:
    """The programs that were started in this run, by their ids."""
    found = []
    for program in PROGRAMS:
        with contextlib.suppress(OSError, ValueError), open(_pid_file(machine, program), encoding="ascii") as file:
            found.append(int(file.read()))
    return found


def _pid_file(machine: Machine, program: str) -> str:
    return os.path.join(machine.stage.environ["HOME"], f"{program}.pid")


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_host_ends_with_its_input_whatever_hangs(mute: Machine, record_figure: Callable[..., None]) -> None:
    took, left_behind = [], 0
    for number in range(RUNS):
        took.append(_seconds_to_end(mute, number, browser_hangs=number % 2 == 0))
        programs = _programs(mute)
        with contextlib.suppress(AssertionError):
            processes.until(lambda: not any(map(_is_alive, programs)), "the programs are gone", 1)  # noqa: B023 - called at once
        left_behind += sum(map(_is_alive, programs))
        processes.kill(filter(_is_alive, programs))
        for program in PROGRAMS:
            with contextlib.suppress(FileNotFoundError):
                os.remove(_pid_file(mute, program))
    slowest = sorted(took)[math.ceil(0.99 * RUNS) - 1]
    words = f"p99 {slowest * 1000:.0f} ms of {RUNS} ends, {left_behind} programs left behind"
    record_figure("end", words, is_reached=slowest <= PROMISED and not left_behind)
    assert left_behind == 0
    assert slowest < AT_MOST


def test_a_program_that_hangs_does_not_outlive_an_interrupted_command(mute: Machine) -> None:
    command = [sys.executable, "-m", "aimo_host", "refresh", "--provider", "zai"]
    with subprocess.Popen(command, env=mute.stage.environ, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as child:
        processes.until(lambda: _programs(mute), "the vault's program hangs")
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 130
    [program] = _programs(mute)
    processes.until(lambda: not _is_alive(program), "the vault's program is gone")

"""docs/agents.md and the skill: every block and every command in them is run, against readings that were kept."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.host.peer import PATIENCE, REPOSITORY, environment
from tests.kept import keep, only, week

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    with open(os.path.join(REPOSITORY, "docs", page), encoding="utf-8") as file:
        return file.read()


def blocks(page: str, language: str) -> list[str]:
    return [code for _, spoken, code in BLOCK.findall(text_of(page)) if spoken == language]


SCRIPTS = [*blocks("agents.md", "sh"), *blocks("skill/aimo/SKILL.md", "sh")]
PICK, WAIT, *_ = SCRIPTS
#: The commands inside sentences, the three lines for an AGENTS.md among them.
INLINE = sorted(
    {*re.findall(r"`(aimo \w+ [^`]*)`", text_of("agents.md")), *re.findall(r"`(aimo \w+ [^`]*)`", text_of("skill/aimo/SKILL.md"))}
)


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`aimo` of this checkout on the PATH, and agents that only say their name."""
    bodies = {"aimo": f'cd "{REPOSITORY}" && exec "{sys.executable}" -m aimo_host "$@"'}
    bodies |= {agent: f'echo "{agent} got: $*"' for agent in ("claude", "codex")}
    for name, body in bodies.items():
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))


def kept(claude: float, codex: float) -> None:
    only("claude", "codex")
    keep("claude", week(claude))
    keep("codex", week(codex))


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.parametrize("script", [script for script in SCRIPTS if "aimo watch" not in script])
def test_a_script_runs_as_it_stands(script: str) -> None:
    kept(claude=40, codex=70)
    done = run("sh", "-ec", script)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", INLINE)
def test_a_command_in_a_sentence_runs_as_it_stands(command: str) -> None:
    kept(claude=40, codex=70)
    done = run("sh", "-c", command)
    assert done.returncode == 0, done.stderr


def test_the_three_lines_carry_the_three_commands() -> None:
    (lines,) = blocks("agents.md", "markdown")
    assert len(lines.splitlines()) == 3
    assert re.findall(r"`aimo (\w+)", lines) == ["can", "pick", "wait"]


@pytest.mark.parametrize(("claude", "codex", "said"), [(40, 70, "claude got: -p"), (70, 40, "codex got: exec")])
def test_the_script_that_picks_starts_who_has_more_left(claude: float, codex: float, said: str) -> None:
    kept(claude, codex)
    assert run("sh", "-c", PICK).stdout.startswith(said)


def test_the_script_that_picks_starts_nobody_where_nobody_has_enough() -> None:
    kept(claude=90, codex=95)
    done = run("sh", "-c", PICK)
    assert (done.returncode, done.stdout) == (3, "")


def test_the_script_that_waits_starts_nobody_while_there_is_not_enough() -> None:
    kept(claude=90, codex=10)
    done = run("sh", "-c", WAIT.replace("6h", "0"))
    assert (done.returncode, done.stdout) == (3, "")


@pytest.mark.parametrize(("claude", "said"), [(40, "claude"), (90, "nobody before 2")])
def test_the_python_says_whom_or_when(claude: float, said: str) -> None:
    kept(claude, codex=95)
    (code,) = blocks("agents.md", "python")
    assert run(sys.executable, "-c", code).stdout.startswith(said)


def test_the_script_that_watches_prints_a_line_at_once() -> None:
    kept(claude=40, codex=70)
    (script,) = [script for script in SCRIPTS if "aimo watch" in script]
    running = subprocess.Popen(["sh", "-ec", script], env=environment(), stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


def test_the_skill_is_named_as_its_folder() -> None:
    head = text_of("skill/aimo/SKILL.md").split("---")[1]
    assert re.search(r"^name: aimo$", head, re.MULTILINE)
    assert re.search(r"^description: .{40,1024}$", head, re.MULTILINE)

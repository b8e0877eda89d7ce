"""`aimo completion`: the words it offers are those the commands take, and a real shell offers them."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aimo_host import cli, completion
from aimo_host.commands import MEANINGS
from aimo_host.gauge.catalog import ORDER
from tests.host.peer import REPOSITORY, environment

if TYPE_CHECKING:
    from pathlib import Path


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", completion.OPTIONS)
def test_the_table_has_the_options_that_the_command_takes(command: str) -> None:
    asked = [sys.executable, "-m", "aimo_host", *([command] if command else []), "--help"]
    done = subprocess.run(asked, env=environment(), cwd=REPOSITORY, capture_output=True, text=True, check=True)
    options = done.stdout.partition("options:")[2]
    assert set(re.findall(r"^  (?:-\w[ \w]*, )?(--[a-z-]+)", options, re.MULTILINE)) == set(completion.OPTIONS[command])


def test_every_command_is_in_the_table() -> None:
    known = set(cli._OTHER_ENTRANCES) | set(cli._OWN_COMMANDS)
    assert set(completion.OPTIONS) == known | {""}


def test_every_command_has_its_line_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert left.value.code == 0
    assert all(re.search(rf"^  {command} +\w", said, re.MULTILINE) for command in completion.OPTIONS if command)
    assert max(map(len, said.splitlines())) <= 80
    assert "positional arguments" not in said
    assert set(MEANINGS) | {""} == set(completion.OPTIONS)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["re"], ["refresh"]),
        (["--c"], ["--cached"]),
        (["refresh", "--p"], ["--provider"]),
        (["refresh", "--provider", ""], list(ORDER)),
        (["refresh", "--provider", "c"], ["claude", "codex"]),
        (["completion", "f"], ["fish"]),
        (["show", "--as", "code"], ["codexbar"]),
        (["watch", "--as", ""], ["waybar", "swiftbar", "tmux", "json"]),
        (["install", "--us"], ["--user-data-dir"]),
        (["nonsense", "xyz"], []),
    ],
)
def test_bash_offers_the_words(typed: list[str], offered: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "aimo.bash"
    file.write_text(script("bash", capsys))
    words = " ".join(f"'{word}'" for word in ["aimo", *typed])
    ask = f"source {file}; COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _aimo; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-uc", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == offered


def test_zsh_gets_the_same_words_by_way_of_bash(capsys: pytest.CaptureFixture[str]) -> None:
    assert script("zsh", capsys).endswith(script("bash", capsys))


def test_fish_gets_a_line_for_each_word(capsys: pytest.CaptureFixture[str]) -> None:
    lines = script("fish", capsys).splitlines()
    assert f"complete -c aimo -f -n __fish_use_subcommand -a refresh -d '{MEANINGS['refresh']}'" in lines
    assert all(line.startswith("complete -c aimo -f -n ") for line in lines)


def test_fish_offers_each_command_its_own_values(capsys: pytest.CaptureFixture[str]) -> None:
    found = [line for line in script("fish", capsys).splitlines() if " -l as " in line]
    offered = {line.split("from ")[1].split('"')[0]: line.split('-a "')[1].rstrip('"').split() for line in found}
    assert (offered["watch"], "codexbar" in offered["show"]) == (["waybar", "swiftbar", "tmux", "json"], True)


def test_a_shell_without_a_script_is_refused() -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(["completion", "tcsh"])
    assert refused.value.code == 2

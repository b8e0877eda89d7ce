"""Launchers: run for real by a shell, on nasty paths, and read for Windows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.setup import launcher

if TYPE_CHECKING:
    from pathlib import Path

NASTY = [
    "plain",
    "with space",
    "o'brien",
    'quo"te',
    "dollar$HOME",
    "`id`",
    "back\\slash",
    "日本",
    "semi;colon",
    "$(id)",
    "star*",
    "new\nline",
]


def started(folder: Path, text: bytes, *arguments: str, environ: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """What a launcher's program sees: the stand-in interpreter prints its arguments and environment."""
    script = folder / "launch"
    script.write_bytes(text)
    done = subprocess.run(["/bin/sh", str(script), *arguments], env=environ, capture_output=True, check=True)
    seen: tuple[list[str], dict[str, str]] = json.loads(done.stdout)
    return seen


def interpreter(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "python"
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\n", encoding="utf-8"
    )
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("name", NASTY)
def test_any_path_reaches_the_interpreter_as_it_is(tmp_path: Path, name: str) -> None:
    text = launcher.posix("aimo_host.host", interpreter(tmp_path / name), {"AIMO_HOME": f"/h/{name}", "PATH": f"/p/{name}"})
    arguments, environ = started(tmp_path, text, "chrome-extension://x/", "a b", environ={})
    assert arguments == ["-I", "-m", "aimo_host.host", "chrome-extension://x/", "a b"]
    assert environ["AIMO_HOME"] == f"/h/{name}"
    assert environ["PATH"].endswith(f"/p/{name}")


def test_the_environment_wins_over_what_was_recorded(tmp_path: Path) -> None:
    text = launcher.posix("aimo_host", interpreter(tmp_path), {"AIMO_HOME": "/recorded", "PATH": "/recorded/bin"})
    _, environ = started(tmp_path, text, environ={"AIMO_HOME": "/mine", "PATH": "/usr/bin"})
    assert environ["AIMO_HOME"] == "/mine"
    assert environ["PATH"] == "/usr/bin:/recorded/bin"


def test_without_an_aimo_home_none_is_set(tmp_path: Path) -> None:
    text = launcher.posix("aimo_host", interpreter(tmp_path), {"PATH": "/usr/bin"})
    assert "AIMO_HOME" not in started(tmp_path, text, environ={})[1]


def test_the_folders_of_the_shell_are_carried_where_they_decide_our_places() -> None:
    environ = {"XDG_STATE_HOME": "/s", "XDG_DATA_HOME": "", "ZAI_API_KEY": "secret"}
    assert launcher.carried(environ) == {"XDG_STATE_HOME": "/s"}
    assert launcher.carried({**environ, "AIMO_HOME": "/a"}) == {"AIMO_HOME": "/a"}


def test_the_recorded_path_has_absolute_folders_only_and_each_once() -> None:
    folders = ["/a", "", "relative", "/b", "/a", "."]
    assert launcher.search_path({"PATH": os.pathsep.join(folders)}) == os.pathsep.join(["/a", "/b"])


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_no_other_variable_is_ever_written_down(environ: dict[str, str]) -> None:
    secrets = {name: "canary" + value for name, value in environ.items() if name not in launcher._PLACES and name != "PATH"}
    for write in (launcher.posix, launcher.windows):
        assert b"canary" not in write("aimo_host", "/py", secrets)


def test_the_batch_file_echoes_nothing_and_quotes_every_path() -> None:
    text = launcher.windows("aimo_host.host", "C:\\100% sure\\py.exe", {"AIMO_HOME": "C:\\My Aimo"}).decode()
    lines = text.split("\r\n")
    assert lines[0] == "@echo off"
    assert 'if not defined AIMO_HOME set "AIMO_HOME=C:\\My Aimo"' in lines
    assert lines[-2:] == ['"C:\\100%% sure\\py.exe" -I -m aimo_host.host %*', ""]

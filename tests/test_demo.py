"""`aimo demo`: the real parsers and the real table on invented answers, which are called invented wherever they show."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aimo_host import demo
from tests.host.peer import PROVIDERS, REPOSITORY, environment
from tests.shim.wire import Connection, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = (sys.executable, "-m", "aimo_host", "demo")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=environment(), cwd=REPOSITORY, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


def test_the_table_begins_by_saying_that_it_is_a_sample() -> None:
    done = run()
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == demo.HEADING
    assert "SAMPLE" in demo.HEADING
    assert all(name in done.stdout for name in ("Claude", "Codex", "Z.ai", "Ollama"))


def test_the_json_is_the_entries_alone_and_stderr_says_that_they_are_a_sample() -> None:
    done = run("--json")
    assert [entry["provider"] for entry in json.loads(done.stdout)] == PROVIDERS
    assert {entry["account"] for entry in json.loads(done.stdout)} == {"sample"}
    assert done.stderr == f"{demo.HEADING}\n"


@pytest.mark.parametrize("moment", [0.0, 1_795_000_000.0, 1_830_000_000.0])
def test_the_samples_are_healthy_at_any_time(moment: float) -> None:
    entries = demo.sample_entries(moment + 86400)
    assert all(entry["ok"] and entry["windows"] and entry["error"] is None for entry in entries)


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_nothing_is_read_from_or_written_to_the_person_s_folders(arguments: tuple[str, ...], home: Path, aimo_home: Path) -> None:
    (aimo_home / "config").mkdir(parents=True)
    (aimo_home / "config" / "settings.json").write_text('{"providers": {"claude": "off"}}')
    before = _tree(home.parent)
    assert "laude" in run(*arguments).stdout
    assert _tree(home.parent) == before


def _tree(folder: Path) -> set[str]:
    return {os.path.join(place, name) for place, folders, names in os.walk(folder) for name in [*folders, *names]}


@pytest.fixture
def served(home: Path, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The port of a demo that is being served, and the folder for its temporary files."""
    child = subprocess.Popen(
        [*COMMAND, "--serve"],
        env=environment(TMPDIR=str(tmp_path)),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    before = _tree(home.parent)
    assert child.stdout is not None
    assert child.stdout.readline() == f"{demo.HEADING}\n"
    line = child.stdout.readline()
    yield int(line.rpartition(":")[2]), tmp_path
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=20) == ("", "")
    assert child.returncode == 130
    assert _tree(home.parent) == before
    assert list(tmp_path.iterdir()) == []


def _ask(port: int, method: str, target: str) -> Reply:
    with Connection(("127.0.0.1", port)) as connection:
        connection.send(f"{method} {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        reply = connection.reply()
        assert reply is not None
        return reply


def test_the_dashboard_is_told_that_it_shows_samples_and_nobody_is_asked(served: tuple[int, Path]) -> None:
    port, _ = served
    assert _ask(port, "GET", "/api/ping").json["demo"] is True
    for method, target in (("GET", "/api/usage?max_age=0"), ("POST", "/api/refresh?wait=5"), ("GET", "/api/usage?cached=1")):
        entries = _ask(port, method, target).json
        assert [entry["account"] for entry in entries] == ["sample"] * 4
    assert list(_ask(port, "GET", "/api/usage?provider=zai").json[0]["windows"])


def test_the_dashboard_has_words_for_the_samples() -> None:
    for language in ("en", "ja"):
        with open(os.path.join(REPOSITORY, "extension", "_locales", language, "messages.json"), encoding="utf-8") as file:
            assert any("sample" in name.lower() or "demo" in name.lower() for name in json.load(file)), language

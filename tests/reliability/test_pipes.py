"""Standard streams that are closed, or whose other end is gone: every program of ours ends or serves as ever, with no traceback.

With a stream closed, the next file to be opened gets its number: what is printed then must not end up in a file of ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from aimo_host.state import jsonfile, presence
from tests import kept
from tests.browser.processes import until
from tests.browser.stage import Shim
from tests.host.peer import COMMAND, ORIGIN, PATIENCE, PROFILE, REPOSITORY, environment, frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AIMO = (sys.executable, "-m", "aimo_host")
#: stdin, stdout and stderr, as the shell closes them: every combination.
CLOSED = [chosen for many in (1, 2, 3) for chosen in combinations(("<&-", ">&-", "2>&-"), many)]
COMMANDS = (
    ("--json",),
    ("--cached",),
    ("line",),
    ("log",),
    ("pick",),
    ("watch", "--as", "tmux"),
    ("doctor",),
    ("no such thing",),
)
#: Commands that go on until somebody ends them.
ENDLESS = ("watch",)


def _started(command: Sequence[str], closed: Sequence[str], said: Path, stdin: bytes = b"") -> subprocess.Popen[bytes]:
    """The command with some of its streams closed; what it says on the others goes into one file."""
    shell = ["sh", "-c", f'exec "$0" "$@" {" ".join(closed)}', *command]
    with said.open("wb") as output:
        child = subprocess.Popen(shell, env=environment(), cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=output, stderr=output)
    assert child.stdin is not None
    try:
        child.stdin.write(stdin)
        child.stdin.close()
    except OSError:
        pass  # it does not read
    return child


def _files_are_in_order() -> None:
    paths = kept.places()
    for path in (paths.cache, paths.settings, paths.refresh, paths.attempts):
        jsonfile.load(path)
    assert [entry["provider"] for entry in (jsonfile.load(paths.cache) or {})["entries"]][:1] == ["claude"]


def _is_over_or_waits(child: subprocess.Popen[bytes]) -> bool:
    """An interrupt that comes while Python itself still starts may be lost, or end it in Python's own way."""
    folder = kept.places().bells_dir
    bells = os.listdir(folder) if os.path.isdir(folder) else []
    return child.poll() is not None or any(name.startswith(f"{child.pid}-") for name in bells)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_with_closed_streams_ends_as_ever(tmp_path: Path, words: tuple[str, ...]) -> None:
    kept.keep("claude", kept.week(50.0))
    running = [(c, tmp_path / str(n), _started((*AIMO, *words), c, tmp_path / str(n))) for n, c in enumerate(CLOSED)]
    for closed, said, child in running:
        if words[0] in ENDLESS:
            until(lambda: _is_over_or_waits(child), "it waits", PATIENCE)  # noqa: B023 - called at once
            child.send_signal(signal.SIGINT)
        assert child.wait(60) in {0, 1, 2, 3, 4, 130}, (closed, said.read_text())
        assert "Traceback" not in said.read_text(), closed
        assert "Please report it" not in said.read_text(), closed
    _files_are_in_order()


@pytest.mark.parametrize("closed", CLOSED, ids=" ".join)
def test_a_shim_with_closed_streams_serves(tmp_path: Path, closed: tuple[str, ...]) -> None:
    kept.keep("claude", kept.week(50.0))
    folder = kept.places().presence_dir
    child = _started((*AIMO, "serve", "--port", "0"), closed, tmp_path / "said")
    try:
        until(lambda: presence.present(folder), "the shim is there", PATIENCE)
        [facts] = presence.present(folder)
        reply = Shim(f"http://127.0.0.1:{facts['port']}", child.pid).get("/api/usage?cached=1")
        assert (reply.status, reply.json[0]["windows"][0]["used_pct"]) == (200, 50.0)
    finally:
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 130
    assert "Traceback" not in (tmp_path / "said").read_text()
    _files_are_in_order()


@pytest.mark.parametrize("closed", CLOSED, ids=" ".join)
def test_a_host_with_closed_streams_ends_well(tmp_path: Path, closed: tuple[str, ...]) -> None:
    kept.keep("claude", kept.week(50.0))
    hello = frame({"type": "hello", "protocol": 1, "extension": "0.1.0", "profile": PROFILE})
    child = _started((*COMMAND, ORIGIN), closed, tmp_path / "said", hello)
    assert child.wait(PATIENCE) == 0
    assert b"Traceback" not in (tmp_path / "said").read_bytes()
    _files_are_in_order()


@pytest.mark.parametrize(
    "words", [("--json",), ("--cached",), ("log",), ("pick", "--json"), ("watch", "--as", "json")], ids=" ".join
)
def test_a_reader_who_is_gone_ends_a_command_quietly(words: tuple[str, ...]) -> None:
    kept.keep("claude", kept.week(50.0))
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as nobody:
        done = subprocess.run(
            [*AIMO, *words], env=environment(), cwd=REPOSITORY, stdout=nobody, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_shim_whose_reader_is_gone_serves(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    folder = kept.places().presence_dir
    with open(writer, "wb") as nobody, (tmp_path / "said").open("wb") as said:
        child = subprocess.Popen([*AIMO, "serve", "--port", "0"], env=environment(), cwd=REPOSITORY, stdout=nobody, stderr=said)
    try:
        until(lambda: presence.present(folder) or child.poll() is not None, "the shim is there, or gone", PATIENCE)
        assert child.poll() is None, (tmp_path / "said").read_text()
        [facts] = presence.present(folder)
        assert Shim(f"http://127.0.0.1:{facts['port']}", child.pid).get("/api/ping").status == 200
    finally:
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 130
    assert (tmp_path / "said").read_text() == ""

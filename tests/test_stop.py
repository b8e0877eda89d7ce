"""Who ends a command by Ctrl-C, by `kill` or by closing the terminal leaves the machine as it was before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from aimo_host import stop
from tests.command import COMMAND
from tests.host.peer import REPOSITORY, environment
from tests.kept import keep, places, week

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

PATIENCE = 30.0
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@contextmanager
def running(*arguments: str, temporary: Path, before: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """A command that stays, as soon as it has said something."""
    pipe = subprocess.PIPE
    command, environ = [*before, *COMMAND, *arguments], environment(TMPDIR=str(temporary))
    with subprocess.Popen(command, env=environ, cwd=REPOSITORY, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stderr is not None
            first = child.stderr if arguments[0] == "wait" else child.stdout
            assert first.readline()
            if arguments[0] == "demo":
                assert child.stdout.readline().startswith("listening")
            yield child
        finally:
            child.kill()


def left(temporary: Path) -> list[str]:
    """What is there only while a command runs."""
    found = places()
    folders = (str(temporary), found.bells_dir, found.presence_dir)
    return [name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("arguments", [("demo", "--serve"), ("serve", "--port", "0")], ids=lambda value: str(value[0]))
def test_a_server_that_is_ended_leaves_nothing_behind(number: int, arguments: tuple[str, ...], tmp_path: Path) -> None:
    with running(*arguments, temporary=tmp_path) as child:
        assert left(tmp_path)
        child.send_signal(number)
        assert child.communicate(timeout=PATIENCE) == ("", "")
    assert child.returncode == 128 + number
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "arguments"), [(signal.SIGHUP, ("watch",)), (signal.SIGTERM, ("wait", "claude", "--need", "20"))]
)
def test_whoever_sleeps_takes_the_bell_down(number: int, arguments: tuple[str, ...], tmp_path: Path) -> None:
    keep("claude", week(100))
    with running(*arguments, temporary=tmp_path) as child:
        child.send_signal(number)
        assert "Traceback" not in child.communicate(timeout=PATIENCE)[1]
    assert child.returncode == 128 + number
    assert left(tmp_path) == []


def test_a_terminal_that_closes_twice_interrupts_no_tidying_up(tmp_path: Path) -> None:
    with running("demo", "--serve", temporary=tmp_path) as child:
        for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGTERM):
            child.send_signal(number)
        child.wait(PATIENCE)
    assert left(tmp_path) == []


def test_under_nohup_a_closing_terminal_ends_nobody(tmp_path: Path) -> None:
    ignoring = (
        sys.executable,
        "-c",
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])",
    )
    with running("serve", "--port", "0", temporary=tmp_path, before=ignoring) as child:
        child.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert child.poll() is None


@pytest.mark.parametrize("number", SIGNALS)
def test_a_server_of_agents_ends_while_its_input_is_open(number: int) -> None:
    pytest.importorskip("mcp")
    hello = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, "mcp"], env=environment(), cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(hello)
        child.stdin.flush()
        assert child.stdout.readline()
        child.send_signal(number)
        assert child.wait(PATIENCE) == 128 + number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_whose_exception_was_lost_is_heeded_at_the_next_look(number: signal.Signals) -> None:
    before = signal.signal(number, lambda *_: None)
    try:
        with stop.Waking() as waking:
            waking.heed()
            signal.raise_signal(number)
            with pytest.raises(KeyboardInterrupt) as caught:
                waking.heed()
    finally:
        signal.signal(number, before)
    assert getattr(caught.value, "code", 130) == 128 + number

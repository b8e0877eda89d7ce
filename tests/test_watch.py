"""`aimo watch`: a line now, at every change and at every reset; nobody is asked, and nothing is polled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host import watch
from aimo_host.gauge.times import iso
from aimo_host.state import settings
from aimo_host.state.bell import Bell
from aimo_host.watch import pause
from tests.gauge.builders import DAY, HOUR, NOW
from tests.host.peer import REPOSITORY, environment
from tests.kept import keep, places, week
from tests.simulator import canaries
from tests.simulator.fixtures import simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.simulator import Simulator

__all__ = ["simulator"]

COMMAND = (sys.executable, "-m", "aimo_host", "watch")
PATIENCE = 30.0


@contextmanager
def watching(*arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment(**environ),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def line(child: subprocess.Popen[str]) -> dict[str, Any]:
    assert child.stdout is not None
    seen: dict[str, Any] = json.loads(child.stdout.readline())
    return seen


def first_window(seen: dict[str, Any]) -> tuple[float | None, str]:
    window = seen["entries"][0]["windows"][0]
    return window["used_pct"], window["state"]


def test_the_first_line_comes_at_once_and_is_the_snapshot() -> None:
    keep("claude", week(40))
    with watching("--as", "json") as child:
        seen = line(child)
    assert list(seen) == ["schema", "updated_at", "entries", "answer"]
    assert first_window(seen) == (40.0, "active")
    assert seen["answer"]["use"]["provider"] == "claude"


def test_every_change_is_a_line() -> None:
    with watching() as child:
        assert line(child)["answer"]["use"]["code"] == "unknown"
        keep("claude", week(40), age=2)
        assert first_window(line(child)) == (40.0, "active")
        keep("claude", week(50))
        assert first_window(line(child)) == (50.0, "active")
        settings.change(places(), {"providers": {"claude": "off"}})
        assert line(child)["entries"][0]["provider"] == "codex"


def test_for_a_script_time_alone_is_no_news(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    keep("claude", week(40, 3 * DAY))
    rounds = [lambda: None, lambda: keep("claude", week(41, 3 * DAY))]
    started = time.time()
    moments = iter([started, started + 3600, started + 7200])
    monkeypatch.setattr(watch, "time", SimpleNamespace(time=lambda: next(moments)))

    def wait(_bell: Bell, _timeout: float | None, _woken: object) -> None:
        if not rounds:
            raise KeyboardInterrupt
        rounds.pop(0)()

    monkeypatch.setattr(Bell, "wait", wait)
    with pytest.raises(KeyboardInterrupt):
        watch.main([], os.environ)
    lines = [json.loads(text) for text in capfdbinary.readouterr().out.splitlines()]
    assert [first_window(seen)[0] for seen in lines] == [40.0, 41.0]


def test_a_reset_is_a_line_though_nothing_was_written() -> None:
    keep("claude", week(40, 2))
    with watching() as child:
        assert first_window(line(child)) == (40.0, "active")
        before = time.monotonic()
        assert first_window(line(child)) == (None, "reset_due")
        assert time.monotonic() - before < 10


def test_it_asks_nobody_and_leaves_no_request(simulator: Simulator) -> None:
    keep("zai", week(40, 1), age=HOUR)
    with watching(**simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY) as child:
        line(child)
        line(child)
    assert simulator.requests == []
    assert not os.path.exists(places().refresh)


def test_idle_it_sleeps() -> None:
    keep("claude", week(40))
    with watching() as child:
        line(child)
        time.sleep(0.5)  # until it has gone to sleep; then nothing may wake it
        before = _switches(child.pid)
        time.sleep(1.5)
        assert _switches(child.pid) == before


def _switches(pid: int) -> list[str]:
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return [text for text in status if "ctxt_switches" in text]


def test_an_interrupt_is_130_and_leaves_no_bell_behind() -> None:
    with watching() as child:
        line(child)
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=PATIENCE) == ("", "")
        assert child.returncode == 130
    assert os.listdir(places().bells_dir) == []


def test_a_reader_that_goes_is_no_error() -> None:
    with watching() as child:
        line(child)
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        keep("claude", week(40))
        assert child.wait(PATIENCE) == 0
        assert child.stderr.read() == ""


@pytest.mark.parametrize("form", ["waybar", "tmux"])
def test_a_bar_gets_one_line_for_each_change(form: str) -> None:
    with watching("--as", form) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        for used in (40, 50):
            keep("claude", week(used), age=60 - used)
            lines.append(child.stdout.readline())
    assert len(set(lines)) == 3
    assert all(text.endswith("\n") for text in lines)


def test_swiftbar_is_told_where_its_menu_starts_anew() -> None:
    with watching("--as", "swiftbar") as child:
        assert child.stdout is not None
        assert child.stdout.readline() != "~~~\n"
        keep("claude", week(40))
        while child.stdout.readline() != "~~~\n":
            pass
        assert "Claude" in child.stdout.readline()


def test_a_form_that_nobody_knows_is_exit_2() -> None:
    with watching("--as", "telex") as child:
        out, err = child.communicate(timeout=PATIENCE)
    assert (child.returncode, out) == (2, "")
    assert "--as" in err


@pytest.mark.parametrize(
    ("resets", "seconds"),
    [
        ([], None),
        ([(40.0, 5.0)], 5.0),
        ([(40.0, 30.0), (50.0, 7.0)], 7.0),
        ([(40.0, HOUR)], 60.0),
        ([(None, -5.0)], None),
        ([(None, -5.0), (40.0, 9.0)], 9.0),
        ([(40.0, None)], 60.0),
    ],
)
def test_it_sleeps_until_the_next_reset_and_notices_a_clock_that_stood_still(
    resets: list[tuple[float | None, float | None]], seconds: float | None
) -> None:
    windows = [{"used_pct": used, "resets_at": None if at is None else iso(NOW + at)} for used, at in resets]
    assert pause([{"windows": windows}], NOW) == seconds

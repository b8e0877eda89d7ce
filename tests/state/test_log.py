"""Our own log: short lines, one per event, in a file that cannot grow without end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aimo_host.state import atomic, log

if TYPE_CHECKING:
    import pytest

    from aimo_host.state.paths import Paths


def lines(paths: Paths) -> list[str]:
    return (atomic.read(paths.log) or b"").decode().splitlines()


def test_a_line_carries_the_time_and_the_process(paths: Paths) -> None:
    log.write(paths, "refresh of claude: OSError")
    (line,) = lines(paths)
    assert line.split(" ", 2)[1:] == [str(os.getpid()), "refresh of claude: OSError"]
    assert line[4] == "-"
    assert line.split(" ", 1)[0].endswith("Z")


def test_whatever_is_written_is_one_line(paths: Paths) -> None:
    log.write(paths, "two\nlines\r\x1b[31m\ud800" + "x" * 5000)
    (line,) = lines(paths)
    assert line.isprintable()
    assert len(line) < 400


def test_the_older_half_is_dropped_when_it_grows(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_LARGEST", 2000)
    for number in range(100):
        log.write(paths, f"event {number}")
    found = lines(paths)
    assert os.path.getsize(paths.log) < 2100
    assert found[-1].endswith("event 99")
    assert all("event" in line for line in found)


def test_a_log_that_cannot_be_written_stops_nothing(paths: Paths) -> None:
    os.makedirs(paths.log)
    log.write(paths, "lost")

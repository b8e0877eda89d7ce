"""The clock jumps while a host and a shim are running: nobody is asked for that, no age is negative, and nothing is pinned.

Our processes take the time from a clock that the test sets: a `sitecustomize` on their path shifts `time.time` by what a file
says, also while they run. Everything else is real. Their monotonic clock goes on, as it does when the wall's clock is set.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aimo_host.gauge.times import parse_iso
from aimo_host.state import attempts
from tests.host.machine import HOME, Browser
from tests.host.peer import PROVIDERS
from tests.reliability import figures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.browser.stage import Shim
    from tests.host.machine import Machine

DAY, HOUR = 86400.0, 3600.0
SOURCES = ("claude.organizations", "claude.usage", "claude.prepaid_credits", "codex.usage", "zai.quota", "ollama.settings")
AGENTS = 10
IDLE = 10.0 if figures.IS_DEEP else 1.0
SHIFT = """
import os, time
_right = time.time
def _shifted():
    with open(os.environ["AIMO_TESTS_CLOCK"], encoding="ascii") as file:
        return _right() + float(file.read())
time.time = _shifted
"""
_NEGATIVE = re.compile(r"-\s?\d")


class Clock:
    """The time of our processes, `offset` seconds from the right one."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        (folder / "sitecustomize.py").write_text(SHIFT, encoding="ascii")
        self.environ = {"PYTHONPATH": str(folder), "AIMO_TESTS_CLOCK": str(self._file)}
        self.set(0.0)

    def set(self, offset: float) -> None:
        self.offset = offset
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(offset), encoding="ascii")
        fresh.replace(self._file)  # whole, since somebody is reading it

    def now(self) -> float:
        return time.time() + self.offset


class World(Browser):
    """A signed-in browser whose providers go by the right clock, or by ours."""

    def __init__(self, clock: Clock, *, goes_along: bool) -> None:
        super().__init__()
        self._clock, self._goes_along = clock, goes_along

    def now(self) -> float:
        return self._clock.now() if self._goes_along else time.time()


@pytest.fixture
def clock(machine: Machine, tmp_path: Path) -> Clock:
    ours = Clock(tmp_path)
    machine.stage.environ |= ours.environ
    return ours


#: What happens -> when it begins (None: now), how far the clock jumps, whether the world goes along, and the time zone.
JUMPS: dict[str, tuple[str | None, float, bool, str]] = {
    "a day ahead": (None, DAY, False, "UTC"),
    "a day back": (None, -DAY, False, "UTC"),
    "two hours back": (None, -2 * HOUR, False, "UTC"),
    "eight hours of sleep": (None, 8 * HOUR, True, "Asia/Tokyo"),
    "the end of summer time": ("2026-10-25T00:59:30Z", 60.0, True, "Europe/Berlin"),
    "the beginning of summer time": ("2027-03-28T00:59:30Z", 60.0, True, "Europe/Berlin"),
}
if not figures.IS_DEEP:
    JUMPS = {name: JUMPS[name] for name in ("a day back", "the end of summer time")}


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_asks_nobody_shows_no_negative_age_and_pins_nothing(
    machine: Machine, clock: Clock, record_figure: Callable[..., None], jump: str
) -> None:
    began, seconds, goes_along, zone = JUMPS[jump]
    if began is not None:
        clock.set((parse_iso(began) or 0.0) - time.time())
    start = clock.offset
    machine.stage.environ["TZ"] = zone
    shim, world = machine.stage.serve(), World(clock, goes_along=goes_along)
    with machine.browsers((HOME, world)):
        seen = [_refresh(machine, clock, shim, world)]
        world.asked.clear()
        clock.set(start + seconds)
        time.sleep(IDLE)  # not to wait for something: nothing may happen in this time
        unasked = list(world.asked)
        negative = _negative_ages(machine, shim)
        asked_at = time.monotonic()
        seen.append(_refresh(machine, clock, shim, world))
        again = _refresh(machine, clock, shim, world, is_due=False)
        is_soon = time.monotonic() - asked_at < attempts.SHARED_FOR - 1  # a busy machine may take longer
        clock.set(start + seconds + 60 if goes_along else start)
        negative += _negative_ages(machine, shim)
        seen.append(_refresh(machine, clock, shim, world))
    is_reached = (unasked, negative, seen) == ([], [], [1, 1, 1]) and again <= (not is_soon)
    words = "a jump without a fault" if is_reached else f"{jump}: asked {unasked}, {seen}, {again}; {negative}"
    record_figure("clock", words, is_reached=is_reached)
    assert is_reached, words


def _refresh(machine: Machine, clock: Clock, shim: Shim, world: World, *, is_due: bool = True) -> int:
    """Agents ask all at once. How often each source was asked then; every row is as new as the clock says."""
    world.asked.clear()
    with ThreadPoolExecutor(AGENTS) as agents:
        replies = list(agents.map(lambda _: shim.get("/api/refresh?wait=30", "POST"), range(AGENTS)))
    now = clock.now()
    assert [reply.status for reply in replies] == [200] * AGENTS
    for entry in machine.entries():
        age = now - (parse_iso(entry["observed_at"]) or 0.0)
        assert -2 <= age <= (30 if is_due else 60), (entry["provider"], age)
        assert not entry["stale"], entry
    counted = world.count()
    assert set(counted) <= set(SOURCES)
    return max(counted.values(), default=0)


def _negative_ages(machine: Machine, shim: Shim) -> list[str]:
    """Lines of the table, and rows of the answers, that tell of a reading from the future."""
    table = machine.stage.aimo("--cached")
    assert (table.returncode, table.stderr) == (0, "")
    ping = shim.get("/api/usage?cached=1")
    assert [entry["provider"] for entry in ping.json] == PROVIDERS
    return [line for line in table.stdout.splitlines() if _NEGATIVE.search(line)]

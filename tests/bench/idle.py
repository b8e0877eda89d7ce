"""What aimo costs while nobody wants anything: the host and the shim beside an open browser, before and after a first refresh."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.bench.ground import Ground, Home, check
from tests.bench.table import Figure
from tests.browser import processes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.browser.stage import Shim

_SECONDS = 60
_STILL_SECONDS = 0.5
_BEFORE_MB, _AFTER_MB, _SHIM_MB = 16.0, 30.0, 20.0


def idle(ground: Ground) -> dict[str, Sequence[Figure]]:
    """A minute before the first refresh, and a minute after it."""
    seconds = ground.runs(_SECONDS, 2)
    with ground.installed() as home:
        home.sign_in()
        shim = home.serve()
        with home.unwatched():
            processes.until(lambda: shim.get("/api/ping").json["browser"] == "connected", "the browser's host is there")
            [host] = home.hosts()
            home.simulator.clear()
            before = _watched(home, (host, shim.pid), seconds)
            _refresh(home, shim)
            after = _watched(home, (host, shim.pid), seconds)
            check(home.hosts() == [host], "it is the same host all the time")
    moments = (("before the first refresh", 0), ("after it", 1))
    limits = {host: (_BEFORE_MB, _AFTER_MB), shim.pid: (_SHIM_MB, _SHIM_MB)}
    return {
        row: [_figure(label, (before, after)[at][pid], limits[pid][at], seconds) for label, at in moments]
        for row, pid in (("host", host), ("shim", shim.pid))
    }


def _refresh(home: Home, shim: Shim) -> None:
    entries = shim.get("/api/refresh?wait=75", "POST").json
    check(all(entry["ok"] and entry["_source"] == "push" for entry in entries), "everybody was read through the browser")
    home.simulator.clear()


def _watched(home: Home, pids: tuple[int, ...], seconds: int) -> dict[int, tuple[int, float]]:
    """Of each process: its context switches in so many seconds, and its private megabytes at their end."""
    processes.until(lambda: all(map(_is_still, pids)), "what was under way is over", 30)
    before = {pid: processes.context_switches(pid) for pid in pids}
    check(all(before.values()), "the processes are there")
    time.sleep(seconds)  # not to wait for something: nothing may happen in this time
    found = {pid: (processes.context_switches(pid) - before[pid], private_megabytes(pid)) for pid in pids}
    check(not home.simulator.seen(), "no provider was asked meanwhile")
    return found


def _is_still(pid: int) -> bool:
    before = processes.context_switches(pid)
    time.sleep(_STILL_SECONDS)
    return processes.context_switches(pid) == before


def private_megabytes(pid: int) -> float:
    """What would be free again if the process ended (Linux)."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file if line.startswith("Private_"))
    return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")) * 1024 / 1e6


def _figure(label: str, found: tuple[int, float], at_most: float, seconds: int) -> Figure:
    switches, megabytes = found
    raw = {"switches": switches, "MB": round(megabytes, 2)}
    measured = f"{switches} context switches in {seconds} s, {megabytes:.1f} MB"
    return Figure(label, measured, megabytes, not switches and megabytes <= at_most, raw, "switches / MB", 1)

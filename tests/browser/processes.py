"""Processes of a test: started in a group of their own, found again by the home that they carry, and never left behind.

Reads /proc: Linux only, as the browser tests are.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def until(claim: Callable[[], object], what: str, within: float = 15.0) -> None:
    """Returns as soon as `claim` holds.

    Raises:
        AssertionError: it did not, `within` seconds.
    """
    deadline = time.monotonic() + within
    while not claim():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(0.02)


def start(command: list[str], environ: Mapping[str, str], log: str) -> subprocess.Popen[bytes]:
    """A child in a session of its own; what it says goes to the file `log`."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )


def end(child: subprocess.Popen[bytes], grace: float = 5.0) -> None:
    """Asks the child to end, then makes its whole group end."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(grace)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    child.wait()


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def carrying(aimo_home: str) -> dict[int, str]:
    """The living processes whose environment names this AIMO_HOME: pid -> command line."""
    mark = f"AIMO_HOME={aimo_home}".encode()
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and mark in _read(int(entry), "environ").split(b"\0"):
            found[int(entry)] = _read(int(entry), "cmdline").replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return found


def kill(pids: Iterable[int]) -> None:
    """Ends processes that a test of ours started, or that were started by one of them."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def context_switches(pid: int) -> int:
    """How often the threads of a process were put on a processor so far."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        for line in _read(pid, f"task/{task}/status").decode().splitlines():
            if "ctxt_switches" in line:
                total += int(line.split()[1])
    return total

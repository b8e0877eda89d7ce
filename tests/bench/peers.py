"""Other programs' status lines beside ours, with `--peers` only: each in an environment of its own, no way to the network.

They are installed from the registries once, below `.tests-env`. What they say is their own affair; that they say something and
end well is checked, and one that cannot do so offline says so in the table.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.bench.ground import Ground, Home, check
from tests.bench.table import median

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), ".tests-env", "peers")
_INSTALL_SECONDS = 600
_RUN_SECONDS = 30
_SESSION: dict[str, Any] = {
    "session_id": "bench",
    "transcript_path": "/nowhere/bench.jsonl",
    "cwd": "/",
    "model": {"id": "claude-opus-5", "display_name": "Opus 5"},
    "workspace": {"current_dir": "/", "project_dir": "/"},
    "version": "2.0.0",
    "cost": {"total_cost_usd": 0.1},
}
_NOWHERE = "http://127.0.0.1:9"
BARE, OURS = "the bare interpreter", "aimo line"


@dataclass(frozen=True, slots=True)
class Peer:
    """A program, where it comes from, and the command that is nearest to a status line from what is known already."""

    package: str
    is_npm: bool
    command: tuple[str, ...]


PEERS = (
    Peer("ccusage@20.0.24", True, ("ccusage", "statusline", "--offline")),
    Peer("claude-monitor", False, ("claude-monitor", "--once", "--statusline")),
    Peer("check-llm-quota", False, ("check-llm-quota", "--json", "all")),
    Peer("ai-quota-tracker", False, ("tracker", "status")),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of a whole process, or why there are none."""

    name: str
    samples: Sequence[float]
    trouble: str = ""


def measure(ground: Ground) -> list[Measured]:
    """All by turns, and beside them our own line and the bare interpreter."""
    with ground.installed() as home:
        home.fill()
        own: dict[str, Callable[[], float]] = {
            BARE: home.bare,
            OURS: lambda: _ours(home, "line"),
            "aimo --cached --json": lambda: _ours(home, "--cached", "--json"),
        }
        able: dict[str, Callable[[], float]] = dict(own)
        found: list[Measured] = []
        for peer in PEERS:
            name = f"{peer.package}: {' '.join(peer.command)}"
            program, trouble = _installed(peer)
            trouble = trouble or _trouble(home, peer, program)
            if trouble:
                found.append(Measured(name, (), trouble))
            else:
                able[name] = lambda peer=peer, program=program: _once(home, peer, program)[0]  # type: ignore[misc]
        samples: dict[str, list[float]] = {name: [] for name in able}
        for _ in range(ground.runs(21)):
            for name, once in able.items():
                samples[name].append(once())
        return [*(Measured(name, taken) for name, taken in samples.items()), *found]


def _ours(home: Home, *arguments: str) -> float:
    took, done = home.run(home.paths.command, *arguments, stdin=json.dumps(_SESSION).encode())
    check(done.returncode == 0 and done.stdout, f"{arguments} answers")
    return took


def _installed(peer: Peer) -> tuple[str, str]:
    """The peer's program, and what went wrong on the way to it."""
    folder = os.path.join(_FOLDER, peer.package)
    program = os.path.join(folder, "node_modules/.bin" if peer.is_npm else "bin", peer.command[0])
    if os.path.exists(program):
        return program, ""
    os.makedirs(folder, exist_ok=True)
    python = os.path.join(folder, "bin", "python")
    steps = [[sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "--quiet", peer.package]]
    if peer.is_npm:
        npm = shutil.which("npm")
        if npm is None:
            return program, "npm is not installed"
        steps = [[npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, peer.package]]
    for step in steps:
        done = subprocess.run(
            step, capture_output=True, text=True, timeout=_INSTALL_SECONDS, stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            return program, "cannot be installed here"
    return program, ""


def _once(home: Home, peer: Peer, program: str) -> tuple[float, subprocess.CompletedProcess[bytes]]:
    nowhere = {name: _NOWHERE for way in ("HTTP", "HTTPS", "ALL") for name in (f"{way}_PROXY", f"{way.lower()}_proxy")}
    environ = {**home.environ, **nowhere, "NO_COLOR": "1"}
    began = time.perf_counter()
    done = subprocess.run(
        [program, *peer.command[1:]],
        env=environ,
        input=json.dumps(_SESSION).encode(),
        capture_output=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    return (time.perf_counter() - began) * 1000, done


def _trouble(home: Home, peer: Peer, program: str) -> str:
    """Why it cannot be measured offline; empty if it can."""
    try:
        _, done = _once(home, peer, program)
    except subprocess.TimeoutExpired:
        return f"does not end within {_RUN_SECONDS} s without a network"
    if done.returncode or not done.stdout.strip():
        return f"does not answer without a network and an account (exit code {done.returncode})"
    return ""


def printed(found: Sequence[Measured]) -> str:
    """The table, as Markdown."""
    yardsticks = {one.name: median(one.samples) for one in found if one.name in {BARE, OURS}}
    lines = ["| program | beside the bare interpreter | beside `aimo line` | raw median |", "| --- | --- | --- | --- |"]
    for one in found:
        if one.trouble:
            lines.append(f"| `{one.name}` | – | – | {one.trouble} |")
            continue
        took = median(one.samples)
        beside = " | ".join(f"{took / yardsticks[name]:.2f} ×" for name in (BARE, OURS))
        lines.append(f"| `{one.name}` | {beside} | {took:.1f} ms (n = {len(one.samples)}) |")
    return "\n".join(lines)


def as_json(found: Sequence[Measured]) -> list[Mapping[str, Any]]:
    """The same for programs."""
    return [
        {"program": one.name, "trouble": one.trouble}
        if one.trouble
        else {"program": one.name, "median_ms": median(one.samples), "runs": len(one.samples)}
        for one in found
    ]

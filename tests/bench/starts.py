"""How long our processes take to start, each beside an interpreter that does nothing: what runs at every prompt, and the host."""

from __future__ import annotations

import json
import struct
import subprocess
import time
from typing import TYPE_CHECKING

from aimo_host.dialects import statusline
from aimo_host.gauge import snapshot
from aimo_host.gauge.times import parse_iso
from aimo_host.state import cache, settings
from tests.bench.ground import Ground, Home, check, in_turn, parsed
from tests.bench.table import Figure, ratio
from tests.host.peer import ORIGIN, PROFILE, frame

if TYPE_CHECKING:
    from collections.abc import Sequence

_RUNS = 41


def cached(ground: Ground) -> dict[str, Sequence[Figure]]:
    """`aimo --cached --json`."""
    with ground.installed() as home:
        home.fill()

        def read() -> float:
            before = home.expected(time.time())
            took, done = home.run(home.paths.command, "--cached", "--json")
            check(done.returncode == 0 and not done.stderr, f"exit 0: {done.stderr!r}")
            check(parsed(done.stdout) in (before, home.expected(time.time())), "the cached entries are those of the cache")
            return took

        mine, bare = in_turn(ground.runs(_RUNS), read, home.bare)
        return {"cached": [ratio("", mine, bare, at_most=3)]}


def line(ground: Ground) -> dict[str, Sequence[Figure]]:
    """`aimo line`, given a session whose limits everybody knows already."""
    with ground.installed() as home:
        home.fill()
        session = _session(home)

        def read() -> float:
            expected = _line(home, session)
            took, done = home.run(home.paths.command, "line", stdin=session)
            check((done.returncode, done.stderr) == (0, b""), f"exit 0: {done.stderr!r}")
            check(done.stdout.decode() in (f"{expected}\n", f"{_line(home, session)}\n"), "the line says what is known")
            return took

        mine, bare = in_turn(ground.runs(_RUNS), read, home.bare)
        return {"line": [ratio("", mine, bare, at_most=2.5)]}


def _session(home: Home) -> bytes:
    [claude] = [entry for entry in home.expected(time.time()) if entry["provider"] == "claude"]
    windows = {window["label"]: window for window in claude["windows"]}
    slots = {"five_hour": "session (5h)", "seven_day": "weekly (all)"}
    limits = {
        slot: {"used_percentage": windows[label]["used_pct"], "resets_at": parse_iso(windows[label]["resets_at"])}
        for slot, label in slots.items()
    }
    model = {"id": "claude-opus-5", "display_name": "Opus 5"}
    return json.dumps({"model": model, "workspace": {"current_dir": "/home/ada/here"}, "rate_limits": limits}).encode()


def _line(home: Home, session: bytes) -> str:
    now = time.time()
    seen = snapshot.snapshot_at(cache.read(home.paths), settings.read(home.paths), now)
    return statusline.render(seen, now, json.loads(session))


def welcome(ground: Ground) -> dict[str, Sequence[Figure]]:
    """The host's first reply, which carries the snapshot."""
    with ground.installed() as home:
        home.fill()
        mine, bare = in_turn(ground.runs(_RUNS), lambda: _welcome(home), home.bare)
        return {"welcome": [ratio("", mine, bare, at_most=4)]}


def _welcome(home: Home) -> float:
    hello = frame({"type": "hello", "protocol": 1, "extension": "0.1.0", "profile": PROFILE})
    before = home.expected(time.time())
    began = time.perf_counter()
    with subprocess.Popen(
        [home.paths.launcher, ORIGIN], env=home.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        host.stdin.write(hello)
        host.stdin.flush()
        body = host.stdout.read(struct.unpack("=I", host.stdout.read(4))[0])
        took = (time.perf_counter() - began) * 1000
        host.stdin.close()
        check(host.wait(10) == 0, "the host ends with its input")
    message = parsed(body)
    check(message["type"] == "welcome", "the first reply is the welcome")
    check(message["snapshot"]["entries"] in (before, home.expected(time.time())), "the welcome carries the snapshot")
    return took

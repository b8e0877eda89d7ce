"""What somebody waits for where no browser page is involved: a host that hears the bell, and the server-side routes."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Any

from aimo_host.gauge.times import parse_iso
from aimo_host.state import requests
from tests.bench import fetches
from tests.bench.ground import Ground, Home, check, in_turn, parsed
from tests.bench.table import Figure, added, median, percentile
from tests.host.machine import Machine
from tests.host.peer import ORIGIN, PATIENCE, Peer, healthy
from tests.simulator import canaries

if TYPE_CHECKING:
    from collections.abc import Sequence

_RINGS = 300
_P99_MS = 10
#: Asks the browser one thing only.
_PROVIDER, _ASK = "zai", "zai.quota"
_SERVER_SIDE = ("claude.oauth_usage", "codex.cli_usage", "zai.key_quota", "ollama.balance", "ollama.me")


def doorbell(ground: Ground) -> dict[str, Sequence[Figure]]:
    """From the moment somebody begins to write the request, until the extension holds the host's `ask`."""
    heard: queue.Queue[tuple[str, float]] = queue.Queue()

    def answers(source: str, params: dict[str, str]) -> dict[str, Any] | None:
        heard.put((source, time.perf_counter()))
        return healthy(source, params)

    with ground.installed() as home:
        home.fill()
        with Peer(answers, command=(home.paths.launcher,), arguments=(ORIGIN,), environ=home.environ) as peer:
            peer.hello()
            _ring(home, heard)
            took = [_ring(home, heard) for _ in range(ground.runs(_RINGS, 5))]
            home.forget_attempts()
            check(home.cache()[_PROVIDER]["_source"] == "push", "what the extension answered is in the cache")
    p99 = percentile(took, 99)
    raw = {"median": median(took), "p99": p99, "worst": max(took)}
    return {"doorbell": [Figure("", f"p99 {p99:.1f} ms", p99, p99 <= _P99_MS, raw, "ms", len(took))]}


def _ring(home: Home, heard: queue.Queue[tuple[str, float]]) -> float:
    home.forget_attempts()
    began = time.perf_counter()
    requests.ask(home.paths, [_PROVIDER], trigger="http", named=False, now=time.time())
    source, at = heard.get(timeout=PATIENCE)
    check(source == _ASK, f"the host asks for {_ASK}")
    return (at - began) * 1000


def routes(ground: Ground) -> dict[str, Sequence[Figure]]:
    """`aimo --json` where no browser is, and every provider has a credential."""
    with ground.installed() as home:
        Machine(home).sign_programs_in(home.simulator)
        home.write_env(ZAI_API_KEY=canaries.ZAI_API_KEY, OLLAMA_API_KEY=canaries.OLLAMA_API_KEY)
        fetches.slow(home.simulator, _SERVER_SIDE, 0.3)
        plain = fetches.Plain(home.simulator)
        chain = 0

        def ask() -> float:
            nonlocal chain
            home.let_pass(600)
            home.simulator.clear()
            asked = time.time()
            took, done = home.run(home.paths.command, "--json")
            check(done.returncode == 0 and not done.stderr, f"exit 0: {done.stderr!r}")
            _check_all_fresh(parsed(done.stdout), asked)
            chain = fetches.longest_chain(home.simulator.seen())
            return took

        mine, slowest = in_turn(ground.runs(11), ask, lambda: chain * plain.fetch())
        plain.close()
    return {"routes": [added("", mine, slowest, at_most=400)]}


def _check_all_fresh(entries: Any, asked: float) -> None:
    check([entry["provider"] for entry in entries] == ["claude", "codex", "zai", "ollama"], "there are four rows")
    for entry in entries:
        fresh = (parse_iso(entry["observed_at"]) or 0) >= int(asked)
        good = entry["ok"] and not entry["stale"] and entry["_source"] == "server"
        check(fresh and good, f"{entry['provider']} was read just now: {entry['error']}")

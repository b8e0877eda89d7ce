"""What a person and an agent wait for with a real browser: the popup's last snapshot on the screen, and a refresh through it."""

from __future__ import annotations

import json
import math
import os
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aimo_host.gauge.times import parse_iso
from tests.bench import fetches
from tests.bench.ground import Ground, Home, check, in_turn
from tests.bench.table import Figure, added, ratio
from tests.browser import processes
from tests.simulator.simulator import BROWSER_SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLICKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clicks.js")
_PROVIDERS = ["claude", "codex", "zai", "ollama"]


def popup(ground: Ground) -> dict[str, Sequence[Figure]]:
    """Real clicks on the toolbar button, with no debugger attached: `clicks.js` makes them, in the bench's own copy."""
    with ground.installed() as home:
        home.add_to_extension("clicks.js", _CLICKS)  # before the browser has seen the extension: it keeps a worker's script
        home.sign_in()
        home.simulator.clear()
        runs = ground.runs(41)
        with home.unwatched():
            processes.until(home.hosts, "the browser's host is there")
            check(home.aimo("refresh").returncode == 0, "everybody was read")
            processes.until(lambda: len(_told(home)) >= 2 * runs + 2, "there were clicks enough", 5 * runs + 30)
        told = _told(home)[2:]  # the first turn warms up
        expected = home.expected(time.time())
    mine, empty = ([one for one in told if ("popup" in one["popup"]) is is_ours][:runs] for is_ours in (True, False))
    for one in mine:
        _check_shown(one["shown"], expected)
    # The figure is about the click; what the page itself takes is shown beside it, since that part is ours.
    found = [("", "click", 1.5), ("from its first byte", "page", math.inf)]
    return {"popup": [ratio(words, [o[key] for o in mine], [o[key] for o in empty], at_most=m) for words, key, m in found]}


def _told(home: Home) -> list[dict[str, Any]]:
    return [json.loads(unquote(one.path.partition("?")[2])) for one in home.simulator.seen(path="/bench")]


def _check_shown(shown: dict[str, str], expected: list[dict[str, Any]]) -> None:
    """In the very frame that was timed."""
    for entry in expected:
        [text] = [text for key, text in shown.items() if key.startswith(f"{entry['provider']}|")] or [""]
        for window in entry["windows"]:
            if window["binding"]:
                check(f"{window['used_pct']:.0f} %" in text, f"{entry['provider']} {window['label']} is on the screen: {text}")


def refresh(ground: Ground) -> dict[str, Sequence[Figure]]:
    """An agent's refresh through a browser that nobody looks at, with no debugger attached."""
    with ground.installed() as home:
        home.sign_in()
        shim = home.serve()
        plain = fetches.Plain(home.simulator)
        found = []
        with home.unwatched():
            processes.until(lambda: shim.get("/api/ping").json["browser"] == "connected", "the browser's host is there")
            for words, delay, runs in (("100 ms", 0.1, 21), ("1 s", 1.0, 9)):
                fetches.slow(home.simulator, BROWSER_SOURCES, delay)
                chain = 0

                def ask() -> float:
                    nonlocal chain
                    home.let_pass(600)
                    home.simulator.clear()
                    asked = time.time()
                    began = time.perf_counter()
                    entries = shim.get("/api/refresh?wait=75", "POST").json
                    took = (time.perf_counter() - began) * 1000
                    _check_fresh(entries, asked)
                    chain = fetches.longest_chain(home.simulator.seen())
                    return took

                mine, slowest = in_turn(ground.runs(runs), ask, lambda: chain * plain.fetch())  # noqa: B023 - called at once
                found.append(added(words, mine, slowest, at_most=60))
        plain.close()
    return {"refresh": found}


def _check_fresh(entries: list[dict[str, Any]], asked: float) -> None:
    check([entry["provider"] for entry in entries] == _PROVIDERS, "there are four rows")
    for entry in entries:
        fresh = (parse_iso(entry["observed_at"]) or 0) >= int(asked)
        good = entry["ok"] and entry["windows"] and not entry["stale"] and entry["_source"] == "push"
        check(fresh and good, f"{entry['provider']} was read just now in the browser: {entry['error']}")

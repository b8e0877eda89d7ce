"""SIGKILL while two hosts and a shim write: whatever they had shown as read is still there, and every file can be read.

Every round the three are started anew and killed one by one, each at a moment of its own. What the providers say counts the
rounds, so that a reading that was lost shows as an older number.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from aimo_host.state import jsonfile
from tests.host.machine import HOME, WORK, Browser
from tests.host.peer import REPOSITORY, Peer
from tests.reliability import figures
from tests.simulator.people import ADA, BOB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.browser.stage import Shim
    from tests.host.machine import Machine
    from tests.simulator.people import Person
    from tests.simulator.simulator import Simulator

#: Three kills each.
ROUNDS = 334 if figures.IS_DEEP else 3
#: Of the command line.
COMMANDS = 100 if figures.IS_DEEP else 5
#: A refresh is over by then, even on a busy machine.
LONGEST = 0.6
#: An account's newest number of a round that somebody was shown.
Committed = dict[tuple[str, str], float]


def _counting(person: Person, number: int) -> Browser:
    """A browser whose week at Claude and at Codex is as full as there were rounds."""
    browser = Browser(person)
    answers = person.answers(time.time())
    full = number / 10
    claude, codex = json.loads(answers["claude.usage"].body), json.loads(answers["codex.usage"].body)
    claude["seven_day"]["utilization"] = full
    for limit in claude.get("limits", ()):
        limit["percent"] = full if limit["kind"] == "weekly_all" else limit["percent"]
    codex["rate_limit"]["secondary_window"]["used_percent"] = full
    for source, body in (("claude.usage", claude), ("codex.usage", codex)):
        browser.instead[source] = replace(answers[source], body=json.dumps(body))
    return browser


def _weeks(entries: Iterable[dict[str, Any]]) -> Committed:
    """How full the weeks are that count the rounds."""
    return {
        (entry["provider"], entry["account"]): window["used_pct"]
        for entry in entries
        if entry["provider"] in {"claude", "codex"} and entry["account"]
        for window in entry["windows"]
        if window["binding"] and window["kind"] == "weekly"
    }


def _kill(peer: Peer) -> None:
    peer.process.kill()
    peer.exit_code()
    if peer.broken is not None and len(peer.broken) - 4 < int.from_bytes(peer.broken[:4], "little"):
        peer.broken = None  # killed in the middle of a frame, which is no fault of it


def _shown(peers: list[Peer]) -> Committed:
    """What the extensions were told of, which therefore was in the cache."""
    shown: Committed = {}
    for message in (message for peer in peers for message in peer.messages):
        entries = message["snapshot"]["entries"] if message["type"] == "welcome" else [message.get("entry") or {"provider": ""}]
        for key, week in _weeks(entries).items():
            shown[key] = max(week, shown.get(key, 0.0))
    return shown


def _round(machine: Machine, shim: Shim, number: int, chance: random.Random) -> Committed:
    """Start, ask, and kill all three. What was committed by then."""
    browsers = ((HOME, _counting(ADA, number)), (WORK, _counting(BOB, number)))
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(b, profile=p, environ=machine.stage.environ)) for p, b in browsers]
        for peer in peers:
            peer.hello()
        asking = threading.Thread(target=_ask, args=(shim,))
        asking.start()
        peers[0].send({"type": "refresh", "id": "r", "trigger": "popup"})
        if number % 2:  # every other time not before something has been shown
            peers[0].expect("entry", lambda message: number / 10 in _weeks([message["entry"]]).values())
        began = time.monotonic()
        ends: list[Callable[[], object]] = [lambda: _kill(peers[0]), lambda: _kill(peers[1]), lambda: os.kill(shim.pid, 9)]
        chance.shuffle(ends)
        for moment, end in zip(sorted(chance.uniform(0, LONGEST) for _ in ends), ends, strict=True):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            end()
        asking.join()
        return _shown(peers)


def _ask(shim: Shim) -> None:
    try:
        shim.get("/api/refresh?wait=5", "POST", within=10)
    except (OSError, HTTPException):
        pass  # it was killed


def test_killed_hosts_and_shims_lose_nothing_that_was_shown(machine: Machine, record_figure: Callable[..., None]) -> None:
    chance, committed = random.Random(), Committed()
    unreadable = lost = 0
    for number in range(1, ROUNDS + 1):
        shown = _round(machine, machine.stage.serve(), number, chance)
        committed = {key: max(shown.get(key, 0.0), committed.get(key, 0.0)) for key in shown.keys() | committed.keys()}
        kept, is_readable = _kept(machine)
        unreadable += not is_readable
        lost += sum(kept.get(key, -1.0) < week for key, week in committed.items())
        _as_if_later(machine)
    words = f"{3 * ROUNDS} kills, {unreadable} caches unreadable, {lost} committed entries lost"
    record_figure("kills", words, is_reached=not unreadable and not lost)
    assert (unreadable, lost) == (0, 0)
    assert max(committed.values(), default=0) > 0, "every kill came before the first reading"
    assert machine.stage.aimo("--cached", "--json").stderr == ""


def _kept(machine: Machine) -> tuple[Committed, bool]:
    """The weeks in the cache file, and whether all files can be read."""
    try:
        cached = jsonfile.load(machine.paths.cache) or {"entries": []}
        for path in (machine.paths.refresh, machine.paths.attempts):
            jsonfile.load(path)
    except jsonfile.CorruptFileError:
        return {}, False
    names = os.listdir(machine.paths.cache_dir) if os.path.isdir(machine.paths.cache_dir) else []
    return _weeks(cached["entries"]), not any(".bad-" in name for name in names)


def _as_if_later(machine: Machine) -> None:
    """Nobody is alive who could be disturbed, and everybody may be asked again."""
    for path in (machine.paths.attempts, machine.paths.refresh):
        if os.path.exists(path):
            os.remove(path)


def test_killed_commands_leave_everything_in_order(
    machine: Machine, simulator: Simulator, record_figure: Callable[..., None]
) -> None:
    machine.sign_programs_in(simulator)
    command = [sys.executable, "-m", "aimo_host", "--json"]
    unreadable = 0
    for _ in range(COMMANDS):
        with subprocess.Popen(command, env=machine.stage.environ, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as child:
            time.sleep(random.uniform(0.1, LONGEST))
            child.kill()
        unreadable += not _kept(machine)[1]
        _as_if_later(machine)
    record_figure("kills", f"{COMMANDS} kills of commands, {unreadable} caches unreadable", is_reached=not unreadable)
    assert unreadable == 0
    done = machine.stage.aimo("--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [entry["ok"] for entry in json.loads(done.stdout) if entry["provider"] in {"claude", "codex"}] == [True, True]

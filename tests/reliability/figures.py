"""The reliability figures: what is promised, what the tests of this run measured, and the table of both.

A test records with the fixture `record_figure`. The records are lines of JSON in the folder that AIMO_TESTS_FIGURES names, one
file per process, so that parallel workers never meet. Standard library only, and parses on Python 3.8: `python3 tests` needs it.
"""

from __future__ import annotations

import collections
import json
import os

#: Whether `python3 tests --deep` runs the tests: then the figures are measured in full.
IS_DEEP = os.environ.get("AIMO_TESTS_DEEP") == "1"
#: The variable that names the folder of the records.
FOLDER = "AIMO_TESTS_FIGURES"
#: Where they are measured that other tests beside them would disturb.
ROOM = "tests/reliability"

#: What is measured, and what is to be reached, as docs/reliability.md has it.
FIGURES = {
    "kills": (
        "SIGKILL at random moments, two hosts and a shim writing",
        "1 000 kills, 0 caches unreadable, 0 committed entries lost",
    ),
    "updates": ("8 processes, 250 updates of the cache each", "2 000 of 2 000"),
    "damage": (
        "any bytes or a folder in a file's place; read-only folders; a full disk",
        "no crash, an answer all the same, evidence kept (≤ 3 files)",
    ),
    "end": ("end of stdin → process gone, every route hung", "p99 ≤ 500 ms, nothing left behind"),
    "host away": (
        "host missing or crashing, no debugger attached",
        "tries after 1, 2, 4 s, then alarms 1, 2, 4 … 30 min; recovers by itself",
    ),
    "once": (
        "three profiles, three hosts, shim, 50 agents, one refresh",
        "each profile asks each provider once, each server-side route at most once",
    ),
    "clock": (
        "clock jumps of a day, sleep, DST",
        "no negative age, no burst of requests, a reading from the future pins nothing",
    ),
    "idle": ("idle, browser open, 60 s", "0 requests to providers, 0 context switches in host and shim"),
    "hypothesis": ("examples of each property", "20 000; 400 where each is a process or a connection"),
}


def examples(*, is_costly: bool = False) -> int:
    """How many examples hypothesis tries of a property; fewer where each of them is a process or a connection."""
    if is_costly:
        return 400 if IS_DEEP else 20
    return 20_000 if IS_DEEP else 200


def record(name: str, measured: str, *, is_reached: bool, where: str) -> None:
    """Write down what a test measured of the figure `name`; nothing is kept where nobody asked for the table."""
    assert name in FIGURES, name
    folder = os.environ.get(FOLDER)
    if folder:
        line = {"figure": name, "measured": measured, "is_reached": is_reached, "where": where}
        with open(os.path.join(folder, f"{os.getpid()}.jsonl"), "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def table(folder: str, *, is_whole: bool) -> tuple[list[tuple[str, str, str, str]], bool]:
    """The rows (figure, to reach, measured here, where), and whether every figure was reached.

    Where the run was not the whole one, a figure that it did not measure is no fault.
    """
    records = _records(folder)
    rows = []
    for name, (what, to_reach) in FIGURES.items():
        mine = [one for one in records if one["figure"] == name]
        missed = any(not one["is_reached"] for one in mine) or (is_whole and not mine)
        rows.append((what, to_reach, ("MISSED: " if missed else "") + (_together(mine) or "not measured"), _places(mine)))
    return rows, not any(row[2].startswith("MISSED") for row in rows)


def _records(folder: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            found += [json.loads(line) for line in file]
    return found


def _together(records: list[dict[str, str]]) -> str:
    """What several tests measured of one figure; equal words once, with their number."""
    counted = collections.Counter(one["measured"] for one in records)
    return "; ".join(measured if count == 1 else f"{count} × {measured}" for measured, count in counted.most_common())


def _places(records: list[dict[str, str]]) -> str:
    places = sorted({one["where"] for one in records})
    return ", ".join(places) if len(places) < 4 else f"{len(places)} files of tests/"

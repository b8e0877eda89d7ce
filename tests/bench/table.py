"""The rows of `python3 tests --bench`: what is measured, against which yardstick, what is to be reached, and what came out.

A figure is a ratio or a difference of medians taken in one run, with the raw medians beside it. Nothing here measures anything,
and no figure that is missed makes anything fail.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BARE = "the same interpreter, `-I -c pass`"

#: Key -> (what, yardstick, to reach), in the order of the table.
ROWS = {
    "cached": ("`aimo --cached --json`, whole process, through the installed launcher", BARE, "≤ 3 ×"),
    "line": ("`aimo line`, whole process", "the same", "≤ 2.5 ×"),
    "welcome": ("host: start → `welcome` with the snapshot", "the same", "≤ 4 ×"),
    "popup": ("popup: click → last snapshot painted", "an empty extension page painted in the same browser", "≤ 1.5 ×"),
    "refresh": (
        "`POST /api/refresh?wait=75` with the browser open",
        "slowest simulated provider's chain of requests (100 ms, 1 s each)",
        "≤ +60 ms",
    ),
    "doorbell": ("doorbell → `ask` in the extension", "–", "p99 ≤ 10 ms"),
    "routes": ("`aimo --json`, four server-side routes, 300 ms each", "slowest route", "≤ +400 ms"),
    "usage": (
        "`GET /api/usage`, everything fresh, 1 and 50 clients",
        "a bare `http.server` handler returning the same bytes",
        "≥ 0.7 × requests/s, p99 ≤ 2 ×",
    ),
    "host": (
        "idle host, 60 s, browser open",
        "–",
        "0 context switches, ≤ 16 MB private memory before the first refresh, ≤ 30 MB after",
    ),
    "shim": ("idle shim", "–", "0 context switches, ≤ 20 MB"),
    "growth": ("200 entries of 20 windows instead of 4 of 5", "the small case", "growth no worse than the size of the data"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a row. `raw` are medians by what they are of; `label` tells several numbers of a row apart."""

    label: str
    measured: str
    value: float
    is_reached: bool
    raw: Mapping[str, float]
    unit: str
    runs: int


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that at least `percent` of them do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ratio(label: str, subject: Sequence[float], yardstick: Sequence[float], *, at_most: float, unit: str = "ms") -> Figure:
    """How many times as much as the yardstick."""
    mine, theirs = median(subject), median(yardstick)
    value = mine / theirs
    raw = {"subject": mine, "yardstick": theirs}
    return Figure(label, f"{value:.2f} ×", value, value <= at_most, raw, unit, len(subject))


def added(label: str, subject: Sequence[float], yardstick: Sequence[float], *, at_most: float) -> Figure:
    """How many milliseconds more than the yardstick."""
    mine, theirs = median(subject), median(yardstick)
    value = mine - theirs
    return Figure(label, f"{value:+.0f} ms", value, value <= at_most, {"subject": mine, "yardstick": theirs}, "ms", len(subject))


def line(row: str, figures: Iterable[Figure]) -> list[str]:
    """One line of the table."""
    found = list(figures)
    measured = "; ".join(f"{'' if f.is_reached else '**missed** '}{f.label} {f.measured}".strip() for f in found)
    raws = "; ".join(f"{f.label} {_raw(f)}".strip() for f in found)
    return [*ROWS[row], measured, raws]


def _raw(figure: Figure) -> str:
    values = " / ".join(f"{value:.4g}" for value in figure.raw.values())
    return f"{values} {figure.unit} (n = {figure.runs})"


def printed(measured: Mapping[str, Sequence[Figure]]) -> str:
    """The whole table, as Markdown."""
    lines = [["what", "yardstick", "to reach", "measured", "raw medians (subject / yardstick)"], ["---"] * 5]
    lines += [line(row, measured[row]) for row in ROWS if row in measured]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def as_json(measured: Mapping[str, Sequence[Figure]], machine: Mapping[str, str]) -> dict[str, Any]:
    """The same for programs."""
    rows = [
        dict(zip(("what", "yardstick", "to_reach"), ROWS[row], strict=True)) | {"row": row, "figures": [asdict(f) for f in found]}
        for row, found in measured.items()
    ]
    return {"machine": dict(machine), "rows": rows}

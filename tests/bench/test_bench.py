"""The bench itself: it runs, it tells a wrong answer, and its rows are those of the document. No timing is a test."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.bench import __main__ as bench
from tests.bench import fetches, ground, table
from tests.simulator.simulator import Seen

if TYPE_CHECKING:
    from pathlib import Path

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def document() -> str:
    with open(os.path.join(ROOT, "docs", "performance.md"), encoding="utf-8") as file:
        return file.read()


def seen(provider: str, at: float, answered_at: float) -> Seen:
    return Seen(at, "host", provider, "GET", "/", {}, proxied=False, answered_at=answered_at)


def test_a_quick_run_prints_a_row_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--quick", "--json", str(tmp_path / "bench.json"), "cached", "growth"]) == 0
    report = json.loads((tmp_path / "bench.json").read_text())
    assert [row["row"] for row in report["rows"]] == ["cached", "growth"]
    assert all(value > 0 for row in report["rows"] for figure in row["figures"] for value in figure["raw"].values())
    assert table.ROWS["cached"][0] in capsys.readouterr().out


def test_a_wrong_answer_is_told_and_is_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ground.Home, "expected", lambda *_: [])
    assert bench.main(["--quick", "--json", str(tmp_path / "bench.json"), "cached"]) == 1
    assert "WRONG ANSWER" in capsys.readouterr().out


def test_every_row_is_measured_by_something() -> None:
    assert [row for rows in bench.MEASURES for row in rows] == list(table.ROWS)


def test_the_document_has_the_rows_of_the_bench() -> None:
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in document().splitlines() if line[:1] == "|"]
    assert [row[:3] for row in rows if row[:3] in table.ROWS.values()] == list(table.ROWS.values())


def test_the_document_tells_the_command() -> None:
    assert "python3 tests --bench" in document()
    assert re.search(r"cores", document())


def test_samples_are_taken_by_turns_after_a_first_one_that_does_not_count() -> None:
    taken: list[str] = []

    def sample(name: str) -> float:
        taken.append(name)
        return float(len(taken))

    mine, theirs = ground.in_turn(2, lambda: sample("a"), lambda: sample("b"))
    assert taken == ["a", "b"] * 3
    assert (mine, theirs) == ([3.0, 5.0], [4.0, 6.0])


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (1, 1)])
def test_a_percentile_is_a_sample(percent: float, expected: float) -> None:
    assert table.percentile([float(number) for number in range(100, 0, -1)], percent) == expected


def test_a_missed_figure_says_so() -> None:
    reached, missed = (table.ratio("", [subject], [1.0], at_most=3) for subject in (3.0, 3.1))
    assert (reached.is_reached, missed.is_reached) == (True, False)
    assert "missed" not in " ".join(table.line("cached", [reached]))
    assert "missed" in " ".join(table.line("cached", [missed]))


@pytest.mark.parametrize(
    ("requests", "length"),
    [
        ([], 0),
        ([seen("a", 0, 1)], 1),
        ([seen("a", 0, 1), seen("a", 1, 2)], 2),
        ([seen("a", 0, 1), seen("a", 0.1, 1.1)], 1),
        ([seen("a", 0, 1), seen("b", 1, 2)], 1),
        ([seen("a", 0, 5), seen("a", 0, 1), seen("a", 2, 3)], 2),
    ],
)
def test_the_longest_chain_is_of_requests_that_waited_for_each_other(requests: list[Seen], length: int) -> None:
    assert fetches.longest_chain(requests) == length

"""The table that `python3 tests --deep` prints, and the page that shows the last one."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.host.peer import REPOSITORY
from tests.reliability import figures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = os.path.join(REPOSITORY, "docs", "reliability.md")
NAMES = list(figures.FIGURES)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(figures.FOLDER, str(tmp_path))
    return str(tmp_path)


def _measured(folder: str, *, is_whole: bool = False) -> tuple[dict[str, str], bool]:
    rows, are_reached = figures.table(folder, is_whole=is_whole)
    return dict(zip(NAMES, (row[2] for row in rows), strict=True)), are_reached


def test_what_a_test_recorded_stands_in_its_row(folder: str, record_figure: Callable[..., None]) -> None:
    record_figure("idle", "nothing", is_reached=True)
    rows, are_reached = figures.table(folder, is_whole=False)
    assert rows[NAMES.index("idle")][2:] == ("nothing", "tests/reliability/test_table.py")
    assert are_reached


def test_equal_words_are_counted(folder: str, record_figure: Callable[..., None]) -> None:
    for words in ("20 000", "400", "20 000"):
        record_figure("hypothesis", words, is_reached=True)
    assert _measured(folder)[0]["hypothesis"] == "2 × 20 000; 400"


def test_one_missed_figure_among_others_is_missed(folder: str, record_figure: Callable[..., None]) -> None:
    record_figure("end", "p99 100 ms", is_reached=True)
    record_figure("end", "p99 900 ms", is_reached=False)
    measured, are_reached = _measured(folder)
    assert (measured["end"], are_reached) == ("MISSED: p99 100 ms; p99 900 ms", False)


def test_a_figure_that_was_not_measured_is_missed_by_a_whole_run_only(folder: str) -> None:
    assert _measured(folder) == (dict.fromkeys(NAMES, "not measured"), True)
    assert _measured(folder, is_whole=True) == (dict.fromkeys(NAMES, "MISSED: not measured"), False)


def test_nothing_is_recorded_where_nobody_wants_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_figure: Callable[..., None]
) -> None:
    monkeypatch.delenv(figures.FOLDER, raising=False)
    monkeypatch.chdir(tmp_path)
    record_figure("idle", "nothing", is_reached=True)
    assert os.listdir(tmp_path) == []


def test_the_page_has_the_rows_of_the_command_and_a_measurement_in_each() -> None:
    with open(PAGE, encoding="utf-8") as file:
        rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| `.+?` \|$", file.read(), re.MULTILINE)
    assert [row[:2] for row in rows] == list(figures.FIGURES.values())
    assert [row for row in rows if "MISSED" in row[2] or "not measured" in row[2]] == []


def test_the_page_says_of_each_figure_in_two_sentences_what_it_means() -> None:
    with open(PAGE, encoding="utf-8") as file:
        meanings = re.findall(r"^\*\*.+?\*\* (.+?)(?=\n\n|\Z)", file.read(), re.MULTILINE | re.DOTALL)
    assert [len(re.findall(r"\.(?=\s|$)", meaning)) for meaning in meanings] == [2] * len(NAMES)

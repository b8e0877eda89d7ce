"""What is handed out again is what would be read: of a file that was replaced, changed or removed, nothing is remembered."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.state import jsonfile, pinned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "file.json")
    jsonfile.save(path, {"n": 0})
    yield path
    pinned._let_go(path)


def whole(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "made": True}


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_file_that_lies_there_unchanged_is_not_read_again(file: str) -> None:
    assert pinned.load(file, whole) is pinned.load(file, whole)


def test_what_is_handed_out_was_made_of_the_file(file: str) -> None:
    assert pinned.load(file, whole) == {"n": 0, "made": True}


def test_a_replaced_file_is_read_however_quickly_and_alike_it_came(file: str) -> None:
    for number in [*range(10)] * 30:  # the same length, the same tick of the clock, and numbers of files that are given again
        for content in (9 - number, number):
            jsonfile.save(file, {"n": content}, durable=False)
            os.utime(file, ns=(0, 0))
        assert pinned.load(file, whole)["n"] == number


def test_the_file_that_was_read_keeps_its_number_also_when_it_is_replaced(file: str) -> None:
    number = os.stat(file).st_ino
    pinned.load(file, whole)
    jsonfile.save(file, {"n": 1})
    assert os.fstat(pinned._kept[file][0]).st_ino == number


def test_a_file_that_somebody_edits_in_place_is_read_again(file: str) -> None:
    pinned.load(file, whole)
    with open(file, "w", encoding="utf-8") as opened:
        opened.write('{"n": 1000}')
    assert pinned.load(file, whole)["n"] == 1000


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff"])
def test_what_cannot_be_read_is_empty_also_after_something_could(file: str, content: bytes | None) -> None:
    pinned.load(file, whole)
    os.unlink(file)
    if content is not None:
        with open(file, "wb") as opened:
            opened.write(content)
    assert pinned.load(file, whole) == {"made": True}


def test_a_link_in_its_place_is_not_followed(file: str) -> None:
    os.rename(file, f"{file}.real")
    os.symlink(f"{file}.real", file)
    assert pinned.load(file, whole) == {"made": True}


def test_a_pipe_in_its_place_does_not_hang(file: str) -> None:
    os.unlink(file)
    os.mkfifo(file)
    assert pinned.load(file, whole) == {"made": True}


def test_no_more_than_a_few_files_are_kept_open(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{number}.json") for number in range(40)]
    before = open_descriptors()
    for path in paths:
        jsonfile.save(path, {})
        pinned.load(path, whole)
        pinned.load(path, whole)
    assert open_descriptors() - before <= pinned._MOST
    for path in paths:
        pinned._let_go(path)


def test_threads_that_read_while_others_write_see_whole_files_and_leave_nothing_open(file: str) -> None:
    pinned.load(file, whole)
    before = open_descriptors()
    seen: list[Any] = []

    def read() -> None:
        seen.extend(pinned.load(file, whole)["n"] for _ in range(400))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(200):
        jsonfile.save(file, {"n": number}, durable=False)
    for thread in threads:
        thread.join()
    assert all(isinstance(number, int) for number in seen)
    assert pinned.load(file, whole)["n"] == 199
    assert open_descriptors() == before

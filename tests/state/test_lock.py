"""A lock between processes that its holder cannot keep beyond its death."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aimo_host.state.lock import FileLock
from tests.state.children import said, started

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
held = lock.FileLock(sys.argv[1])
say(held.acquire())
sys.stdin.readline()
held.release()
say("released")
sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "locks" / "one")


def test_it_is_free_until_somebody_holds_it(path: str) -> None:
    assert FileLock(path).acquire()


def test_a_second_holder_in_the_same_process_has_to_wait(path: str) -> None:
    with FileLock(path).hold(0) as first, FileLock(path).hold(0.01) as second:
        assert (first, second) == (True, False)


def test_it_is_free_again_after_its_holder_let_go(path: str) -> None:
    with FileLock(path).hold(0):
        pass
    with FileLock(path).hold(0) as got:
        assert got


def test_it_is_free_again_after_its_holder_failed(path: str) -> None:
    with pytest.raises(ZeroDivisionError), FileLock(path).hold(0):
        _ = 1 / 0
    assert FileLock(path).acquire()


def test_letting_go_of_what_is_not_held_is_nothing(path: str) -> None:
    FileLock(path).release()


def test_another_process_is_kept_out_and_let_in(path: str) -> None:
    with started(HOLD, path) as child:
        assert said(child) == "True"
        assert FileLock(path).acquire() is False
        assert child.stdin is not None
        print(file=child.stdin, flush=True)
        assert said(child) == "released"
        assert FileLock(path).acquire()


def test_a_waiter_gets_it_at_the_death_of_a_killed_holder(path: str) -> None:
    with started(HOLD, path) as child:
        assert said(child) == "True"
        child.kill()
        assert FileLock(path).acquire(timeout=10)


def test_a_child_of_the_holder_does_not_inherit_it(path: str) -> None:
    with FileLock(path).hold(0), started("say('here'); sys.stdin.readline()") as child:
        assert said(child) == "here"
        held = FileLock(path)
        assert not held.acquire()
    assert held.acquire(timeout=10)


def test_a_symlink_in_its_place_is_not_followed(path: str, tmp_path: Path) -> None:
    os.makedirs(os.path.dirname(path))
    os.symlink(tmp_path / "outside", path)
    with pytest.raises(OSError):  # noqa: PT011 - ELOOP on Linux, EMLINK elsewhere
        FileLock(path).acquire()
    assert not os.path.exists(tmp_path / "outside")


def test_who_holds_a_file_that_was_removed_does_not_hold_the_one_that_lies_there_now(path: str) -> None:
    held = FileLock(path)
    assert held.acquire()
    assert held.is_in_place()
    os.unlink(path)
    assert not held.is_in_place()
    with FileLock(path).hold(0) as got:
        assert got
        assert not held.is_in_place()
    held.release()
    assert not held.is_in_place()

"""The bell wakes whoever waits, never blocks who rings, and where there is no socket the files are looked at."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from aimo_host.state import bell
from aimo_host.state.bell import Bell, Listener, ring
from tests.state.children import in_time, said, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Long enough for the slowest machine; a test that passes never waits for it.
PATIENCE = 20.0


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "bells")


@pytest.fixture
def hung(folder: str) -> Iterator[Bell]:
    here = Bell(folder, ())
    yield here
    here.close()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[Bell, Path]]:
    """A bell for which no socket can be had, and the file that it looks at."""
    (tmp_path / "a file").write_text("")
    here = Bell(str(tmp_path / "a file" / "bells"), (str(tmp_path / "watched"),))
    yield here, tmp_path / "watched"
    here.close()


def test_a_ring_wakes_whoever_waits(hung: Bell, folder: str) -> None:
    threading.Timer(0.05, ring, [folder]).start()
    assert hung.wait(PATIENCE)


def test_a_ring_before_the_wait_is_not_lost(hung: Bell, folder: str) -> None:
    ring(folder)
    assert hung.wait(0)


def test_rings_that_piled_up_count_as_one(hung: Bell, folder: str) -> None:
    for _ in range(3):
        ring(folder)
    assert (hung.wait(0), hung.wait(0)) == (True, False)


def test_without_a_ring_the_wait_ends_in_time(hung: Bell) -> None:
    assert hung.wait(0.01) is False


def test_every_bell_in_the_folder_rings(hung: Bell, folder: str) -> None:
    other = Bell(folder, ())
    ring(folder)
    assert hung.wait(0)
    assert other.wait(0)
    other.close()


def test_another_process_rings_and_is_rung(hung: Bell, folder: str) -> None:
    code = """
waiting = bell.Bell(sys.argv[1], ())
bell.ring(sys.argv[1])
waiting.wait(0)  # our own ring
say("ready")
say(waiting.wait(20))
"""
    with started(code, folder) as child:
        assert hung.wait(PATIENCE)
        assert said(child) == "ready"
        ring(folder)
        assert said(child) == "True"


def test_a_full_queue_blocks_nobody_and_counts_as_rung(hung: Bell, folder: str) -> None:
    def ring_on() -> None:
        for _ in range(2000):
            ring(folder)

    in_time(ring_on)
    assert hung.wait(0)


def test_the_bell_of_a_killed_process_is_taken_down(folder: str) -> None:
    with started("waiting = bell.Bell(sys.argv[1], ()); say('ready'); sys.stdin.readline()", folder) as child:
        assert said(child) == "ready"
        child.kill()
        child.wait()
    assert len(os.listdir(folder)) == 1
    ring(folder)
    assert os.listdir(folder) == []


def test_ringing_where_nobody_ever_waited_is_nothing(tmp_path: Path) -> None:
    ring(str(tmp_path / "none"))


def test_only_bells_are_rung(folder: str) -> None:
    os.makedirs(folder)
    with open(os.path.join(folder, "note.txt"), "w", encoding="utf-8"):
        pass
    ring(folder)
    assert os.listdir(folder) == ["note.txt"]


def test_a_folder_too_deep_for_a_socket_has_bells_all_the_same(tmp_path: Path) -> None:
    deep = str(tmp_path.joinpath(*["a-folder-with-a-long-name"] * 8))
    assert len(os.fsencode(deep)) > 108
    here = Bell(deep, ())
    ring(deep)
    assert here.wait(0)
    here.close()
    assert os.listdir(deep) == []


def test_ringing_and_waiting_cost_no_descriptor_in_a_deep_folder(tmp_path: Path) -> None:
    deep = str(tmp_path.joinpath(*["a-folder-with-a-long-name"] * 8))
    here = Bell(deep, ())
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        ring(deep)
    assert len(os.listdir("/proc/self/fd")) == before
    here.close()


def test_whoever_waits_when_it_is_taken_down_is_told_so(folder: str) -> None:
    here = Bell(folder, ())
    threading.Timer(0.05, here.take_down).start()
    assert in_time(lambda: here.wait(None)) is False
    assert in_time(lambda: here.wait(None)) is False
    here.close()


def test_a_bell_that_is_closed_leaves_nothing_behind(folder: str) -> None:
    Bell(folder, ()).close()
    assert os.listdir(folder) == []


# Where no socket can be had


def test_without_a_socket_a_changed_file_wakes(watched: tuple[Bell, Path]) -> None:
    here, path = watched
    threading.Timer(0.05, path.write_text, ["news"]).start()
    assert here.wait(PATIENCE)


def test_without_a_socket_a_change_before_the_wait_is_not_lost(watched: tuple[Bell, Path]) -> None:
    here, path = watched
    path.write_text("news")
    assert (here.wait(0), here.wait(0)) == (True, False)


def test_without_a_socket_a_file_that_vanishes_wakes(watched: tuple[Bell, Path]) -> None:
    here, path = watched
    path.write_text("news")
    here.wait(0)
    path.unlink()
    assert here.wait(0)


def test_without_a_socket_whoever_waits_when_it_is_taken_down_is_told_so(watched: tuple[Bell, Path]) -> None:
    here, _ = watched
    threading.Timer(0.05, here.take_down).start()
    assert in_time(lambda: here.wait(None)) is False


def test_where_sockets_do_not_exist_the_files_are_looked_at(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    here = Bell(folder, (str(tmp_path / "watched"),))
    (tmp_path / "watched").write_text("news")
    ring(folder)
    assert here.wait(0)
    here.close()


def test_a_socket_that_cannot_be_bound_is_given_back(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "_LONGEST_ADDRESS", 10_000)
    deep = os.path.join(folder, *["a-folder-with-a-long-name"] * 8)
    assert Bell(deep, ()).wait(0) is False


# A listener


def test_a_listener_wakes_every_thread_that_waits_for_something_to_come_true(folder: str) -> None:
    listener = Listener(Bell(folder, ()))
    true = threading.Event()
    woken: list[bool] = []
    threads = [threading.Thread(target=lambda: woken.append(listener.wait_until(true.is_set, PATIENCE))) for _ in range(3)]
    for thread in threads:
        thread.start()
    true.set()
    ring(folder)
    for thread in threads:
        thread.join(PATIENCE)
    listener.close()
    assert woken == [True] * 3


def test_a_listener_looks_once_more_when_the_time_is_up(folder: str) -> None:
    listener = Listener(Bell(folder, ()))
    answers = iter([False, True])
    assert listener.wait_until(lambda: next(answers), 0.01) is True
    assert listener.wait_until(lambda: False, 0.01) is False
    listener.close()


def test_what_has_come_true_already_is_not_waited_for(folder: str) -> None:
    listener = Listener(Bell(folder, ()))
    begun = time.monotonic()
    assert listener.wait_until(lambda: True, PATIENCE)
    listener.close()
    assert time.monotonic() - begun < PATIENCE / 2


def test_a_listener_tells_its_owner_of_every_ring(folder: str) -> None:
    heard = threading.Event()
    listener = Listener(Bell(folder, ()), heard.set)
    ring(folder)
    assert heard.wait(PATIENCE)
    listener.close()


def test_a_listener_whose_folder_was_removed_can_still_be_closed(folder: str) -> None:
    listener = Listener(Bell(folder, ()))
    shutil.rmtree(folder)
    in_time(listener.close)

"""Who is here: a sign on the door that nobody can leave hanging."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from aimo_host.state.presence import Presence, present
from tests.state.children import said, started

if TYPE_CHECKING:
    from pathlib import Path

COME = "here = presence.Presence(sys.argv[1], {'kind': 'host', 'pid': os.getpid()}); say(os.getpid()); sys.stdin.readline()"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "presence")


def test_nobody_is_here_at_first(folder: str) -> None:
    assert present(folder) == []


def test_whoever_is_here_is_seen_with_its_facts(folder: str) -> None:
    sign = Presence(folder, {"kind": "shim", "pid": 1})
    assert present(folder) == [{"kind": "shim", "pid": 1}]
    sign.leave()


def test_whoever_left_is_gone_and_leaves_nothing_behind(folder: str) -> None:
    Presence(folder, {}).leave()
    assert (present(folder), os.listdir(folder)) == ([], [])


def test_another_process_is_seen(folder: str) -> None:
    with started(COME, folder) as child:
        assert said(child) == str(child.pid)
        assert present(folder) == [{"kind": "host", "pid": child.pid}]


def test_a_killed_process_vanishes_with_its_sign(folder: str) -> None:
    with started(COME, folder) as child:
        said(child)
        child.kill()
        child.wait()
    assert (present(folder), os.listdir(folder)) == ([], [])


def test_many_who_look_at_once_take_nobody_for_dead(folder: str) -> None:
    signs = [Presence(folder, {"number": number}) for number in range(4)]
    seen: list[list[int]] = []

    def look() -> None:
        for _ in range(50):
            found = present(folder)
            seen.append(sorted(facts["number"] for facts in found))

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sign in signs:
        sign.leave()
    assert all(numbers == [0, 1, 2, 3] for numbers in seen)
    assert len(seen) == 300


def test_whoever_comes_while_others_look_is_never_removed(folder: str) -> None:
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            present(folder)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    signs = [Presence(folder, {"number": number}) for number in range(100)]
    stop.set()
    for thread in threads:
        thread.join()
    assert len(present(folder)) == 100
    for sign in signs:
        sign.leave()


@pytest.mark.parametrize("content", [b"", b"no json", b"[1]", b"\xff"])
def test_a_sign_that_says_nothing_sensible_is_not_counted(folder: str, content: bytes) -> None:
    sign = Presence(folder, {"kind": "host"})
    with open(os.path.join(folder, os.listdir(folder)[0]), "wb") as file:
        file.write(content)
    assert present(folder) == []
    sign.leave()


def test_something_else_in_the_folder_is_nobody(folder: str) -> None:
    os.makedirs(os.path.join(folder, "a-folder.here"))
    assert present(folder) == []


def test_a_link_to_somebody_s_sign_elsewhere_is_nobody(folder: str, tmp_path: Path) -> None:
    sign = Presence(str(tmp_path / "elsewhere"), {"kind": "host"})
    os.makedirs(folder)
    os.symlink(tmp_path / "elsewhere" / os.listdir(tmp_path / "elsewhere")[0], os.path.join(folder, "link.here"))
    assert present(folder) == []
    sign.leave()

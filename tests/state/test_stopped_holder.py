"""A process that is stopped in the middle of writing, and goes on later: nobody writes in the meantime, so nothing is lost."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.state import accounts, attempts, cache, lock, requests, secrets, settings
from aimo_host.state.lock import FileLock
from tests.browser.processes import until
from tests.state.children import said, started

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aimo_host.state.paths import Paths

NOW = 1_800_000_000.0
#: The lock that somebody keeps -> who wants to write under it.
WRITERS: list[tuple[str, Callable[[Paths], Any]]] = [
    ("cache", lambda paths: cache.update(paths, lambda before: {**before, "n": 1})),
    ("refresh", lambda paths: requests.ask(paths, ["claude"], trigger="cli", named=False, now=NOW)),
    ("refresh", lambda paths: requests.settle(paths, "claude", NOW, served=True, now=NOW)),
    ("attempts", lambda paths: attempts.note(paths, "claude/browser/x", lambda _: None, NOW)),
    ("settings", lambda paths: settings.change(paths, {"badge": False})),
    ("env", lambda paths: secrets.store(paths, "ZAI_API_KEY", "a.b")),
    ("salt", lambda paths: accounts.opaque(paths, "claude", "somebody")),
]


def _files(paths: Paths) -> list[str]:
    found = (os.path.join(folder, name) for folder, _, names in os.walk(paths.home) for name in names)
    return [path for path in found if os.path.dirname(path) != paths.locks_dir]


@pytest.mark.parametrize(("name", "write"), WRITERS, ids=[f"{number}-{one[0]}" for number, one in enumerate(WRITERS)])
def test_nobody_writes_without_the_lock(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, name: str, write: Callable[[Paths], Any]
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.01)
    with FileLock(os.path.join(paths.locks_dir, name)).hold(0), pytest.raises(lock.BusyError):
        write(paths)
    assert _files(paths) == []


def test_what_others_wrote_before_a_stopped_writer_went_on_is_not_lost(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.01)
    code = """
def stop_and_go_on(before):
    say("here")
    os.kill(os.getpid(), __import__("signal").SIGSTOP)
    return {**before, "theirs": 1}
cache.update(paths, stop_and_go_on)
say("done")
"""
    with started(code) as child:
        assert said(child) == "here"
        until(lambda: _is_stopped(child.pid), "the child is stopped")
        with pytest.raises(lock.BusyError):
            cache.update(paths, lambda before: {**before, "ours": 1})
        child.send_signal(signal.SIGCONT)
        assert said(child) == "done"
    cache.update(paths, lambda before: {**before, "ours": 1})
    found = cache.read(paths)
    assert (found["theirs"], found["ours"]) == (1, 1)


def _is_stopped(pid: int) -> bool:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


def test_a_sentence_says_what_is_the_matter_and_which_lock_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    path = str(tmp_path / "one")
    with FileLock(path).hold(0), pytest.raises(lock.BusyError) as raised, FileLock(path).required():
        pass
    assert (raised.value.strerror, raised.value.filename) == ("Another process has stopped in the middle of writing", path)


# What lies in a file's place


@pytest.mark.parametrize(
    ("place", "write"),
    [("refresh", WRITERS[1][1]), ("refresh", WRITERS[2][1]), ("attempts", WRITERS[3][1]), ("salt", WRITERS[6][1])],
)
def test_a_folder_in_the_place_of_a_file_is_set_aside_and_the_file_made(
    paths: Paths, place: str, write: Callable[[Paths], Any]
) -> None:
    path = str(getattr(paths, place))
    os.makedirs(os.path.join(path, "with something in it"))
    write(paths)
    assert os.path.isfile(path)
    assert os.path.isdir(f"{path}.bad-1")


@pytest.mark.parametrize(("place", "write"), [("refresh", WRITERS[1][1]), ("attempts", WRITERS[3][1]), ("salt", WRITERS[6][1])])
def test_what_cannot_be_read_is_kept_as_evidence_of_three(paths: Paths, place: str, write: Callable[[Paths], Any]) -> None:
    path = str(getattr(paths, place))
    os.makedirs(os.path.dirname(path))
    for number in range(5):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"broken {number}")
        write(paths)
    kept = sorted(name for name in os.listdir(os.path.dirname(path)) if ".bad-" in name)
    assert kept == [f"{os.path.basename(path)}.bad-{number}" for number in (1, 2, 3)]

"""Several installations and removals at once, as processes: each succeeds, and what is left is what one of them leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aimo_host.setup import SetupError, steps, turn
from aimo_host.state.lock import FileLock
from tests.setup.machines import again, machine, run_install, run_uninstall, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from aimo_host.setup.system import System

PROGRAM = """
import sys
from pathlib import Path
from tests.setup.machines import again, run_install, run_uninstall
go = sys.stdin.readline()
for command in sys.argv[2:]:
    code = {"install": run_install, "uninstall": run_uninstall}[command](again(Path(sys.argv[1])))
    if code:
        sys.exit(code)
"""


def at_once(home: Path, commands: Iterable[list[str]]) -> list[tuple[int, str]]:
    """Exit code and complaints of each, all of them begun in the same moment."""
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(home), *words], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for words in commands
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [(process, process.communicate()) for process in running]
    return [(process.returncode, said[1]) for process, said in ended]


def test_installations_at_once_leave_what_one_leaves(home: Path) -> None:
    run_install(machine(home / "one"))
    machine(home / "many")
    before = tree(home / "many")
    assert at_once(home / "many", [["install"]] * 4) == [(0, "")] * 4
    assert {name: mode for name, (mode, _) in tree(home / "many").items()} == {
        name: mode for name, (mode, _) in tree(home / "one").items()
    }
    run_uninstall(again(home / "many"))
    assert tree(home / "many") == before


def test_installing_and_removing_at_once_ends_well_and_the_last_removal_leaves_no_file(home: Path) -> None:
    machine(home)
    assert at_once(home, [["install", "uninstall"] * 3] * 3) == [(0, "")] * 3
    run_uninstall(again(home))
    assert [path for path in home.rglob("*") if path.is_file()] == []  # who made which empty folder is anybody's guess then


@pytest.mark.parametrize("run", [run_install, run_uninstall])
def test_who_waits_too_long_gets_a_sentence(home: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    system = machine(home)
    run_install(system)
    before = tree(home)
    monkeypatch.setattr(turn, "PATIENCE_SECONDS", 0.05)
    with FileLock(turn.path(system)).hold(0), pytest.raises(SetupError, match="still at work: wait"):
        run(system)
    assert tree(home) == before


@pytest.mark.parametrize("run", [run_install, run_uninstall])
def test_a_dry_run_waits_for_nobody(home: Path, run: Callable[..., int]) -> None:
    system = machine(home)
    run_install(system)
    with FileLock(turn.path(system)).hold(0):
        assert run(system, "--dry-run") == 0


def test_what_came_while_a_removal_waited_for_its_turn_goes_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = machine(home)
    before = tree(home)
    run_install(system)
    take = turn.taken

    def taken_late(where: System) -> AbstractContextManager[turn.Turn]:
        monkeypatch.setattr(turn, "taken", take)
        run_install(system, "--browser", "edge")
        return take(where)

    monkeypatch.setattr(turn, "taken", taken_late)
    run_uninstall(system)
    assert tree(home) == before


def test_a_file_that_is_held_stays_with_the_folders_around_it_and_nothing_else(home: Path) -> None:
    for name in ("state/locks/install", "state/locks/cache", "state/aimo.log", "state/bells/1"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    assert steps.remove(str(home / "state"), but=str(home / "state/locks/install")) is None
    assert set(tree(home)) == {"state", "state/locks", "state/locks/install"}


def test_a_refused_installation_leaves_no_lock_behind(home: Path) -> None:
    system = machine(home)
    os.makedirs(system.paths.extension)
    (home / "aimo/data/extension/mine.txt").touch()
    before = tree(home)
    with pytest.raises(SetupError):
        run_install(system)
    assert tree(home) == before

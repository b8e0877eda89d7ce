"""What the doctor says of aimo's folders: links in their place, and places that cannot be written."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from aimo_host.setup import SetupError, own
from aimo_host.setup.checks import Case, Finding, files, folders
from aimo_host.setup.receipt import Receipt
from tests.setup.machines import again, machine, tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from aimo_host.setup.system import System

FOLDERS = ["config", "state", "cache", "data"]
ELSEWHERE = "Choose an AIMO_HOME in which you can write, and run `aimo install`."


def problems(check: Callable[[Case], list[Finding]], system: System) -> list[tuple[str, str | None]]:
    return [(found.text, found.remedy) for found in check(Case(system, 0.0)) if found.level == "problem"]


@pytest.fixture
def system(home: Path) -> System:
    """A machine with all of aimo's folders, and nothing in them."""
    made = machine(home)
    for name in FOLDERS:
        (home / "aimo" / name).mkdir(0o700, parents=True)
    (home / "aimo").chmod(0o700)
    return made


def link_away(place: str | Path) -> Path:
    """Let a private folder elsewhere stand in the place of `place`, by a link; returns that folder."""
    place = Path(place)
    target = Path(os.path.realpath(place.parent), f"away-{place.name}")
    if place.is_dir():
        place.rename(target)
    else:
        target.mkdir(0o700, parents=True)
        place.parent.mkdir(0o700, parents=True, exist_ok=True)
    place.symlink_to(target)
    return target


# -- links


@pytest.mark.parametrize("name", ["config", "state", "cache", "state/drift", "state/locks", "state/presence", "state/bells"])
def test_a_link_to_a_folder_that_aimo_follows_is_no_problem(system: System, home: Path, name: str) -> None:
    link_away(home / "aimo" / name)
    assert problems(files.permissions, system) + problems(folders.writable, system) == []


def test_a_file_behind_a_linked_folder_is_looked_at(system: System, home: Path) -> None:
    (link_away(home / "aimo/config") / ".env").touch(0o644)
    assert [remedy for _, remedy in problems(files.permissions, system)] == ["Run: chmod go= ~/aimo/config/.env"]


def test_the_mode_of_the_folder_behind_a_link_is_looked_at(system: System, home: Path) -> None:
    link_away(home / "aimo/config").chmod(0o755)
    assert [remedy for _, remedy in problems(files.permissions, system)] == ["Run: chmod go= ~/aimo/config"]


def test_a_linked_file_behind_a_linked_folder_is_a_problem(system: System, home: Path) -> None:
    (home / "theirs").touch()
    (link_away(home / "aimo/config") / ".env").symlink_to(home / "theirs")
    assert [remedy for _, remedy in problems(files.permissions, system)] == ["Run: rm ~/aimo/config/.env"]


@pytest.mark.parametrize(
    "name", ["config/.env", "config/settings.json", "cache/usage.json", "state/refresh.json", "state/aimo.log"]
)
def test_a_link_to_a_folder_in_the_place_of_a_file_is_a_problem(system: System, home: Path, name: str) -> None:
    link_away(home / "aimo" / name)
    assert f"Run: rm ~/aimo/{name}" in [remedy for _, remedy in problems(files.permissions, system)]


PLACES = [
    "",
    "data",
    "data/bin",
    "data/native-messaging",
    "data/extension",
    "data/bin/aimo",
    "config",
    "state",
    "cache",
    "data/mine",
]


@pytest.mark.parametrize("name", PLACES)
def test_a_link_to_a_folder_is_a_problem_exactly_where_install_refuses_it(system: System, home: Path, name: str) -> None:
    link_away(home / "aimo" / name)
    try:
        own.check(system, Receipt())
    except SetupError:
        is_refused = True
    else:
        is_refused = False
    assert (problems(files.permissions, system) != []) is is_refused


def test_a_linked_folder_within_the_extension_is_a_problem(system: System, home: Path) -> None:
    link_away(home / "aimo/data/extension/background")
    (home / "aimo/data/extension").chmod(0o700)
    assert [remedy for _, remedy in problems(files.permissions, system)] == ["Run: rm ~/aimo/data/extension/background"]


# -- places that cannot be written


def test_folders_that_can_be_written_are_in_order(system: System) -> None:
    assert [found.level for found in folders.writable(Case(system, 0.0))] == ["ok"]


def test_to_look_writes_nothing(home: Path) -> None:
    system = machine(home)
    before = tree(home)
    folders.writable(Case(system, 0.0))
    assert tree(home) == before


@pytest.mark.parametrize("name", ["aimo", *(f"aimo/{name}" for name in FOLDERS), "aimo/state/locks"])
@pytest.mark.parametrize("kind", ["file", "link to nothing"])
def test_what_stands_in_the_place_of_a_folder_is_named_once(home: Path, name: str, kind: str) -> None:
    system, place = again(home), home / name
    place.parent.mkdir(0o700, parents=True, exist_ok=True)
    if kind == "file":
        place.write_text("")
    else:
        place.symlink_to(home / "nowhere")
    there = "no folder" if kind == "file" else "a link that leads to no folder"
    remedy = f"Move it away, for example to {place}.old; or choose an AIMO_HOME elsewhere, and run `aimo install`."
    found = problems(folders.writable, system) + problems(files.permissions, system) + problems(files.readable, system)
    assert found == [(f"{place} is {there}, and aimo needs one there.", remedy)]


def deny(monkeypatch: pytest.MonkeyPatch, *places: Path) -> None:
    """Let these be unwritable, for root too."""
    names = {str(place) for place in places}
    monkeypatch.setattr(os, "access", lambda path, _mode: path not in names)


def test_a_folder_above_that_cannot_be_written_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = machine(home)
    (home / "aimo").mkdir(0o500)
    deny(monkeypatch, home / "aimo")
    assert problems(folders.writable, system) == [
        (f"There is no permission to write in {home / 'aimo'}.", "Run: chmod u+rwx ~/aimo")
    ]


def test_a_folder_above_of_another_user_is_to_be_handed_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = machine(home)
    (home / "aimo").mkdir()
    deny(monkeypatch, home / "aimo")
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert [remedy for _, remedy in problems(folders.writable, system)] == ["Run: sudo chown $(id -un) ~/aimo"]


def test_nobody_is_told_to_change_a_folder_outside_their_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = machine(home)
    deny(monkeypatch, home)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert problems(folders.writable, system) == [(f"There is no permission to write in {home}.", ELSEWHERE)]


def test_an_owner_is_told_to_open_even_their_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = machine(home)
    home.chmod(0o500)
    deny(monkeypatch, home)
    found = problems(folders.writable, system)
    home.chmod(0o700)
    assert [remedy for _, remedy in found] == ["Run: chmod u+rwx ~"]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_cannot_be_written_for_another_reason_is_a_problem(
    system: System, home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deny(monkeypatch, home / "aimo" / name)
    assert problems(folders.writable, system) == [(f"There is no permission to write in {home / 'aimo' / name}.", ELSEWHERE)]


def test_on_windows_no_mode_is_to_be_changed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = machine(home, "win32")
    deny(monkeypatch, home)
    assert [remedy for _, remedy in problems(folders.writable, system)] == [ELSEWHERE]


def test_a_wrong_mode_is_told_of_once(system: System, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "aimo/state").chmod(0o500)
    deny(monkeypatch, home / "aimo/state")
    found = [*folders.writable(Case(system, 0.0)), *files.permissions(Case(system, 0.0))]
    assert [(one.level, one.remedy) for one in found] == [("problem", "Run: chmod u+rwx ~/aimo/state")]


def lie(monkeypatch: pytest.MonkeyPatch, **about: int) -> None:
    """Let the disk be another."""
    usual = {"f_flag": 0, "f_blocks": 9, "f_bavail": 9}
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(**{**usual, **about}))


#: What the system says of a disk -> the problem.
DISKS = [
    ({}, []),
    ({"f_flag": os.ST_NOSUID}, []),
    ({"f_blocks": 0, "f_bavail": 0}, []),
    ({"f_bavail": 0}, ["No space is left on the disk of {}."]),
    ({"f_flag": os.ST_RDONLY}, ["The file system of {} is read-only."]),
    ({"f_flag": os.ST_RDONLY, "f_bavail": 0}, ["The file system of {} is read-only."]),
]


@pytest.mark.parametrize(("about", "said"), DISKS, ids=str)
def test_a_disk_on_which_nothing_can_be_saved_is_a_problem(
    home: Path, about: dict[str, int], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lie(monkeypatch, **about)
    assert [text for text, _ in problems(folders.writable, machine(home))] == [one.format(home) for one in said]


def test_of_many_folders_on_a_full_disk_the_first_are_named(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    lie(monkeypatch, f_bavail=0)
    ((text, _),) = problems(folders.writable, system)
    assert text.endswith(
        "/aimo/cache, " + ", ".join(f"{system.home}/aimo/{name}" for name in ("config", "data")) + " and 1 more."
    )


def test_a_read_only_disk_is_told_of_once(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    lie(monkeypatch, f_flag=os.ST_RDONLY)
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    assert len(problems(folders.writable, system)) == 1


@pytest.mark.parametrize("kind", ["none", "failing"])
def test_a_disk_that_tells_nothing_is_no_problem(system: System, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: str) -> None:
        raise OSError

    if kind == "none":
        monkeypatch.delattr(os, "statvfs")
    else:
        monkeypatch.setattr(os, "statvfs", fail)
    assert problems(folders.writable, system) == []

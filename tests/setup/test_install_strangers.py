"""What lies in aimo's data folder and is not aimo's: a person's own files and links survive installing and uninstalling."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from aimo_host.setup import SetupError, own
from tests.setup.machines import machine, run_install, run_uninstall, tree

if TYPE_CHECKING:
    from pathlib import Path

    from aimo_host.setup.system import System

PLATFORMS = ["linux", "darwin", "win32"]
#: A person's own in each place that an installation fills as a whole.
MINE = ["extension/mine.txt", "extension/manifest.json", "extension/sub/mine.txt", "bin/aimo-host", "bin/aimo", "extension"]
#: And beside those places.
BESIDE = [
    "mine.txt",
    "bin/mine.txt",
    "native-messaging/mine.txt",
    "env-2024/mine.txt",
    "env-1/bin/python",
    "environment/mine.txt",
]
LINKS = ["", "extension", "bin", "bin/aimo-host", "bin/aimo"]


def put(home: Path, name: str) -> Path:
    path = home / "aimo/data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("precious")
    return path


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", MINE)
def test_a_place_that_somebody_else_filled_is_refused_before_anything_is_written(home: Path, platform: str, name: str) -> None:
    system = machine(home, platform)
    put(home, name)
    before = tree(home)
    with pytest.raises(SetupError, match="move it away"):
        run_install(system)
    assert tree(home) == before


@pytest.mark.parametrize("name", MINE)
def test_a_dry_run_refuses_it_too(home: Path, name: str) -> None:
    system = machine(home)
    put(home, name)
    with pytest.raises(SetupError, match="move it away"):
        run_install(system, "--dry-run")


def test_on_windows_a_manifest_of_somebody_elses_is_refused(home: Path) -> None:
    system = machine(home, "win32")
    put(home, "native-messaging/com.aimo.host.json")
    with pytest.raises(SetupError, match=r"com\.aimo\.host\.json.*move it away"):
        run_install(system)


@pytest.mark.parametrize("name", [*MINE, "native-messaging/com.aimo.host.json"])
def test_uninstalling_what_was_never_installed_leaves_it(home: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    system = machine(home)
    put(home, name)
    before = tree(home)
    assert run_uninstall(system) == 0
    assert tree(home) == before
    assert "Left alone, since it is not aimo's: " in capsys.readouterr().err


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", BESIDE)
def test_a_persons_files_beside_them_are_there_after_installing_and_uninstalling(home: Path, platform: str, name: str) -> None:
    system = machine(home, platform)
    mine = put(home, name)
    before = tree(home)
    assert run_install(system) == 0
    assert mine.read_text() == "precious"
    assert run_uninstall(system) == 0
    assert tree(home) == before


@pytest.mark.parametrize("name", BESIDE)
def test_a_persons_files_that_came_later_are_there_after_uninstalling(home: Path, name: str) -> None:
    system = machine(home)
    run_install(system)
    mine = put(home, name)
    assert run_uninstall(system) == 0
    assert mine.read_text() == "precious"
    assert [path for path in (home / "aimo").rglob("*") if path.is_file()] == [mine]


@pytest.mark.parametrize("name", ["extension", "bin", "native-messaging", "env-1"])
def test_an_empty_folder_is_in_nobodys_way(home: Path, name: str) -> None:
    (home / "aimo/data" / name).mkdir(parents=True)
    assert run_install(machine(home)) == 0


def link(home: Path, name: str) -> Path:
    """A link in the place of `name`, to a folder or file that holds something precious."""
    victim = home / "victim"
    victim.mkdir()
    for mine in ("thesis.txt", "aimo", "aimo-host", ".aimo-host.1.ab.part", "manifest.json"):
        (victim / mine).write_text("precious")
    path = home / "aimo/data" / name if name else home / "aimo/data"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(victim / "thesis.txt" if name.startswith("bin/") else victim)
    return path


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", LINKS)
def test_a_link_in_the_place_of_ours_is_refused_and_never_followed(home: Path, platform: str, name: str) -> None:
    system = machine(home, platform)
    path = link(home, name)
    before = tree(home)
    with pytest.raises(SetupError, match=f"{path} is a link"):
        run_install(system)
    assert tree(home) == before


@pytest.mark.parametrize("name", [name for name in LINKS if name])
def test_a_link_that_took_the_place_of_ours_is_not_followed_by_uninstalling(home: Path, name: str) -> None:
    system = machine(home)
    run_install(system)
    os.rename(home / "aimo/data" / name, home / "aimo/moved")
    link(home, name)
    before = tree(home / "victim")
    run_uninstall(system)
    assert tree(home / "victim") == before


@pytest.mark.parametrize("name", ["background", "manifest.json", "view", "more"])
def test_a_link_inside_the_extension_is_replaced_and_what_it_leads_to_untouched(home: Path, name: str) -> None:
    system = machine(home)
    run_install(system)
    before = tree(home / "aimo/data/extension")
    os.makedirs(home / "aside", exist_ok=True)
    if (home / "aimo/data/extension" / name).exists():
        os.rename(home / "aimo/data/extension" / name, home / "aside" / name)
    aside = tree(home / "aside")
    (home / "aimo/data/extension" / name).symlink_to(home / "aside")
    assert run_install(system) == 0
    assert tree(home / "aside") == aside
    assert tree(home / "aimo/data/extension") == before


def stray(system: System) -> str:
    path = os.path.join(system.paths.extension, "old.js")
    with open(path, "w", encoding="utf-8") as file:
        file.write("old")
    return path


@pytest.mark.parametrize(("arguments", "word"), [(["--dry-run"], "Would remove"), ([], "Removed")], ids=str)
def test_what_goes_from_the_extension_is_named(
    home: Path, arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    system = machine(home)
    run_install(system)
    path = stray(system)
    capsys.readouterr()
    run_install(system, *arguments)
    assert f"{word} {path}\n" in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["", "{", "{}", '{"key": "other"}'])
def test_an_extension_of_ours_is_laid_out_again_whatever_its_manifest_says(home: Path, damage: str) -> None:
    system = machine(home)
    run_install(system)
    before = tree(home)
    (home / "aimo/data/extension/manifest.json").write_text(damage)
    assert run_install(system) == 0
    assert tree(home) == before


def test_an_extension_of_ours_is_known_without_the_receipt_too(home: Path) -> None:
    system = machine(home)
    before = tree(home)
    run_install(system)
    os.unlink(home / "aimo/data/installed.json")
    stray(system)
    assert run_install(system) == 0
    run_uninstall(system)
    assert [name for name in tree(home) if name not in before and (home / name).is_file()] == []


def test_a_receipt_that_came_from_elsewhere_makes_no_other_folder_ours(home: Path) -> None:
    system = machine(home)
    run_install(system)
    (home / "Documents").mkdir()
    (home / "Documents/thesis.txt").write_text("precious")
    noted = home / "aimo/data/installed.json"
    record = json.loads(noted.read_text())
    for field in record:
        if field != "schema":
            record[field].append(str(home / "Documents"))
    noted.write_text(json.dumps(record))
    run_uninstall(system)
    assert (home / "Documents/thesis.txt").read_text() == "precious"


@pytest.mark.parametrize("kind", ["folder", "no marker", "link"])
def test_only_an_environment_with_its_marker_is_one_of_ours(home: Path, kind: str) -> None:
    system = machine(home)
    (home / "elsewhere").mkdir()
    (home / "elsewhere/aimo-env.json").write_text("{}")
    env = home / "aimo/data/env-1"
    if kind == "link":
        env.parent.mkdir(parents=True)
        env.symlink_to(home / "elsewhere")
    else:
        (env / "aimo-env.json" if kind == "folder" else env).mkdir(parents=True)
    assert own.environments(system) == []

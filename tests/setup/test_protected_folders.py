"""Folders that macOS keeps browsers' programs out of: not installed into, and told of by the doctor."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import aimo_host
from aimo_host.setup import SetupError, environment
from aimo_host.setup.checks import Case, files
from aimo_host.state import paths
from tests.setup.machines import machine

if TYPE_CHECKING:
    from pathlib import Path

    from aimo_host.setup.system import System


@pytest.fixture
def mac(home: Path) -> System:
    return replace(machine(home, "darwin"), interpreter="/bin/true")


def below_documents(home: Path, what: str) -> str:
    return str(home / "Documents" / what)


def look(system: System) -> list[tuple[str, str | None]]:
    return [(finding.level, finding.remedy) for finding in files.protected(Case(system, 0.0))]


def test_a_mac_with_everything_in_its_place_may_install(mac: System) -> None:
    environment.check(mac)
    assert look(mac) == []


def test_an_aimo_home_in_a_protected_folder_is_refused(mac: System, home: Path) -> None:
    elsewhere = replace(mac, paths=paths.find({"AIMO_HOME": below_documents(home, "aimo")}))
    with pytest.raises(SetupError, match=r"Documents.*choose an AIMO_HOME elsewhere"):
        environment.check(elsewhere)


def test_an_environment_in_a_protected_folder_is_refused(mac: System, home: Path) -> None:
    with pytest.raises(SetupError, match=r"Documents.*python3 install\.py"):
        environment.check(replace(mac, prefix=below_documents(home, "aimo/.venv")))


def test_an_editable_clone_in_a_protected_folder_is_refused(mac: System, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aimo_host, "__file__", below_documents(home, "aimo/aimo_host/__init__.py"))
    with pytest.raises(SetupError, match=r"Documents.*python3 install\.py"):
        environment.check(mac)


def test_the_same_folders_on_linux_are_free(home: Path) -> None:
    system = replace(machine(home), interpreter="/bin/true", prefix=below_documents(home, ".venv"))
    environment.check(system)
    assert look(system) == []


def test_the_doctor_finds_files_of_ours_there(mac: System, home: Path) -> None:
    ((level, remedy),) = look(replace(mac, paths=paths.find({"AIMO_HOME": below_documents(home, "aimo")})))
    assert (level, "AIMO_HOME elsewhere" in str(remedy)) == ("problem", True)


def test_the_doctor_tells_of_a_clone_there(mac: System, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = home / "Documents/aimo"
    for name in ("aimo_host", "extension"):
        (clone / name).mkdir(parents=True)
    (clone / "install.py").touch()
    monkeypatch.chdir(clone)
    ((level, remedy),) = look(mac)
    assert (level, "python3 install.py" in str(remedy)) == ("note", True)
    os.unlink(clone / "install.py")
    assert look(mac) == []

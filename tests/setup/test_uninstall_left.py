"""What cannot be removed is said, makes the exit code 1, and is not forgotten: a second uninstallation finishes."""

from __future__ import annotations

import copy
import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.setup.fake_winreg import FakeWinreg
from tests.setup.machines import CHROME_KEY, machine, run_install, run_uninstall, tree, winreg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aimo_host.setup.system import System

MANIFEST = ".config/google-chrome/NativeMessagingHosts/com.aimo.host.json"
OURS = f"{CHROME_KEY}\\NativeMessagingHosts\\com.aimo.host"
#: By platform: something that is held, and the path that is said not to be removable.
HELD = [
    ("linux", "com.aimo.host.json", MANIFEST),
    ("darwin", "com.aimo.host.json", "Library/Application Support/Google/Chrome/NativeMessagingHosts/com.aimo.host.json"),
    ("win32", "com.aimo.host.json", "aimo/data/native-messaging/com.aimo.host.json"),
    *(
        (platform, name, path)
        for platform in ("linux", "darwin", "win32")
        for name, path in (
            ("aimo-host", "aimo/data/bin/aimo-host"),
            ("aimo", "aimo/data/bin/aimo"),
            ("popup.js", "aimo/data/extension"),
            ("NativeMessagingHosts" if platform != "win32" else "native-messaging", None),
            ("python", "aimo/data/env-1"),
            ("usage.json", "aimo/cache"),
            ("aimo.log", "aimo/state"),
            ("installed.json", "aimo/data/installed.json"),
        )
    ),
]


@contextmanager
def held(name: str) -> Iterator[None]:
    """Something keeps the files and folders of this name, as a running program does on Windows, or `chattr +i`."""
    with pytest.MonkeyPatch.context() as patch:
        for function in ("unlink", "rmdir"):
            patch.setattr(os, function, refusing(getattr(os, function), name))
        yield


def refusing(really: Any, name: str) -> Any:
    def refuse(path: str, **more: Any) -> None:
        if os.path.basename(path) == name:
            raise PermissionError(1, "Operation not permitted", path)
        really(path, **more)

    return refuse


def used(home: Path, platform: str) -> System:
    """Installed, in an environment of its own, and used since."""
    system = machine(home, platform)
    run_install(system)
    for name in ("data/env-1/aimo-env.json", "data/env-1/python", "cache/usage.json", "state/aimo.log"):
        (home / "aimo" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "aimo" / name).write_text("{}")
    return system


def everything(system: System, home: Path) -> tuple[object, object]:
    return tree(home), copy.deepcopy(winreg(system).hives)


CASES = pytest.mark.parametrize(("platform", "name", "path"), HELD, ids=lambda value: str(value).replace("/", "-"))


@CASES
def test_what_is_left_is_said_and_nothing_that_is_left_is_said_to_be_removed(
    home: Path, platform: str, name: str, path: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    system = used(home, platform)
    capsys.readouterr()
    with held(name):
        assert run_uninstall(system) == 1
    said = capsys.readouterr()
    assert f"Could not remove {home / path if path else home}" in said.err
    removed = [line.removeprefix("Removed ") for line in said.out.splitlines() if line.startswith("Removed /")]
    assert removed
    assert [path for path in removed if os.path.lexists(path) and path != system.paths.state_dir] == []


@CASES
def test_a_second_run_finishes(home: Path, platform: str, name: str, path: str | None) -> None:
    del path
    fresh = machine(home / "fresh", platform)
    before = everything(fresh, home / "fresh")
    system = used(home / "used", platform)
    with held(name):
        run_uninstall(system)
    assert run_uninstall(system) == 0
    assert everything(system, home / "used") == before


@CASES
def test_the_command_and_its_environment_stay_for_the_second_run(home: Path, platform: str, name: str, path: str | None) -> None:
    system = used(home, platform)
    with held(name):
        run_uninstall(system)
    is_late = name in {"aimo", "python", "installed.json"}
    assert is_late or path is None or (os.path.exists(system.paths.command) and (home / "aimo/data/env-1/python").exists())


def test_a_registration_that_windows_keeps_is_said_and_goes_later(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system = machine(home, "win32")
    before = everything(system, home)
    run_install(system)

    class Keeping(FakeWinreg):
        def DeleteKey(self, hive: int, key: str) -> None:  # noqa: N802 - the module's name
            raise PermissionError(5, "Access is denied", f"{hive}\\{key}")

    keeping = Keeping()
    keeping.hives = winreg(system).hives
    assert run_uninstall(replace(system, registry=type(system.registry)(keeping))) == 1
    assert f"Could not remove {OURS}: Access is denied" in capsys.readouterr().err
    assert run_uninstall(system) == 0
    assert everything(system, home) == before


def test_the_environment_that_this_program_runs_in_is_for_the_person_on_windows(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = replace(used(home, "win32"), prefix=str(home / "aimo/data/env-1"))
    with held("python"):
        assert run_uninstall(system) == 1
    assert "this program runs in it, so remove that folder yourself" in capsys.readouterr().err


def test_one_registration_that_stays_is_said_as_well(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system = machine(home)
    run_install(system)
    with held("com.aimo.host.json"):
        assert run_uninstall(system, "--browser", "chrome") == 1
    assert f"Could not remove {home / MANIFEST}: Operation not permitted" in capsys.readouterr().err
    assert run_uninstall(system, "--browser", "chrome") == 0
    assert not (home / MANIFEST).exists()


def test_what_somebody_removed_already_is_no_failure(home: Path) -> None:
    system = used(home, "linux")
    shutil.rmtree(home / "aimo/data/extension")
    os.unlink(home / MANIFEST)
    assert run_uninstall(system) == 0

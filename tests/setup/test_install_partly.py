"""One browser that cannot be registered, or a link that cannot be made, does not keep the rest from being installed."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from aimo_host.setup import environment, install
from aimo_host.state import atomic
from tests.setup.fake_winreg import FakeWinreg
from tests.setup.machines import machine, run_install, run_uninstall, tree, winreg

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["chrome", "chromium", "edge", "vivaldi"]
FOLDERS = {"chrome": "google-chrome", "chromium": "chromium", "edge": "microsoft-edge", "vivaldi": "vivaldi"}
ARGUMENTS = [word for name in NAMES for word in ("--browser", name)]


FOLDER = ".config/google-chrome/NativeMessagingHosts"


def put(path: Path, what: bytes | str | None) -> None:
    """A file with this content (None: an empty one), or a link that leads there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(what, str):
        path.symlink_to(what)
    else:
        path.write_bytes(what or b"")


def place(home: Path, name: str) -> str:
    return str(home / ".config" / FOLDERS[name] / "NativeMessagingHosts/com.aimo.host.json")


@pytest.fixture
def unwritable(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Paths in the folders of which nothing can be written; a test fills it."""
    refused: set[str] = set()
    really = atomic.replace

    def replace(path: str, content: bytes, *, durable: bool = True) -> None:
        if path in refused:
            raise PermissionError(13, "Permission denied", path)
        really(path, content, durable=durable)

    monkeypatch.setattr(atomic, "replace", replace)
    return refused


@pytest.mark.parametrize("name", NAMES)
def test_the_others_are_registered_and_the_failed_one_is_named(
    home: Path, name: str, unwritable: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    unwritable.add(place(home, name))
    assert run_install(machine(home), *ARGUMENTS) == 1
    said = capsys.readouterr()
    (sentence,) = [line for line in said.err.splitlines() if line.startswith("Could not register with ")]
    assert sentence.endswith(f": {place(home, name)}: Permission denied.")
    assert place(home, name) not in said.out
    assert [other for other in NAMES if os.path.exists(place(home, other))] == [other for other in NAMES if other != name]


def test_a_second_run_makes_up_for_it(home: Path, unwritable: set[str]) -> None:
    system = machine(home)
    before = tree(home)
    unwritable.add(place(home, "chrome"))
    run_install(system)
    unwritable.clear()
    assert run_install(system) == 0
    run_uninstall(system)
    assert tree(home) == before


def test_a_key_that_windows_does_not_let_be_set_keeps_no_other_from_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system = machine(home, "win32")

    class Guarded(FakeWinreg):
        def SetValue(self, hive: int, key: str, kind: int, value: str) -> None:  # noqa: N802 - the module's name
            if "Chromium" in key:
                raise PermissionError(5, "Access is denied")
            super().SetValue(hive, key, kind, value)

    guarded = Guarded()
    guarded.hives = winreg(system).hives
    guarded_system = type(system)(**{**vars(system), "registry": type(system.registry)(guarded)})
    assert run_install(guarded_system, "--browser", "chromium", "--browser", "edge") == 1
    assert "Could not register with Chromium: " in capsys.readouterr().err
    assert "Software\\Microsoft\\Edge\\NativeMessagingHosts\\com.aimo.host" in system.registry


def test_a_launcher_that_cannot_be_written_is_the_end_of_it(home: Path, unwritable: set[str]) -> None:
    system = machine(home)
    unwritable.add(system.paths.launcher)
    with pytest.raises(PermissionError):
        run_install(system)
    assert not os.path.exists(place(home, "chrome"))


@pytest.mark.parametrize("block", [".local", ".local/bin"])
@pytest.mark.parametrize("kind", ["file", "link to nothing"])
def test_without_the_link_the_whole_path_of_the_command_is_told(
    home: Path, block: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    system = machine(home)
    put(home / block, None if kind == "file" else "nowhere")
    before = tree(home)
    assert run_install(system, "--link") == 0
    assert f"The command is: {system.paths.command}\n" in capsys.readouterr().out
    assert run_install(system, "--link", "--dry-run") == 0
    assert capsys.readouterr().out == "Nothing would change.\n"
    run_uninstall(system)
    assert tree(home) == before


def test_a_link_that_may_not_be_made_is_no_failure_either(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system = machine(home)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "symlink", refuse)
    assert run_install(system, "--link") == 0
    assert f"The command is: {system.paths.command}\n" in capsys.readouterr().out


def test_who_is_registered_in_part_is_led_on_and_shown_the_gauge(
    home: Path, unwritable: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "check", lambda _: None)
    unwritable.add(place(home, "chrome"))
    shown: list[bool] = []

    def show() -> int:
        shown.append(True)
        return 0

    assert install.main(["--browser", "chrome", "--browser", "edge"], dict(os.environ), show) == 1
    assert shown == [True]


#: What stands in the place of a manifest or of its folder, and how that is put into words.
REASONS = [
    (FOLDER, b"x", "{folder} is not a folder"),
    (FOLDER, "nowhere", "{folder} is not a folder"),
    (f"{FOLDER}/com.aimo.host.json/sub", b"x", "it cannot be read (not a plain file)"),
    (f"{FOLDER}/com.aimo.host.json", "elsewhere", f"it cannot be read ({os.strerror(errno.ELOOP)})"),
    (f"{FOLDER}/com.aimo.host.json", b"{}", "it is not a manifest of aimo's"),
    (f"{FOLDER}/com.aimo.host.json", b'{"path": "/theirs"}', "it names another program (/theirs)"),
]


@pytest.mark.parametrize(("name", "what", "reason"), REASONS)
def test_why_a_place_was_left_alone_is_put_truly(
    home: Path, name: str, what: bytes | str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    system = machine(home)
    put(home / name, what)
    assert run_install(system) == 1
    expected = f"Left alone, since {reason.format(folder=home / FOLDER)}: {home / FOLDER}/com.aimo.host.json\n"
    assert expected in capsys.readouterr().err

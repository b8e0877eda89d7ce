"""Installing and uninstalling on made-up machines: what is written, what is left alone, and that nothing stays behind."""

from __future__ import annotations

import copy
import json
import os
from typing import TYPE_CHECKING

import pytest

from aimo_host.setup import SetupError, environment, install, plan, uninstall
from aimo_host.state import bell, identity, presence
from tests.setup.machines import CHROME_KEY, machine, run_install, run_uninstall, tree, winreg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aimo_host.setup.system import System

    Command = Callable[[list[str], dict[str, str]], int]

MANIFEST = ".config/google-chrome/NativeMessagingHosts/com.aimo.host.json"
PLATFORMS = ["linux", "darwin", "win32"]


def state(system: System, home: Path) -> tuple[object, object]:
    return tree(home), copy.deepcopy(winreg(system).hives)


def test_the_manifest_names_the_launcher_and_the_extension(home: Path) -> None:
    system = machine(home)
    assert run_install(system) == 0
    written = json.loads((home / MANIFEST).read_text())
    assert (written["path"], written["allowed_origins"]) == (system.paths.launcher, [identity.ORIGIN])


def test_on_windows_the_registry_leads_to_the_manifest(home: Path) -> None:
    system = machine(home, "win32")
    assert run_install(system) == 0
    with open(system.registry[CHROME_KEY + "\\NativeMessagingHosts\\com.aimo.host"], encoding="utf-8") as file:
        assert json.load(file)["path"] == system.paths.launcher


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("arguments", [[], ["--link"], ["--browser", "edge", "--browser", "brave"]], ids=str)
def test_uninstalling_restores_everything(home: Path, platform: str, arguments: list[str]) -> None:
    system = machine(home, platform)
    before = state(system, home)
    run_install(system, *arguments)
    assert state(system, home) != before
    assert run_uninstall(system) == 0
    assert state(system, home) == before


def test_what_use_brought_about_goes_too_and_what_a_person_wrote_stays(home: Path) -> None:
    system = machine(home)
    before = tree(home)
    run_install(system)
    for path in (system.paths.cache, system.paths.refresh, system.paths.settings):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("{}")
    run_uninstall(system)
    assert set(tree(home)) - set(before) == {"aimo", "aimo/config", "aimo/config/settings.json"}


def test_readings_from_before_the_installation_survive_it(home: Path) -> None:
    system = machine(home)
    os.makedirs(system.paths.cache_dir)
    with open(system.paths.cache, "w", encoding="utf-8") as file:
        file.write("{}")
    before = tree(home)
    run_install(system)
    run_uninstall(system)
    assert tree(home) == before


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("arguments", [[], ["--link"], ["--browser", "edge"]], ids=str)
def test_a_dry_run_writes_nothing(home: Path, platform: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    system = machine(home, platform)
    before = state(system, home)
    assert run_install(system, "--dry-run", *arguments) == 0
    assert state(system, home) == before
    assert f"Would write {system.paths.launcher}" in capsys.readouterr().out


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_second_run_touches_no_file(home: Path, platform: str, capsys: pytest.CaptureFixture[str]) -> None:
    system = machine(home, platform)
    run_install(system, "--link")
    before = {path: path.lstat().st_mtime_ns for path in home.rglob("*")}
    assert run_install(system, "--link") == 0
    assert {path: path.lstat().st_mtime_ns for path in home.rglob("*")} == before
    capsys.readouterr()
    run_install(system, "--dry-run", "--link")
    assert capsys.readouterr().out == "Nothing would change.\n"


def test_whoever_waits_is_rung_by_an_installation_that_changed_something(home: Path) -> None:
    system = machine(home)
    waiting = bell.Bell(system.paths.bells_dir, ())
    run_install(system)
    assert waiting.wait(0)
    run_install(system)
    assert not waiting.wait(0)
    waiting.close()


def test_a_server_that_does_not_go_on_as_the_newer_one_is_mentioned(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "_TAKES_OVER_SECONDS", 0.1)
    system = machine(home)
    shim = presence.Presence(system.paths.presence_dir, {"kind": "shim", "version": "0.0.1"})
    run_install(system)
    shim.leave()
    assert "`aimo serve` still runs as another version" in capsys.readouterr().out


def test_only_browsers_that_are_there_get_anything(home: Path) -> None:
    run_install(machine(home))
    assert sorted(path.name for path in (home / ".config").iterdir()) == ["google-chrome"]


def test_a_named_browser_is_the_only_one_registered_there_or_not(home: Path) -> None:
    run_install(machine(home), "--browser", "chromium")
    assert [str(path.relative_to(home)) for path in home.rglob("com.aimo.host.json")] == [
        ".config/chromium/NativeMessagingHosts/com.aimo.host.json"
    ]


def test_user_data_dirs_are_made_and_the_only_ones_registered(home: Path) -> None:
    run_install(machine(home), "--user-data-dir", str(home / "a"), "--user-data-dir", str(home / "b/c"))
    assert {str(path.relative_to(home)) for path in home.rglob("com.aimo.host.json")} == {
        "a/NativeMessagingHosts/com.aimo.host.json",
        "b/c/NativeMessagingHosts/com.aimo.host.json",
    }


def test_uninstalling_one_registration_leaves_the_others(home: Path) -> None:
    system = machine(home)
    run_install(system, "--browser", "chrome", "--user-data-dir", str(home / "a"))
    run_uninstall(system, "--user-data-dir", str(home / "a"))
    assert not (home / "a").exists()
    assert (home / MANIFEST).exists()
    assert os.path.exists(system.paths.launcher)


STRANGERS = [b'{"path": "/other/launcher"}', b"not json", b"[]", b"", b"[" * 100_000, b"\xff\xfe"]


@pytest.mark.parametrize("content", STRANGERS, ids=lambda content: content[:30])
def test_a_strangers_manifest_is_left_alone_with_a_message(
    home: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    system = machine(home)
    (home / MANIFEST).parent.mkdir()
    (home / MANIFEST).write_bytes(content)
    assert run_install(system) == 1
    assert str(home / MANIFEST) in capsys.readouterr().err
    run_uninstall(system)
    assert (home / MANIFEST).read_bytes() == content


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_no_plain_file_is_a_strangers_too(home: Path, kind: str) -> None:
    system = machine(home)
    (home / MANIFEST).parent.mkdir()
    (home / MANIFEST).mkdir() if kind == "folder" else (home / MANIFEST).symlink_to(home / "elsewhere")
    before = tree(home)
    assert run_install(system) == 1
    run_uninstall(system)
    assert tree(home) == before


def test_a_strangers_registry_key_is_left_alone(home: Path) -> None:
    system = machine(home, "win32")
    key = CHROME_KEY + "\\NativeMessagingHosts\\com.aimo.host"
    system.registry[key] = "C:\\other.json"
    assert run_install(system) == 1
    run_uninstall(system)
    assert system.registry[key] == "C:\\other.json"


def test_another_program_named_aimo_is_never_replaced_by_the_link(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system = machine(home)
    (home / ".local/bin").mkdir(parents=True)
    (home / ".local/bin/aimo").write_text("#!/bin/sh\n")
    before = tree(home)
    assert run_install(system, "--link") == 0
    assert f"The command is: {system.paths.command}" in capsys.readouterr().out
    run_uninstall(system)
    assert tree(home) == before


def test_a_manifest_that_somebody_took_over_since_is_not_removed(home: Path) -> None:
    system = machine(home)
    run_install(system)
    (home / MANIFEST).write_text('{"path": "/theirs"}')
    run_uninstall(system)
    assert (home / MANIFEST).exists()


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'{"places": 3, "folders": [1]}', b"\xff"], ids=repr)
def test_a_broken_receipt_still_lets_registrations_go(home: Path, content: bytes) -> None:
    system = machine(home)
    run_install(system)
    with open(os.path.join(system.paths.data_dir, "installed.json"), "wb") as file:
        file.write(content)
    run_uninstall(system)
    assert not (home / MANIFEST).exists()
    assert not os.path.exists(system.paths.launcher)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o177])
def test_modes_are_the_same_under_any_umask(home: Path, umask: int) -> None:
    system = machine(home)
    previous = os.umask(umask)
    try:
        run_install(system)
    finally:
        os.umask(previous)
    modes = {name: mode & 0o777 for name, (mode, _) in tree(home).items() if name.startswith("aimo") or name == MANIFEST}
    assert modes.pop(MANIFEST) == 0o644
    assert {modes.pop(f"aimo/data/bin/{name}") for name in ("aimo", "aimo-host")} == {0o700}
    folders = {name for name in modes if (home / name).is_dir()}
    assert {modes[name] for name in folders} == {0o700}
    assert {modes[name] for name in modes if name not in folders} == {0o600}


def test_the_extension_is_laid_out_whole_and_strays_are_cleared(home: Path) -> None:
    system = machine(home)
    run_install(system)
    stray, changed = os.path.join(system.paths.extension, "old", "x.js"), os.path.join(system.paths.extension, "manifest.json")
    os.makedirs(os.path.dirname(stray))
    for path in (stray, changed):
        with open(path, "w", encoding="utf-8") as file:
            file.write("old")
    run_install(system)
    laid_out = {name for name, (_, content) in tree(home / "aimo/data/extension").items() if content is not None}
    assert laid_out == set(plan.extension_files())
    with open(changed, encoding="utf-8") as file:
        assert json.load(file)["manifest_version"] == 3


def test_environments_of_ours_go_with_the_rest(home: Path) -> None:
    system = machine(home)
    before = tree(home)
    run_install(system)
    os.makedirs(os.path.join(system.paths.data_dir, "env-0.1.0", "bin"))
    (home / "aimo/data/env-0.1.0/aimo-env.json").write_text("{}")
    run_uninstall(system)
    assert tree(home) == before


@pytest.mark.parametrize(
    "prefix",
    [
        "/home/u/.cache/uv/archive-v0/AbC",
        "/home/u/.cache/uv/environments-v2/aimo-12ab",
        "C:\\Users\\u\\AppData\\Local\\uv\\cache\\archive-v0\\AbC",
        "/home/u/.local/pipx/.cache/0123",
        "/home/u/.cache/pipx/0123",
        "/Users/u/Library/Caches/pipx/0123",
    ],
)
def test_a_throw_away_environment_is_refused(home: Path, prefix: str) -> None:
    system = machine(home)
    with pytest.raises(SetupError, match="throw-away"):
        environment.check(type(system)(**{**vars(system), "prefix": prefix}))


@pytest.mark.parametrize(
    "prefix", ["/home/u/.local/share/uv/tools/aimo", "/home/u/.local/share/pipx/venvs/aimo", "/home/u/pipx-cache/venv"]
)
def test_a_lasting_environment_is_accepted(home: Path, prefix: str) -> None:
    system = machine(home)
    environment.check(type(system)(**{**vars(system), "prefix": prefix, "interpreter": "/bin/true"}))


def test_an_environment_without_aimo_is_refused(home: Path) -> None:
    system = machine(home)
    with pytest.raises(SetupError, match="not installed"):
        environment.check(type(system)(**{**vars(system), "interpreter": "/bin/false"}))


def test_a_dry_uninstallation_removes_nothing_and_names_everything(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system = machine(home)
    run_install(system, "--link")
    before = tree(home)
    capsys.readouterr()
    assert run_uninstall(system, "--dry-run") == 0
    assert tree(home) == before
    said = capsys.readouterr().out
    for place in (home / MANIFEST, home / ".local/bin/aimo", system.paths.launcher, system.paths.command, system.paths.extension):
        assert f"Would remove {place}\n" in said


@pytest.mark.parametrize("command", [install.main, uninstall.main])
def test_an_unknown_browser_is_bad_arguments(
    command: Command, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIMO_HOME", str(home / "aimo"))
    assert command(["--browser", "netscape"], dict(os.environ)) == 2
    assert "Unknown browser: netscape" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_one_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "file").touch()
    (home / ".config/google-chrome").mkdir(parents=True)
    environ = {**os.environ, "AIMO_HOME": str(home / "file" / "aimo")}
    assert install.main(["--browser", "chrome"], environ) == 1
    error = capsys.readouterr().err
    assert error.startswith("aimo could not be registered: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", [install.main, uninstall.main])
def test_a_relative_aimo_home_is_bad_arguments(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command([], {"AIMO_HOME": "relative"}) == 2
    assert "absolute" in capsys.readouterr().err


@pytest.mark.parametrize("command", [install.main, uninstall.main])
def test_unknown_arguments_are_bad_arguments(command: Command) -> None:
    with pytest.raises(SystemExit) as caught:
        command(["--nonsense"], {})
    assert caught.value.code == 2

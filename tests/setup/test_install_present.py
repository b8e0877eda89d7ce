"""What is written for which browser: those that are there or were named, now and in every later run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aimo_host.setup import browsers
from tests.setup.fake_winreg import FakeWinreg
from tests.setup.machines import again, run_install, run_uninstall, tree, winreg

if TYPE_CHECKING:
    from pathlib import Path

    from aimo_host.setup.system import System

PLATFORMS = ["linux", "darwin", "win32"]


def present(system: System) -> list[str]:
    return [browser.name for browser in browsers.known(system) if browser.present]


def with_brave_only(home: Path, platform: str) -> System:
    """A machine with Brave, which reads Chrome's places on macOS and Windows."""
    system = again(home, platform)
    if platform == "win32":
        winreg(system).plant(FakeWinreg.HKEY_CURRENT_USER, "Software\\BraveSoftware\\Brave-Browser", {"version": "1"})
    else:
        base = ".config" if platform == "linux" else "Library/Application Support"
        (home / base / "BraveSoftware/Brave-Browser/Default").mkdir(parents=True)
    return system


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_was_written_for_brave_makes_no_chrome(home: Path, platform: str, capsys: pytest.CaptureFixture[str]) -> None:
    system = with_brave_only(home, platform)
    run_install(system)
    first = capsys.readouterr().out
    run_install(system)
    assert capsys.readouterr().out == first
    assert "Chrome:" not in first


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", ["chromium", "vivaldi", "edge", "opera"])
def test_a_browser_that_was_named_is_there_for_later_runs(
    home: Path, platform: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    system = again(home, platform)
    run_install(system, "--browser", name)
    first = capsys.readouterr().out
    assert present(system) == [name]
    assert run_install(system) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("how", [["--browser", "vivaldi"], []], ids=["by name", "altogether"])
def test_a_browser_that_was_taken_back_is_not_there_any_more(home: Path, platform: str, how: list[str]) -> None:
    system = again(home, platform)
    run_install(system, "--browser", "chromium", "--browser", "vivaldi")
    run_uninstall(system, *how)
    assert present(system) == (["chromium"] if how else [])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_with_seeds_of_others_only_nothing_is_registered_and_they_stay(home: Path, platform: str) -> None:
    system = again(home, platform)
    base = home / (".config" if platform == "linux" else "Library/Application Support")
    for row in ("google-chrome", "Google/Chrome", "vivaldi", "Vivaldi", "microsoft-edge", "Microsoft Edge"):
        (base / row / "NativeMessagingHosts").mkdir(parents=True)
        (base / row / "NativeMessagingHosts/com.8bit.bitwarden.json").write_text("{}")
    winreg(system).plant(FakeWinreg.HKEY_CURRENT_USER, "Software\\Vivaldi\\NativeMessagingHosts\\com.8bit.bitwarden", {"": "x"})
    before, keys = tree(home), dict(winreg(system).hives[FakeWinreg.HKEY_CURRENT_USER])
    assert run_install(system) == 0
    assert not list(base.rglob("com.aimo.host.json"))
    assert winreg(system).hives[FakeWinreg.HKEY_CURRENT_USER] == keys
    run_uninstall(system)
    assert tree(home) == before


@pytest.mark.parametrize("variable", ["CHROME_CONFIG_HOME", "XDG_CONFIG_HOME"])
def test_a_relative_configuration_folder_puts_nothing_where_the_person_stands(
    home: Path, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "stand").mkdir()
    monkeypatch.chdir(home / "stand")
    run_install(again(home, environ={variable: "here"}), "--browser", "chrome")
    assert os.listdir(home / "stand") == []
    assert (home / ".config/google-chrome/NativeMessagingHosts/com.aimo.host.json").exists()


FOLDERS = {"linux": ".config/google-chrome", "darwin": "Library/Application Support/Google/Chrome"}


@pytest.mark.parametrize("platform", FOLDERS)
def test_a_profile_folder_that_is_still_empty_is_a_browser_s_now_and_later(
    home: Path, platform: str, capsys: pytest.CaptureFixture[str]
) -> None:
    system = again(home, platform)
    (home / FOLDERS[platform]).mkdir(parents=True)
    run_install(system)
    first = capsys.readouterr().out
    run_install(system)
    assert capsys.readouterr().out == first
    assert (home / FOLDERS[platform] / "NativeMessagingHosts/com.aimo.host.json").exists()


@pytest.mark.parametrize("platform", FOLDERS)
def test_where_another_s_host_of_our_name_is_all_there_is_it_is_left_alone_and_named(
    home: Path, platform: str, capsys: pytest.CaptureFixture[str]
) -> None:
    system = again(home, platform)
    theirs = home / FOLDERS[platform] / "NativeMessagingHosts/com.aimo.host.json"
    theirs.parent.mkdir(parents=True)
    theirs.write_text('{"path": "/theirs"}')
    assert run_install(system) == 1
    assert f"Left alone, since it names another program (/theirs): {theirs}" in capsys.readouterr().err
    assert theirs.read_text() == '{"path": "/theirs"}'

"""The table of browsers, and what is found with it on machines of three operating systems."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.setup import SetupError, browsers
from aimo_host.state import paths
from tests.setup.fake_winreg import FakeWinreg
from tests.setup.machines import again, machine, winreg

if TYPE_CHECKING:
    from pathlib import Path

    from aimo_host.setup.system import System


def table() -> dict[str, Any]:
    with open(os.path.join(paths.bundled("manifests"), "browsers.json"), encoding="utf-8") as file:
        rows: dict[str, Any] = json.load(file)
    return rows


TABLE = table()
ROWS = [pytest.param(system, row, id=f"{system}-{row['name']}") for system in ("linux", "darwin") for row in TABLE[system]]


def profile(home: Path, platform: str, row: dict[str, str]) -> Path:
    return home / (".config" if platform == "linux" else "Library/Application Support") / row["profile"]


def present(system: System) -> list[str]:
    return [browser.name for browser in browsers.known(system) if browser.present]


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_names_are_unique(system: str) -> None:
    names = [row["name"] for row in TABLE[system]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("platform", "row"), ROWS)
def test_a_browser_is_found_by_its_profile_folder(home: Path, platform: str, row: dict[str, str]) -> None:
    system = again(home, platform)
    (profile(home, platform, row) / "Local State").mkdir(parents=True)
    assert row["name"] in present(system)


@pytest.mark.parametrize(("platform", "row"), ROWS)
def test_a_profile_folder_that_only_installers_of_hosts_filled_is_no_browser(
    home: Path, platform: str, row: dict[str, str]
) -> None:
    folder = profile(home, platform, row) / "NativeMessagingHosts"
    folder.mkdir(parents=True)
    (folder / "com.8bit.bitwarden.json").write_text("{}")
    (folder.parent / ".DS_Store").touch()
    assert present(again(home, platform)) == []


APPLICATIONS = [(row["name"], program) for row in TABLE["darwin"] for program in row["programs"]]


@pytest.mark.parametrize(("name", "program"), APPLICATIONS, ids=lambda value: value.rpartition("/")[2])
@pytest.mark.parametrize("where", ["root", ""], ids=["for all", "for one"])
def test_an_application_is_found_for_everybody_and_for_one_person(home: Path, name: str, program: str, where: str) -> None:
    (home / where / program.lstrip("/")).mkdir(parents=True)
    assert present(again(home, "darwin")) == [name]


PROGRAMS = [(row["name"], name) for row in TABLE["linux"] for name in row["programs"]]


@pytest.mark.parametrize(("name", "command"), PROGRAMS)
def test_a_program_on_the_path_is_its_browser(home: Path, name: str, command: str) -> None:
    program(home / "bin", command, "#!/bin/sh\n")
    assert present(again(home, environ={"PATH": str(home / "bin")})) == [name]


@pytest.mark.parametrize("hive", [FakeWinreg.HKEY_CURRENT_USER, FakeWinreg.HKEY_LOCAL_MACHINE], ids=["user", "machine"])
@pytest.mark.parametrize("row", TABLE["win32"], ids=lambda row: row["name"])
def test_a_browser_is_found_by_each_of_its_registry_keys(home: Path, row: dict[str, Any], hive: int) -> None:
    for sign in row["signs"]:
        system = machine(home, "win32")
        winreg(system).plant(hive, sign, {"version": "1"})
        assert row["name"] in present(system)


@pytest.mark.parametrize("row", TABLE["win32"], ids=lambda row: row["name"])
def test_a_key_with_a_key_below_it_is_a_browsers_too(home: Path, row: dict[str, Any]) -> None:
    for sign in row["signs"]:
        system = again(home, "win32")
        winreg(system).plant(FakeWinreg.HKEY_CURRENT_USER, f"{sign}\\NativeMessagingHosts\\com.8bit.bitwarden", {"": "x"})
        winreg(system).plant(FakeWinreg.HKEY_CURRENT_USER, f"{sign}\\BLBeacon")
        assert row["name"] in present(system)


@pytest.mark.parametrize("hive", [FakeWinreg.HKEY_CURRENT_USER, FakeWinreg.HKEY_LOCAL_MACHINE], ids=["user", "machine"])
@pytest.mark.parametrize("seed", ["NativeMessagingHosts", "nativemessaginghosts"])
@pytest.mark.parametrize("row", TABLE["win32"], ids=lambda row: row["name"])
def test_a_key_that_only_installers_of_hosts_made_is_no_browser(home: Path, row: dict[str, Any], seed: str, hive: int) -> None:
    system = again(home, "win32")
    for key in [*row["signs"], *(read.rpartition("\\")[0] for read in row["reads"])]:
        winreg(system).plant(hive, f"{key}\\{seed}\\com.8bit.bitwarden", {"": "C:\\theirs.json"})
    assert present(system) == []


#: The channels of one browser share a key for hosts (native_messaging.md) and have one each for themselves.
CHANNELS = [
    ("chrome", "Software\\Google\\Chrome Beta"),
    ("chrome", "Software\\Google\\Chrome Dev"),
    ("chrome", "Software\\Google\\Chrome SxS"),
    ("edge", "Software\\Microsoft\\Edge Beta\\BLBeacon"),
    ("edge", "Software\\Microsoft\\Edge Dev\\BLBeacon"),
    ("edge", "Software\\Microsoft\\Edge SxS\\BLBeacon"),
    ("brave", "Software\\BraveSoftware\\Brave-Browser-Beta"),
    ("brave", "Software\\BraveSoftware\\Brave-Browser-Nightly"),
]


@pytest.mark.parametrize(("name", "key"), CHANNELS)
def test_any_channel_of_a_browser_on_windows_is_that_browser(home: Path, name: str, key: str) -> None:
    system = again(home, "win32")
    winreg(system).plant(FakeWinreg.HKEY_CURRENT_USER, key, {"version": "1"})
    assert present(system) == [name]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_browser_that_is_not_there_is_not_found(home: Path, platform: str) -> None:
    assert present(machine(home, platform)) == ["chrome"]


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def test_a_browser_that_was_never_started_is_found_by_its_program(home: Path) -> None:
    program(home / "bin", "chromium", "#!/bin/sh\nexec /usr/lib/chromium/chromium\n")
    assert "chromium" in present(machine(home, environ={"PATH": str(home / "bin")}))


def test_ubuntus_script_around_the_snap_is_not_a_browser(home: Path) -> None:
    program(home / "bin", "chromium-browser", "#!/bin/sh\nexec /snap/bin/chromium\n")
    assert "chromium" not in present(machine(home, environ={"PATH": str(home / "bin")}))


@pytest.mark.parametrize("folder", ["snap/bin", "var/lib/snapd/snap/bin"])
@pytest.mark.parametrize("how", ["itself", "a link", "a link to snap"])
def test_a_snap_is_not_a_browser_wherever_snaps_lie(home: Path, folder: str, how: str) -> None:
    program(home / "root/usr/bin", "snap", "binary")
    program(home / "root" / folder, "real", "binary")
    commands = home / ("root/" + folder if how == "itself" else "bin")
    commands.mkdir(exist_ok=True)
    if how == "itself":
        program(commands, "chromium", "binary")
    else:
        (commands / "chromium").symlink_to(home / "root" / (folder + "/real" if how == "a link" else "usr/bin/snap"))
    assert present(again(home, environ={"PATH": str(commands)})) == []


@pytest.mark.parametrize("variable", ["CHROME_CONFIG_HOME", "XDG_CONFIG_HOME"])
@pytest.mark.parametrize("value", ["moved", "./moved", "~/moved", ""])
def test_a_configuration_folder_that_is_not_absolute_is_ignored(home: Path, variable: str, value: str) -> None:
    system = again(home, environ={variable: value})
    (place,) = browsers.named(system, ["chrome"])[0].places
    assert place == str(home / ".config/google-chrome/NativeMessagingHosts/com.aimo.host.json")


def test_a_relative_one_does_not_hide_an_absolute_one(home: Path) -> None:
    system = again(home, environ={"CHROME_CONFIG_HOME": "here", "XDG_CONFIG_HOME": str(home / "moved")})
    (place,) = browsers.named(system, ["chrome"])[0].places
    assert place == str(home / "moved/google-chrome/NativeMessagingHosts/com.aimo.host.json")


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_user_data_dir_without_a_name_is_bad_arguments(home: Path, platform: str) -> None:
    with pytest.raises(SetupError, match="--user-data-dir needs the folder") as caught:
        browsers.with_user_data_dir(again(home, platform), "")
    assert caught.value.code == 2


@pytest.mark.parametrize("variable", ["CHROME_CONFIG_HOME", "XDG_CONFIG_HOME"])
def test_a_moved_configuration_folder_is_followed(home: Path, variable: str) -> None:
    (home / "moved" / "vivaldi" / "Default").mkdir(parents=True)
    system = machine(home, environ={variable: str(home / "moved")})
    assert present(system) == ["vivaldi"]
    found = browsers.named(system, ["vivaldi"])[0]
    assert found.places == (str(home / "moved/vivaldi/NativeMessagingHosts/com.aimo.host.json"),)


def test_brave_on_macos_is_served_where_it_reads_which_is_chromes_folder(home: Path) -> None:
    (place, _) = browsers.named(machine(home, "darwin"), ["brave"])[0].places
    assert place == str(home / "Library/Application Support/Google/Chrome/NativeMessagingHosts/com.aimo.host.json")


def test_edge_on_windows_is_served_by_its_key(home: Path) -> None:
    found = browsers.named(machine(home, "win32"), ["edge"])[0]
    assert found.places == ("Software\\Microsoft\\Edge\\NativeMessagingHosts\\com.aimo.host",)


def test_an_unknown_name_is_bad_arguments_and_names_the_known_ones(home: Path) -> None:
    with pytest.raises(SetupError, match=r"netscape.*chrome, .*chromium") as caught:
        browsers.named(machine(home), ["netscape"])
    assert caught.value.code == 2


def test_a_user_data_dir_means_nothing_on_windows(home: Path) -> None:
    with pytest.raises(SetupError, match="--browser") as caught:
        browsers.with_user_data_dir(machine(home, "win32"), "x")
    assert caught.value.code == 2


SIGNS = [(sign, row["remark"]) for row in TABLE["sandboxed"] for sign in row["signs"]]


@pytest.mark.parametrize(("sign", "remark"), SIGNS, ids=[sign for sign, _ in SIGNS])
def test_a_sandboxed_browser_gets_a_remark_with_the_next_step(home: Path, sign: str, remark: str) -> None:
    system = machine(home)
    os.makedirs(system.below_root(sign))
    assert browsers.remarks(system) == [remark]
    assert re.search(r": use .*\.$", remark)


@pytest.mark.parametrize("kernel", ["5.15.153.1-microsoft-standard-WSL2", "4.4.0-19041-Microsoft"])
def test_linux_inside_windows_is_told_where_the_browsers_are(home: Path, kernel: str) -> None:
    (remark,) = browsers.remarks(replace(machine(home), kernel=kernel))
    assert "WSL" in remark
    assert "`py install.py`" in remark


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_usual_machine_gets_no_remark(home: Path, platform: str) -> None:
    assert browsers.remarks(replace(machine(home, platform), kernel="6.1.0-18-amd64")) == []


PROTECTED = TABLE["protected"]["darwin"]


@pytest.mark.parametrize("folder", PROTECTED)
def test_a_folder_that_macos_protects_is_known_from_within(home: Path, folder: str) -> None:
    system = machine(home, "darwin")
    assert browsers.protected_folder(system, str(home / folder / "git" / "aimo")) == str(home / folder)
    assert browsers.protected_folder(machine(home / "l"), str(home / "l" / folder / "git")) is None


@pytest.mark.parametrize("path", ["Library/Application Support/aimo", "Documents2/aimo", "git/Documents", ".aimo"])
def test_other_folders_of_a_mac_are_free(home: Path, path: str) -> None:
    assert browsers.protected_folder(machine(home, "darwin"), str(home / path)) is None


def test_a_link_into_a_protected_folder_protects_nobody(home: Path) -> None:
    (home / "Documents/aimo").mkdir(parents=True)
    (home / "aimo-link").symlink_to(home / "Documents/aimo")
    assert browsers.protected_folder(machine(home, "darwin"), str(home / "aimo-link")) == str(home / "Documents")


def test_the_hosts_name_follows_the_rule_for_names() -> None:
    assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", paths.HOST_NAME)

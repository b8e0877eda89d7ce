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
from tests.setup.machines import machine, winreg

if TYPE_CHECKING:
    from pathlib import Path

    from aimo_host.setup.system import System


def table() -> dict[str, Any]:
    with open(os.path.join(paths.bundled("manifests"), "browsers.json"), encoding="utf-8") as file:
        rows: dict[str, Any] = json.load(file)
    return rows


TABLE = table()
ROWS = [pytest.param(system, row, id=f"{system}-{row['name']}") for system in ("linux", "darwin") for row in TABLE[system]]


def present(system: System) -> list[str]:
    return [browser.name for browser in browsers.known(system) if browser.present]


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_names_are_unique(system: str) -> None:
    names = [row["name"] for row in TABLE[system]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("platform", "row"), ROWS)
def test_a_browser_is_found_by_its_profile_folder(home: Path, platform: str, row: dict[str, str]) -> None:
    system = machine(home, platform)
    base = home / (".config" if platform == "linux" else "Library/Application Support")
    (base / row["profile"]).mkdir(parents=True, exist_ok=True)
    assert row["name"] in present(system)


@pytest.mark.parametrize("hive", [FakeWinreg.HKEY_CURRENT_USER, FakeWinreg.HKEY_LOCAL_MACHINE], ids=["user", "machine"])
@pytest.mark.parametrize("row", TABLE["win32"], ids=lambda row: row["name"])
def test_a_browser_is_found_by_each_of_its_registry_keys(home: Path, row: dict[str, Any], hive: int) -> None:
    for sign in row["signs"]:
        system = machine(home, "win32")
        winreg(system).plant(hive, sign)
        assert row["name"] in present(system)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_browser_that_is_not_there_is_not_found(home: Path, platform: str) -> None:
    assert present(machine(home, platform)) == ["chrome"]


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def test_a_browser_that_was_never_started_is_found_by_its_program(home: Path) -> None:
    program(home / "bin", "chromium", "#!/bin/sh\nexec /usr/lib/chromium/chromium\n")
    assert "chromium" in present(machine(home, environ={"PATH": str(home / "bin")}))


def test_ubuntus_script_around_the_snap_is_not_a_browser(home: Path) -> None:
    program(home / "bin", "chromium-browser", "#!/bin/sh\nexec /snap/bin/chromium\n")
    assert "chromium" not in present(machine(home, environ={"PATH": str(home / "bin")}))


@pytest.mark.parametrize("variable", ["CHROME_CONFIG_HOME", "XDG_CONFIG_HOME"])
def test_a_moved_configuration_folder_is_followed(home: Path, variable: str) -> None:
    (home / "moved" / "vivaldi").mkdir(parents=True)
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

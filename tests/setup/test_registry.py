"""The Windows registry: what is written where, that a stranger's value is left, and that nothing stays behind."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from aimo_host.setup import own
from aimo_host.setup.registry import Registry
from tests.setup.fake_winreg import FakeWinreg
from tests.setup.machines import CHROME_KEY, machine, run_install, run_uninstall, winreg

if TYPE_CHECKING:
    from pathlib import Path

    from aimo_host.setup.system import System

USER, MACHINE = FakeWinreg.HKEY_CURRENT_USER, FakeWinreg.HKEY_LOCAL_MACHINE
HOSTS = f"{CHROME_KEY}\\NativeMessagingHosts"
OURS = f"{HOSTS}\\com.aimo.host"


@pytest.fixture
def system(home: Path) -> System:
    return machine(home, "win32")


def test_only_the_persons_own_hive_is_written(system: System) -> None:
    winreg(system).plant(MACHINE, CHROME_KEY, {"Path": "C:\\Program Files"})
    before = copy.deepcopy(winreg(system).hives)
    assert run_install(system, "--browser", "chrome", "--browser", "edge") == 0
    after = winreg(system).hives
    assert after[MACHINE] == before[MACHINE]
    added = {key: values for key, values in after[USER].items() if key not in before[USER] and values}
    assert added == {
        OURS: {"": own.windows_manifest(system)},
        "Software\\Microsoft\\Edge\\NativeMessagingHosts\\com.aimo.host": {"": own.windows_manifest(system)},
    }


def test_keys_that_only_the_machine_has_are_made_for_the_person_and_go_again(system: System) -> None:
    for key in (f"{CHROME_KEY}\\NativeMessagingHosts", "Software\\Microsoft\\Edge\\BLBeacon"):
        winreg(system).plant(MACHINE, key)
    before = copy.deepcopy(winreg(system).hives)
    run_install(system)
    assert OURS in system.registry
    run_uninstall(system)
    assert winreg(system).hives == before


def test_a_neighbours_host_stays_where_it_is(system: System) -> None:
    winreg(system).plant(USER, f"{HOSTS}\\com.other", {"": "C:\\other.json"})
    before = copy.deepcopy(winreg(system).hives)
    run_install(system)
    run_uninstall(system)
    assert winreg(system).hives == before


@pytest.mark.parametrize("theirs", [{"": "C:\\other.json"}, {"": "C:\\other.json", "more": "1"}], ids=len)
def test_a_strangers_value_is_left_alone_with_a_message(
    system: System, theirs: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    winreg(system).plant(USER, OURS, theirs)
    before = copy.deepcopy(winreg(system).hives)
    assert run_install(system, "--browser", "chrome") == 1
    assert "C:\\other.json" in capsys.readouterr().err
    run_uninstall(system)
    assert winreg(system).hives == before


def test_a_key_that_somebody_took_over_since_is_not_removed(system: System) -> None:
    run_install(system)
    system.registry[OURS] = "C:\\other.json"
    run_uninstall(system)
    assert system.registry[OURS] == "C:\\other.json"


def test_a_key_without_a_value_is_nobodys_and_is_used(system: System) -> None:
    winreg(system).plant(USER, OURS)
    assert run_install(system, "--browser", "chrome") == 0
    assert system.registry[OURS] == own.windows_manifest(system)


def test_a_key_of_ours_that_came_to_hold_a_value_of_others_stays(system: System) -> None:
    run_install(system, "--browser", "chromium")
    winreg(system).plant(USER, "Software\\Chromium", {"usagestats": "1"})
    run_uninstall(system)
    assert winreg(system).hives[USER]["Software\\Chromium"] == {"usagestats": "1"}


def test_keys_are_found_in_any_case(system: System) -> None:
    run_install(system, "--browser", "chrome")
    assert OURS.upper() in system.registry


def test_what_is_not_there_is_no_key_and_no_error() -> None:
    registry = Registry(FakeWinreg())
    assert "Software\\Aimo" not in registry
    assert registry.get("Software\\Aimo") is None
    registry.remove_if_empty("Software\\Aimo")
    with pytest.raises(KeyError):
        del registry["Software\\Aimo"]


@pytest.mark.parametrize("listing", [iter, len], ids=lambda f: f.__name__)
def test_the_registry_is_looked_up_and_never_listed(listing: type) -> None:
    with pytest.raises(NotImplementedError):
        listing(Registry(FakeWinreg()))

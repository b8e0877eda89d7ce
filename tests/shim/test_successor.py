"""A shim below which another aimo is installed: it goes on as that one, at the same port; without one it goes on as it is."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING

import pytest

from aimo_host.shim.api import Api
from aimo_host.state import bell, paths, presence
from tests.installed import install, started
from tests.shim.wire import PATIENCE, Shim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEWER = "newer"


@pytest.fixture
def shim(aimo_home: Path) -> Iterator[Shim]:
    """One that the launcher of some `aimo install` started."""
    install("older", aimo_home)
    with Shim(str(aimo_home.parent)) as running:
        yield running


def ring(shim: Shim) -> None:
    bell.ring(os.path.join(shim.home, "state", "bells"))


def line(shim: Shim) -> str:
    assert shim.process.stdout is not None
    assert select.select([shim.process.stdout], [], [], PATIENCE)[0], "it says nothing"
    return shim.process.stdout.readline()


def test_the_newer_one_goes_on_at_the_same_port(shim: Shim, aimo_home: Path) -> None:
    install(NEWER, aimo_home)
    ring(shim)
    assert line(shim) == shim.line
    assert started(aimo_home) == [f"{NEWER} serve --port {shim.port}"]
    assert shim.ask("GET", "/api/ping").status == 200


def test_it_is_the_same_process_with_one_sign_on_the_door(shim: Shim, aimo_home: Path) -> None:
    install(NEWER, aimo_home)
    ring(shim)
    assert line(shim) == shim.line
    [facts] = presence.present(paths.find(shim.environ).presence_dir)
    assert (facts["pid"], facts["port"]) == (shim.process.pid, shim.port)


def test_a_ring_about_anything_else_changes_nothing(shim: Shim, aimo_home: Path) -> None:
    ring(shim)
    assert shim.ask("GET", "/api/ping").status == 200
    assert started(aimo_home) == []


@pytest.mark.parametrize("gone", [["aimo-host"], ["aimo-host", "aimo"]], ids=" and ".join)
def test_while_aimo_is_taken_away_it_goes_on_as_it_is(shim: Shim, aimo_home: Path, gone: list[str]) -> None:
    for name in gone:
        (aimo_home / "data/bin" / name).unlink()
    ring(shim)
    assert started(aimo_home) == []
    assert shim.ask("GET", "/").status == 200


def test_a_refresh_for_which_no_process_can_be_started_is_answered_from_what_is_known(
    aimo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(aimo_home / "gone"))
    where = paths.find(os.environ)
    listener = bell.Listener(bell.Bell(where.bells_dir, ()))
    api = Api(where, os.environ, listener)
    assert [entry["ok"] for entry in api.refresh("claude", 0.2, "agent")] == [False]
    listener.close()

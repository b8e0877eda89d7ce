"""Host and extension of different versions find together again, in a real browser that no debugger watches.

The extension lies in a folder of its own here, as `aimo install` lays it out, so that a newer one can be put in its place.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host import __version__
from aimo_host.state import presence
from tests.browser import processes
from tests.browser.chromium import Unwatched, arguments, switch_developer_mode_on
from tests.browser.stage import EXTENSION, Stage
from tests.faces import scenes
from tests.faces.theatre import NOWHERE, Theatre
from tests.setup import wheels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.simulator.simulator import Simulator

pytestmark = pytest.mark.browser

NEWER, NEWEST = "99.0.0", "100.0.0"
#: The newer version, and how its host receives the older extension: it names the newer one, or it does not understand the older.
RECEPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "named in the welcome": (NEWER, {"extension_version": NEWER}),
    "refused": (NEWEST, {"protocol": 2}),
}


def lay_out(folder: Path, version: str | None = None) -> str:
    """The extension in `folder`, with another version number in its manifest; as the installer does, file by file."""
    shutil.copytree(EXTENSION, folder, dirs_exist_ok=True)
    if version is not None:
        manifest = folder / "manifest.json"
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": version}))
    return str(folder)


@pytest.fixture(scope="module")
def older(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Theatre, Path]]:
    """A browser with the extension of this checkout, which has found its host; and where the extension lies."""
    place = tmp_path_factory.mktemp("v")
    stage, folder = Theatre(str(place)), place / "extension"
    stage.replace({"welcome": scenes.welcome(scenes.full(time.time()))})
    switch_developer_mode_on(stage.profile)
    with Unwatched(chromium, stage.profile, stage.environ, arguments(lay_out(folder), NOWHERE), "about:blank"):
        processes.until(lambda: _introduced(stage), "the extension has found its host")
        yield stage, folder


def _introduced(stage: Theatre) -> list[str]:
    return [hello["extension"] for hello in stage.heard("hello")]


@pytest.mark.parametrize(("version", "reception"), RECEPTIONS.values(), ids=RECEPTIONS)
def test_an_older_extension_takes_up_the_newer_one_that_lies_in_its_folder(
    older: tuple[Theatre, Path], version: str, reception: dict[str, Any]
) -> None:
    stage, folder = older
    assert version not in _introduced(stage)
    lay_out(folder, version)
    stage.replace({"welcome": {**scenes.welcome(scenes.full(time.time())), **reception}})
    processes.until(lambda: _introduced(stage)[-1] == version, "the newer extension runs")


def test_an_upgrade_reaches_the_host_and_the_extension_of_a_browser_that_is_open(
    simulator: Simulator, chromium: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    newer = wheels.environment(tmp_path / "env", wheels.build(tmp_path, NEWER))
    with Stage(str(tmp_path_factory.mktemp("s")), simulator, chromium) as stage:

        def running() -> list[tuple[str, str]]:
            here = presence.present(os.path.join(stage.home, "state", "presence"))
            return [(facts["version"], facts["extension"]) for facts in here if facts["kind"] == "host"]

        switch_developer_mode_on(stage.profile)
        stage.install()
        options = arguments(os.path.join(stage.home, "data", "extension"), simulator.resolver_rules)
        with Unwatched(chromium, stage.profile, stage.environ, options, "about:blank"):
            processes.until(lambda: running() == [(__version__, __version__)], "the older ones run")
            command = [str(newer / "bin/aimo"), "install", "--user-data-dir", stage.profile]
            subprocess.run(command, env=stage.environ, check=True, capture_output=True)
            processes.until(lambda: running() == [(NEWER, NEWER)], "the newer ones run")

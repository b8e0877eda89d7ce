"""`python3 install.py` in a clone, for real: killed, run again, run twice, moved, upgraded with a browser open, and taken away.

One story, told once for all tests of this file, since building environments takes its time. pip finds stand-ins for what aimo
depends on.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aimo_host import __version__
from tests.browser.processes import until
from tests.host.peer import Peer
from tests.setup import wheels
from tests.setup.machines import tree

if TYPE_CHECKING:
    from tests.host.peer import Message

NEWER = "99.0.0"


@dataclass
class Person:
    """Somebody with a home, a browser and a clone."""

    folder: Path
    clone: Path
    pip: dict[str, str]
    welcomes: dict[str, Message] = field(default_factory=dict)
    trees: dict[str, dict[str, tuple[int, object]]] = field(default_factory=dict)
    runs: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)
    environments: dict[str, list[str]] = field(default_factory=dict)
    exit_codes: dict[str, int] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        home = str(self.folder / "home")
        return {"PATH": "/usr/bin:/bin", "HOME": home, "HTTPS_PROXY": "http://127.0.0.1:9", "LANG": "C.UTF-8", **self.pip}

    @property
    def data(self) -> Path:
        return self.folder / "home/.local/share/aimo"

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "install.py", "--browser", "chrome"]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command,
            cwd=self.clone,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,
        )

    def install(self, chapter: str) -> None:
        self.finish(chapter, self.start())

    def finish(self, chapter: str, running: subprocess.Popen[str]) -> None:
        output, errors = running.communicate()
        self.runs[chapter] = subprocess.CompletedProcess("install.py", running.returncode, output, errors)
        self.look(chapter)

    def install_and_be_killed(self) -> None:
        """Nobody can clear away after a SIGKILL, neither install.py nor the pip that it started in a session of its own."""
        running = self.start()
        until(lambda: list(self.data.glob("env-*/lib/python*/site-packages/*")), "pip is under way", 60)
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        for process in (entry for entry in os.listdir("/proc") if entry.isdigit()):
            if str(self.data).encode() in _command_line(process):
                os.kill(int(process), signal.SIGKILL)
        self.look("killed")

    def look(self, chapter: str) -> None:
        self.trees[chapter] = self.files()
        names = os.listdir(self.data) if self.data.exists() else []
        self.environments[chapter] = sorted(name for name in names if name.startswith("env-"))

    def files(self) -> dict[str, tuple[int, object]]:
        return tree(self.folder / "home")

    def aimo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.folder / "home/.local/bin/aimo"), *arguments]
        return subprocess.run(command, env=self.environ, cwd="/", capture_output=True, text=True, check=False)

    def browser(self) -> Peer:
        return Peer(command=(str(self.data / "bin/aimo-host"),), environ=self.environ)


def _command_line(process: str) -> bytes:
    try:
        return Path("/proc", process, "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Person:
    folder = tmp_path_factory.mktemp("p")
    (folder / "wheels").mkdir()
    (folder / "home/.config/google-chrome/Default").mkdir(parents=True)
    person = Person(folder, wheels.copy_checkout(folder / "clone", None, "install.py"), wheels.without_index(folder / "wheels"))
    person.look("before")
    person.install_and_be_killed()
    person.install("installed")
    person.install("again")
    with person.browser() as open_browser:
        person.welcomes["installed"] = open_browser.hello()
        person.clone = (folder / "clone").rename(folder / "moved")
        person.install("moved")
        wheels.copy_checkout(person.clone, NEWER)
        upgrading = person.start()
        until(lambda: open_browser.process.poll() is not None, "the old host has made way", 60)
        person.exit_codes["old host"] = open_browser.exit_code()
    with person.browser() as come_back:  # as the extension does, for which the installation waits
        come_back.hello()
        person.finish("upgraded", upgrading)
    shutil.rmtree(person.clone)
    with person.browser() as again:
        person.welcomes["upgraded"] = again.hello()
    person.runs["command"] = person.aimo("--version")
    person.runs["uninstall"] = person.aimo("uninstall")
    person.look("after")
    return person


def installed_part(files: dict[str, tuple[int, object]]) -> dict[str, tuple[int, object]]:
    """Without what use brings about: readings, requests, compiled modules."""
    used = (".local/state", ".cache")
    return {name: what for name, what in files.items() if not name.startswith(used) and "__pycache__" not in name}


@pytest.mark.parametrize("chapter", ["installed", "again", "moved", "upgraded"])
def test_it_ends_well(story: Person, chapter: str) -> None:
    assert story.runs[chapter].returncode == 0, story.runs[chapter].stderr


def test_a_killed_run_left_half_an_environment_and_the_next_one_mended_it(story: Person) -> None:
    assert story.environments["killed"] == [f"env-{__version__}"]
    assert not [name for name in story.trees["killed"] if name.endswith("com.aimo.host.json")]
    assert story.environments["installed"] == [f"env-{__version__}"]
    assert story.welcomes["installed"]["host"] == __version__


@pytest.mark.parametrize("chapter", ["again", "moved"])
def test_a_second_run_and_a_moved_clone_change_nothing(story: Person, chapter: str) -> None:
    assert "Installing" not in story.runs[chapter].stderr
    assert installed_part(story.trees[chapter]) == installed_part(story.trees["installed"])


def test_an_upgrade_is_built_beside_the_one_in_use_which_goes_when_its_host_has_made_way(story: Person) -> None:
    assert story.environments["upgraded"] == [f"env-{NEWER}"]
    assert story.exit_codes["old host"] == 0


def test_host_and_extension_are_of_the_newer_version_also_without_the_clone(story: Person) -> None:
    welcome = story.welcomes["upgraded"]
    assert (welcome["host"], welcome["extension_version"]) == (NEWER, NEWER)


def test_the_command_is_linked_and_the_newer_one(story: Person) -> None:
    assert story.runs["command"].stdout == f"aimo {NEWER}\n"


def test_uninstalling_leaves_the_home_as_it_was_before_byte_for_byte(story: Person) -> None:
    assert story.runs["uninstall"].returncode == 0, story.runs["uninstall"].stderr
    assert story.trees["after"] == story.trees["before"]

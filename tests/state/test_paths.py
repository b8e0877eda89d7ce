"""Where every file lies: below one folder if AIMO_HOME says so, else where the operating system wants it."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from typing import TYPE_CHECKING

import platformdirs.macos
import platformdirs.unix
import pytest

from aimo_host.state import paths as places
from tests.host.peer import ORIGIN, REPOSITORY, environment

if TYPE_CHECKING:
    from pathlib import Path

#: Design §10, fixed.
PUBLIC = ["home", "cache", "refresh", "settings", "env", "ledger", "log", "extension", "launcher"]


def test_what_is_told_has_the_fixed_names() -> None:
    assert list(places.find({"AIMO_HOME": "/x"}).public()) == PUBLIC


def test_aimo_home_moves_every_file_below_one_folder() -> None:
    found = places.find({"AIMO_HOME": "/x/y"})
    assert all(path == "/x/y" or path.startswith("/x/y/") for path in vars(found).values())
    assert (found.cache, found.settings, found.env) == ("/x/y/cache/usage.json", "/x/y/config/settings.json", "/x/y/config/.env")


def test_a_detour_in_aimo_home_is_straightened() -> None:
    assert places.find({"AIMO_HOME": "/x/../y/"}).home == "/y"


@pytest.mark.parametrize("value", ["x", "./x", "~", "~/x", "../x"])
def test_a_relative_aimo_home_is_refused_and_named(value: str) -> None:
    with pytest.raises(places.HomeNotAbsoluteError, match="must be an absolute path"):
        places.find({"AIMO_HOME": value})


def test_an_empty_aimo_home_is_not_set(home: Path) -> None:
    assert places.find({"AIMO_HOME": "", "HOME": str(home)}).cache == str(home / ".cache" / "aimo" / "usage.json")


@pytest.mark.parametrize("moved", ["", "/elsewhere", "/with slash/", "relative", "~/no"])
@pytest.mark.parametrize("home", ["/home/ada", "/home/ada/", "/"])
@pytest.mark.parametrize(
    ("system", "theirs"), [("linux", platformdirs.unix.Unix), ("darwin", platformdirs.macos.MacOS)], ids=["Linux", "macOS"]
)
def test_the_folders_are_those_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, system: str, theirs: type[platformdirs.unix.Unix], home: str, moved: str
) -> None:
    monkeypatch.setenv("HOME", home)
    variables = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")
    for name in variables:
        monkeypatch.setenv(name, moved)
    dirs = theirs("aimo", appauthor=False)
    expected = (dirs.user_cache_dir, dirs.user_config_dir, dirs.user_state_dir, dirs.user_data_dir)
    monkeypatch.setattr(sys, "platform", system)
    found = places.find({"HOME": home, **dict.fromkeys(variables, moved)})
    assert (found.cache_dir, found.config_dir, found.state_dir, found.data_dir) == expected


def test_where_they_are_no_matter_of_course_platformdirs_decides(home: Path) -> None:
    assert places.find({"HOME": "/data", "ANDROID_ROOT": "/system"}).cache == str(home / ".cache" / "aimo" / "usage.json")


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}])
def test_without_home_the_system_s_list_of_users_says_it(environ: dict[str, str]) -> None:
    known = pwd.getpwuid(os.getuid()).pw_dir
    assert places.find(environ).cache == os.path.join(known, ".cache", "aimo", "usage.json")


@pytest.mark.parametrize("value", ["relative", ".", "~", "~/x"])
def test_a_relative_home_is_refused_and_named(value: str) -> None:
    with pytest.raises(places.HomeNotAbsoluteError, match=r"^HOME must be an absolute path"):
        places.find({"HOME": value})


def test_who_is_known_by_number_only_is_told_to_set_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 2)
    with pytest.raises(places.HomeNotAbsoluteError, match="set HOME"):
        places.find({})


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One of our programs, of a person whose home folder is relative."""
    environ = environment(HOME="relative", AIMO_HOME="")
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "command",
    [["paths"], ["--cached"], ["install", "--dry-run"], ["uninstall"], ["doctor"], ["serve"], ["refresh"]],
    ids=" ".join,
)
def test_every_command_refuses_a_relative_home_with_that_sentence(command: list[str]) -> None:
    done = run("aimo_host", *command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("HOME must be an absolute path, not 'relative'.\n")


def test_a_host_refuses_it_too() -> None:
    done = run("aimo_host.host", ORIGIN)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "HOME must be an absolute path, not 'relative'.\n")


@pytest.mark.parametrize("name", ["extension", "manifests"])
def test_what_comes_with_the_code_is_found(name: str) -> None:
    assert os.path.isdir(places.bundled(name))


def test_what_lies_inside_the_wheel_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "aimo_host" / "_bundled" / "extension"
    inside.mkdir(parents=True)
    monkeypatch.setattr(places, "__file__", str(tmp_path / "aimo_host" / "state" / "paths.py"))
    assert places.bundled("extension") == str(inside)

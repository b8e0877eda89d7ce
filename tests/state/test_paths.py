"""Where every file lies: below one folder if AIMO_HOME says so, else where the operating system wants it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import platformdirs.macos
import platformdirs.unix
import pytest

from aimo_host.state import paths as places

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
    assert places.find({"AIMO_HOME": ""}).cache == str(home / ".cache" / "aimo" / "usage.json")


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


@pytest.mark.parametrize("environ", [{}, {"HOME": "relative"}, {"HOME": "/data", "ANDROID_ROOT": "/system"}])
def test_where_they_are_no_matter_of_course_platformdirs_decides(home: Path, environ: dict[str, str]) -> None:
    assert places.find(environ).cache == str(home / ".cache" / "aimo" / "usage.json")


@pytest.mark.parametrize("name", ["extension", "manifests"])
def test_what_comes_with_the_code_is_found(name: str) -> None:
    assert os.path.isdir(places.bundled(name))


def test_what_lies_inside_the_wheel_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "aimo_host" / "_bundled" / "extension"
    inside.mkdir(parents=True)
    monkeypatch.setattr(places, "__file__", str(tmp_path / "aimo_host" / "state" / "paths.py"))
    assert places.bundled("extension") == str(inside)

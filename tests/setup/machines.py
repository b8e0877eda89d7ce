"""Made-up machines for the tests of setup: a home folder below a temporary one, of any operating system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aimo_host.setup import install
from aimo_host.setup.registry import Registry
from aimo_host.setup.system import System
from aimo_host.state import paths
from tests.setup.fake_winreg import FakeWinreg

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHROME_FOLDER = {"linux": ".config/google-chrome", "darwin": "Library/Application Support/Google/Chrome"}
CHROME_KEY = "Software\\Google\\Chrome"


def machine(home: Path, platform: str = "linux", environ: Mapping[str, str] | None = None) -> System:
    """A machine whose person lives in `home` and has Google Chrome; our files lie below `home/aimo`."""
    system = again(home, platform, environ)
    if platform == "win32":
        winreg(system).plant(FakeWinreg.HKEY_CURRENT_USER, CHROME_KEY, {"usagestats": "1"})
    else:
        (home / CHROME_FOLDER[platform] / "Default").mkdir(parents=True)
    return system


def again(home: Path, platform: str = "linux", environ: Mapping[str, str] | None = None) -> System:
    """A machine whose home is there already, as it is."""
    return System(
        platform=platform,
        environ={"PATH": "/nowhere"} if environ is None else environ,
        home=str(home),
        paths=paths.find({"AIMO_HOME": str(home / "aimo")}),
        registry=Registry(FakeWinreg()),
        interpreter="/opt/py/bin/python",
        prefix="/opt/py",
        root=str(home / "root"),
    )


def winreg(system: System) -> FakeWinreg:
    """The made-up registry of a made-up machine."""
    found = system.registry._winreg
    assert isinstance(found, FakeWinreg)
    return found


def run_install(system: System, *arguments: str) -> int:
    return install.carry_out(install.parser("aimo install", "").parse_args(list(arguments)), system).code


def run_uninstall(system: System, *arguments: str) -> int:
    from aimo_host.setup import uninstall

    return uninstall.carry_out(install.parser("aimo uninstall", "").parse_args(list(arguments)), system)


def tree(folder: Path) -> dict[str, tuple[int, object]]:
    """Everything below `folder`: mode and content by relative path."""
    found: dict[str, tuple[int, object]] = {}
    for path in sorted(folder.rglob("*")):
        content: object = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (path.lstat().st_mode, content)
    return found

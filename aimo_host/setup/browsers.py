"""Which browsers there are, which of them this machine has, and where each looks for native hosts.

Reads the table `manifests/browsers.json`; knowledge about a browser belongs there. Only looks, never writes.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aimo_host.setup import SetupError, receipt
from aimo_host.state import paths

if TYPE_CHECKING:
    from aimo_host.setup.system import System

_FOLDER = "NativeMessagingHosts"
#: Where snaps are started from: Ubuntu's place, and the one of distributions that want nothing new in the root folder.
_SNAPS = ("/snap/", "/var/lib/snapd/snap/")


@dataclass(frozen=True)
class Browser:
    """One browser, and the places where it looks for our host: manifest files, on Windows registry keys.

    It is present if it shows on this machine, or if the person named it once and did not take it back since.
    """

    name: str
    label: str
    present: bool
    places: tuple[str, ...]


def known(system: System) -> list[Browser]:
    """Every browser the table has for this operating system."""
    rows: list[dict[str, Any]] = _table().get(_family(system), [])
    make = _from_registry if system.platform == "win32" else _from_folders
    once_named = receipt.read(system).named
    found = [make(system, row, is_named=row["name"] in once_named) for row in rows]
    shared = {place for browser in found if browser.present for place in browser.places}
    return [
        replace(one, present=one.present or _bears_our_name(system, row, shared)) for one, row in zip(found, rows, strict=True)
    ]


def named(system: System, names: list[str]) -> list[Browser]:
    """The browsers with these names, in the table's order.

    Raises:
        SetupError: a name is not in the table; the sentence lists those that are.
    """
    browsers = known(system)
    unknown = set(names) - {browser.name for browser in browsers}
    if unknown:
        choice = ", ".join(browser.name for browser in browsers)
        raise SetupError(f"Unknown browser: {', '.join(sorted(unknown))}. Known here: {choice}.", code=2)
    return [browser for browser in browsers if browser.name in names]


def with_user_data_dir(system: System, folder: str) -> Browser:
    """The browser that is started with `--user-data-dir=folder`.

    Raises:
        SetupError: on Windows, where the registry decides and the folder has no say; or there is no folder.
    """
    if not folder:
        raise SetupError("--user-data-dir needs the folder that the browser is started with.", code=2)
    if system.platform == "win32":
        raise SetupError("--user-data-dir works on Linux and macOS only; on Windows use --browser.", code=2)
    folder = os.path.abspath(folder)
    place = os.path.join(folder, _FOLDER, f"{paths.HOST_NAME}.json")
    return Browser(name=folder, label=f"the browser with --user-data-dir={folder}", present=True, places=(place,))


def remarks(system: System) -> list[str]:
    """A sentence for each browser of this machine that a native host cannot serve: what is so, a colon, and what helps."""
    if _family(system) != "linux":
        return []
    table = _table()
    found = [row["remark"] for row in table["sandboxed"] if any(os.path.isdir(system.below_root(sign)) for sign in row["signs"])]
    return found + ([table["wsl"]] if system.is_wsl else [])


def protected_folder(system: System, path: str) -> str | None:
    """The folder around `path` from which the operating system lets no browser start anything; None if there is none."""
    folders = [system.below_root(folder) for folder in _table()["protected"].get(system.platform, ())]
    real = os.path.join(os.path.realpath(path), "")
    return next((folder for folder in folders if real.startswith(os.path.join(os.path.realpath(folder), ""))), None)


def _table() -> dict[str, Any]:
    with open(os.path.join(paths.bundled("manifests"), "browsers.json"), encoding="utf-8") as file:
        table: dict[str, Any] = json.load(file)
    return table


def _family(system: System) -> str:
    """The BSDs keep things where Linux does."""
    return system.platform if system.platform in {"darwin", "win32"} else "linux"


def _from_folders(system: System, row: dict[str, Any], *, is_named: bool) -> Browser:
    base = _profiles(system)
    profile = os.path.join(base, row["profile"])
    present = is_named or _was_used(profile) or any(_is_installed(system, name) for name in row["programs"])
    folders = row.get("reads", [row["profile"]])
    places = tuple(os.path.join(base, folder, _FOLDER, f"{paths.HOST_NAME}.json") for folder in folders)
    return Browser(row["name"], row["label"], present, places)


def _was_used(profile: str) -> bool:
    """Whether a profile folder is there and holds more than what programs put there for browsers that may never come."""
    try:
        names = set(os.listdir(profile)) - {".DS_Store"}
    except OSError:
        return False
    return names != {_FOLDER}


def _bears_our_name(system: System, row: dict[str, Any], shared: set[str]) -> bool:
    """Whether a host of our name, ours or another's, is in the profile folder, and not for a browser that shares the place."""
    if system.platform == "win32":
        return False
    place = os.path.join(_profiles(system), row["profile"], _FOLDER, f"{paths.HOST_NAME}.json")
    return os.path.lexists(place) and place not in shared


def _profiles(system: System) -> str:
    """The folder that holds the browsers' own folders. A relative one does not count, as the XDG specification says."""
    if system.platform == "darwin":
        return os.path.join(system.home, "Library", "Application Support")
    given = (system.environ.get(name, "") for name in ("CHROME_CONFIG_HOME", "XDG_CONFIG_HOME"))
    return next(filter(os.path.isabs, given), os.path.join(system.home, ".config"))


def _is_installed(system: System, program: str) -> bool:
    """An application bundle that exists, or a program on PATH that is not a snap in disguise."""
    if program.startswith("/"):
        return any(os.path.exists(system.below_root(path)) for path in (program, program.lstrip("/")))  # or in ~/Applications
    found = shutil.which(program, path=system.environ.get("PATH", ""))
    return found is not None and not _starts_a_snap(system, found)


def _starts_a_snap(system: System, program: str) -> bool:
    """A snap's commands are links to `snap` itself; Ubuntu's `chromium-browser` is a small script around the snap."""
    real = os.path.realpath(program)
    if os.path.basename(real) == "snap" or any(
        path.startswith(system.below_root(folder)) for path in (program, real) for folder in _SNAPS
    ):
        return True
    try:
        with open(program, "rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return head.startswith(b"#!") and b"/snap/" in head


def _from_registry(system: System, row: dict[str, Any], *, is_named: bool) -> Browser:
    present = is_named or any(system.registry.holds_more_than(sign, _FOLDER) for sign in row["signs"])
    return Browser(row["name"], row["label"], present, tuple(f"{key}\\{paths.HOST_NAME}" for key in row["reads"]))

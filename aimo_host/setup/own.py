"""Which files and folders of the data folder are aimo's own: only those are written anew as a whole, and removed.

Something is ours if the receipt names it or if it bears our sign. A link is never ours, wherever it leads; nothing is written
through one. Only looks.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from aimo_host.setup import SetupError, launcher, manifest
from aimo_host.setup.receipt import ENVIRONMENT_MARKER
from aimo_host.state import atomic, paths

if TYPE_CHECKING:
    from aimo_host.setup.receipt import Receipt
    from aimo_host.setup.system import System


def windows_manifest(system: System) -> str:
    """On Windows one manifest serves all browsers; the registry says where it is."""
    return os.path.join(system.paths.data_dir, "native-messaging", f"{paths.HOST_NAME}.json")


def everything(system: System) -> list[str]:
    """What an installation writes into the data folder and nobody else does: noted in the receipt."""
    return [system.paths.launcher, system.paths.command, windows_manifest(system), system.paths.extension]


def beside_no_link(system: System) -> list[str]:
    """The same without what lies in a folder that somebody replaced by a link."""
    return [path for path in everything(system) if not os.path.islink(os.path.dirname(path))]


def check(system: System, noted: Receipt) -> None:
    """Return if nothing of somebody else's lies where an installation writes.

    Raises:
        SetupError: it does; the sentence says what to move away.
    """
    for path in [*(os.path.dirname(one) for one in everything(system)), *everything(system)]:
        if os.path.islink(path):
            raise SetupError(f"{path} is a link, which aimo does not follow: remove it, then run `aimo install` again.")
    for path in everything(system):
        if os.path.lexists(path) and not _is_empty(path) and not is_ours(system, path, noted):
            raise SetupError(f"{path} is not aimo's, and it needs that place: move it away, then run `aimo install` again.")


def is_ours(system: System, path: str, noted: Receipt) -> bool:
    """Whether one of `everything` may be replaced and removed as a whole."""
    if os.path.islink(path) or path not in beside_no_link(system):
        return False
    if os.path.isdir(path) is not (path == system.paths.extension):
        return False
    return path in noted.own or _bears_our_sign(system, path)


def environments(system: System) -> list[str]:
    """The private environments that install.py built."""
    data = system.paths.data_dir
    found = [os.path.join(data, name) for name in sorted(_names(data)) if re.match(r"env-\d", name)]
    return [path for path in found if not os.path.islink(path) and os.path.isfile(os.path.join(path, ENVIRONMENT_MARKER))]


def _bears_our_sign(system: System, path: str) -> bool:
    if path == system.paths.extension:
        key = _key(path)
        return key is not None and key == _key(paths.bundled("extension"))
    if path == windows_manifest(system):
        return manifest.is_ours(path, system.paths.launcher)
    try:
        return launcher.WHY.encode() in (atomic.read(path) or b"")
    except OSError:
        return False


def _key(extension: str) -> object:
    """What browsers know an extension by."""
    try:
        found = json.loads(atomic.read(os.path.join(extension, "manifest.json")) or b"{}")
        return found.get("key")
    except (OSError, ValueError, RecursionError, AttributeError):
        return None


def _is_empty(path: str) -> bool:
    """Whether it is a folder with nothing in it."""
    return os.path.isdir(path) and not _names(path)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []

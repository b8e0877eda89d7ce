"""An aimo that somebody installed, as far as running processes see it: the launcher and the command below AIMO_HOME."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from tests.host.peer import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path


def install(which: str, home: Path) -> None:
    """Writes launcher and command; the command leaves word of itself, and is the checkout's own aimo."""
    (home / "data/bin").mkdir(parents=True, exist_ok=True)
    (home / "data/bin/aimo-host").write_text(f"#!/bin/sh\nexec /{which}/bin/python -I -m aimo_host.host\n")
    command = home / "data/bin/aimo"
    command.write_text(
        f'#!/bin/sh\necho {which} "$@" >>{shlex.quote(str(home / "started"))}\n'
        f'cd {shlex.quote(REPOSITORY)} && exec {shlex.quote(sys.executable)} -m aimo_host "$@"\n'
    )
    command.chmod(0o700)


def started(home: Path) -> list[str]:
    """Each start of an installed command: which, and its arguments."""
    path = home / "started"
    return path.read_text().splitlines() if path.exists() else []

"""Our own log: one line per event, in a small private file that is cut in half when it grows. Never a body, a key or a token.

Callers pass names and codes, not texts from outside; `aimo log` shows it.
"""

from __future__ import annotations

import os
import time

from aimo_host.gauge.times import iso
from aimo_host.state import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aimo_host.state.paths import Paths

_LARGEST = 256 * 1024


def write(paths: Paths, line: str) -> None:
    """Append a line with the time and the process. Never raises: a full disk must not stop a refresh."""
    printable = "".join(char if char.isprintable() else " " for char in line)[:300]
    text = f"{iso(time.time())} {os.getpid()} {printable}\n"
    try:
        if atomic.append(paths.log, text.encode()) > _LARGEST:
            kept = (atomic.read(paths.log) or b"")[-_LARGEST // 2 :]
            atomic.replace(paths.log, kept[kept.find(b"\n") + 1 :], durable=False)
    except OSError:
        return


def read(paths: Paths, most: int) -> list[str]:
    """The newest `most` lines, oldest first. Never raises."""
    try:
        content = atomic.read(paths.log) or b""
    except OSError:
        return []
    return content.decode("utf-8", errors="replace").splitlines()[-most:] if most > 0 else []

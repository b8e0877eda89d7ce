"""The ledger: one line for every request that was made to a provider, so that anybody can check that nothing polls.

`{"at", "provider", "route", "source", "trigger", "status", "ms"}`; no address, body, header or secret. `aimo log` shows it. The
file is cut in half when it grows, so it never needs care.
"""

from __future__ import annotations

import json
import os

from aimo_host.gauge.times import iso
from aimo_host.state import atomic
from aimo_host.state.lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.state.paths import Paths

_LARGEST = 512 * 1024
_LOCK_TIMEOUT = 2.0
_KEYS = {"at", "provider", "route", "source", "trigger", "status", "ms"}


def write(paths: Paths, request: dict[str, Any], *, at: float, milliseconds: float) -> None:
    """Append one request: `provider`, `route`, `source`, `trigger`, and `status` (HTTP's, or a word). Never raises."""
    record = {"at": iso(at), **request, "ms": max(0, round(milliseconds))}
    line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
    try:
        with FileLock(os.path.join(paths.locks_dir, "ledger")).hold(_LOCK_TIMEOUT) as got:
            if atomic.append(paths.ledger, line) > _LARGEST and got:
                kept = (atomic.read(paths.ledger) or b"")[-_LARGEST // 2 :]
                atomic.replace(paths.ledger, kept[kept.find(b"\n") + 1 :], durable=False)
    except OSError:
        return  # a full disk must not stop a reading


def read(paths: Paths, most: int) -> list[dict[str, Any]]:
    """The newest `most` requests, oldest first; lines that are none are passed over. Never raises."""
    try:
        content = atomic.read(paths.ledger) or b""
    except OSError:
        return []
    found: list[dict[str, Any]] = []
    for line in content.splitlines()[-most:] if most > 0 else ():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and record.keys() >= _KEYS:
            found.append(record)
    return found

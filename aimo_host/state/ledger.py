"""The ledger: one line for every request that was made to a provider, so that anybody can check that nothing polls.

`{"at", "provider", "route", "source", "trigger", "status", "ms"}`; no address, body, header or secret. `aimo log` shows it. The
file is cut in half when it grows, so it never needs care; what was cut away stays counted in its first line,
`{"before": [[provider, trigger, status, requests], ...]}`.
"""

from __future__ import annotations

import json
import os
from collections import Counter

from aimo_host.gauge.times import iso
from aimo_host.state import atomic
from aimo_host.state.lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from aimo_host.state.paths import Paths

    #: (provider, trigger, status)
    Kind = tuple[str, str, str]

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
                atomic.replace(paths.ledger, _cut(atomic.read(paths.ledger) or b""), durable=False)
    except OSError:
        return  # a full disk must not stop a reading


def read(paths: Paths, most: int) -> list[dict[str, Any]]:
    """The newest `most` requests, oldest first; lines that are none are passed over. Never raises."""
    lines = _content(paths).splitlines()
    return [record for record in _records(lines[-most:] if most > 0 else ()) if record.keys() >= _KEYS]


def totals(paths: Paths) -> Counter[Kind]:
    """How many requests were ever made, by (provider, trigger, status). Never raises."""
    return _count(_content(paths).splitlines())


def _content(paths: Paths) -> bytes:
    try:
        return atomic.read(paths.ledger) or b""
    except OSError:
        return b""


def _records(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record


def _count(lines: Iterable[bytes]) -> Counter[Kind]:
    found: Counter[Kind] = Counter()
    for record in _records(lines):
        if record.keys() >= _KEYS:
            found[str(record["provider"]), str(record["trigger"]), str(record["status"])] += 1
        elif isinstance(before := record.get("before"), list):
            for one in before:
                match one:
                    case [str(provider), str(trigger), str(status), int(requests)] if requests > 0:
                        found[provider, trigger, status] += requests
    return found


def _cut(content: bytes) -> bytes:
    """The newer half, below a line that counts the rest."""
    middle = content.find(b"\n", len(content) - _LARGEST // 2) + 1
    counted = [[*kind, requests] for kind, requests in _count(content[:middle].splitlines()).items()]
    return json.dumps({"before": counted}, separators=(",", ":")).encode() + b"\n" + content[middle:]

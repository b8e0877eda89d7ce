"""Codex from the newest rate limits in the CLI's session logs: no request, as old as the last turn.

Only lines that hold `"rate_limits"` are looked at: the rest are the person's prompts. The newest line counts by its own time,
since sessions run side by side; a last line may be cut off.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace

from aimo_host.gauge.times import CLOCK_AHEAD, parse_iso
from aimo_host.providers import codex, fields
from aimo_host.routes import codex_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aimo_host.gauge.model import Usage
    from aimo_host.routes import Context, Outcome

    Found = list[tuple[float, Usage]]

_FOLDERS = ("sessions", "archived_sessions")
#: The newest files by change time, all of them; beyond, only as long as nothing was found; and an end to it.
_ENOUGH_FILES, _MOST_FILES = 12, 60
#: From the end of each, where a turn writes its limits; more of the newest ones only if there were none.
_TAILS = (1024 * 1024, 8 * 1024 * 1024)
#: Lines of one file that are compared: parallel turns write a little out of order.
_ENOUGH_LINES = 20
_MARK = b'"rate_limits"'


def read(context: Context) -> Outcome:
    """The newest line about the main limit; None if there is none."""
    latest = context.clock() + CLOCK_AHEAD
    found: Found = []
    for index, path in enumerate(_newest_files(codex_files.folder(context.environ))):
        is_new = index < _ENOUGH_FILES
        if found and not is_new:
            break
        found += _lines_of(path, latest, _TAILS if is_new else _TAILS[:1])
    if not found:
        return None
    at, usage = max(found, key=lambda pair: pair[0])
    # Logs may be of a former account, so even the sign-in of today does not say whose they are.
    return replace(usage, at=at, borrowed=True)


def _newest_files(folder: str) -> list[str]:
    dated: list[tuple[float, str]] = []
    for name in _FOLDERS:
        for place, _, files in os.walk(os.path.join(folder, name)):
            for file in files:
                if file.startswith("rollout-") and file.endswith(".jsonl"):
                    path = os.path.join(place, file)
                    try:
                        status = os.stat(path)
                    except OSError:
                        continue
                    if stat.S_ISREG(status.st_mode):  # a FIFO would hang whoever opens it
                        dated.append((status.st_mtime, path))
    return [path for _, path in sorted(dated, reverse=True)[:_MOST_FILES]]


def _lines_of(path: str, latest: float, tails: tuple[int, ...]) -> Found:
    """The last lines of a file that say something of the main limit, none of them after `latest`."""
    for size in tails:
        try:
            with open(path, "rb") as file:
                length = file.seek(0, os.SEEK_END)
                file.seek(max(0, length - size))
                found = _lines_in(file.read(size), latest)
        except OSError:
            return []
        if found or size >= length:
            return found
    return []


def _lines_in(tail: bytes, latest: float) -> Found:
    found: Found = []
    for line in reversed(tail.split(b"\n")):
        if _MARK not in line:
            continue
        record = fields.mapping(fields.load(line.decode("utf-8", errors="replace")))
        payload = fields.mapping(record.get("payload"))
        at = parse_iso(record.get("timestamp"))
        if at is None or at > latest or payload.get("type") != "token_count":
            continue
        usage = codex.parse_log_rate_limits(payload.get("rate_limits"), at)
        if usage is not None:
            found.append((at, usage))
        if len(found) == _ENOUGH_LINES:
            break
    return found

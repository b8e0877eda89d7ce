"""The ledger as plain columns: what was asked of whom, on whose behalf, and what came of it."""

from __future__ import annotations

import sys
import time

from aimo_host.gauge.times import parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LOG_COLUMNS = ("at", "provider", "route", "source", "trigger", "status", "ms")


def show_requests(made: list[dict[str, Any]], faults: list[str]) -> None:
    """Write the ledger as plain columns, and aimo's own faults below it. Local time, so that it can be compared with a memory."""
    rows = [[_log_cell(name, record.get(name, "")) for name in _LOG_COLUMNS] for record in made]
    if not rows:
        sys.stdout.write("No request to a provider was made yet.\n")
    else:
        table = [list(_LOG_COLUMNS), *rows]
        widths = [max(len(row[index]) for row in table) for index in range(len(_LOG_COLUMNS))]
        sys.stdout.writelines(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in table
        )
    if faults:
        sys.stdout.write("\naimo's own faults:\n")
        sys.stdout.writelines(f"{line}\n" for line in faults)


def _log_cell(name: str, value: object) -> str:
    at = parse_iso(value) if name == "at" else None
    text = str(value) if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    return "".join(char for char in text if char.isprintable())[:60]

"""The gauge while it fills in: at a terminal, rows land one by one as providers answer; elsewhere it is shown when all have.

Redrawn when somebody rings, never by a clock. The last picture stays as `show` would have left it.
"""

from __future__ import annotations

import sys
import time

from aimo_host.state import cache, requests, settings
from aimo_host.state.bell import Bell, Listener
from aimo_host.terminal import rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aimo_host.state.paths import Paths

    Entry = dict[str, Any]


def fill_in(paths: Paths, ask: Callable[[], None]) -> list[Entry]:
    """Show the rows while `ask` gets them, and then as they are. Returns them.

    Raises:
        Whatever `ask` raises; BrokenPipeError: whoever read them has gone.
    """
    if sys.stdout.isatty():
        _watch(paths, ask)
    else:
        ask()
    entries = _entries(paths)
    rows.show(entries, time.time())
    return entries


def _watch(paths: Paths, ask: Callable[[], None]) -> None:
    from rich.live import Live

    console = rows.console()
    # What is below the edge of the window is cut off while it changes; the last picture is whole.
    with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop") as live:

        def draw() -> None:
            now = time.time()
            awaited = requests.read(paths, now).unsettled(now)
            live.update(rows.page(_entries(paths), now, console, awaited=awaited), refresh=True)

        listener = Listener(Bell(paths.bells_dir, (paths.cache, paths.refresh)), draw)
        try:
            ask()
        finally:
            listener.close()


def _entries(paths: Paths) -> list[Entry]:
    from aimo_host.gauge import snapshot

    return snapshot.entries_at(cache.read(paths), settings.read(paths), time.time())

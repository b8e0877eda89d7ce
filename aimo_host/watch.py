"""`aimo watch`: one line at once, and one whenever what is known has changed, a window's reset included. For bars and scripts.

Where a bar's text tells how long a window still runs, it is renewed with that, each minute at most.

It sleeps on the bell and reads our files. It never asks a provider, and asks nobody to.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial

from aimo_host import dialects, stop
from aimo_host.gauge import snapshot
from aimo_host.state import cache, paths, settings
from aimo_host.state.bell import Bell
from aimo_host.state.installation import Installation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Dialect = Callable[[dict[str, Any], float], str]


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Print until interrupted, or until the reader goes. An aimo that is installed meanwhile goes on with it."""
    parser = argparse.ArgumentParser(prog="aimo watch", description="Print a line now and at every change; asks no provider.")
    parser.add_argument("--as", dest="name", choices=tuple(FORMS), default="json", help="for whom (default: json)")
    name = parser.parse_args(argv).name
    found = paths.find(environ)
    installation = Installation(found)
    bell = Bell(found.bells_dir, (found.cache, found.settings))
    last = ""
    try:
        with stop.Waking() as waking:
            while not installation.is_over():
                now = time.time()
                seen = snapshot.snapshot_at(cache.read(found), settings.read(found), now)
                text = FORMS[name](seen, now)
                if text != last:
                    # As bytes: these formats are UTF-8 whatever the terminal of this machine speaks.
                    sys.stdout.buffer.write((_BETWEEN.get(name, "") if last else "").encode() + text.encode())
                    sys.stdout.flush()
                    last = text
                bell.wait(pause(seen["entries"], now), waking.woken)
                waking.heed()
    finally:
        bell.close()
    installation.become(environ, "watch", *argv)
    return 0


def pause(entries: list[dict[str, Any]], now: float) -> float | None:
    """Seconds until the next known reset, but never long; None where time alone changes nothing."""
    if all(window["used_pct"] is None for entry in entries for window in entry["windows"]):
        return None
    return snapshot.pause(entries, now) or snapshot.LOOK_AT_THE_CLOCK


def _json(seen: dict[str, Any], _now: float) -> str:
    """The snapshot, in ASCII, which every pipe and code page can carry."""
    return json.dumps(seen, separators=(",", ":")) + "\n"


#: Name -> the text for a snapshot (`snapshot.snapshot_at`) at a moment, with the line break that ends it.
FORMS: dict[str, Dialect] = {"json": _json, **{name: partial(dialects.render, name) for name in dialects.STREAMS}}
#: What a reader wants between two texts of several lines: a streamable plugin of SwiftBar starts its menu anew.
_BETWEEN = {"swiftbar": "~~~\n"}

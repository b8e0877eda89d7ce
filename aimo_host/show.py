"""`aimo show --as NAME`: what is cached, in the format of another tool. Asks nobody."""

from __future__ import annotations

import argparse
import sys
import time

from aimo_host import dialects
from aimo_host.gauge import snapshot
from aimo_host.state import cache, ledger, paths, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Print it. Exit 0 also where nothing is known, since bars show nothing at all otherwise; 1 if a library is missing."""
    meanings = "; ".join(f"{name}: {meaning}" for name, meaning in dialects.DIALECTS.items())
    parser = argparse.ArgumentParser(
        prog="aimo show", description="Print what is cached in another tool's format; asks nobody.", epilog=meanings
    )
    parser.add_argument("--as", dest="name", choices=dialects.NAMES, required=True, help="the format")
    name = parser.parse_args(argv).name
    found, now = paths.find(environ), time.time()
    seen = snapshot.snapshot_at(cache.read(found), settings.read(found), now)
    if name in dialects.OF_REQUESTS:
        seen["requests"] = ledger.totals(found)
    try:
        text = dialects.render(name, seen, now)
    except dialects.MissingExtraError as error:
        import shlex

        command = shlex.join([sys.executable, "-m", "pip", "install", error.requirement])
        sys.stderr.write(f"aimo: {error}\nThat is: {command}\n")
        return 1
    # As bytes: these formats are UTF-8 whatever the terminal of this machine speaks.
    sys.stdout.buffer.write(text.encode())
    return 0

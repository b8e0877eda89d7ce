"""`aimo demo`: the gauge on built-in sample answers, run through the real parsers, and marked as samples wherever they show.

Touches no file of the user's and asks nobody.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time

from aimo_host.gauge import entry, merge, snapshot
from aimo_host.gauge.catalog import ORDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from aimo_host.gauge.model import Answer, Ask

    #: Shows entries as of a moment below a heading; serves made-up readings until interrupted.
    Show = Callable[..., None]
    Serve = Callable[..., int]

HEADING = "SAMPLE DATA: invented answers, not your usage"


def main(argv: list[str], environ: Mapping[str, str], *, show: Show, serve: Serve) -> int:
    """Show the samples as a table, as JSON, or with `--serve` as the dashboard; `show` and `serve` are the real ones."""
    parser = argparse.ArgumentParser(prog="aimo demo", description="Show the gauge on built-in sample answers.")
    parser.add_argument("--json", action="store_true", help="the sample entries as JSON")
    parser.add_argument("--serve", action="store_true", help="serve the dashboard on the samples until interrupted")
    parser.add_argument("--port", default="0", help="with --serve; default: any free one")
    options = parser.parse_args(argv)
    if options.serve:
        return _serve(options.port, environ, serve)
    entries = sample_entries(time.time())
    if options.json:
        import json

        sys.stderr.write(f"{HEADING}\n")
        sys.stdout.write(json.dumps(entries, indent=1) + "\n")
        return 0
    show(entries, time.time(), heading=HEADING)
    return 0


def sample_entries(now: float) -> list[dict[str, Any]]:
    """What the API would give for the samples at `now`."""
    return snapshot.entries_at(sample_cache(now), _settings(), now)


def _settings() -> dict[str, Any]:
    from aimo_host.state import settings

    return settings.defaults()


def sample_cache(now: float) -> dict[str, Any]:
    """A cache in which every provider was read a moment ago."""
    from aimo_host.gauge.model import Usage
    from aimo_host.routes import browser

    cache: dict[str, Any] = {"schema": snapshot.SCHEMA, "updated_at": None, "entries": [], "_feeds": {}}
    for provider in ORDER:
        answers: dict[str, Answer] = importlib.import_module(f"aimo_host.samples.{provider}").answers(now)

        def ask(asks: tuple[Ask, ...], answers: dict[str, Answer] = answers) -> tuple[Answer, ...]:
            return tuple(answers[one.source] for one in asks)

        usage = browser.drive(browser.converse(provider, {}, now), ask)
        if not isinstance(usage, Usage):
            raise TypeError(f"the sample of {provider} is not readable: {usage!r}")
        reading = entry.from_usage(provider, usage, account="sample", at=now - 4, source="push")
        cache = merge.merge_reading(cache, reading, via=merge.feed(provider, browser.NAME, "sample"), now=now)
    return cache


def _serve(port: str, environ: Mapping[str, str], serve: Serve) -> int:
    """Serve from a throw-away home whose cache holds the samples."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="aimo-demo-") as home:
        sys.stdout.write(f"{HEADING}\n")
        elsewhere = {**environ, "AIMO_HOME": os.path.abspath(home)}
        return serve(["--port", port], elsewhere, samples=sample_cache)

"""`aimo line`: Claude Code's status line. Reads the session's JSON, prints one line from it and from the cache, asks nobody.

Whatever comes in, there is one line and exit code 0: anything else would blank the status line. It runs at every reply, so the
line is printed first and with few imports; only then are the session's limits kept, for everybody, if they are news.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time

from aimo_host.dialects import statusline
from aimo_host.gauge import snapshot
from aimo_host.state import cache, paths, sessions, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from aimo_host.state.paths import Paths

ROUTE = "claude_status_line"
#: How long a session that has not said anything is waited for, and each time for the rest of what it says.
PATIENCE_SECONDS = 0.2
#: A session that never comes to an end is cut off.
_LONGEST_SECONDS = 2.0
_LARGEST = 1024 * 1024
_LONGEST_NAME = 100
_CHUNK = 65536
_SORRY = "aimo: usage unknown"


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Print the line. Exit 2 only for arguments that make no sense."""
    template = _template(argv)
    try:
        session = _session(sys.stdin)
        found, now = paths.find(environ), time.time()
        seen = snapshot.snapshot_at(cache.read(found), settings.read(found), now)
        name = _name(session)
        before = sessions.last(found, name) if name else None
        # A window that it leaves out has not changed. Of a session that was never heard before the best is assumed.
        said = {**(before or {}), **_said(session, now)}
        has_replied = said != before
        line = statusline.render(seen, now, session, template, has_replied=has_replied)
    except Exception:  # noqa: BLE001 - whatever it was, a blank status line would say less
        _print(_SORRY)
        return 0
    _print(line)
    for unknown in statusline.unknown_fields(template or ""):
        sys.stderr.write(f"aimo: there is no field {{{unknown}}}. There are: {', '.join(statusline.FIELDS)}.\n")
    try:
        if said != before:
            # First, lest what cannot be remembered is news at every prompt; also that it says nothing yet.
            if name:
                sessions.remember(found, name, said)
            _keep(session, seen["entries"], found, environ, now, has_replied=has_replied)
    except Exception as error:  # noqa: BLE001 - a full disk is no reason to blank the line that is there
        from aimo_host.state import log

        log.write(found, f"status line: {type(error).__name__}")
    return 0


def _template(argv: list[str]) -> str | None:
    """The template, None for ours. Most calls have no argument or this one; argparse is not loaded for them."""
    if not argv:
        return None
    if argv[0] == "--template" and len(argv) == 2:  # noqa: PLR2004 - the option and its value
        return argv[1]
    import argparse

    parser = argparse.ArgumentParser(
        prog="aimo line",
        description="One line for Claude Code's status line: reads the session's JSON on stdin, asks nobody.",
        epilog=f"Fields of a template, in braces: {', '.join(statusline.FIELDS)}.",
    )
    parser.add_argument("--template", metavar="TEXT", help="what to show, e.g. '{model} {limits}'")
    template: str | None = parser.parse_args(argv).template
    return template


def _session(stream: Any) -> Any:
    """The JSON value on stdin; None if there is none, or none that can be read, within our patience."""
    try:
        return json.loads(_read(stream.fileno()))
    except (AttributeError, OSError, ValueError, RecursionError):
        return None


def _read(descriptor: int) -> bytes:
    """What comes before the end or the next silence."""
    if os.isatty(descriptor):
        return b""
    if sys.platform == "win32":
        return _read_in_thread(descriptor)
    chunks: list[bytes] = []
    until = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < until and sum(map(len, chunks)) < _LARGEST:
        chunk = os.read(descriptor, _CHUNK) if select.select([descriptor], [], [], PATIENCE_SECONDS)[0] else b""
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks)


def _read_in_thread(descriptor: int) -> bytes:
    """The same where a pipe cannot be polled."""
    import threading

    chunks: list[bytes] = []
    ended = threading.Event()

    def read() -> None:
        try:
            while sum(map(len, chunks)) < _LARGEST and (chunk := os.read(descriptor, _CHUNK)):
                chunks.append(chunk)
        except OSError:
            pass  # as good as the end
        finally:
            ended.set()

    threading.Thread(target=read, name="stdin", daemon=True).start()
    before = -1
    until = time.monotonic() + _LONGEST_SECONDS
    while len(chunks) > before and not ended.is_set() and time.monotonic() < until:
        before = len(chunks)
        ended.wait(PATIENCE_SECONDS)
    return b"".join(chunks)


def _print(line: str) -> None:
    # As bytes: a stdout that spells ASCII only would fail on a dot.
    sys.stdout.flush()
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(line + "\n")
    else:
        stream.write(line.encode("utf-8", "replace") + b"\n")
    sys.stdout.flush()


def _name(session: Any) -> str:
    """The session's identifier; empty if it has none of a usual kind."""
    name = session.get("session_id") if isinstance(session, dict) else None
    return name if isinstance(name, str) and name.isascii() and len(name) <= _LONGEST_NAME else ""


def _said(session: Any, now: float) -> dict[str, Any]:
    limits = session.get("rate_limits") if isinstance(session, dict) else None
    return {window["kind"]: [window["used_pct"], window["resets_at"]] for window in statusline.windows_of(limits, now)}


def _keep(
    session: Any, entries: list[dict[str, Any]], found: Paths, environ: Mapping[str, str], now: float, *, has_replied: bool
) -> None:
    """Keep the session's limits as a free reading, if they say something new.

    Raises:
        OSError, cache.NewerSchemaError: they cannot be kept.
    """
    limits = session.get("rate_limits") if isinstance(session, dict) else None
    windows = statusline.windows_of(limits, now)
    if not windows or not statusline.is_news(windows, entries, has_replied=has_replied):
        return
    from dataclasses import replace

    from aimo_host.collect.feed import Feed
    from aimo_host.providers import claude
    from aimo_host.routes import Context

    usage = claude.parse_status_line(limits, now)
    if usage is not None:
        feed = Feed(Context(found, environ, time.time), "claude", ROUTE)
        feed.take(replace(usage, at=now, borrowed=True, partial=True))

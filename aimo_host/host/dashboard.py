"""The shim as seen from the host: is it there, where, and start a detached one. Also which extension lies on the disk."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from aimo_host.state import atomic, presence
from aimo_host.state.installation import own_command
from aimo_host.state.lock import FileLock
from aimo_host.state.paths import bundled

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import Any

    from aimo_host.routes import Context
    from aimo_host.state.paths import Paths

_START_SECONDS = 6.0
_STOP_SECONDS = 3.0
_LOOK_EVERY = 0.05
_FAILED = "The dashboard could not be started. Run `aimo serve` in a terminal to see why."


def state(paths: Paths) -> dict[str, Any]:
    """`{running, url}` of the shim; the url is null where none runs."""
    ports = [facts["port"] for facts in presence.present(paths.presence_dir) if facts.get("kind") == "shim" and "port" in facts]
    return {"running": bool(ports), "url": f"http://localhost:{ports[0]}/" if ports else None}


def make_sure_it_answers(context: Context) -> tuple[str | None, str | None]:
    """Start a shim that outlives this host unless one runs. Returns its url, or None and a sentence."""
    try:
        # Two clicks, or two browsers, are one dashboard: who comes second finds the first one's.
        with FileLock(os.path.join(context.paths.locks_dir, "dashboard")).hold(_START_SECONDS):
            url: str | None = state(context.paths)["url"] or _started(context)
    except OSError:
        url = None
    return url, None if url is not None else _FAILED


def stop(context: Context) -> None:
    """End every shim of ours that runs, and wait until it is gone. Only who holds the lock on its own sign is one of ours.

    Raises:
        OSError: it may not be ended.
    """
    paths = context.paths
    for facts in presence.present(paths.presence_dir):
        if facts.get("kind") == "shim" and isinstance(facts.get("pid"), int):
            os.kill(facts["pid"], signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while state(paths)["running"] and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY)


def _started(context: Context) -> str | None:
    child = _start_detached(context)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        url: str | None = state(context.paths)["url"]
        if url is not None:
            return url
        time.sleep(_LOOK_EVERY)
    return None


def _start_detached(context: Context) -> subprocess.Popen[bytes]:
    import subprocess

    environ, folder, nowhere = dict(context.environ), context.paths.state_dir, subprocess.DEVNULL
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_BREAKAWAY_FROM_JOB
    return subprocess.Popen(
        own_command("serve"),
        env=environ,
        cwd=folder,
        stdin=nowhere,
        stdout=nowhere,
        stderr=nowhere,
        start_new_session=True,
        creationflags=flags,
    )


def extension_version(paths: Paths) -> str | None:
    """The version of the extension as it lies on the disk, where the browser loads it from; None if it cannot be told."""
    for folder in (paths.extension, bundled("extension")):
        try:
            manifest = json.loads(atomic.read(os.path.join(folder, "manifest.json"), follow=True) or b"null")
        except (OSError, ValueError):
            continue
        if isinstance(manifest, dict) and isinstance(manifest.get("version"), str):
            return str(manifest["version"])
    return None

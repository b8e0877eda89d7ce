"""Other programs as children: without our keys in their environment, without a terminal, and killed at the deadline.

What a child prints is read up to a limit and never logged: it may be somebody's key.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from aimo_host.routes import network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

#: What a child needs to find its own files and to draw breath; everything else of ours is none of its business.
_KEPT = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "TERM"),
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"),
    *("USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "WINDIR"),
    *network.VARIABLES,
    "NODE_EXTRA_CA_CERTS",
)
_LARGEST_OUTPUT = 1024 * 1024
#: Those that run just now. Each is in a session of its own, so that nothing else would end them with this process.
_running: set[subprocess.Popen[bytes]] = set()
_starting = threading.Lock()
#: A start is over by then.
_START_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended, and what it printed on stdout and stderr."""

    code: int
    output: bytes = field(repr=False)
    complaint: bytes = field(repr=False)


def environment(environ: Mapping[str, str], keep: tuple[str, ...] = ()) -> dict[str, str]:
    """The part of `environ` that a child gets: a closed list, and what its own program needs (`keep`)."""
    return {name: environ[name] for name in (*_KEPT, *keep) if name in environ}


@contextmanager
def started(
    command: list[str], environ: Mapping[str, str], *, seconds: float, keep: tuple[str, ...] = (), talks: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    """A child for as long as the block lasts, at most `seconds`: then it and everything it started is killed.

    Reading its pipes has no time-out and needs none: a killed child ends them. One that `talks` has a stdin, else a stderr.

    Raises:
        OSError: it cannot be started.
    """
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    stdin, stderr = (pipe, nowhere) if talks else (nowhere, pipe)
    with _starting:
        child = subprocess.Popen(
            command, env=environment(environ, keep), stdin=stdin, stdout=pipe, stderr=stderr, start_new_session=True
        )
        _running.add(child)
    deadline = threading.Timer(seconds, _kill, [child])
    deadline.daemon = True
    deadline.start()
    try:
        yield child
    finally:
        deadline.cancel()
        _kill(child)
        _running.discard(child)  # before its id may belong to another
        child.wait()
        for stream in (child.stdin, child.stdout, child.stderr):
            _close(stream)


def end_all() -> None:
    """Kill every child that still runs, because this process ends. None can be started any more."""
    _starting.acquire(timeout=_START_SECONDS)  # kept: one that is being started is among them, or waits for ever
    for child in tuple(_running):
        _kill(child)


atexit.register(end_all)


def run(command: list[str], environ: Mapping[str, str], *, seconds: float, keep: tuple[str, ...] = ()) -> Finished:
    """Let the command do its work, with nothing on stdin.

    Raises:
        subprocess.TimeoutExpired: it took longer; it is gone, with its children.
        OSError: it cannot be started, or does not stop printing.
    """
    until = time.monotonic() + seconds
    with started(command, environ, seconds=seconds, keep=keep, talks=False) as child:
        complaint: list[bytes] = []
        # Both pipes at once: a child that fills the one while the other is read would never end.
        reader = threading.Thread(target=lambda: complaint.append(_all_of(child.stderr)), daemon=True)
        reader.start()
        output = _all_of(child.stdout)
        if len(output) == _LARGEST_OUTPUT:
            raise OSError("a child that prints without end")
        reader.join(max(0.0, until - time.monotonic()))
        code = child.wait(max(0.0, until - time.monotonic()))
    if time.monotonic() >= until:
        raise subprocess.TimeoutExpired(command, seconds)
    return Finished(code, output, b"".join(complaint))


def _all_of(stream: IO[bytes] | None) -> bytes:
    return b"" if stream is None else stream.read(_LARGEST_OUTPUT)


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:
        pass  # bytes that nobody will read


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and what it started; what of that is left, if it ended by itself."""
    if sys.platform == "win32":  # pragma: no cover - Windows only
        tree = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe")
        subprocess.run([tree, "/F", "/T", "/PID", str(child.pid)], capture_output=True, check=False)
    else:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # all gone already

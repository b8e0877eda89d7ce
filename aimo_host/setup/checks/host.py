"""Starts the installed host for real, as a browser does: through its launcher, with a pipe, for our extension.

It gets an AIMO_HOME that is thrown away, so it meets no browser, asks nobody and leaves nothing behind; and none of our keys.
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import tempfile
import time
import uuid
from typing import TYPE_CHECKING, Any

from aimo_host import __version__
from aimo_host.routes import children
from aimo_host.setup.checks import ok, problem
from aimo_host.state import identity

if TYPE_CHECKING:
    from typing import IO

    from aimo_host.setup.checks import Case, Finding

_PROTOCOL = 1
#: A browser waits longer; a person at the popup does not.
_SECONDS = 5.0
_LARGEST = 1024 * 1024
_LENGTH = struct.Struct("=I")
_AGAIN = "Run `aimo install` (in a clone: `python3 install.py`)."
_MAKE_ROOM = "Make room on the disk, or set TMPDIR to a folder in which you can write; then run `aimo doctor` again."
_PLACES = ("AIMO_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,30}")


def start(case: Case) -> list[Finding]:
    """Is `hello` answered by `welcome`?"""
    launcher = case.system.paths.launcher
    if not os.path.lexists(launcher):
        return [problem("The host is not installed: there is no launcher.", _AGAIN)]
    began = time.monotonic()
    try:
        folder = tempfile.TemporaryDirectory(prefix="aimo-doctor-", ignore_cleanup_errors=True)
    except OSError:
        return [problem("The host was not tried: no temporary folder can be made.", _MAKE_ROOM)]
    with folder as home:
        try:
            answer = _hello([launcher, identity.ORIGIN], {**case.system.environ, "AIMO_HOME": home})
        except OSError as error:
            return [problem(f"The launcher cannot be started ({type(error).__name__}).", _AGAIN)]
    took = time.monotonic() - began
    if answer is None and took >= _SECONDS:
        return [problem(f"The host starts, and does not answer within {_SECONDS:.0f} s.", _AGAIN)]
    if answer is None or answer.get("type") != "welcome":
        return [problem("The host starts, and ends without an answer: its Python or aimo's files may be gone.", _AGAIN)]
    version = str(answer.get("host"))
    if version != __version__:
        other = version if _VERSION.fullmatch(version) else "another version"
        return [
            problem(
                f"Browsers start the host of aimo {other}, and this is {__version__}.", "Run `aimo install` of the newer one."
            )
        ]
    return [ok(f"The host starts and answers ({took * 1000:.0f} ms)."), *_folders(case)]


def _hello(command: list[str], environ: dict[str, str]) -> dict[str, Any] | None:
    """The first message that the host sends after `hello`; None if it does not come to one.

    Raises:
        OSError: it cannot be started.
    """
    hello = {"type": "hello", "protocol": _PROTOCOL, "extension": __version__, "profile": str(uuid.uuid4())}
    body = json.dumps(hello).encode()
    with children.started(command, environ, seconds=_SECONDS, keep=("AIMO_HOME",)) as child:
        assert child.stdin is not None  # noqa: S101 - for the type checker: it was started with pipes
        assert child.stdout is not None  # noqa: S101 - as above
        try:
            child.stdin.write(_LENGTH.pack(len(body)) + body)
            child.stdin.flush()
        except OSError:
            pass  # it has ended already; what it said by then counts
        return _message(child.stdout)


def _message(stream: IO[bytes]) -> dict[str, Any] | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size or _LENGTH.unpack(head)[0] > _LARGEST:
        return None
    try:
        found = json.loads(stream.read(_LENGTH.unpack(head)[0]))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _folders(case: Case) -> list[Finding]:
    """A browser started from a desktop has none of the shell's variables: does its host use the same files as this shell?"""
    desktop = {name: value for name, value in case.system.environ.items() if name not in _PLACES}
    try:
        done = children.run([case.system.paths.command, "paths", "--json"], desktop, seconds=_SECONDS)
        theirs = json.loads(done.output)
        same = all(theirs[name] == path for name, path in case.system.paths.public().items())
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError, RecursionError):
        return [problem("The installed `aimo` does not say where its files are.", _AGAIN)]
    if same:
        return []
    text = "Browsers started from the desktop use other folders than this shell, so they do not see each other's readings."
    return [problem(text, "Run `aimo install` in this shell, or unset AIMO_HOME and the XDG_ variables in it.")]

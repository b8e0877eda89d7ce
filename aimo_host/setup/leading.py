"""The last steps of an installation are a person's, in the browser: says what they are and, at a terminal, waits for them.

The extension is there when its host is. The host rings when it arrives, so waiting costs nothing. Whatever cannot be done here
(no window, no bell, no patience) is no failure of the installation.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from aimo_host import stop
from aimo_host.routes import browser, children
from aimo_host.state import attempts, presence
from aimo_host.state.bell import Bell

if TYPE_CHECKING:
    from aimo_host.setup.system import System
    from aimo_host.state.paths import Paths

#: Time to find the page of extensions, and to be called to the door meanwhile.
PATIENCE_SECONDS = 600.0
#: The extension opens a lost host again after a second.
_COMES_BACK_SECONDS = 5.0
#: What a program that opens folders needs beside what every child gets: the screen, and which desktop it is.
_DESKTOP = (
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "DESKTOP_SESSION"),
    *("KDE_FULL_SESSION", "KDE_SESSION_VERSION", "XDG_CURRENT_DESKTOP", "XDG_SESSION_DESKTOP", "XDG_SESSION_TYPE"),
    *("XDG_CONFIG_DIRS", "XDG_DATA_DIRS"),
)


def lead_on(system: System, *, attended: bool, was_connected: bool) -> bool:
    """Say what is to be done in the browser; `attended` is whether a person is there to do it now, whom this waits for.

    `was_connected` is whether a host was here when the installation began: one that makes way for a newer one comes back at once.
    Returns False if the person interrupted the waiting.
    """
    where = system.paths
    if wait(where, _COMES_BACK_SECONDS if was_connected else 0.0):
        _say("The extension is there.")
        return True
    was_here = _was_ever_here(where, time.time())
    opened = attended and not was_here and open_folder(system, where.extension)
    _say("Open the browser; if the extension is not there any more:" if was_here else _heading(opened=opened))
    _say('  1. Open chrome://extensions, switch on "Developer mode" and leave it on.')
    _say(f'  2. Press "Load unpacked" and choose {where.extension}')
    if not attended or was_here:
        return True
    try:
        _say("Waiting for the extension (Ctrl-C: later) ...")
        seen = wait(where, PATIENCE_SECONDS)
    except stop.Stopped:  # by somebody else: there is nobody to talk to, and it was not the person's choice
        raise
    except KeyboardInterrupt:
        _say("\nLater, then. aimo is installed; `aimo doctor` says what is still missing.")
        return False
    _say("The extension is there." if seen else "It was not seen so far; `aimo doctor` says what is missing.")
    return True


def remind(where: Paths) -> None:
    """Below the gauge, which has pushed the steps up: what is next, if no browser with the extension was ever here."""
    if not is_here(where) and not _was_ever_here(where, time.time()):
        _say(f"\nNext: load the extension, the folder {where.extension}; `aimo doctor` says what is missing.")


def _heading(*, opened: bool) -> str:
    return "Load the extension, once in each browser" + ("; its folder is open now:" if opened else ":")


def is_attended() -> bool:
    """Whether a person sits there who reads and may act."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def wait(where: Paths, seconds: float) -> bool:
    """Sleep until a host is here; False if none is after so many seconds. For the main thread: a signal ends it."""
    bell = Bell(where.bells_dir, (where.presence_dir,))
    deadline = time.monotonic() + seconds
    try:
        with stop.Waking() as waking:
            while not is_here(where):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                bell.wait(left, waking.woken)
                waking.heed()
    finally:
        bell.close()
    return True


def is_here(where: Paths) -> bool:
    """Whether a browser's extension is connected now."""
    return any(facts.get("kind") == "host" for facts in presence.present(where.presence_dir))


def _was_ever_here(where: Paths, now: float) -> bool:
    """Whether a browser has really been asked for something before: its extension is loaded already."""
    return any(feed.split("/")[1:2] == [browser.NAME] and one.asked for feed, one in attempts.read(where, now).items())


def open_folder(system: System, folder: str) -> bool:
    """Open a window on `folder`, where there is a screen that the person sits at. Returns whether one was asked for."""
    command = _window(system)
    if command is None:
        return False
    nothing, environ = subprocess.DEVNULL, children.environment(system.environ, _DESKTOP)
    try:
        subprocess.Popen([command, folder], env=environ, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    except OSError:
        return False
    return True


def _window(system: System) -> str | None:
    """The program that opens folders; None over SSH, where the screen is another one, and without a display."""
    environ = system.environ
    if any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")):
        return None
    if system.platform == "win32":
        return os.path.join(environ.get("SYSTEMROOT", "C:\\Windows"), "explorer.exe")
    if system.platform == "darwin":
        return "/usr/bin/open"
    return "xdg-open" if environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") else None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

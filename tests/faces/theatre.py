"""A browser whose host is played, so that a face can be shown anything: a good day, a bad one, a host that is not there.

    with theatre(folder, chromium) as stage:
        stage.play(scenes.full(now), language="ja")
        page = stage.open("popup/popup.html")
        stage.cue({"type": "entry", …})
        stage.heard("refresh")

One browser serves many tests. Nothing in it can reach a network.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from aimo_host.setup import manifest
from tests.browser import chromium, processes
from tests.browser.stage import EXTENSION, EXTENSION_ID, keeps
from tests.faces import acting_host, scenes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page

POPUP, OPTIONS = "popup/popup.html", "options/options.html"
#: Nobody lives at any name, save the dashboard.
NOWHERE = "MAP * ~NOTFOUND , EXCLUDE localhost"
_STATE = "chrome.storage.local.get('face_state').then((kept) => kept.face_state)"


class Theatre:
    """See the module."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.profile = os.path.join(folder, "profile")
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "XDG_RUNTIME_DIR": folder,
            "LANG": "C.UTF-8",
            "LANGUAGE": "en",
            "TZ": "Asia/Tokyo",
        }
        self.context: BrowserContext
        self._scenes = 0

    def play(self, cache: scenes.Cache, **settings: Any) -> None:
        """From now on the host tells this, and the worker knows it."""
        self._scenes += 1
        welcome = scenes.welcome(cache, **settings)
        welcome["snapshot"]["updated_at"] = f"scene {self._scenes}"
        self.direct({"welcome": welcome})
        self.cue(welcome)
        processes.until(self._is_set, "the scene is set")
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._record)

    def _is_set(self) -> bool:
        return self.known() == f"scene {self._scenes}"

    def known(self) -> str | None:
        """The scene that the worker was told last; a worker that has only just begun knows none."""
        state: dict[str, Any] = self.state() or {}
        return (state.get("snapshot") or {}).get("updated_at")

    def direct(self, scene: dict[str, Any]) -> None:
        """What a host that is started from now on does; see `acting_host`."""
        self._write("scene.json", json.dumps(scene))

    def cue(self, *messages: dict[str, Any]) -> None:
        """The host says this now."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as voice:
            voice.connect(os.path.join(self.folder, "cue"))
            voice.sendall("".join(json.dumps(message) + "\n" for message in messages).encode())

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """What the extension said so far, of one type."""
        try:
            with open(self._record, encoding="utf-8") as record:
                said = [json.loads(line) for line in record if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [message for message in said if message["type"] == kind]

    def starts(self) -> list[float]:
        """When hosts were started so far (monotonic seconds)."""
        try:
            with open(os.path.join(self.folder, "starts"), encoding="ascii") as starts:
                return [float(line) for line in starts if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def awaits(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The newest message of that type, as soon as there are so many."""
        processes.until(lambda: len(self.heard(kind)) >= count, f"{count} x {kind}")
        return self.heard(kind)[-1]

    def register(self) -> None:
        """Installs the played host."""
        program = shlex.join([sys.executable, os.path.abspath(acting_host.__file__), self.folder])
        launcher = self._write("host", f"#!/bin/sh\nexec {program}\n")
        os.chmod(launcher, 0o700)
        os.makedirs(os.path.dirname(self._manifest), exist_ok=True)
        with open(self._manifest, "wb") as file:
            file.write(manifest.content(launcher))

    def replace(self, scene: dict[str, Any] | None) -> None:
        """The host ends, and the next one does this; None: there is no next one, it is not installed."""
        if scene is None:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self._manifest)
        else:
            self.direct(scene)
            self.register()
        with contextlib.suppress(OSError):
            self.cue({"type": "exit"})

    def remembers(self, words: bytes) -> bool:
        """Whether these words are in the extension's storage, as it lies on the disk."""
        return keeps(self.profile, words)

    @property
    def _record(self) -> str:
        return os.path.join(self.folder, "heard")

    @property
    def _manifest(self) -> str:
        return os.path.join(self.profile, "NativeMessagingHosts", "com.aimo.host.json")

    def _write(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{path}.new", path)
        return path

    def state(self) -> dict[str, Any]:
        """What the worker would show a face."""
        found: dict[str, Any] = chromium.worker(self.context).evaluate(_STATE)
        return found

    def read(self, refreshing: list[str], entry: dict[str, Any] | None = None) -> None:
        """The host tells a new entry, if there is one, and which providers are still being read."""
        answer = self.state()["snapshot"]["answer"]
        self.cue({"type": "entry", "entry": entry, "refreshing": refreshing, "answer": answer})

    def open(self, face: str, width: int = 380, height: int = 600, *, page: Page | None = None) -> Page:
        """The face, loaded anew: in `page`, or else in the tab that is always there, since a new one costs as much as a face."""
        page = page or self.context.pages[0]
        as_new(page, width, height)
        page.goto(f"chrome-extension://{EXTENSION_ID}/{face}")
        return page

    def clear(self) -> None:
        """Leaves the face, so that it lets go of the worker, and closes whatever tab a test has opened."""
        first, *others = self.context.pages
        for page in others:
            page.close()
        if first.url != "about:blank":
            first.goto("about:blank")


def as_new(page: Page, width: int, height: int) -> None:
    """Takes back what a test may have told the tab about the person's eyes and screen."""
    page.emulate_media(media="null", color_scheme="null", forced_colors="null", reduced_motion="null")
    if page.viewport_size != {"width": width, "height": height}:
        page.set_viewport_size({"width": width, "height": height})


@contextlib.contextmanager
def theatre(folder: str, chromium_path: str, *, is_installed: bool = True) -> Iterator[Theatre]:
    """A theatre with the browser running; the host plays, if it is installed."""
    stage = Theatre(folder)
    stage.direct({"welcome": scenes.welcome(scenes.full(time.time()))})
    if is_installed:
        stage.register()
    with chromium.watched(chromium_path, stage.profile, stage.environ, chromium.arguments(EXTENSION, NOWHERE)) as context:
        stage.context = context
        chromium.worker(context)
        processes.until(lambda: not is_installed or stage.known(), "the host plays")
        yield stage

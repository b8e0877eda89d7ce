"""One made-up person's machine for a test: a home, the host registered for a browser profile, the command line, the shim.

    with Stage(folder, simulator, chromium) as stage:
        stage.install()
        with stage.watched() as context: ...       # or stage.unwatched()
        stage.aimo("--cached", "--json")
        stage.serve().get("/api/usage")

Leaving it ends every process that carries its AIMO_HOME, and fails if one would not have ended by itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from aimo_host.gauge import times
from tests.browser import chromium, processes, tap
from tests.simulator import canaries
from tests.simulator.people import ADA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from playwright.sync_api import BrowserContext

    from tests.simulator.people import Person
    from tests.simulator.simulator import Simulator

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXTENSION = os.path.join(REPOSITORY, "extension")
EXTENSION_ID = chromium.extension_id(os.path.join(EXTENSION, "manifest.json"))
POPUP = f"chrome-extension://{EXTENSION_ID}/popup/popup.html"
#: A visit to each signs the browser in.
SITES = ("https://claude.ai/", "https://chatgpt.com/", "https://ollama.com/", "https://z.ai/")
_KEEPS = "(text) => chrome.storage.local.get().then((kept) => JSON.stringify(kept).includes(text))"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the shim answered."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as a JSON value."""
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class Shim:
    """A running `aimo serve`."""

    url: str
    pid: int

    def get(self, path: str, method: str = "GET", within: float = 80.0) -> Reply:
        """One request, with no header and no body of ours."""
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, method=method), timeout=within) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read().decode())


class Stage:
    """See the module. `folder` should be short: sockets lie below it."""

    def __init__(self, folder: str, simulator: Simulator, chromium_path: str, **environ: str) -> None:
        self.home = os.path.join(folder, "aimo")
        self.profile = os.path.join(folder, "profile")
        self.second_profile = os.path.join(folder, "second")
        self.simulator = simulator
        self._chromium = chromium_path
        self._children: list[subprocess.Popen[bytes]] = []
        home = os.path.join(folder, "home")
        run = os.path.join(folder, "run")
        os.makedirs(home, exist_ok=True)
        os.makedirs(run, mode=0o700, exist_ok=True)
        # Ours, and nothing of the person who runs the tests but the way to find programs. Port 1 has no Ollama.
        self.environ = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": home,
            "XDG_RUNTIME_DIR": run,
            "AIMO_HOME": self.home,
            "AIMO_BITWARDEN_ITEM": "",
            "OLLAMA_HOST": "127.0.0.1:1",
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
            **simulator.environment(),
            **environ,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for child in self._children:
            processes.end(child)
        try:
            processes.until(lambda: not processes.carrying(self.home), "no process of this stage is left")
        except AssertionError as left:
            lingering = processes.carrying(self.home)
            processes.kill(lingering)
            if kind is None:
                raise AssertionError(f"left behind: {lingering}") from left

    # -- our programs

    def aimo(self, *arguments: str, within: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Runs the command line to its end."""
        command = [sys.executable, "-m", "aimo_host", *arguments]
        return subprocess.run(
            command, env=self.environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=within, check=False
        )

    def install(self, *more_profiles: str) -> None:
        """Registers the host for this stage's browser profile and those named, and for nothing else."""
        folders = [word for profile in (self.profile, *more_profiles) for word in ("--user-data-dir", profile)]
        done = self.aimo("install", *folders)
        assert done.returncode == 0, done.stdout + done.stderr
        # It ends by showing the gauge. A browser of the next minutes would still serve that request, in the middle of a test.
        self._forget("refresh.json")

    def tap(self) -> str:
        """From now on the browser starts the host through a tap. Returns the recording, for `tap.frames` and `tap.heard`."""
        manifest = os.path.join(self.profile, "NativeMessagingHosts", "com.aimo.host.json")
        with open(manifest, encoding="utf-8") as file:
            registered = json.load(file)
        recording, wrapper = f"{self.profile}.pipe", f"{self.profile}.tap"
        command = shlex.join([sys.executable, os.path.abspath(tap.__file__), registered["path"], recording])
        with open(wrapper, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {command} "$@"\n')
        os.chmod(wrapper, 0o700)
        with open(manifest, "w", encoding="utf-8") as file:
            json.dump(registered | {"path": wrapper}, file)
        return recording

    def serve(self) -> Shim:
        """Starts the shim on a free port; it ends with the stage."""
        command = [sys.executable, "-m", "aimo_host", "serve", "--port", "0"]
        with open(f"{self.home}.serve.log", "ab") as log:
            child = subprocess.Popen(
                command,
                env=self.environ,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._children.append(child)
        assert child.stdout is not None
        with child.stdout:
            line = child.stdout.readline().decode().strip()
        start, _, url = line.rpartition(" ")
        assert start.endswith("listening on"), line
        return Shim(url.replace("localhost", "127.0.0.1"), child.pid)

    def hosts(self) -> list[int]:
        """The native hosts that run now."""
        return [pid for pid, command in processes.carrying(self.home).items() if "aimo_host.host" in command]

    def write_env(self, **credentials: str) -> None:
        """The person's own `.env` in our config folder."""
        path = os.path.join(self.home, "config", ".env")
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in credentials.items())

    def forget_attempts(self) -> None:
        """As if the last requests to the providers were long ago: they may be asked again at once."""
        processes.until(self._is_settled, "no refresh is under way", 30)
        self._forget("attempts.json")

    def _is_settled(self) -> bool:
        path = os.path.join(self.home, "state", "refresh.json")
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            request = json.load(file)
            return all(request["settled"].get(provider, 0) >= wanted["at"] for provider, wanted in request["wanted"].items())
        return True

    def _forget(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(self.home, "state", name))

    def let_pass(self, seconds: float) -> None:
        """As if everything that was asked, read, tried or forbidden so far had been so much earlier."""
        processes.until(self._is_settled, "no refresh is under way", 30)
        with self._edited("state", "attempts.json") as kept:
            for attempt in kept.get("attempts", {}).values():
                _set_back(attempt, ("handled", "asked", "retry_at", "woken"), seconds)
        with self._edited("cache", "usage.json") as kept:
            for entry in kept.get("entries", ()):
                _set_back(entry, ("observed_at", "attempted_at", "_received_at", "_at", "_tried"), seconds)
            for feed in kept.get("_feeds", {}).values():
                _set_back(feed, ("at",), seconds)
        with self._edited("state", "refresh.json") as request:
            settled = request.get("settled", {})
            _set_back(settled, tuple(settled), seconds)
            for wanted in request.get("wanted", {}).values():
                _set_back(wanted, ("at",), seconds)

    @contextlib.contextmanager
    def _edited(self, *place: str) -> Iterator[dict[str, Any]]:
        """A file of ours to change, replaced as a whole, since a process of ours may be reading it; empty if it is not there."""
        path = os.path.join(self.home, *place)
        content: dict[str, Any] = {}
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            content = json.load(file)
        yield content
        if content:
            with open(f"{path}.edited", "w", encoding="utf-8") as file:
                json.dump(content, file)
            os.replace(f"{path}.edited", path)

    def cache(self) -> dict[str, Any]:
        """The cache file, by (first) entry of each provider; empty while there is none."""
        with (
            contextlib.suppress(FileNotFoundError),
            open(os.path.join(self.home, "cache", "usage.json"), encoding="utf-8") as file,
        ):
            return {entry["provider"]: entry for entry in json.load(file)["entries"]}
        return {}

    # -- the browser

    def watched(self, profile: str | None = None) -> AbstractContextManager[BrowserContext]:
        """The browser under Playwright, to click and to look."""
        return chromium.watched(self._chromium, profile or self.profile, self.environ, self._options())

    def unwatched(self, page: str = "about:blank", profile: str | None = None, *more: str) -> chromium.Unwatched:
        """The browser with no debugger attached, showing this page."""
        return chromium.Unwatched(self._chromium, profile or self.profile, self.environ, [*self._options(), *more], page)

    def sign_in(self, profile: str | None = None, person: Person = ADA) -> None:
        """Visits all four sites once; the profile keeps what they leave there."""
        with self.watched(profile) as context:
            self.visit(context, person)

    @contextlib.contextmanager
    def signed_in(self, profile: str, person: Person) -> Iterator[chromium.Unwatched]:
        """The browser with no debugger attached, after a visit to all four sites."""
        with self.unwatched("about:blank", profile, chromium.OPENABLE) as browser:
            token = person.own(canaries.ZAI_SIGNATURE).encode()
            processes.until(lambda: os.path.exists(os.path.join(profile, "DevToolsActivePort")), "tabs can be opened")
            # A page that is there before the extension has no content script, so nobody would see z.ai's token.
            processes.until(lambda: keeps(profile, b"face_state"), "the worker is there")
            for site in SITES[:-1]:
                browser.visit(f"{site}?as={person.name}")
            tab = browser.open(f"{SITES[-1]}?as={person.name}")
            processes.until(lambda: keeps(profile, token), "the worker has z.ai's token")
            browser.leave(tab)
            yield browser

    @classmethod
    def visit(cls, context: BrowserContext, person: Person = ADA) -> None:
        """Goes from one site to the next in the tab that is there. z.ai is the last: its page has to stay for a while."""
        for site in SITES:
            context.pages[0].goto(f"{site}?as={person.name}")
        cls.await_zai_token(context, person)

    @staticmethod
    def await_zai_token(context: BrowserContext, person: Person = ADA) -> None:
        """The content script hands z.ai's token to the worker some time after the page has loaded."""
        worker, end = chromium.worker(context), f'{person.own(canaries.ZAI_SIGNATURE)}"'
        processes.until(lambda: worker.evaluate(_KEEPS, end), "the worker has z.ai's token")

    def _options(self) -> list[str]:
        return chromium.arguments(EXTENSION, self.simulator.resolver_rules)


def keeps(profile: str, words: bytes) -> bool:
    """Whether these words are in the extension's storage, as it lies on the disk."""
    folder = os.path.join(profile, "Default", "Local Extension Settings", EXTENSION_ID)
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                if words in file.read():
                    return True
    return False


def _set_back(record: dict[str, Any], moments: tuple[str, ...], seconds: float) -> None:
    """Makes those moments of `record` that are there so much earlier, be they numbers or ISO text."""
    for name in moments:
        at = record.get(name)
        if at:
            record[name] = times.iso((times.parse_iso(at) or 0.0) - seconds) if isinstance(at, str) else at - seconds

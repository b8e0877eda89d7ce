"""A clock that stands still, routes that are functions, and browsers that are threads; files, locks and bells are real."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aimo_host.collect.feed import Feed
from aimo_host.gauge.snapshot import entries_at
from aimo_host.routes import Context, browser
from aimo_host.state import attempts, cache, requests, settings
from aimo_host.state.bell import Bell, Listener
from aimo_host.state.presence import Presence
from tests.gauge.builders import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aimo_host.routes import Outcome
    from aimo_host.state.paths import Paths
    from aimo_host.state.requests import Wanted

HOME, WORK, SPARE = (f"0a1b2c3d-0000-4000-8000-00000000000{digit}" for digit in "123")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Stage:
    """One installation, its clock, and what is asked of it."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.clock = Clock()
        self.context = Context(paths, {}, self.clock)

    def ask(self, provider: str = "zai", *, named: bool = False) -> Wanted:
        """The open request after somebody asked for the provider."""
        requests.ask(self.paths, [provider], trigger="cli", named=named, now=self.clock())
        return requests.read(self.paths, self.clock()).wanted[provider]

    def feed(self, provider: str = "zai", route: str = "api_key", profile: str | None = None) -> Feed:
        return Feed(self.context, provider, route, profile)

    def browser(self, provider: str, profile: str) -> Feed:
        return self.feed(provider, browser.NAME, profile)

    def rows(self, provider: str = "zai") -> list[dict[str, Any]]:
        """What a face would show of the provider now."""
        shown = entries_at(cache.read(self.paths), settings.read(self.paths), self.clock())
        return [entry for entry in shown if entry["provider"] == provider]

    def row(self, provider: str = "zai") -> dict[str, Any]:
        (found,) = self.rows(provider)
        return found

    def code(self, provider: str = "zai") -> str | None:
        problem = self.row(provider)["problem"]
        return problem and str(problem["code"])

    def attempts(self) -> dict[str, attempts.Attempt]:
        return attempts.read(self.paths, self.clock())

    def is_open(self, provider: str = "zai") -> bool:
        return provider in requests.read(self.paths, self.clock()).unsettled(self.clock())

    def stands(self, provider: str = "zai") -> bool:
        return provider in requests.read(self.paths, self.clock()).standing(self.clock())

    def listener(self) -> Listener:
        return Listener(Bell(self.paths.bells_dir, ()))


class Asked:
    """A route or a conversation that counts how often it was asked, and says what it was told to say."""

    def __init__(self, outcome: Outcome | BaseException | Callable[[], Outcome]) -> None:
        self.times = 0
        self._outcome = outcome

    def __call__(self) -> Outcome:
        self.times += 1
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome() if callable(self._outcome) else self._outcome


@contextmanager
def host(stage: Stage, profile: str, answers: dict[str, Asked]) -> Iterator[None]:
    """A host with its browser: serves every open request for the providers it has answers for, until it leaves."""
    listener = stage.listener()
    leaves = threading.Event()
    sign = Presence(stage.paths.presence_dir, {"kind": "host", "profile": profile})
    begun: set[tuple[str, float]] = set()

    def look() -> bool:
        standing = requests.read(stage.paths, stage.clock()).standing(stage.clock())
        for provider, wanted in standing.items():
            if provider in answers and (provider, wanted.at) not in begun:
                begun.add((provider, wanted.at))
                stage.browser(provider, profile).attempt(wanted, answers[provider])
        return leaves.is_set()

    def serve() -> None:
        listener.wait_until(look, 30)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        leaves.set()
        listener.close()
        sign.leave()


def everything_below(folder: str) -> bytes:
    """All that stands in any file below `folder`."""
    files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if not name.endswith(".bell")]
    content = []
    for path in files:
        with open(path, "rb") as file:
            content.append(os.fsencode(path) + file.read())
    return b"\n".join(content)

"""Where a bench measures: a fresh home with an installed aimo, the samples in its cache, and the clock.

Every path that is measured hands its answer to `check`: nothing is gained by being wrong. Never the person's own files.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aimo_host.demo import sample_cache
from aimo_host.gauge import snapshot
from aimo_host.state import accounts, cache, jsonfile, paths, settings
from tests.browser.chromium import arguments
from tests.browser.stage import EXTENSION, Stage
from tests.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aimo_host.state.paths import Paths

#: What `empty.html` in the bench's copy of the extension holds: a page that paints one word and does nothing else.
EMPTY_PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>empty</title><p>empty</p></html>\n'


class WrongAnswerError(Exception):
    """What was measured did not do what it is for."""


def check(claim: object, what: str) -> None:
    """Raises WrongAnswerError, unless the `claim` about a measured answer holds."""
    if not claim:
        raise WrongAnswerError(what)


@dataclass(frozen=True, slots=True)
class Ground:
    """How thoroughly to measure, and with which browser (None: there is none)."""

    is_quick: bool
    chromium: str | None

    def runs(self, full: int, quick: int = 3) -> int:
        return quick if self.is_quick else full

    @contextmanager
    def installed(self) -> Iterator[Home]:
        """A machine of its own with `aimo install` done and nothing read yet."""
        folder = tempfile.mkdtemp(prefix="aimo-bench-")
        try:
            extension = os.path.join(folder, "extension")
            shutil.copytree(EXTENSION, extension)
            with open(os.path.join(extension, "empty.html"), "w", encoding="utf-8") as file:
                file.write(EMPTY_PAGE)
            with Simulator() as simulator, Home(folder, simulator, self.chromium or "", extension) as home:
                home.install()
                yield home
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class Home(Stage):
    """A stage whose programs are started by the launchers that its `aimo install` wrote."""

    def __init__(self, folder: str, simulator: Simulator, chromium: str, extension: str) -> None:
        super().__init__(folder, simulator, chromium)
        self.paths: Paths = paths.find(self.environ)
        self._extension = extension

    def _options(self) -> list[str]:
        return arguments(self._extension, self.simulator.resolver_rules)

    def add_to_extension(self, name: str, script: str) -> None:
        """A page with this script, which opens when the browser starts."""
        shutil.copy(script, os.path.join(self._extension, name))
        page = f'<!doctype html><html lang="en"><title>bench</title><script type="module" src="{name}"></script></html>\n'
        with open(os.path.join(self._extension, "bench.html"), "w", encoding="utf-8") as file:
            file.write(page)
        with open(os.path.join(self._extension, "background", "main.js"), "a", encoding="utf-8") as file:
            file.write('chrome.tabs.create({ url: "/bench.html" });\n')

    def fill(self) -> None:
        """The samples, as if everybody had just been read."""
        accounts.opaque(self.paths, "claude", "")  # makes the salt, which would empty a cache that is older than itself
        jsonfile.save(self.paths.cache, sample_cache(time.time()))

    def expected(self, at: float) -> list[dict[str, Any]]:
        """What every face must say at that moment, by way of no process at all."""
        return snapshot.entries_at(cache.read(self.paths), settings.read(self.paths), at)

    def run(self, *command: str, stdin: bytes = b"") -> tuple[float, subprocess.CompletedProcess[bytes]]:
        """Milliseconds of a whole process, and what it said."""
        began = time.perf_counter()
        done = subprocess.run(command, env=self.environ, input=stdin, capture_output=True, timeout=60, check=False)
        return (time.perf_counter() - began) * 1000, done

    def bare(self) -> float:
        """Milliseconds of an interpreter that does nothing."""
        took, done = self.run(sys.executable, "-I", "-c", "pass")
        check(done.returncode == 0, "the bare interpreter ended well")
        return took


def in_turn(runs: int, *measures: Callable[[], float]) -> tuple[Sequence[float], ...]:
    """The samples of each measure, taken by turns (ABAB…): a busy machine is busy for all of them. The first turn warms up."""
    samples: tuple[list[float], ...] = tuple([] for _ in measures)
    for turn in range(runs + 1):
        for measure, kept in zip(measures, samples, strict=True):
            gc.collect()
            sample = measure()
            if turn:
                kept.append(sample)
    return samples


def parsed(text: bytes) -> Any:
    """The JSON value; a wrong answer if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        raise WrongAnswerError(f"not JSON: {text[:200]!r}") from None

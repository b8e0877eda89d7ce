"""A worker that nobody looks at finds a host that was away: by itself, by an alarm, or because a popup is open.

Watched from outside, because a debugger would keep the worker alive. What faces say meanwhile is in `test_host_notice`.
"""

from __future__ import annotations

import struct
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import processes
from tests.browser.chromium import OPENABLE, Unwatched, arguments
from tests.browser.stage import EXTENSION, EXTENSION_ID
from tests.faces import scenes
from tests.faces.theatre import NOWHERE, POPUP, Theatre
from tests.reliability import figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.browser

#: In a deep run long enough for the worker to be stopped and its timers to die: then only an alarm helps.
AWAY_SECONDS = 50 if figures.IS_DEEP else 0
#: How long nothing is tried after the fourth try; in a deep run until shortly before the alarm.
ALARM_SECONDS = 50 if figures.IS_DEEP else 2
#: A popup that somebody looks at asks every three seconds.
POPUP_SECONDS = 9


@pytest.mark.parametrize(
    ("scene", "state"), [(None, b'"missing"'), ({"exit": 1}, b'"crashed"')], ids=["not installed", "crashed"]
)
def test_without_a_debugger_the_worker_finds_the_host_once_it_is_there(
    chromium: str, tmp_path: Path, scene: dict[str, Any] | None, state: bytes
) -> None:
    away = Theatre(str(tmp_path))
    away.replace(scene)
    with Unwatched(chromium, away.profile, away.environ, arguments(EXTENSION, NOWHERE), "about:blank"):
        processes.until(lambda: away.remembers(state), "the worker knows that the host is away")
        time.sleep(AWAY_SECONDS)
        away.replace({"welcome": scenes.welcome(scenes.full(time.time()))})
        processes.until(lambda: away.heard("hello"), "the worker has found the host", 15 + 2 * AWAY_SECONDS)
    assert away.heard("refresh") == []


_WELCOME = {"welcome": scenes.welcome(scenes.full(time.time()))}
_CRASHES: dict[str, dict[str, Any]] = {
    "after its welcome": {**_WELCOME, "exit": 1},
    "at once": {"exit": 1},
    "with words that are no frame": {"raw": "Traceback (most recent call last):\n"},
    "with a frame that is too large": {"raw": struct.pack("=I", 1024 * 1024 + 1).decode("latin-1") + "x" * (1024 * 1024 + 1)},
}
if not figures.IS_DEEP:
    _CRASHES = {"after its welcome": _CRASHES["after its welcome"]}


@pytest.fixture(scope="module", params=_CRASHES)
def tired(
    chromium: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Theatre, Unwatched]]:
    """Without a debugger, the worker has tried a crashing host four times: the next try is an alarm, a minute away."""
    away = Theatre(str(tmp_path_factory.mktemp("l")))
    away.replace(_CRASHES[request.param])
    options = [*arguments(EXTENSION, NOWHERE), OPENABLE]
    with Unwatched(chromium, away.profile, away.environ, options, "about:blank") as browser:
        processes.until(lambda: len(away.starts()) >= 4, "the host was tried four times", 30)
        yield away, browser


def test_without_a_debugger_a_crashing_host_is_started_after_1_2_and_4_s_and_then_by_an_alarm(
    tired: tuple[Theatre, Unwatched], record_figure: Callable[..., None], request: pytest.FixtureRequest
) -> None:
    away, _ = tired
    time.sleep(ALARM_SECONDS)  # nothing may be tried in this time
    starts = away.starts()
    gaps = [later - before for before, later in pairwise(starts[:4])]
    if figures.IS_DEEP:
        away.replace(_WELCOME)
        processes.until(lambda: away.heard("hello"), "the alarm has found the host", 60)
        gaps.append(away.starts()[4] - starts[3])
    is_reached = len(starts) == 4 and all(gap >= least for gap, least in zip(gaps, (1, 2, 4, 60), strict=False))
    measured = f"crash {request.node.callspec.params['tired']}: tried after {', '.join(f'{gap:.1f}' for gap in gaps)} s"
    record_figure("host away", measured, is_reached=is_reached)
    assert is_reached, measured


def test_without_a_debugger_an_open_popup_finds_the_host_in_seconds(tired: tuple[Theatre, Unwatched]) -> None:
    away, browser = tired
    away.replace(None)
    browser.open(f"chrome-extension://{EXTENSION_ID}/{POPUP}")
    processes.until(lambda: away.remembers(b'"missing"'), "the worker knows that the host is away")
    assert away.heard("refresh") == []
    away.replace(_WELCOME)
    processes.until(lambda: away.heard("refresh"), "the popup has found the host, and asks", POPUP_SECONDS)

"""A host that is not installed, ends at once or speaks another protocol: faces say which, what to run, and recover by themselves.

Faces are looked at under Playwright. The worker alone is watched from outside, because a debugger keeps it alive.
"""

from __future__ import annotations

import os
import struct
import time
import urllib.request
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import processes
from tests.browser.chromium import Unwatched, arguments
from tests.browser.stage import EXTENSION, EXTENSION_ID
from tests.faces import scenes
from tests.faces.axe import violations
from tests.faces.theatre import NOWHERE, OPTIONS, POPUP, Theatre, theatre
from tests.reliability import figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.browser

#: In a deep run long enough for the worker to be stopped and its timers to die: then only an alarm helps.
AWAY_SECONDS = 50 if figures.IS_DEEP else 0
#: How long nothing is tried after the fourth try; in a deep run until shortly before the alarm.
ALARM_SECONDS = 50 if figures.IS_DEEP else 2
#: Long enough for the worker's own quick tries (after 0, 1, 3 and 7 s) to be over: the next one is an alarm, a minute away.
TRIES_SECONDS = 9
#: What the host does -> what the face says, and the command that helps.
_AWAY: dict[str, tuple[dict[str, Any] | None, str, str]] = {
    "not installed": (None, "The aimo host is not installed.", "python3 install.py"),
    "crashed": ({"exit": 1}, "The aimo host stops right after it starts.", "aimo install"),
    "too old": ({"welcome": {"type": "welcome", "protocol": 0}}, "do not fit together", "python3 install.py"),
}


@pytest.fixture(scope="module")
def away(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    with theatre(str(tmp_path_factory.mktemp("l")), chromium, is_installed=False) as ours:
        yield ours


@pytest.mark.parametrize(("scene", "sentence", "command"), _AWAY.values(), ids=_AWAY)
def test_a_face_says_what_is_wrong_with_the_host_what_to_run_and_recovers(
    away: Theatre, scene: dict[str, Any] | None, sentence: str, command: str
) -> None:
    away.replace(scene)
    options, popup = away.open(OPTIONS, 760, 900), away.open(POPUP)
    for page, notice in ((options, "#notice"), (popup, "#host")):
        page.locator(notice, has_text=sentence).wait_for()
        page.locator(notice).get_by_role("button", name=f"Copy: {command}").wait_for()
        assert violations(page) == []
    away.replace({"welcome": scenes.welcome(scenes.full(time.time()))})
    popup.locator("#gauges > section").first.wait_for()
    options.get_by_text("Connected, version").wait_for()
    assert popup.locator("#host").is_hidden()
    options.close()
    popup.close()


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


@pytest.mark.parametrize("crash", _CRASHES)
def test_without_a_debugger_a_crashing_host_is_started_after_1_2_and_4_s_and_then_by_an_alarm(
    chromium: str, tmp_path: Path, crash: str, record_figure: Callable[..., None]
) -> None:
    away = Theatre(str(tmp_path))
    away.replace(_CRASHES[crash])
    with Unwatched(chromium, away.profile, away.environ, arguments(EXTENSION, NOWHERE), "about:blank"):
        processes.until(lambda: len(away.starts()) >= 4, "the host was tried four times", 30)
        time.sleep(ALARM_SECONDS)  # an alarm is a minute away: nothing may be tried before
        starts = away.starts()
        gaps = [later - before for before, later in pairwise(starts[:4])]
        away.replace(_WELCOME)
        if figures.IS_DEEP:
            processes.until(lambda: away.heard("hello"), "the alarm has found the host", 60)
            gaps.append(away.starts()[4] - starts[3])
    is_reached = len(starts) == 4 and all(gap >= least for gap, least in zip(gaps, (1, 2, 4, 60), strict=False))
    measured = f"crash {crash}: tried after {', '.join(f'{gap:.1f}' for gap in gaps)} s"
    record_figure("host away", measured, is_reached=is_reached)
    assert is_reached, measured


def test_without_a_debugger_an_open_popup_finds_the_host_in_seconds(chromium: str, tmp_path: Path) -> None:
    away = Theatre(str(tmp_path))
    away.replace(None)
    options = [*arguments(EXTENSION, NOWHERE), "--remote-debugging-port=0"]
    with Unwatched(chromium, away.profile, away.environ, options, "about:blank"):
        processes.until(lambda: away.remembers(b'"missing"'), "the worker knows that the host is away")
        _open_undebugged(away.profile, f"chrome-extension://{EXTENSION_ID}/{POPUP}")
        time.sleep(TRIES_SECONDS)
        assert away.heard("hello") == []
        away.replace({"welcome": scenes.welcome(scenes.full(time.time()))})
        processes.until(lambda: away.heard("refresh"), "the popup has found the host, and asks", TRIES_SECONDS)


def _open_undebugged(profile: str, page: str) -> None:
    """Opens a tab by one HTTP request to the browser. Nothing attaches to it, so nothing keeps the worker alive."""
    with open(os.path.join(profile, "DevToolsActivePort"), encoding="ascii") as file:
        port = int(file.readline())
    opening = urllib.request.Request(f"http://127.0.0.1:{port}/json/new?{page}", method="PUT")
    with urllib.request.urlopen(opening, timeout=10) as answer:
        assert answer.status == 200

"""What every test stands on: a made-up home, no way out to the network, and one rule for what may be skipped.

A test never sees the real home folder, the real settings of this machine or any address but loopback. An attempt to
connect elsewhere fails at once and fails the test, also when a thread or a broad `except` swallowed it.
"""

from __future__ import annotations

import functools
import gc
import os
import re
import shutil
import signal
import sys
import tempfile
from typing import Any

import hypothesis
import pytest

from aimo_host.routes import network
from tests.reliability import figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Handed on, since the workers of a parallel run start with the made-up one.
REAL_HOME = os.environ.setdefault("AIMO_TESTS_REAL_HOME", os.path.expanduser("~"))

#: Settings of the person who runs the tests that must not reach a test, nor a child process of one.
_PERSONAL = (
    "AIMO_HOME",
    "AIMO_PORT",
    "AIMO_TOKEN",
    "AIMO_BITWARDEN_ITEM",
    "ZAI_API_KEY",
    "Z_AI_API_KEY",
    "ZAI_REGION",
    "OLLAMA_API_KEY",
    "OLLAMA_HOST",
    "CODEX_HOME",
    "CLAUDE_CONFIG_DIR",
    "BW_SESSION",
    "BITWARDENCLI_APPDATA_DIR",
    *network.VARIABLES,
    "CHROME_CONFIG_HOME",
    "CHROME_USER_DATA_DIR",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
)

_strayed: list[str] = []


def _home_in(folder: str) -> dict[str, str]:
    """The environment of a person who lives in `folder`."""
    places = {
        "HOME": "home",
        "USERPROFILE": "home",
        "APPDATA": "home/AppData/Roaming",
        "LOCALAPPDATA": "home/AppData/Local",
        "XDG_CACHE_HOME": "home/.cache",
        "XDG_CONFIG_HOME": "home/.config",
        "XDG_DATA_HOME": "home/.local/share",
        "XDG_STATE_HOME": "home/.local/state",
        "XDG_RUNTIME_DIR": "run",
        "AIMO_HOME": "aimo",
    }
    for place in ("home", "run"):
        os.makedirs(os.path.join(folder, place), mode=0o700, exist_ok=True)
    return {name: os.path.join(folder, *place.split("/")) for name, place in places.items()}


def _is_loopback(host: object) -> bool:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return text is None or (isinstance(text, str) and (text in {"", "localhost", "::1"} or text.startswith("127.")))


def _is_numeric(host: object) -> bool:
    return isinstance(host, str) and (":" in host or host.replace(".", "").isdigit())


def _keep_inside(event: str, args: tuple[Any, ...]) -> None:
    """An audit hook, since nothing under test can replace or avoid it: only loopback and local sockets may be reached."""
    if event in {"socket.connect", "socket.sendto"}:
        address = args[1]
        outside = isinstance(address, tuple) and not _is_loopback(address[0])
    elif event == "socket.getaddrinfo":
        address = args[0]
        outside = not _is_loopback(address) and not _is_numeric(address)
    else:
        return
    if outside:
        _strayed.append(f"{event} {address!r}")
        raise PermissionError(f"a test must not leave this machine: {event} {address!r}")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs Chromium; skipped, with that reason, where there is none")
    for name in _PERSONAL:
        os.environ.pop(name, None)
    folder = tempfile.mkdtemp(prefix="aimo-tests-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ.update(_home_in(folder))
    sys.addaudithook(_keep_inside)
    # A run in the background or under nohup; the programs that tests stop would ignore it too.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


# Time says nothing about a property on a machine shared with a browser; in CI the same examples every time.
hypothesis.settings.register_profile(
    "aimo",
    max_examples=figures.examples(),
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("aimo")


def find_chromium() -> str | None:
    """The system's Chromium, or None."""
    return shutil.which("chromium")


#: What takes longest comes first, so that no worker is still at it when the others are done.
_FIRST = (
    "reliability",
    "setup/test_wheel",
    "setup/test_clone",
    "browser",
    "faces",
    "security",
    "host",
    "shim",
    "test_",
    "collect",
    "routes",
    "setup",
    "state",
)


def _turn(item: pytest.Item) -> int:
    place = item.nodeid.partition("/")[2]
    return next((turn for turn, start in enumerate(_FIRST) if place.startswith(start)), len(_FIRST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)
    if find_chromium() is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed (Debian: apt install chromium)"))


def pytest_collection_finish() -> None:
    """Thousands of tests that live as long as the process are not looked through for garbage again and again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _skipped_in_vain(config: pytest.Config) -> bool:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return os.environ.get("AIMO_TESTS_NO_SKIP") == "1" and reporter is not None and bool(reporter.stats.get("skipped"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under `AIMO_TESTS_NO_SKIP=1` a skipped test is a failed run; pytest's own summary names it."""
    if _skipped_in_vain(session.config) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _skipped_in_vain(terminalreporter.config):
        terminalreporter.write_line("Failed: nothing may be skipped here.", red=True)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of its own for each test, empty; `AIMO_HOME` lies beside it and does not exist yet."""
    # Short names: a Unix socket below AIMO_HOME has 108 bytes for its whole path.
    folder = tmp_path_factory.mktemp("t")
    for name, value in _home_in(str(folder)).items():
        monkeypatch.setenv(name, value)
    _strayed.clear()
    yield folder / "home"
    assert not _strayed, "this test tried to leave the machine"


@pytest.fixture
def aimo_home(home: Path) -> Path:
    """The folder that `AIMO_HOME` names in this test; not created."""
    return home.parent / "aimo"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium, for tests marked `browser`."""
    found = find_chromium()
    assert found, "mark the test `browser`"
    return found


@pytest.fixture
def record_figure(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`record_figure(name, measured, is_reached=…)` for the table of `python3 tests --deep`."""
    return functools.partial(figures.record, where=_file_of(request.node))


def _file_of(item: Any) -> str:
    return str(item.nodeid).partition("::")[0]


_TRIED = re.compile(r"(\d+) passing")


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """How many examples hypothesis has tried of a property is a figure too. Of a small question it tries all there are."""
    statistics = getattr(item, "hypothesis_statistics", None)
    if statistics is not None:
        tried = sum(map(int, _TRIED.findall(statistics)))
        wanted = getattr(item, "obj")._hypothesis_internal_use_settings.max_examples  # noqa: B009 - not of every item
        are_all = "nothing left to do" in statistics
        words = f"{tried:_}".replace("_", " ") + (" (all that there are)" if are_all else "")
        figures.record("hypothesis", words, is_reached=are_all or tried >= wanted, where=_file_of(item))

"""What runs at every prompt, at the start of every browser, or all day, loads what it needs and nothing else.

Start-up is made of imports. Each path runs for real and says at its end what was loaded: of our own rooms an exact list, and of
everything else nothing heavy.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from aimo_host.demo import sample_cache
from aimo_host.state import accounts, jsonfile, paths
from tests.host.peer import ORIGIN, PROFILE, REPOSITORY, environment, frame

if TYPE_CHECKING:
    from collections.abc import Callable

HEAVY = {
    *("argparse", "asyncio", "certifi", "concurrent", "dataclasses", "datetime", "dotenv", "email", "http", "httpx"),
    *("importlib.metadata", "inspect", "ipaddress", "logging", "pathlib", "platformdirs", "random", "rich", "selectolax"),
    *("shutil", "ssl", "subprocess", "tempfile", "typing", "unicodedata", "urllib"),
}
#: What reading the cache takes.
_READING = {
    *("", ".cli", ".gauge", ".state"),
    *(f".gauge.{name}" for name in ("catalog", "pace", "problems", "snapshot", "sound", "times")),
    *(f".state.{name}" for name in ("atomic", "cache", "jsonfile", "paths", "pinned", "settings")),
}
_ANSWERING = {".gauge.answer", ".gauge.pick"}
_WAITING = {".state.bell", ".state.lock", ".state.presence", ".state.requests"}
#: Says on stderr what is loaded, at the end, however it comes.
_TELL = "import os, sys; tell = lambda: os.write(2, ('\\n' + ' '.join(sorted(sys.modules))).encode())"


def run(program: str, stdin: bytes = b"") -> tuple[bytes, set[str]]:
    """Runs `program` in an interpreter of its own; what it printed, and what was loaded beyond what every interpreter loads."""
    told = subprocess.run(
        [sys.executable, "-c", f"{_TELL}\n{program}\ntell()"],
        env=environment(),
        cwd=REPOSITORY,
        input=stdin,
        capture_output=True,
        timeout=60,
        check=True,
    )
    return told.stdout, set(told.stderr.decode().split())


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """What the interpreter itself loads to start in a virtual environment is not ours."""
    return run("")[1]


def cached() -> set[str]:
    printed, loaded = run("from aimo_host import cli; cli.main(['--cached', '--json'])")
    assert len(json.loads(printed)) == 4
    return loaded


def line() -> set[str]:
    session = {"model": {"display_name": "Opus 5"}}
    printed, loaded = run("from aimo_host import cli; cli.main(['line'])", json.dumps(session).encode())
    assert printed.startswith(b"Opus 5")
    return loaded


def welcome() -> set[str]:
    """The host ends at once when its input does, so it cannot say what is loaded: the log of imports does."""
    command = [sys.executable, "-X", "importtime", "-m", "aimo_host.host", ORIGIN]
    hello = frame({"type": "hello", "protocol": 1, "extension": "0.1.0", "profile": PROFILE})
    done = subprocess.run(command, env=environment(), cwd=REPOSITORY, input=hello, capture_output=True, timeout=60, check=True)
    (length,) = struct.unpack("=I", done.stdout[:4])
    assert json.loads(done.stdout[4 : 4 + length])["type"] == "welcome"
    said = (row.rpartition("|")[2].strip() for row in done.stderr.decode().splitlines() if row.startswith("import time:"))
    return {*said} - {"runpy"}


def shim() -> set[str]:
    """Up and idle, with nobody served yet."""
    program = """
import select, signal
from aimo_host import cli
waits = select.select
def look(*arguments):
    if arguments[0] and len(arguments) == 3:
        tell()
        os._exit(0)
    return waits(*arguments)
from aimo_host.shim import serve
class Patched:
    select = staticmethod(look)
serve.select = Patched
cli.main(["serve", "--port", "0"])
"""
    printed, loaded = run(program)
    assert printed.startswith(b"listening on ")
    return loaded


def ours(loaded: set[str]) -> set[str]:
    return {name.removeprefix("aimo_host") for name in loaded if name.partition(".")[0] == "aimo_host"}


PATHS: dict[str, tuple[Callable[[], set[str]], set[str], set[str]]] = {
    # path -> how it runs, our rooms that it may load, what heavy parts it cannot do without
    "cached": (cached, _READING, set()),
    "line": (
        line,
        _READING | _ANSWERING | {".line", ".state.sessions", ".dialects", ".dialects.phrases", ".dialects.statusline"},
        set(),
    ),
    "welcome": (
        welcome,
        (_READING - {".cli"})
        | _ANSWERING
        | _WAITING
        | {".host", ".routes", ".state.attempts", ".state.drift", ".state.identity", ".state.ledger"}
        | {f".host.{name}" for name in ("dashboard", "extension", "frames", "refresher", "replaced", "session")}
        | {".state.installation", ".state.log", ".state.secrets"},
        set(),
    ),
    "shim": (
        shim,
        _READING
        | _ANSWERING
        | _WAITING
        | {".gauge.choice", ".shim", ".state.ledger"}
        | {f".shim.{name}" for name in ("api", "contract", "events", "foreign", "guard", "handler", "known", "query", "serve")}
        | {".shim.static", ".shim.successor", ".state.installation", ".stop"},
        # `http.server` brings nearly all of it, even TLS, by way of the client beside it.
        {"argparse", "datetime", "email", "http", "ipaddress", "random", "shutil", "ssl", "subprocess", "urllib"},
    ),
}


@pytest.fixture(scope="module")
def loaded_by() -> Callable[[str], set[str]]:
    """Each path is run once."""
    found: dict[str, set[str]] = {}

    def of(name: str) -> set[str]:
        if name not in found:
            home = paths.find(os.environ)
            accounts.opaque(home, "claude", "")
            jsonfile.save(home.cache, sample_cache(time.time()))
            found[name] = PATHS[name][0]()
        return found[name]

    return of


@pytest.mark.parametrize("name", PATHS)
def test_of_our_own_rooms_it_loads_those_on_the_list(name: str, loaded_by: Callable[[str], set[str]]) -> None:
    assert ours(loaded_by(name)) == PATHS[name][1]


@pytest.mark.parametrize("name", PATHS)
def test_it_loads_nothing_heavy(name: str, loaded_by: Callable[[str], set[str]], bare: set[str]) -> None:
    assert (loaded_by(name) & HEAVY) - bare - PATHS[name][2] == set()


@pytest.mark.parametrize("name", ["cached", "line"])
def test_who_only_reads_loads_neither_sockets_nor_threads(name: str, loaded_by: Callable[[str], set[str]]) -> None:
    assert loaded_by(name) & {"socket", "selectors", "threading", "fcntl", "aimo_host.state.bell"} == set()


def test_who_asks_a_provider_does_not_load_the_command_line_of_the_library() -> None:
    program = """
import time
from aimo_host import routes
from aimo_host.state import paths
routes.read("zai_api_key", routes.Context(paths.find(os.environ), {"ZAI_API_KEY": "k.k"}, time.time))
"""
    loaded = run(program)[1]
    assert "httpx" in loaded
    assert not loaded & {"click", "rich", "pygments"}

"""`aimo wait` and `aimo watch` below which another aimo is installed go on as that one: their own may lose its files next."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aimo_host import choose
from aimo_host.state import bell
from tests.browser.processes import until
from tests.host.peer import REPOSITORY, environment
from tests.installed import install, started
from tests.kept import keep, places, week

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0
WAIT = ("wait", "claude", "--need", "20", "--timeout", "1h")


@pytest.fixture
def child(request: pytest.FixtureRequest, aimo_home: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, from a package of its own that can be taken away, once it has looked and sleeps."""
    keep("claude", week(100))
    install("older", aimo_home)
    package = aimo_home / "older"
    shutil.copytree(Path(REPOSITORY, "aimo_host"), package / "aimo_host", ignore=shutil.ignore_patterns("__pycache__"))
    arguments: tuple[str, ...] = request.param
    pipe = subprocess.PIPE
    command = [sys.executable, "-B", "-m", "aimo_host", *arguments]
    with subprocess.Popen(command, cwd=package, env=environment(), stdout=pipe, stderr=pipe, text=True) as running:
        try:
            first = running.stderr if arguments[0] == "wait" else running.stdout
            assert first is not None
            assert first.readline()
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("child", [WAIT], indirect=True)
def test_a_waiter_goes_on_with_the_time_that_is_left(child: subprocess.Popen[str], aimo_home: Path) -> None:
    install("newer", aimo_home)
    shutil.rmtree(aimo_home / "older")
    bell.ring(places().bells_dir)
    until(lambda: started(aimo_home), "the newer one")
    *first, timeout = started(aimo_home)[0].split()
    assert first == ["newer", *WAIT, "--timeout"]
    assert 3500 < int(timeout) <= 3600
    until(lambda: len(list(Path(places().bells_dir).iterdir())) == 1, "its bell, and no other")
    keep("claude", week(10))
    assert child.communicate(timeout=PATIENCE)[0] == ""
    assert child.returncode == 0


@pytest.mark.parametrize("child", [("watch",)], indirect=True)
def test_a_watcher_goes_on_and_says_what_it_sees(child: subprocess.Popen[str], aimo_home: Path) -> None:
    install("newer", aimo_home)
    shutil.rmtree(aimo_home / "older")
    bell.ring(places().bells_dir)
    assert child.stdout is not None
    assert child.stdout.readline().startswith('{"schema"')
    assert started(aimo_home) == ["newer watch"]


@pytest.mark.parametrize(
    ("child", "code", "said"),
    [(WAIT, 4, "aimo: this aimo was taken away while it waited\n"), (("watch",), 0, "")],
    ids=["wait", "watch"],
    indirect=["child"],
)
def test_where_aimo_is_taken_away_it_ends_with_a_sentence(
    child: subprocess.Popen[str], code: int, said: str, aimo_home: Path
) -> None:
    for folder in ("data", "older"):
        shutil.rmtree(aimo_home / folder)
    bell.ring(places().bells_dir)
    _, errors = child.communicate(timeout=PATIENCE)
    assert (child.returncode, errors.endswith(said), "Traceback" in errors) == (code, True, False)


@pytest.mark.parametrize("arguments", [("claude",), ("--timeout", "6h", "--", "claude")])
def test_the_last_time_out_counts_and_stands_among_the_options(arguments: tuple[str, ...]) -> None:
    given = choose._within(1.2, list(arguments))
    assert given.index("2") < (given.index("--") if "--" in given else len(given))
    assert given[given.index("2") - 1] == "--timeout"

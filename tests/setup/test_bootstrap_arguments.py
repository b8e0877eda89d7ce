"""What install.py is told: read by the checkout's own code, without any package, before anything is built."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import install
from tests.setup.machines import tree

if TYPE_CHECKING:
    from pathlib import Path


def run_it(*arguments: str) -> subprocess.CompletedProcess[str]:
    """As a person does, with no package of ours in reach of the Python."""
    return subprocess.run([sys.executable, "-I", "-S", install.__file__, *arguments], capture_output=True, text=True, check=False)


def test_asked_for_help_it_builds_nothing(home: Path) -> None:
    done = run_it("--help")
    assert (done.returncode, done.stderr, tree(home)) == (0, "", {})
    assert all(option in done.stdout for option in ("--browser", "--user-data-dir", "--dry-run"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dryrun"], "unrecognized arguments: --dryrun"),
        (["--browser", "nosuch"], "Unknown browser: nosuch. Known here: "),
        (["--browser", "nosuch", "--dry-run"], "Unknown browser: nosuch. Known here: "),
        (["--browser"], "expected one argument"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_built(home: Path, arguments: list[str], words: str) -> None:
    done = run_it(*arguments)
    assert (done.returncode, done.stdout, tree(home)) == (2, "", {})
    assert words in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [([], "no browser, since none"), (["--browser", "chrome", "--browser", "brave"], "Google Chrome, Brave.")],
)
def test_a_dry_run_names_the_browsers(home: Path, arguments: list[str], names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    done = run_it("--dry-run", *arguments)
    assert (done.returncode, tree(home)) == (0, {})
    assert f"and register it with: {names}" in done.stdout

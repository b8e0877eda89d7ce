"""Real processes for what happens between processes: started from a few lines of code, with our paths and clock at hand."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PRELUDE = """
import os, sys, time
from aimo_host.state import accounts, atomic, attempts, bell, cache, jsonfile, lock, presence, requests, settings
from aimo_host.state.paths import find
paths = find(os.environ)
def say(*words):
    print(*words, flush=True)
"""
_PATIENCE = 30.0
T = TypeVar("T")


def run(code: str, *arguments: str) -> list[str]:
    """The lines that a child wrote before it ended well."""
    with started(code, *arguments) as child:
        out, _ = child.communicate(timeout=_PATIENCE)
        assert child.returncode == 0
        return out.splitlines()


@contextmanager
def started(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A child that runs `code`; killed at the end if it has not ended by itself. `said(child)` is its next line."""
    command = [sys.executable, "-c", PRELUDE + code, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def said(child: subprocess.Popen[str]) -> str:
    """The child's next line; empty if it ended instead."""
    assert child.stdout is not None
    return child.stdout.readline().strip()


def in_time(work: Callable[[], T]) -> T:
    """What `work` returns or raises, if it does so at all: work that hangs is a failed test and not a hanging one."""
    came: list[T] = []
    raised: list[BaseException] = []

    def do() -> None:
        try:
            came.append(work())
        except BaseException as error:  # noqa: BLE001 - handed to the waiting test, whatever it is
            raised.append(error)

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    assert not thread.is_alive(), "it hangs"
    if raised:
        raise raised[0]
    return came[0]

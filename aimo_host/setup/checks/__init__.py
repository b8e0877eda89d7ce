"""What `aimo doctor` looks at: each check is a function from a case to findings. They look; none of them mends anything.

A finding may be pasted into a public issue: no secret, e-mail, account, or hash of one, and no text that came from outside. What
stands in a file is compared, counted or looked up in a table of ours, never repeated.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from aimo_host.setup.system import System

    Check: TypeAlias = Callable[["Case"], list["Finding"]]

OK, NOTE, PROBLEM = "ok", "note", "problem"
#: Of many paths as many are named.
MOST_NAMED = 3


@dataclass(frozen=True)
class Case:
    """The machine, and the moment (epoch seconds) at which it is looked at."""

    system: System
    now: float


@dataclass(frozen=True)
class Finding:
    """One sentence; for a problem also the remedy in one line. `detail` is to be pasted as it stands.

    `codes` names for programs what the sentence says in words: a provider, a route, a problem's code.
    """

    level: str
    text: str
    remedy: str | None = None
    detail: str | None = None
    codes: dict[str, str | None] | None = None


def ok(text: str) -> Finding:
    """Something is as it should be."""
    return Finding(OK, text)


def note(text: str, remedy: str | None = None) -> Finding:
    """Something to know, which may well be wanted."""
    return Finding(NOTE, text, remedy)


def problem(text: str, remedy: str) -> Finding:
    """Something needs attention."""
    return Finding(PROBLEM, text, remedy)


def local(at: float) -> str:
    """A moment as `aimo log` prints it, so that the two can be compared."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def listed(paths: list[str]) -> str:
    """The first of many, and how many more."""
    named, more = paths[:MOST_NAMED], len(paths) - MOST_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def tilde(case: Case, text: str) -> str:
    """`text` with the home folder as `~` wherever a path begins with it: its name is often a person's."""
    homes = "|".join(map(re.escape, _homes(case)))
    return re.sub(rf"""(?<![^\s"'`=(,:])(?:{homes})(?=[/\\\s,;:)"'`]|\.?$|\.\s)""", "~", text) if homes else text


def quoted(case: Case, path: str) -> str:
    """`path` as a word of a shell command, which takes `~` for the home folder only outside of quotes."""
    for home in _homes(case):
        if path == home:
            return "~"
        if path.startswith(os.path.join(home, "")):
            return f"~/{shlex.quote(path.removeprefix(os.path.join(home, '')))}"
    return shlex.quote(path)


def _homes(case: Case) -> list[str]:
    """The home folder as it is called and as it really is, the longer one first; none if that is the root."""
    home = os.path.normpath(case.system.home)
    return sorted({one for one in (home, os.path.realpath(home)) if os.path.dirname(one) != one}, key=len, reverse=True)

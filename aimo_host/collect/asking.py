"""Asking as the command line does: leave a request, and see to it that it is carried out: by whoever conducts already, else here.

Never asks for more than it is told to, never waits for what others asked for, and never takes longer than it is given.
"""

from __future__ import annotations

import time
from contextlib import contextmanager

from aimo_host.collect.conductor import Conductor, everybody
from aimo_host.routes import Context
from aimo_host.state import requests
from aimo_host.state.bell import Bell, Listener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from aimo_host.state.paths import Paths

#: A refresh is over by then, or never.
LONGEST_SECONDS = 30.0


def ask(
    paths: Paths,
    environ: Mapping[str, str],
    providers: Collection[str],
    *,
    trigger: str,
    named: bool,
    seconds: float = LONGEST_SECONDS,
) -> None:
    """Get fresh readings of `providers`, for at most `seconds`. `trigger` is who asks, as the log of requests shows it.

    Raises:
        OSError: the request cannot be written.
    """
    with _conductor(paths, environ) as conductor:
        # The locks come before the request: this process has the shell's environment, with keys that a browser's host may lack.
        conductor.take(providers)
        moments = requests.ask(paths, providers, trigger=trigger, named=named, now=time.time())
        conductor.wait_until(lambda found: all(found.is_settled(*one) for one in moments.items()), seconds, moments.__contains__)


def carry_out_what_is_open(paths: Paths, environ: Mapping[str, str]) -> None:
    """Ask for nothing; see what others have asked for to its end."""
    with _conductor(paths, environ) as conductor:
        conductor.wait_until(lambda found: not found.unsettled(time.time()), LONGEST_SECONDS, everybody)


@contextmanager
def _conductor(paths: Paths, environ: Mapping[str, str]) -> Iterator[Conductor]:
    listener = Listener(Bell(paths.bells_dir, (paths.cache, paths.refresh, paths.attempts)))
    conductor = Conductor(Context(paths, environ, time.time), listener)
    try:
        yield conductor
    finally:
        conductor.let_go()
        listener.close()

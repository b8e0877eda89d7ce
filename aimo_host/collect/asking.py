"""Asking as the command line does: leave a request, and see to it that it is carried out: by whoever conducts already, else here.

Never asks for more than it is told to, and never takes longer.
"""

from __future__ import annotations

import time

from aimo_host.collect import conductor
from aimo_host.routes import Context
from aimo_host.state import requests
from aimo_host.state.bell import Bell, Listener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aimo_host.state.paths import Paths

#: A refresh is over by then, or never.
LONGEST_SECONDS = 30.0
#: While somebody else conducts, this often it is checked that it still does.
_CHECK_EVERY = 0.5


def ask(
    paths: Paths, environ: Mapping[str, str], providers: Iterable[str], *, named: bool, seconds: float = LONGEST_SECONDS
) -> None:
    """Get fresh readings of `providers`; without any, carry out what others have asked for.

    Raises:
        OSError: the request cannot be written.
    """
    context = Context(paths, environ, time.time)
    listener = Listener(Bell(paths.bells_dir, (paths.cache, paths.refresh, paths.attempts)))
    until = time.monotonic() + seconds
    # The lock comes before the request: this process has the shell's environment, and with it keys that a browser's host lacks.
    lock = conductor.lock(context)
    try:
        conducts = lock.acquire()
        moments = requests.ask(paths, providers, trigger="cli", named=named, now=time.time()) if providers else _open(paths)

        def is_settled() -> bool:
            found = requests.read(paths, time.time())
            return all(found.is_settled(provider, at) for provider, at in moments.items())

        while not conducts and (left := until - time.monotonic()) > 0:
            # Somebody else conducts. If it dies, its lock drops and this process takes over.
            if listener.wait_until(is_settled, min(left, _CHECK_EVERY)):
                return
            conducts = lock.acquire()
        if conducts:
            conductor.conduct(context, listener, max(0.0, until - time.monotonic()))
    finally:
        lock.release()
        listener.close()


def _open(paths: Paths) -> dict[str, float]:
    now = time.time()
    return {provider: wanted.at for provider, wanted in requests.read(paths, now).unsettled(now).items()}

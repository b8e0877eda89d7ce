"""Ways to reach a provider: `browser.py`, and one file per server-side way. The only room that may use httpx.

A server-side route is a module with

    NAME                 its name in feeds and in the ledger
    read(context)        -> Usage | Problem, or None where there is nothing to try (no file, no key)

Read-only always: no token is refreshed, nothing is spent, nothing is written into another program's files.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from aimo_host.gauge.model import Usage
    from aimo_host.gauge.problems import Problem
    from aimo_host.state.paths import Paths

    Outcome: TypeAlias = Usage | Problem | None

#: The server-side routes of each provider, in the order in which they are tried. Modules of this package, imported when used.
SERVER_SIDE: dict[str, tuple[str, ...]] = {
    "codex": ("codex_auth_json",),
    "zai": ("zai_api_key",),
    "ollama": ("ollama_api_key",),
}


class Context:
    """What a route may use: the environment, our paths, and a clock (epoch seconds)."""

    def __init__(self, paths: Paths, environ: Mapping[str, str], clock: Callable[[], float]) -> None:
        self.paths = paths
        self.environ = environ
        self.clock = clock


def read(name: str, context: Context) -> Outcome:
    """Try the server-side route `name`."""
    import importlib

    module = importlib.import_module(f"{__name__}.{name}")
    outcome: Outcome = module.read(context)
    return outcome

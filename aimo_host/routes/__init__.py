"""Ways to reach a provider: `browser.py`, and one file per server-side way. The only room that may use httpx.

A server-side route is a module with

    read(context)        -> Usage | Problem, or None where there is nothing to try (no file, no key)

and a row in the tables below; its name there is its name in feeds and in the ledger. Read-only always: no token is refreshed,
nothing is spent, nothing is written into another program's files.
"""

from __future__ import annotations

from aimo_host.state import drift, ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from aimo_host.gauge.model import Answer, Usage
    from aimo_host.gauge.problems import Problem
    from aimo_host.state.paths import Paths

    Outcome: TypeAlias = Usage | Problem | None

#: Files of other programs that hold a reading: no request, so they count whenever they are newer than what is known.
FREE: dict[str, tuple[str, ...]] = {
    "claude": ("claude_code_cache",),
    "codex": ("codex_session_logs",),
}
#: The server-side routes of each provider, in the order in which they are tried. Modules of this package, imported when used.
SERVER_SIDE: dict[str, tuple[str, ...]] = {
    "claude": ("claude_oauth",),
    "codex": ("codex_auth_json", "codex_app_server"),
    "zai": ("zai_api_key", "zai_bitwarden"),
    "ollama": ("ollama_api_key", "ollama_local"),
}
#: Seconds between two requests of a route, where ten are too few: the endpoint's own budget is about 28 an hour.
LEAST_APART: dict[str, float] = {"claude_oauth": 300.0}
#: Seconds that a route rests once it found no credential, unless its provider is asked for by name: a try is a slow program.
REST_AFTER_FAILURE: dict[str, float] = {"zai_bitwarden": 86400.0}


class Context:
    """What a route may use: the environment, our paths, and a clock (epoch seconds). Also on whose behalf it asks."""

    def __init__(
        self, paths: Paths, environ: Mapping[str, str], clock: Callable[[], float], *, route: str = "", trigger: str = ""
    ) -> None:
        self.paths = paths
        self.environ = environ
        self.clock = clock
        self._route = route
        self._trigger = trigger
        self._answers: dict[str, Answer] = {}
        #: Whether a request was begun, whatever came of it.
        self.has_asked = False

    def asking(self, route: str, trigger: str) -> Context:
        """The same, for one route on behalf of whoever pulled the trigger."""
        return Context(self.paths, self.environ, self.clock, route=route, trigger=trigger)

    def begins_to_ask(self) -> float:
        """The moment at which a request begins."""
        self.has_asked = True
        return self.clock()

    def asked(self, provider: str, source: str, answer: Answer | str, *, began: float) -> None:
        """Write a request that was made into the ledger, with the answer or a word for what came; `began` is the clock before."""
        status: int | str = answer if isinstance(answer, str) else answer.failed or answer.status
        request = {"provider": provider, "route": self._route, "source": source, "trigger": self._trigger, "status": status}
        ledger.write(self.paths, request, at=began, milliseconds=(self.clock() - began) * 1000)
        if not isinstance(answer, str):
            self._answers[source] = answer

    def report_drift(self, outcome: Outcome) -> None:
        """If a parser did not understand what this context was answered, keep the shape of it for a bug report."""
        code = getattr(outcome, "code", None)
        is_unknown = code == "unexpected_answer" and "variant" not in getattr(outcome, "params", {})
        if not is_unknown and not any(w.binding and w.state == "unknown" for w in getattr(outcome, "windows", ())):
            return
        for source, answer in self._answers.items():
            if 200 <= answer.status <= 299:  # noqa: PLR2004 - HTTP's "here it is"
                drift.write(self.paths, source, answer, self.clock())


def read(name: str, context: Context) -> Outcome:
    """Try the server-side route `name`."""
    import importlib
    import sys

    # httpx imports its own command line as well, where click happens to be installed: as long again as all the rest of it.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # means: not to be had
    module = importlib.import_module(f"{__name__}.{name}")
    outcome: Outcome = module.read(context)
    return outcome

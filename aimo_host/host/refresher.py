"""Serves open requests for this browser: asks it, and conducts where nobody else does. Threads only while something is open."""

from __future__ import annotations

import threading

from aimo_host.host.replaced import Share
from aimo_host.state import attempts, log, requests, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aimo_host.collect.conductor import Conductor
    from aimo_host.host.extension import Extension
    from aimo_host.host.replaced import Work
    from aimo_host.routes import Context, Outcome
    from aimo_host.state.bell import Listener
    from aimo_host.state.requests import Wanted

#: What is still open then is looked at again.
_CONDUCTOR_SECONDS = 30.0


class Refresher:
    """Looks at the requests whenever somebody rings."""

    def __init__(self, context: Context, extension: Extension, listener: Listener, profile: str, work: Work) -> None:
        self._context = context
        self._extension = extension
        self._listener = listener
        self._profile = profile
        self._work = work
        self._memories: dict[str, dict[str, str]] = {}
        self._looking = threading.Lock()
        self._begun: dict[str, float] = {}
        self._conductor: Conductor | None = None
        self._conducting = False

    def look(self) -> None:
        """Begin what open requests ask of this process and has not begun yet. One that is ending leaves them to its successor."""
        if self._work.is_ending():
            return
        paths, now = self._context.paths, self._context.clock()
        with self._looking:
            found = requests.read(paths, now)
            standing = found.standing(now)
            if not standing:
                return
            done = attempts.read(paths, now)
            for provider, wanted in standing.items():
                name = f"{provider}/browser/{self._profile}"
                handled = done[name].handled if name in done else 0.0
                # Once per request, also when what came of it could not be kept: every ring would ask again.
                if handled < wanted.at and self._begun.get(provider) != wanted.at:
                    self._begun[provider] = wanted.at
                    self._work.begin(self._ask, provider, wanted)
            if found.unsettled(now) and not self._conducting:
                self._conducting = True
                self._work.begin(self._conduct)

    def _ask(self, provider: str, wanted: Wanted) -> None:
        from aimo_host.collect.feed import Feed
        from aimo_host.routes import browser

        try:
            feed = Feed(self._context, provider, browser.NAME, self._profile)
            feed.attempt(wanted, lambda: self._converse(provider, wanted.trigger))
        except Exception as error:  # noqa: BLE001 - one row's fault must not take the others along
            log.write(self._context.paths, f"asking for {provider}: {type(error).__name__}")

    def _converse(self, provider: str, trigger: str) -> Outcome:
        from aimo_host.gauge.problems import Problem
        from aimo_host.routes import browser

        asking = self._context.asking(browser.NAME, trigger)

        pinned = settings.read(self._context.paths)["claude_organization"]
        memory = self._memories.setdefault(provider, {})
        try:
            conversation = browser.converse(provider, memory, self._context.clock(), pinned)
            outcome = browser.drive(conversation, browser.noting(asking, provider, self._extension.ask))
            asking.report_drift(outcome)
        except Exception as error:  # noqa: BLE001 - a parser's fault is a coded problem of its row
            log.write(self._context.paths, f"reading {provider}: {type(error).__name__}")
            return Problem(provider, "internal")
        return outcome

    def _conduct(self) -> None:
        from aimo_host.collect.conductor import Conductor

        clock = self._context.clock
        try:
            # One for as long as the host lives: it knows what it has begun, also what cannot be marked as done.
            self._conductor = self._conductor or Conductor(self._context, self._listener)
            share = Share(self._work)
            self._conductor.wait_until(lambda found: not share.of(found.unsettled(clock())), _CONDUCTOR_SECONDS, share.takes)
        except Exception as error:  # noqa: BLE001 - the next ring tries again
            log.write(self._context.paths, f"conducting: {type(error).__name__}")
            return
        finally:
            with self._looking:
                self._conducting = False
        # Somebody may have asked between the last look of the conductor and now.
        if requests.read(self._context.paths, clock()).unsettled(clock()):
            self.look()

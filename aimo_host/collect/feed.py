"""One attempt of one feed, that is one (provider, route, profile): at most once for however many ask.

The feed's lock keeps attempts of several processes apart; who comes second within ten seconds takes what the first one wrote;
a wait that the provider demanded binds everybody. What comes out is merged into the cache before anybody is told.
"""

from __future__ import annotations

import os

from aimo_host.gauge import merge, problems
from aimo_host.gauge.problems import Problem
from aimo_host.routes import LEAST_APART, REST_AFTER_FAILURE, browser
from aimo_host.state import accounts, attempts, cache, settings
from aimo_host.state.lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from aimo_host.gauge.model import Usage
    from aimo_host.routes import Context, Outcome
    from aimo_host.state.attempts import Attempt
    from aimo_host.state.requests import Wanted

#: The longest attempt (a browser's conversation of two steps) is over by then.
_LOCK_TIMEOUT = 35.0
#: An `auto` provider that answered like this and was never read is left in peace until the person asks for it.
_DORMANT_CODES = frozenset({"not_signed_in"})


#: What an attempt came to.
READ, FAILED, NOTHING_TO_TRY = "read", "failed", "nothing to try"


class Feed:
    """One way to learn about one provider."""

    def __init__(self, context: Context, provider: str, route: str, profile: str | None = None) -> None:
        self.context = context
        self.provider = provider
        self.route = route
        self.name = merge.feed(provider, route, profile)
        self._apart = LEAST_APART.get(route, attempts.SHARED_FOR)
        self._source: Literal["push", "server"] = "push" if profile is not None else "server"

    def attempt(self, wanted: Wanted, read: Callable[[], Outcome], *, costs: Callable[[], bool] = lambda: True) -> str:
        """Serve the request unless it has been served, may not be, or need not be. READ if a reading came of it, now or lately.

        `read` does the asking. Its None means that there was nothing to try, which is not worth remembering. `costs` says
        afterwards whether anything was spent: a problem that a look at a file shows need not rest before the next look.

        Raises:
            OSError, cache.NewerSchemaError: what was learned cannot be kept.
        """
        paths = self.context.paths
        with FileLock(os.path.join(paths.locks_dir, self.name.replace("/", "~"))).hold(_LOCK_TIMEOUT) as got:
            now = self.context.clock()
            before = attempts.of(paths, self.name, now)
            if not got or before.handled >= wanted.at:
                return self._lately(before, now)
            if self._is_off() or self._must_rest(before, wanted, now):
                self._note(wanted.at)
                self._say_again(before, wanted, now)
                return self._lately(before, now)
            outcome = read()
            if outcome is None:
                return NOTHING_TO_TRY
            try:
                problem = self._keep(outcome, since=wanted.at)
            except Exception:
                # The provider was asked all the same: who comes next, at the next ring even, must not ask again.
                self._note(wanted.at, asked=now, problem=Problem(self.provider, "internal"))
                raise
            self._note(wanted.at, asked=now if costs() else None, problem=problem)
            return READ if problem is None else FAILED

    def take(self, usage: Usage) -> None:
        """Merge a reading that cost no request, if it is news. It counts as made when it was observed.

        Raises:
            OSError, cache.NewerSchemaError: it cannot be kept.
        """
        last = cache.read(self.context.paths)["_feeds"].get(self.name)
        if last is None or last["at"] != usage.at:
            self._merge_usage(usage)

    def was_read_lately(self) -> bool:
        """Whether the newest attempt brought a reading that is as new as this route may make one."""
        now = self.context.clock()
        return self._lately(attempts.of(self.context.paths, self.name, now), now) == READ

    def _say_again(self, before: Attempt, wanted: Wanted, now: float) -> None:
        """A wait that is still on is why there is no reading; what another route has to say must not hide it."""
        if before.must_wait(now) and before.code in problems.CODES:
            self.fail(Problem(self.provider, before.code, retry_at=before.retry_at), since=wanted.at)

    def _is_off(self) -> bool:
        return self.provider not in settings.wanted(settings.read(self.context.paths))

    def _lately(self, before: Attempt, now: float) -> str:
        return READ if before.is_recent(now, self._apart) and before.code is None else FAILED

    def _must_rest(self, before: Attempt, wanted: Wanted, now: float) -> bool:
        if before.code in _DORMANT_CODES and before.woken > before.asked:
            return before.must_wait(now)
        in_vain = before.code == "no_credential" and not wanted.named
        rests = REST_AFTER_FAILURE.get(self.route, 0.0) if in_vain else 0.0
        too_soon = before.is_recent(now, max(self._apart, rests))
        return too_soon or before.must_wait(now) or self._is_dormant(before, wanted)

    def _is_dormant(self, before: Attempt, wanted: Wanted) -> bool:
        paths = self.context.paths
        return (
            before.code in _DORMANT_CODES
            and not wanted.named
            and settings.read(paths)["providers"][self.provider] == "auto"
            and self.name not in cache.read(paths)["_feeds"]
        )

    def _keep(self, outcome: Usage | Problem, *, since: float) -> Problem | None:
        """Merge what came of an attempt; the problem, if it was one."""
        if isinstance(outcome, Problem):
            self.fail(outcome, since=since)
            return outcome
        self._merge_usage(outcome)
        return None

    def _merge_usage(self, usage: Usage) -> None:
        from aimo_host.gauge import entry

        paths, now = self.context.paths, self.context.clock()
        at = now if usage.at is None else usage.at
        # Before any row, named or not: a salt that is made later would empty the cache, taking its names for those of a lost one.
        name = accounts.opaque(paths, self.provider, usage.account or "")
        account = None if usage.account is None else name
        reading = entry.from_usage(self.provider, usage, account=account, at=at, source=self._source)
        self._update(lambda before: merge.merge_reading(before, reading, via=self.name, now=now))

    def fail(self, problem: Problem, *, since: float) -> None:
        """Merge a failure of this feed; `since` is the moment of the request it belongs to."""
        now = self.context.clock()
        self._update(lambda before: merge.merge_failure(before, problem, via=self.name, at=now, now=now, since=since))

    def _update(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Change the cache, unless the provider was switched off in the meantime: it has no row any more."""
        cache.update(self.context.paths, lambda before: before if self._is_off() else change(before))

    def _note(self, handled: float, *, asked: float | None = None, problem: Problem | None = None) -> None:
        def change(attempt: Attempt) -> None:
            attempt.handled = max(handled, attempt.handled)
            if asked is not None:
                attempt.asked = asked
                attempt.code = None if problem is None else problem.code
                attempt.retry_at = None if problem is None else problem.retry_at

        attempts.note(self.context.paths, self.name, change, self.context.clock())


def wake(context: Context, provider: str, profile: str) -> None:
    """The person opened the provider's site in this browser: an answer to a question from before says nothing any more.

    Noted even where the question is still under way, since its "not signed in" may arrive after the sign-in.

    Raises:
        OSError: it cannot be noted.
    """
    now, name = context.clock(), merge.feed(provider, browser.NAME, profile)
    if name in cache.read(context.paths)["_feeds"]:
        return  # it was readable before, so it never sleeps

    def change(attempt: Attempt) -> None:
        attempt.woken = now

    attempts.note(context.paths, name, change, now)

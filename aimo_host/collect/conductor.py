"""Who does what for a request: every host asks its own browser; one conductor per provider does the rest.

The conductor waits until all browsers have answered or declined, tries the server-side routes for the providers that got no
reading, says what is missing where nothing could be tried, and marks the provider as settled. Each provider has its own lock, so
nobody waits for a provider that somebody else asked for. If a conductor dies, its lock drops, and whoever waits takes over.
"""

from __future__ import annotations

import threading
import time
from functools import partial

from aimo_host.collect.feed import NOTHING_TO_TRY, READ, Feed
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.snapshot import unread_problem
from aimo_host.gauge.times import CLOCK_AHEAD, parse_iso
from aimo_host.routes import FREE, LEAST_APART, REST_AFTER_FAILURE, SERVER_SIDE, browser
from aimo_host.state import atomic, attempts, bell, cache, log, presence, requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aimo_host.routes import Context, Outcome
    from aimo_host.state.bell import Listener
    from aimo_host.state.lock import FileLock
    from aimo_host.state.requests import Requests, Wanted

#: Longer than any browser's conversation is waited for; shorter than a refresh.
_BROWSERS_SECONDS = 16.0
_LOOK_SECONDS = 0.5
_ROUTE_SECONDS = 10.0
_REFRESH_SECONDS = 20.0
#: No file of ours takes this long to write.
_LEFT_BEHIND_SECONDS = 3600.0


def everybody(_provider: str) -> bool:
    """`serves`, for a conductor of every provider's requests."""
    return True


class Conductor:
    """What this process carries out: at most one request per provider at a time, each under the provider's own lock."""

    def __init__(self, context: Context, listener: Listener) -> None:
        self._context = context
        self._listener = listener
        self._taken: dict[str, FileLock] = {}
        #: Once per request, also when it cannot be marked as settled: every ring would begin it again.
        self._begun: dict[str, float] = {}
        self._looking = threading.Lock()

    def take(self, providers: Iterable[str]) -> None:
        """Be the one who carries out the next request for each of `providers` that nobody else has taken.

        Raises:
            OSError: a lock cannot be made.
        """
        for provider in providers:
            lock = requests.conducting(self._context.paths, provider)
            if provider not in self._taken and lock.acquire():
                self._taken[provider] = lock

    def wait_until(self, come_true: Callable[[Requests], bool], seconds: float, serves: Callable[[str], bool]) -> bool:
        """Carry out open requests until it has `come_true`; False if not within `seconds`.

        `serves` says of a provider whether its request is carried out here; asked only just before it is begun.

        Raises:
            OSError: a lock cannot be made.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            # A conductor that dies rings nobody; its lock drops, and this process takes over.
            if self._listener.wait_until(lambda: come_true(self._begin(serves)), min(left, _LOOK_SECONDS)):
                return True
        return False

    def let_go(self) -> None:
        """Leave to others what was taken and not begun."""
        while self._taken:
            self._taken.popitem()[1].release()

    def _begin(self, serves: Callable[[str], bool]) -> Requests:
        """Begin what is open and nobody carries out. The requests as they stand."""
        with self._looking:
            now = self._context.clock()
            found = requests.read(self._context.paths, now)
            for provider, wanted in found.unsettled(now).items():
                if self._begun.get(provider) != wanted.at and serves(provider):
                    self.take([provider])
                    if (lock := self._taken.pop(provider, None)) is not None:
                        self._begun[provider] = wanted.at
                        arguments = (self._context, self._listener, provider, lock)
                        threading.Thread(target=_conduct, args=arguments, name=f"conduct {provider}", daemon=True).start()
        return found


def _conduct(context: Context, listener: Listener, provider: str, lock: FileLock) -> None:
    """Carry out the provider's open request, if it is still open, and let go of the lock."""
    try:
        _sweep(context)
        wanted = _open_request(context, provider)
        if wanted is not None:
            _carry_out(context, listener, provider, wanted)
    finally:
        lock.release()
    if _open_request(context, provider) is not None:
        bell.ring(context.paths.bells_dir)  # whoever asked meanwhile found the lock held


def _open_request(context: Context, provider: str) -> Wanted | None:
    now = context.clock()
    return requests.read(context.paths, now).unsettled(now).get(provider)


def _sweep(context: Context) -> None:
    """Clear away what killed writers left behind."""
    paths = context.paths
    for folder in (paths.cache_dir, paths.config_dir, paths.state_dir, paths.presence_dir):
        atomic.sweep(folder, older_than=_LEFT_BEHIND_SECONDS)


def _carry_out(context: Context, listener: Listener, provider: str, wanted: Wanted) -> None:
    """One provider's request, to the end; it is settled whatever happens."""
    served = False
    until = time.monotonic() + _REFRESH_SECONDS
    try:
        _take_what_is_free(context, provider)
        _wait_for_browsers(context, listener, provider, wanted)
        served = had_credential = bool(_fresh(context, provider, wanted))
        if not served:
            served, had_credential = _try_server_side(context, provider, wanted, until)
        _say_who_is_missing(context, provider, wanted, had_credential=had_credential)
    except Exception as error:  # noqa: BLE001 - a full disk or a fault of ours is this row's business alone
        log.write(context.paths, f"refresh of {provider}: {type(error).__name__}")
    finally:
        _settle(context, provider, wanted, served=served)


def _take_what_is_free(context: Context, provider: str) -> None:
    """Readings that other programs left in their files: no request, so they are looked at every time."""
    for name in FREE.get(provider, ()):
        usage = _outcome(context, provider, name)
        if usage is not None and not isinstance(usage, Problem):
            Feed(context, provider, name).take(usage)


def _settle(context: Context, provider: str, wanted: Wanted, *, served: bool) -> None:
    try:
        requests.settle(context.paths, provider, wanted.at, served=served, now=context.clock())
    except OSError as error:  # whoever waits, waits until its own deadline
        log.write(context.paths, f"settling {provider}: {type(error).__name__}")


def _hosts(context: Context) -> set[str]:
    """The browser profiles whose host is there."""
    found = presence.present(context.paths.presence_dir)
    return {str(facts["profile"]) for facts in found if facts.get("kind") == "host" and facts.get("profile")}


def _wait_for_browsers(context: Context, listener: Listener, provider: str, wanted: Wanted) -> None:
    until = time.monotonic() + _BROWSERS_SECONDS
    while (left := until - time.monotonic()) > 0:
        # A host that dies rings nobody, so its absence has to be looked for.
        if listener.wait_until(lambda: _browsers_have_answered(context, provider, wanted), min(left, _LOOK_SECONDS)):
            return


def _browsers_have_answered(context: Context, provider: str, wanted: Wanted) -> bool:
    done = attempts.read(context.paths, context.clock())
    names = [Feed(context, provider, browser.NAME, profile).name for profile in _hosts(context)]
    return all(name in done and done[name].handled >= wanted.at for name in names)


def _fresh(context: Context, provider: str, wanted: Wanted) -> set[str | None]:
    """The provider's accounts with a reading that counts as made for this request; one from a wrong clock never does."""
    earliest, latest = wanted.at - attempts.SHARED_FOR, context.clock() + CLOCK_AHEAD
    mine = [entry for entry in cache.read(context.paths)["entries"] if entry["provider"] == provider]
    fresh = {entry["account"] for entry in mine if earliest <= (parse_iso(entry["observed_at"]) or 0.0) <= latest}
    return fresh | _as_fresh_as_may_be(context, provider)


def _as_fresh_as_may_be(context: Context, provider: str) -> set[str | None]:
    """Accounts that a route has read which may not be asked again yet."""
    feeds = cache.read(context.paths)["_feeds"]
    resting = (Feed(context, provider, name) for name in SERVER_SIDE.get(provider, ()) if name in LEAST_APART)
    return {feeds[feed.name]["account"] for feed in resting if feed.name in feeds and feed.was_read_lately()}


def _try_server_side(context: Context, provider: str, wanted: Wanted, until: float) -> tuple[bool, bool]:
    """The provider's own routes in order, up to the first reading. Returns whether one came, and whether any had a credential.

    Nothing is begun after `until` (monotonic seconds), and nothing waited for.
    """
    had_credential = False
    for name in SERVER_SIDE.get(provider, ()):
        if time.monotonic() >= until:
            break
        asking = context.asking(name, wanted.trigger)
        read = partial(_within_deadline, asking, provider, name, until)
        result = Feed(context, provider, name).attempt(wanted, read, costs=partial(_costs, asking, name))
        had_credential = had_credential or result != NOTHING_TO_TRY
        if result == READ:
            return True, True
    return False, had_credential


def _costs(asking: Context, name: str) -> bool:
    """Whether trying the route took a request, or a slow program."""
    return asking.has_asked or name in REST_AFTER_FAILURE


def _within_deadline(context: Context, provider: str, name: str, until: float) -> Outcome:
    """The route's outcome, or a time-out: a resolver or a child may hang in ways that no time-out of a library covers."""
    outcome: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcome.append(_outcome(context, provider, name)), name=name, daemon=True)
    thread.start()
    thread.join(max(0.0, min(_ROUTE_SECONDS, until - time.monotonic())))
    return outcome[0] if outcome else Problem(provider, "unreachable", "timeout")


def _outcome(context: Context, provider: str, name: str) -> Outcome:
    """What came of a route; a fault of ours in it is a coded problem of its row."""
    from aimo_host import routes

    try:
        found = routes.read(name, context)
    except Exception as error:  # noqa: BLE001 - a route's fault must not take the other rows along
        log.write(context.paths, f"{name}: {type(error).__name__}")
        return Problem(provider, "internal")
    context.report_drift(found)
    return found


def _say_who_is_missing(context: Context, provider: str, wanted: Wanted, *, had_credential: bool) -> None:
    """Rows that only an absent browser could have read are marked so; a provider that nobody could read says what it needs."""
    here = _hosts(context)
    fresh = _fresh(context, provider, wanted)
    for name, one in cache.read(context.paths)["_feeds"].items():
        _, route, profile = name.split("/")
        if (one["provider"], route) != (provider, browser.NAME) or profile in here or one["account"] in fresh:
            continue
        # Not `no_credential`, of whichever provider: this row needs the browser that once read it, and no key.
        Feed(context, provider, browser.NAME, profile).fail(Problem(provider, "no_browser"), since=wanted.at)
    if not here and not had_credential:
        Feed(context, provider, browser.NAME).fail(unread_problem(provider), since=wanted.at)

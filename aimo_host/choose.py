"""`aimo pick`, `aimo can`, `aimo wait`: whom to use, whether to start, and when. For programs: the exit code is the answer.

What is older than a minute is asked for first, at most 20 seconds long. `wait` sleeps until a known reset or until the bell
rings, and asks once at each such reset; it never asks on a guess.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from aimo_host import stop
from aimo_host.gauge import choice, snapshot
from aimo_host.gauge.choice import Question
from aimo_host.gauge.times import parse_iso
from aimo_host.state import attempts, cache, paths, requests, settings
from aimo_host.state.bell import Bell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from aimo_host.state.installation import Installation

    Entries = list[dict[str, Any]]
    T = TypeVar("T")

OK, NOT_ENOUGH, UNKNOWN = 0, 3, 4
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST_DIGITS = 9
#: A provider's own clock may be this far behind ours at a reset.
_GRACE = 1.0
#: After a reset that could not be read: the next try, twice as late each time, up to the last.
_FIRST_PAUSE, _LAST_PAUSE = 300.0, 3600.0


def pick(argv: list[str], environ: Mapping[str, str]) -> int:
    """Print the id of the account to use. Exit 0, 3 if none has enough, 4 if that is not known."""
    parser = argparse.ArgumentParser(
        prog="aimo pick",
        description="Print whom to use: the account with the most left.",
        epilog="Exit code: 0 stdout names the account; 3 nobody has enough; 4 that is not known.",
    )
    parser.add_argument(
        "--strategy",
        choices=choice.STRATEGIES,
        default="headroom",
        help="headroom (default): who has the most left; expiring: spend first what is lost first",
    )
    parser.add_argument("--scope", type=_kind(choice.model), metavar="MODEL", help="count the windows of this model too")
    parser.add_argument("--need", type=_kind(choice.percent), default=0.0, metavar="PCT", help="how much must be left (percent)")
    parser.add_argument("--among", type=_kind(choice.names), default=(), metavar="A,B", help="only these: claude,codex/work")
    parser.add_argument(
        "--max-age", type=_duration, default=choice.DEFAULT_MAX_AGE, metavar="S", help="ask again what is older (default: 60)"
    )
    parser.add_argument("--json", action="store_true", help="the pick, the whole ranking and when the first will fit, as JSON")
    options = parser.parse_args(argv)
    question = Question(need=options.need, scope=options.scope, strategy=options.strategy, among=options.among)
    asker = _Asker(question, environ, named=False)
    asker.renew(options.max_age)
    asker.look()
    if options.json:
        sys.stdout.write(json.dumps(asker.choice) + "\n")
        if asker.is_misnamed:
            asker.explain()
        return asker.code
    asker.explain()
    if asker.choice["pick"] is not None:
        sys.stdout.write(f"{asker.choice['pick']}\n")
    return asker.code


def can(argv: list[str], environ: Mapping[str, str]) -> int:
    """Answer by the exit code: 0 yes, 3 no, 4 unknown."""
    parser = _about_one("aimo can", "Say by the exit code whether so much is left.", "Exit code: 0 yes; 3 no; 4 not known.")
    asker = _Asker(_question(parser.parse_args(argv)), environ, named=True)
    asker.renew(choice.DEFAULT_MAX_AGE)
    asker.look()
    asker.explain()
    return asker.code


def wait(argv: list[str], environ: Mapping[str, str]) -> int:
    """Return with 0 as soon as so much is left; at the time-out with 3, or 4 if it is not known how much is left.

    An aimo that is installed meanwhile goes on with it.
    """
    from aimo_host.state.installation import Installation

    codes = "Exit code: 0 so much is left; at the time-out, 3 it is not, 4 it is not known."
    parser = _about_one("aimo wait", "Sleep until so much is left.", codes)
    parser.add_argument("--timeout", type=_duration, default=_duration("6h"), metavar="T", help="90, 30m, 6h, 2d (default: 6h)")
    options = parser.parse_args(argv)
    until = time.monotonic() + options.timeout
    asker = _Asker(_question(options), environ, named=True)
    installation = Installation(asker.paths)
    # Hung before anything is read, so that no news is missed between reading and sleeping.
    bell = Bell(asker.paths.bells_dir, (asker.paths.cache, asker.paths.settings))
    try:
        with stop.Waking() as waking:
            code = _wait(asker, bell, until, waking, installation)
    finally:
        bell.close()
    if code is None:
        installation.become(environ, "wait", *_within(until - time.monotonic(), argv))
        sys.stderr.write("aimo: this aimo was taken away while it waited\n")
        code = UNKNOWN
    return code


def _within(seconds: float, argv: list[str]) -> list[str]:
    """The same arguments with another time-out, in whole seconds, rounded up: the last one counts."""
    end = argv.index("--") if "--" in argv else len(argv)
    return [*argv[:end], "--timeout", str(max(0, int(-(-seconds // 1)))), *argv[end:]]


def _wait(asker: _Asker, bell: Bell, until: float, waking: stop.Waking, installation: Installation) -> int | None:
    """The exit code; None if the aimo that runs here is over."""
    from aimo_host.terminal.clock import time_of

    asker.renew(choice.DEFAULT_MAX_AGE, until)
    plan, is_told = Plan(), False
    while True:
        asker.look()
        asker.explain()
        if asker.code == OK or not asker.candidates or asker.is_misnamed or time.monotonic() >= until:
            return asker.code
        ask_at = plan.after(asker.choice, asker.candidates, time.time())
        if ask_at is not None and ask_at <= time.time():
            plan.asked(time.time())
            asker.renew(0.0, until)
            continue
        left = until - time.monotonic()
        if not is_told:
            is_told = True
            sys.stderr.write(f"aimo: waiting until {time_of(time.time() + left, time.time())} at most\n")
        if ask_at is not None:
            left = min(left, ask_at - time.time(), snapshot.LOOK_AT_THE_CLOCK)
        bell.wait(max(0.0, left), waking.woken)
        waking.heed()
        if installation.is_over():
            return None


class Plan:
    """When to ask next. Pure: moments are handed in, in epoch seconds."""

    def __init__(self) -> None:
        self._ask_at: float | None = None
        self._pause = _FIRST_PAUSE

    def after(self, found: dict[str, Any], candidates: Entries, now: float) -> float | None:
        """The moment to ask at, now that `found` is known; None if only news can help.

        That is when there will be enough, or until when the provider wants to be left alone. It stands while nothing is known.
        """
        available = parse_iso(found["available_at"])
        if available is not None:
            tried = max((parse_iso(entry["attempted_at"]) or 0.0) for entry in candidates)
            shared_until = tried + attempts.SHARED_FOR if tried <= now + _GRACE else 0.0
            self._ask_at, self._pause = max(available, shared_until) + _GRACE, _FIRST_PAUSE
        elif self._ask_at is None:
            back = [at for entry in candidates if (at := parse_iso((entry["problem"] or {}).get("retry_at"))) is not None]
            self._ask_at = min(back) + _GRACE if back and min(back) > now else None
        return self._ask_at

    def asked(self, now: float) -> None:
        """It is being asked: if that brings nothing, the next time is later and later."""
        self._ask_at = now + self._pause
        self._pause = min(2 * self._pause, _LAST_PAUSE)


class _Asker:
    """One question to one installation, and what is known of its answer."""

    def __init__(self, question: Question, environ: Mapping[str, str], *, named: bool) -> None:
        self.paths = paths.find(environ)
        self._question = question
        self._environ = environ
        self._named = named
        self._explained: object = None

    def look(self) -> None:
        """Read what is known."""
        self._now = time.time()
        self._entries = snapshot.entries_at(cache.read(self.paths), settings.read(self.paths), self._now)
        self.candidates = self._question.candidates(self._entries)
        self.choice = choice.choose(self._question, self._entries, self._now)
        # Who was never read may have a window of any name.
        is_read = any(entry["windows"] for entry in self.candidates)
        self.is_misnamed = is_read and not self._question.is_counted(self._entries)
        known = choice.is_known(self._question, self._entries, self.choice)
        self.code = OK if self.choice["pick"] is not None else NOT_ENOUGH if known else UNKNOWN

    def renew(self, max_age: float, until: float = float("inf")) -> None:
        """Ask for what is older than `max_age` seconds, and wait for it, but not beyond `until` (monotonic)."""
        self.look()
        due = requests.due(self.paths, self.candidates, max_age, self._now)
        seconds = min(choice.LONGEST_WAIT, until - time.monotonic())
        if not due or seconds <= 0:
            return
        from aimo_host.collect import asking  # only where there is something to ask

        try:
            asking.ask(self.paths, self._environ, due, trigger="cli", named=self._named, seconds=seconds)
        except OSError as error:
            # What is cached is all there is then.
            sys.stderr.write(f"aimo: nothing was asked. {error.strerror or type(error).__name__}: {error.filename or 'a file'}\n")

    def explain(self) -> None:
        """Say why on stderr: once, and again when something has come of it, which that time goes by is not."""
        about = (self.choice, [entry["error"] for entry in self.candidates])
        if about == self._explained:
            return
        self._explained = about
        from aimo_host.terminal.choice import reasons

        said = reasons(self._question, self.choice, self._entries, self._now) or [
            "nobody to ask: switched off, or no such account"
        ]
        sys.stderr.writelines(f"aimo: {line}\n" for line in said)


def _about_one(program: str, description: str, codes: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=description, epilog=codes)
    parser.add_argument("provider", type=_kind(choice.one_name), metavar="PROVIDER[/ACCOUNT]")
    parser.add_argument(
        "--need", type=_kind(choice.percent), required=True, metavar="PCT", help="how much must be left (percent)"
    )
    parser.add_argument("--scope", type=_kind(choice.model), metavar="MODEL", help="count the windows of this model too")
    return parser


def _question(options: argparse.Namespace) -> Question:
    return Question(need=options.need, scope=options.scope, among=(options.provider,))


def _kind(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` as argparse wants it, which shows no other error's text."""

    def checked(text: str) -> T:
        try:
            return parse(text)
        except choice.BadQuestionError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


def _duration(text: str) -> float:
    """Seconds, of `90`, `30m`, `6h` or `2d`."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNIT_SECONDS else (text, "s")
    digits = number.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _MOST_DIGITS:
        raise argparse.ArgumentTypeError("must be a time such as 90, 30m, 6h or 2d.")
    return float(number) * _UNIT_SECONDS[unit]

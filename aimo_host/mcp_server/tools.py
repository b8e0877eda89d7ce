"""What the tools answer: the questions of `aimo pick` and `aimo can`, for an agent that calls instead of reading exit codes.

`answer(name, arguments, …)` checks what came from outside before anything is done. It knows nothing of the protocol, and never
writes to stdout, which is the protocol's.
"""

from __future__ import annotations

import sys
import time

from aimo_host.gauge import choice, snapshot
from aimo_host.gauge.catalog import ORDER
from aimo_host.gauge.choice import BadQuestionError, Question
from aimo_host.mcp_server import shapes
from aimo_host.state import cache, requests, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from aimo_host.state.paths import Paths

    Entries = list[dict[str, Any]]
    Found = dict[str, Any]


def answer(name: str, arguments: Mapping[str, object], paths: Paths, environ: Mapping[str, str]) -> Found:
    """What the tool `name` says, in the shape of its output schema. May take as long as a refresh (20 s).

    Raises:
        BadQuestionError: there is no such tool, or it takes no such arguments; the text is a whole sentence.
    """
    if name not in _ANSWERS:
        raise BadQuestionError(f"There is no tool {name!r}.")
    return _ANSWERS[name](_Gauge(paths, environ), checked(name, arguments))


def checked(name: str, arguments: Mapping[str, object]) -> Found:
    """The arguments of the tool `name` as it wants them.

    Raises:
        BadQuestionError: see `answer`.
    """
    missing = [key for key in shapes.NEEDED[name] if key not in arguments]
    if missing:
        raise BadQuestionError(f"{name} needs {' and '.join(missing)}.")
    found = {}
    for key, value in arguments.items():
        if key not in shapes.TAKEN[name]:
            raise BadQuestionError(f"{name} takes {', '.join(shapes.TAKEN[name])}, and nothing else.")
        try:
            is_id = key == "provider" and name == "can_run"
            found[key] = _id(value) if is_id else _CHECKS[key](value)
        except BadQuestionError as error:
            raise BadQuestionError(f"{key} {error}") from None
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadQuestionError("must be text.")
    return value


def _percent(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadQuestionError("must be a number.")
    # In digits, since the one check of percentages reads what people type.
    return choice.percent(f"{float(value):f}" if abs(value) < sys.maxsize else "")


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadQuestionError("must be true or false.")
    return value


def _provider(value: object) -> str:
    if value not in ORDER:
        raise BadQuestionError(f"must be one of {', '.join(ORDER)}.")
    return str(value)


def _id(value: object) -> str:
    return choice.one_name(_text(value))


def _among(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise BadQuestionError("must be a list of ids.")
    return tuple(_id(one) for one in value)


_CHECKS: dict[str, Callable[[object], object]] = {
    "among": _among,
    "cached": _yes_or_no,
    "need": _percent,
    "provider": _provider,
    "scope": lambda value: choice.model(_text(value)),
    "strategy": lambda value: choice.strategy(_text(value)),
}


class _Gauge:
    """What is known in one installation, and the way to know more."""

    def __init__(self, paths: Paths, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._environ = environ

    def entries(self, provider: str | None = None) -> Entries:
        found = snapshot.entries_at(cache.read(self._paths), settings.read(self._paths), time.time())
        return [entry for entry in found if provider in {None, entry["provider"]}]

    def renew(self, entries: Entries, *, named: bool) -> None:
        """Ask for those that are older than a minute."""
        self.ask(requests.due(self._paths, entries, choice.DEFAULT_MAX_AGE, time.time()), named=named)

    def ask(self, providers: list[str], *, named: bool) -> None:
        if not providers:
            return
        from aimo_host.collect import asking  # only where there is something to ask

        try:
            asking.ask(self._paths, self._environ, providers, trigger="mcp", named=named, seconds=choice.LONGEST_WAIT)
        except OSError as error:
            # What is cached is all there is then.
            sys.stderr.write(f"aimo: nothing was asked. {error.strerror or type(error).__name__}: {error.filename or 'a file'}\n")

    def wanted(self, provider: str | None) -> list[str]:
        return [one for one in settings.wanted(settings.read(self._paths)) if provider in {None, one}]


def _get_usage(gauge: _Gauge, found: Found) -> Found:
    provider = found.get("provider")
    if not found.get("cached"):
        gauge.renew(gauge.entries(provider), named=provider is not None)
    return {"entries": gauge.entries(provider)}


def _refresh(gauge: _Gauge, found: Found) -> Found:
    provider = found.get("provider")
    gauge.ask(gauge.wanted(provider), named=provider is not None)
    return {"entries": gauge.entries(provider)}


def _pick_provider(gauge: _Gauge, found: Found) -> Found:
    return _choose(gauge, Question(**found), named=False)[0]


def _can_run(gauge: _Gauge, found: Found) -> Found:
    question = Question(need=found["need"], scope=found.get("scope"), among=(found["provider"],))
    chosen, is_known = _choose(gauge, question, named=True)
    first = chosen["ranking"][0] if chosen["ranking"] else {"headroom_pct": None}
    return {
        "answer": "yes" if chosen["pick"] is not None else "no" if is_known else "unknown",
        "headroom_pct": first["headroom_pct"],
        "available_at": chosen["available_at"],
        "reasons": chosen["reasons"],
    }


def _when_available(gauge: _Gauge, found: Found) -> Found:
    chosen, _ = _choose(gauge, Question(**found), named=False)
    at = chosen["available_at"]
    then = next((one["id"] for one in chosen["ranking"] if at is not None and one["available_at"] == at), None)
    return {
        "answer": "now" if chosen["pick"] is not None else "later" if at is not None else "unknown",
        "id": chosen["pick"] or then,
        "available_at": at,
        "reasons": chosen["reasons"],
    }


def _choose(gauge: _Gauge, question: Question, *, named: bool) -> tuple[Found, bool]:
    """The choice with its reasons, and whether a choice without a pick means "not enough"."""
    from aimo_host.terminal.choice import reasons

    gauge.renew(question.candidates(gauge.entries()), named=named)
    entries, now = gauge.entries(), time.time()
    chosen = choice.choose(question, entries, now)
    said = reasons(question, chosen, entries, now) or ["nobody to ask: switched off, or no such account"]
    return {**chosen, "reasons": said}, choice.is_known(question, entries, chosen)


_ANSWERS: dict[str, Callable[[_Gauge, Found], Found]] = {
    "get_usage": _get_usage,
    "pick_provider": _pick_provider,
    "can_run": _can_run,
    "refresh": _refresh,
    "when_available": _when_available,
}

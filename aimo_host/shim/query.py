"""The parameters of a request: a closed list per route, each given at most once, each checked before anything is done."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aimo_host.gauge import choice
from aimo_host.gauge.catalog import PROVIDERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Value = float | bool | str | tuple[str, ...]

LONGEST_WAIT = 75.0
_LONGEST_AGE = 10 * 365 * 86400.0


class BadQueryError(ValueError):
    """A parameter is unknown, repeated or out of range; the text says which."""


def parse(query: str, allowed: tuple[str, ...]) -> dict[str, Value]:
    """The parameters by name.

    Raises:
        BadQueryError: see there.
    """
    found: dict[str, Value] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=20) if query else ():
        if name not in allowed:
            raise BadQueryError(f"There is no parameter {name[:40]!r} here.")
        if name in found:
            raise BadQueryError(f"{name} is given twice.")
        found[name] = _CHECKS[name](name, value)
    return found


def _seconds(name: str, value: str, most: float) -> float:
    digits = value.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit()) or float(value) > most:
        raise BadQueryError(f"{name} must be a number of seconds from 0 to {most:.0f}.")
    return float(value)


def _max_age(name: str, value: str) -> float:
    return _seconds(name, value, _LONGEST_AGE)


def _wait(name: str, value: str) -> float:
    return _seconds(name, value, LONGEST_WAIT)


def _cached(name: str, value: str) -> bool:
    if value not in {"0", "1"}:
        raise BadQueryError(f"{name} must be 1 or 0.")
    return value == "1"


def _provider(name: str, value: str) -> str:
    if value not in PROVIDERS:
        raise BadQueryError(f"{name} must be one of {', '.join(PROVIDERS)}.")
    return value


def _as_asked(parse_one: Callable[[str], Value]) -> Callable[[str, str], Value]:
    """A check of the command line's, for a parameter of the same name."""

    def check(name: str, value: str) -> Value:
        try:
            return parse_one(value)
        except choice.BadQuestionError as error:
            raise BadQueryError(f"{name} {error}") from None

    return check


_CHECKS: dict[str, Callable[[str, str], Value]] = {
    "max_age": _max_age,
    "wait": _wait,
    "cached": _cached,
    "provider": _provider,
    "strategy": _as_asked(choice.strategy),
    "scope": _as_asked(choice.model),
    "need": _as_asked(choice.percent),
    "among": _as_asked(choice.names),
}

"""Durations and moments as a person says them, in the local zone. English, since the terminal is."""

from __future__ import annotations

import time

from aimo_host.dialects.phrases import span

__all__ = ["moment", "span", "time_of"]

_DAY = 86400


def moment(at: float, now: float) -> str:
    """`in 2 h 10 m` within a day, else as `time_of` says it."""
    return f"in {span(at - now)}" if at - now < _DAY else time_of(at, now)


def time_of(at: float, now: float) -> str:
    """`14:30` within a day, the weekday before it within six, else the date."""
    ahead = at - now
    shape = "%H:%M" if ahead < _DAY else "%a %H:%M" if ahead < 6 * _DAY else "%d %b %H:%M"
    return time.strftime(shape, time.localtime(at))

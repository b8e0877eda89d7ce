"""Durations and moments as a person says them, in the local zone. English, since the terminal is."""

from __future__ import annotations

import time

_DAY = 86400


def moment(at: float, now: float) -> str:
    """`in 2 h 10 m` within a day, else as `time_of` says it."""
    return f"in {span(at - now)}" if at - now < _DAY else time_of(at, now)


def time_of(at: float, now: float) -> str:
    """`14:30` within a day, the weekday before it within six, else the date."""
    ahead = at - now
    shape = "%H:%M" if ahead < _DAY else "%a %H:%M" if ahead < 6 * _DAY else "%d %b %H:%M"
    return time.strftime(shape, time.localtime(at))


def span(seconds: float) -> str:
    """A duration in at most two units: `4 s`, `12 m`, `2 h 10 m`, `3 d 4 h`."""
    whole = max(0, int(seconds))
    if whole < 60:  # noqa: PLR2004 - clock arithmetic
        return f"{whole} s"
    minutes, hours, days = whole // 60 % 60, whole // 3600 % 24, whole // _DAY
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} m" if minutes else f"{hours} h"
    return f"{minutes} m"

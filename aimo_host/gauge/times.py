"""Instants, inside as epoch seconds (UTC, float), outside as ISO-8601 with a Z.

Imports nothing: a cached read passes through here, and `datetime` would cost more than the arithmetic.
"""

from __future__ import annotations

#: A moment of ours further ahead of the clock than this (seconds) was written by a clock that was wrong, and pins nothing.
CLOCK_AHEAD = 120.0

_DAY = 86400
#: Providers that mean milliseconds send numbers above this; as seconds it would be the year 5138.
_MILLISECONDS_FROM = 1e11
#: The last second of the year 9999; anything later is no instant a provider could mean.
_LATEST = 253402300799
_LONGEST = 40
#: Every moment is looked at again and again, on its way from the file to the faces.
_MOST_PARSED = 4096
_parsed: dict[str, float | None] = {}


def _days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant's well-known formula)."""
    year -= month <= 2
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468


def _civil_from_days(days: int) -> tuple[int, int, int]:
    days += 719468
    era = days // 146097
    day_of_era = days - era * 146097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_index = (5 * day_of_year + 2) // 153
    month = month_index + 3 if month_index < 10 else month_index - 9
    year = year_of_era + era * 400 + (month <= 2)
    return year, month, day_of_year - (153 * month_index + 2) // 5 + 1


def iso(instant: float) -> str:
    """`2026-11-22T10:00:00Z`, to the nearest whole second."""
    seconds = int((instant + 0.5) // 1)
    year, month, day = _civil_from_days(seconds // _DAY)
    rest = seconds % _DAY
    return f"{year:04d}-{month:02d}-{day:02d}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}Z"


def parse_iso(text: object) -> float | None:
    """Epoch seconds of an ISO-8601 date and time; None for anything else.

    Takes a fraction of any length and an offset of `Z`, `+00:00`, `+0000` or none (read as UTC): all of these were seen.
    """
    if not isinstance(text, str):
        return None
    if len(text) > _LONGEST:
        return _parse(text)
    try:
        return _parsed[text]
    except KeyError:
        if len(_parsed) >= _MOST_PARSED:
            _parsed.clear()
        _parsed[text] = found = _parse(text)
        return found


def _parse(text: str) -> float | None:
    text = text.strip()
    if not 19 <= len(text) <= _LONGEST or not text.isascii() or text[4] != "-" or text[7] != "-":
        return None
    if text[10] not in "Tt " or text[13] != ":" or text[16] != ":":
        return None
    fields = (text[0:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:19])
    if not all(field.isdigit() for field in fields):
        return None
    year, month, day, hour, minute, second = map(int, fields)
    days = _days_from_civil(year, month, day)
    if year < 1 or hour > 23 or minute > 59 or second > 60 or _civil_from_days(days) != (year, month, day):
        return None
    rest = _fraction_and_offset(text[19:])
    if rest is None:
        return None
    return days * _DAY + hour * 3600 + minute * 60 + second + rest


def _fraction_and_offset(tail: str) -> float | None:
    """Seconds to add for what follows `hh:mm:ss`: the fraction, less the offset."""
    fraction = 0.0
    if tail[:1] in {".", ","}:
        digits = 1
        while digits < len(tail) and tail[digits].isdigit():
            digits += 1
        if digits == 1:
            return None
        fraction = float("0." + tail[1:digits])
        tail = tail[digits:]
    if tail in {"", "Z", "z"}:
        return fraction
    sign, digits_only = tail[0], tail[1:].replace(":", "", 1)
    if sign not in "+-" or len(digits_only) != 4 or not digits_only.isdigit():
        return None
    offset = int(digits_only[:2]) * 3600 + int(digits_only[2:]) * 60
    return fraction + (offset if sign == "-" else -offset)


def instant(value: object) -> float | None:
    """Epoch seconds of an ISO text, epoch seconds, epoch milliseconds, or either as a numeric string; else None.

    Zero and negative numbers mean "no time" wherever they were seen, and are None: never 1970.
    """
    parsed = parse_iso(value)
    if parsed is not None:
        return parsed if parsed > 0 else None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    # Compared before it is divided: an integer of four hundred digits fits no float. NaN is in no range either.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= _LATEST * 1000:
        return None
    return value / 1000 if value >= _MILLISECONDS_FROM else float(value)

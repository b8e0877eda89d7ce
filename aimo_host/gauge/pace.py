"""Is a window being spent faster than evenly, and when does it run out? From its reset time and its length alone."""

from __future__ import annotations

from aimo_host.gauge.times import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Early extrapolation lies: silent in the first 5 % of a window and below 3 % used.
_SILENT_BEFORE = 0.05
_SILENT_BELOW_PCT = 3.0
#: Within this many points of the even pace counts as on it.
_TOLERANCE_PCT = 3.0
_FULL_PCT = 100.0


def pace(used_pct: float | None, resets_at: float | None, window_seconds: float | None, at: float) -> dict[str, Any] | None:
    """`{state, expected_pct, runs_out_at}` as of `at`, the moment of the reading; None where it is too early or unknown.

    `state` is "ahead" (spent faster than evenly), "on" or "behind". `runs_out_at` is ISO text, only if that is before the reset.
    """
    if used_pct is None or resets_at is None or not window_seconds or window_seconds <= 0:
        return None
    elapsed = window_seconds - (resets_at - at)
    if not _SILENT_BEFORE * window_seconds <= elapsed <= window_seconds or used_pct < _SILENT_BELOW_PCT:
        return None
    expected = elapsed / window_seconds * _FULL_PCT
    state = "ahead" if used_pct > expected + _TOLERANCE_PCT else "behind" if used_pct < expected - _TOLERANCE_PCT else "on"
    runs_out = at + elapsed * (_FULL_PCT - used_pct) / used_pct
    early = used_pct < _FULL_PCT and runs_out < resets_at
    return {"state": state, "expected_pct": round(expected, 1), "runs_out_at": iso(runs_out) if early else None}

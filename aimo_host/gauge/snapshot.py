"""What a reader sees at one moment: the entries of the cache, with everything applied that depends on the time of looking.

The file holds what was read. A window whose reset has passed since is finished, so its percentage is nobody's any more; headroom,
tightest window, pace and `ok` follow from what is left. Every reader of ours goes through `entries_at`. Pure, and imports little:
this is the path of a cached read.
"""

from __future__ import annotations

from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.pace import pace
from aimo_host.gauge.problems import Problem, as_json
from aimo_host.gauge.times import parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = 1

_UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000}
_MOST_DIGITS = 6
_FULL_PCT = 100.0
#: A clock that was stopped with the machine is noticed this late (seconds).
LOOK_AT_THE_CLOCK = 60.0


def snapshot_at(cache: dict[str, Any], settings: dict[str, Any], now: float) -> dict[str, Any]:
    """`{schema, updated_at, entries, answer}` as of `now`; see `answer.answer_at`."""
    from aimo_host.gauge.answer import answer_at  # not on the way of a cached read

    entries = entries_at(cache, settings, now)
    return {"schema": SCHEMA, "updated_at": cache.get("updated_at"), "entries": entries, "answer": answer_at(entries, now)}


def entries_at(cache: dict[str, Any], settings: dict[str, Any], now: float) -> list[dict[str, Any]]:
    """One entry per account of every wanted provider, in the fixed order; one that was never read has its problem."""
    names: dict[str, str] = settings["names"]
    found: list[dict[str, Any]] = []
    for provider in PROVIDERS:
        if settings["providers"].get(provider) == "off":
            continue
        stored = [entry for entry in cache["entries"] if entry["provider"] == provider]
        stored.sort(key=lambda entry: (entry.get("account") is None, entry.get("account") or ""))
        found += [entry_at(entry, now, names) for entry in stored] or [entry_at(never_read(provider), now, names)]
    return found


def next_reset(entries: list[dict[str, Any]], now: float) -> float | None:
    """When time alone changes the entries: the first known reset after `now` of a window that has a number, if there is one."""
    numbered = ((w, parse_iso(e.get("observed_at"))) for e in entries for w in e["windows"] if w["used_pct"] is not None)
    return min((at for window, observed in numbered if (at := _due(window, observed)) is not None and at > now), default=None)


def pause(entries: list[dict[str, Any]], now: float) -> float | None:
    """Seconds for which who waits for a change may sleep: until the next reset, but never long; None where none is known."""
    at = next_reset(entries, now)
    return None if at is None else min(at - now, LOOK_AT_THE_CLOCK)


def never_read(provider: str) -> dict[str, Any]:
    """The entry of a provider that nobody has asked yet: what it would take to read it."""
    return unread(unread_problem(provider))


def unread_problem(provider: str) -> Problem:
    """What stands in the way where there is neither a browser nor a credential."""
    code, variant, params = PROVIDERS[provider]["unread"]
    return Problem(provider, code, variant, **params)


def unread(problem: Problem) -> dict[str, Any]:
    """An entry without a reading, only with the problem that stopped it."""
    return {
        "provider": problem.provider,
        "ok": False,
        "plan": None,
        "plan_label": None,
        "account": None,
        "account_name": None,
        "auth_source": None,
        "headroom_pct": None,
        "tightest": None,
        "windows": [],
        "balances": [],
        "blocked": None,
        "observed_at": None,
        "attempted_at": None,
        "stale": False,
        "error": problem.sentence,
        "problem": as_json(problem),
        "_source": None,
        "_received_at": None,
    }


def entry_at(entry: dict[str, Any], now: float, names: dict[str, str]) -> dict[str, Any]:
    """The public entry as of `now`: `ok`, `headroom_pct`, `tightest`, `account_name` and each window's `pace` are added."""
    observed = parse_iso(entry.get("observed_at"))
    windows = [_window_at(window, observed, now) for window in entry["windows"]]
    binding = [window for window in windows if window.get("binding")]
    blocked = entry.get("blocked")
    tightest = _tightest(binding)
    known = all(window["used_pct"] is not None for window in binding)
    headroom = None
    if blocked:
        headroom = 0.0
    elif tightest is not None and known:
        headroom = max(0.0, round(_FULL_PCT - tightest["used_pct"], 4))
    usable = tightest is not None or any(_can_pay(balance) for balance in entry["balances"])
    public = {key: value for key, value in entry.items() if key not in {"_at", "_tried", "_part"}}
    ok = bool(observed is not None and not blocked and usable and all(w["state"] != "unknown" for w in binding))
    if not ok and not blocked and not entry.get("problem"):
        public |= _why_not(entry["provider"], windows, is_read=observed is not None)
    return {
        **public,
        "ok": ok,
        "account_name": names.get(entry.get("account") or ""),
        "headroom_pct": headroom,
        "tightest": tightest["label"] if tightest is not None and known else None,
        "windows": windows,
    }


def _why_not(provider: str, windows: list[dict[str, Any]], *, is_read: bool) -> dict[str, Any]:
    """What stands in the way where nothing failed, and still nothing says that work may be sent there."""
    if not is_read:
        problem = unread_problem(provider)
    elif any(window["state"] == "unknown" for window in windows if window.get("binding")):
        problem = Problem(provider, "unexpected_answer")
    elif all(window["state"] == "unknown" for window in windows):
        problem = Problem(provider, "no_plan")
    else:
        return {}  # all reset since, or only limits beside the main work: the rows are there, and nothing more is known
    return {"error": problem.sentence, "problem": as_json(problem)}


def _window_at(window: dict[str, Any], observed: float | None, now: float) -> dict[str, Any]:
    used = window.get("used_pct")
    resets_at = parse_iso(window.get("resets_at"))
    ends = _due(window, observed)
    if ends is not None and ends <= now:
        # The counts belong to the finished window too. The allowance is the plan's and stays.
        return {**window, "used_pct": None, "usage": None, "remaining": None, "state": "reset_due", "pace": None}
    state = window.get("state", "active") if used is not None else "unknown"
    seconds = window.get("window_seconds")
    observed = _observed(window, observed)
    trend = pace(used, resets_at, seconds, observed) if observed is not None and state == "active" else None
    return {**window, "used_pct": used, "state": state, "pace": trend}


def _due(window: dict[str, Any], observed: float | None) -> float | None:
    """When a window ends whose entry was observed then: its reset, or what the provider's words come to."""
    resets_at = parse_iso(window.get("resets_at"))
    return resets_at if resets_at is not None else _due_by_words(window.get("resets_in"), _observed(window, observed))


def _observed(window: dict[str, Any], observed: float | None) -> float | None:
    """The window's own moment, where it has one."""
    return parse_iso(window.get("observed_at")) or observed


def _due_by_words(words: Any, observed: float | None) -> float | None:
    """When a window resets that the provider only describes: "2 hours" after the reading."""
    if not isinstance(words, str) or observed is None:
        return None
    parts = words.lower().replace("in ", " ").replace(",", " ").replace(" and ", " ").split()
    seconds = 0.0
    for count, unit in zip(parts[::2], parts[1::2], strict=False):
        size = _UNIT_SECONDS.get(unit.rstrip("s"))
        if size is None or not (count.isascii() and count.isdigit() and len(count) <= _MOST_DIGITS):
            return None
        seconds += int(count) * size
    return observed + seconds if seconds else None


def _tightest(binding: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The fullest binding window that has a number."""
    numbered = [window for window in binding if window["used_pct"] is not None]
    return max(numbered, key=lambda window: window["used_pct"]) if numbered else None


def _can_pay(balance: dict[str, Any]) -> bool:
    amount = balance.get("amount")
    # A workspace says that there are credits and not how many.
    has_some = balance.get("reason") == "amount_not_shown" or (amount is not None and amount > 0)
    return bool(balance.get("enabled") and (balance.get("unlimited") or has_some))

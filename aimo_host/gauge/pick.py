"""Whom to use: the account with the most headroom on its tightest binding window. Unknown is never treated as free. Pure.

Everything is worked out from the public entries (see `snapshot.entries_at`), so every face and every caller agrees.
"""

from __future__ import annotations

from aimo_host.gauge.times import iso, parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Entry = dict[str, Any]
    Window = dict[str, Any]

#: What is left of these at their reset is lost; a shorter one comes again many times before.
LONG_KINDS = ("weekly", "monthly")
_FULL_PCT = 100.0
_NEVER = float("inf")


def ranking(
    entries: list[Entry], *, need: float = 0.0, scope: str | None = None, strategy: str = "headroom"
) -> list[dict[str, Any]]:
    """All accounts, best first: `[{id, provider, account, headroom_pct, why, available_at}]`.

    "Best" is the most headroom, or with the strategy `expiring` the account whose allowance is lost first if nobody spends it.

    `need` is how many percent must be left; `scope` takes a model's own windows into account too. `why` is a code: `fits`, `full`
    (less left than needed), `blocked`, or `unknown`. `available_at` is when it will fit again, None if that is not known.
    """
    ranked = [_candidate(entry, entries, need, scope) for entry in entries]
    order = {"fits": 0, "full": 1, "blocked": 2, "unknown": 3}
    lost_at = [_lost_at(entry, scope) if strategy == "expiring" else 0.0 for entry in entries]
    keys = [(order[one["why"]], at, -(one["headroom_pct"] or 0.0)) for one, at in zip(ranked, lost_at, strict=True)]
    return [ranked[index] for index in sorted(range(len(ranked)), key=keys.__getitem__)]


def best(entries: list[Entry], *, need: float = 0.0, scope: str | None = None) -> Entry | None:
    """The entry to use, None if none is known to fit."""
    ranked = ranking(entries, need=need, scope=scope)
    if not ranked or ranked[0]["why"] != "fits":
        return None
    return next(e for e in entries if (e["provider"], e["account"]) == (ranked[0]["provider"], ranked[0]["account"]))


def _candidate(entry: Entry, entries: list[Entry], need: float, scope: str | None) -> dict[str, Any]:
    windows = counted(entry, scope)
    headroom = _headroom(entry, windows)
    if entry["blocked"]:
        why = "blocked"
    elif headroom is None:
        why = "unknown"
    else:
        why = "fits" if headroom > 0 and headroom >= need else "full"
    available_at = None if why in {"blocked", "unknown"} else _available_at(windows, need)
    return {
        "id": name_of(entry, entries),
        "provider": entry["provider"],
        "account": entry["account"],
        "headroom_pct": headroom,
        "why": why,
        "available_at": available_at,
    }


def counted(entry: Entry, scope: str | None) -> list[Window]:
    """The windows that decide: the binding ones, and those of the model that is asked for."""
    return [window for window in entry["windows"] if window["binding"] or (scope is not None and is_of(window, scope))]


def is_of(window: Window, scope: str) -> bool:
    """Whether it is a window of that model; a part of the name will do, in any case."""
    return scope.casefold() in (window["scope"] or "").casefold()


def _lost_at(entry: Entry, scope: str | None) -> float:
    """When what is left is lost: at the next reset of a long window (a session comes again), of any if there is no long one."""
    windows = counted(entry, scope)
    long = [window for window in windows if window["kind"] in LONG_KINDS]
    return min((at for window in long or windows if (at := parse_iso(window["resets_at"])) is not None), default=_NEVER)


def _headroom(entry: Entry, windows: list[Window]) -> float | None:
    if not entry["ok"] and not entry["blocked"]:
        return None
    if not windows or any(window["used_pct"] is None for window in windows):
        return 0.0 if entry["blocked"] else None
    left = max(0.0, _FULL_PCT - max(window["used_pct"] for window in windows))
    return 0.0 if entry["blocked"] else round(left, 4)


def _available_at(windows: list[Window], need: float) -> str | None:
    """The latest reset among the windows in the way; None if one of them does not say, or none is in the way."""
    in_the_way = [w for w in windows if w["used_pct"] >= _FULL_PCT or w["used_pct"] > _FULL_PCT - need]
    resets = [parse_iso(window["resets_at"]) for window in in_the_way]
    known = [reset for reset in resets if reset is not None]
    return iso(max(known)) if known and len(known) == len(resets) else None


def name_of(entry: Entry, entries: list[Entry]) -> str:
    """`claude`, or `claude/work` where the provider has several accounts."""
    if sum(other["provider"] == entry["provider"] for other in entries) < 2:  # noqa: PLR2004 - one needs no second name
        return str(entry["provider"])
    return f"{entry['provider']}/{entry['account_name'] or entry['account'] or '-'}"

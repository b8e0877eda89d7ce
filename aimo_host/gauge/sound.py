"""What may be believed of a cache that anybody may have edited, or another version written. Total and pure.

Whatever comes in, every key of design §5 comes out with a value of its type; what has another type is unknown, what is no entry,
window or balance is left out. Keys that this version does not know stay as they are. Nothing is repaired by guessing.
"""

from __future__ import annotations

from aimo_host.gauge.times import parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Shape: TypeAlias = dict[str, Callable[[Any], Any]]

#: No percentage, count or length in seconds comes near it, and arithmetic below it never overflows.
_HUGE = 1e15
#: A feed is named `provider/route/profile`.
_FEED_SLASHES = 2


def sound(cache: dict[str, Any]) -> dict[str, Any]:
    """The same cache in the shape that everything else relies on."""
    feeds = cache.get("_feeds")
    kept = {name: feed for name, feed in feeds.items() if _is_feed(name, feed)} if isinstance(feeds, dict) else {}
    return {**cache, "updated_at": _text(cache.get("updated_at")), "entries": _entries(cache.get("entries")), "_feeds": kept}


def _is_feed(name: str, feed: Any) -> bool:
    return (
        name.count("/") == _FEED_SLASHES
        and isinstance(feed, dict)
        and isinstance(feed.get("provider"), str)
        and isinstance(feed.get("account", 0), str | None)
        and _number(feed.get("at")) is not None
    )


def _entries(value: Any) -> list[dict[str, Any]]:
    """One per account: of two rows about the same one, the one that was read last, or tried last, is the truth."""
    found: dict[tuple[str, str | None], dict[str, Any]] = {}
    for entry in value if isinstance(value, list) else []:
        if not _is_entry(entry):
            continue
        name = (entry["provider"], entry.get("account"))
        if name not in found or _age(found[name]) < _age(entry):
            found[name] = entry
    return [_shaped(entry, _ENTRY) for entry in found.values()]


def _age(entry: dict[str, Any]) -> tuple[float, float]:
    observed, attempted = (parse_iso(entry.get(key)) for key in ("observed_at", "attempted_at"))
    return observed or 0.0, attempted or 0.0


def _is_entry(entry: Any) -> bool:
    """Whether it says whose reading it is, and when it was made if it was."""
    if not isinstance(entry, dict) or not isinstance(entry.get("provider"), str):
        return False
    return all(isinstance(entry.get(key), str | None) for key in ("account", "observed_at", "attempted_at"))


def _shaped(record: dict[str, Any], shape: Shape) -> dict[str, Any]:
    return {**record, **{key: fit(record.get(key)) for key, fit in shape.items()}}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _instant(value: Any) -> str | None:
    return value if parse_iso(value) is not None else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and -_HUGE < value < _HUGE else None


def _percent(value: Any) -> float | None:
    found = _number(value)
    return found if found is not None and found >= 0 else None


def _yes(value: Any) -> bool:
    return value is True


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _object_or_none(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _kind(value: Any) -> str:
    return value if isinstance(value, str) else "other"


def _state(value: Any) -> str:
    return value if isinstance(value, str) else "active"


def _problem(value: Any) -> dict[str, Any] | None:
    return _shaped(value, _PROBLEM) if isinstance(value, dict) and isinstance(value.get("code"), str) else None


def _blocked(value: Any) -> dict[str, Any] | None:
    """A refusal whose reason is not understood is a refusal all the same."""
    said = _object(value)
    return {**said, **{key: _text(said.get(key)) or "" for key in ("code", "message")}} if value else None


def _labelled(value: Any, shape: Shape) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else []
    return [_shaped(one, shape) for one in found if isinstance(one, dict) and isinstance(one.get("label"), str)]


def _windows(value: Any) -> list[dict[str, Any]]:
    return [_dated(window) for window in _labelled(value, _WINDOW)]


def _dated(window: dict[str, Any]) -> dict[str, Any]:
    """Only a window that is older than its entry says when it was read."""
    if "observed_at" not in window or _instant(window["observed_at"]) is not None:
        return window
    return {key: value for key, value in window.items() if key != "observed_at"}


def _balances(value: Any) -> list[dict[str, Any]]:
    return _labelled(value, _BALANCE)


_PROBLEM: Shape = {"params": _object, "action": _text, "url": _text, "retry_at": _text}

_WINDOW: Shape = {
    "used_pct": _percent,
    **dict.fromkeys(("window_seconds", "usage", "limit", "remaining"), _number),
    **dict.fromkeys(("resets_at", "resets_in", "scope", "unit"), _text),
    "kind": _kind,
    "state": _state,
    "binding": _yes,
    "pace": _object_or_none,
}

_BALANCE: Shape = {
    **dict.fromkeys(("amount", "used", "limit"), _number),
    **dict.fromkeys(("unit", "reason"), _text),
    "kind": _kind,
    "unlimited": _yes,
    "enabled": _yes,
}

_ENTRY: Shape = {
    **dict.fromkeys(("plan", "plan_label", "account", "account_name", "auth_source"), _text),
    **dict.fromkeys(("tightest", "error", "_source", "_received_at"), _text),
    **dict.fromkeys(("observed_at", "attempted_at"), _instant),
    "headroom_pct": _number,
    "ok": _yes,
    "stale": _yes,
    "windows": _windows,
    "balances": _balances,
    "blocked": _blocked,
    "problem": _problem,
}

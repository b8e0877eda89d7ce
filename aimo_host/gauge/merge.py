"""One reading or one failure into the cache. Pure: the time is an argument, and the cache that comes in is never changed.

The newest observation wins per (provider, account). A failure touches only the entry that its feed, that is this (provider,
route, profile), last fed, and never erases windows. A switch of accounts within one feed removes the entry it left, unless
another feed still keeps it up.

A reading that does not say whose it is joins the entry of its feed, or the provider's only one, unless the ends of the week say
otherwise: they are the account's own. A borrowed copy joins only an entry that agrees with it; any other reading none that
contradicts it, if others have read it too.
"""

from __future__ import annotations

from binascii import crc32

from aimo_host.gauge.entry import upwards
from aimo_host.gauge.problems import as_json, clarity
from aimo_host.gauge.snapshot import entry_at, unread
from aimo_host.gauge.times import CLOCK_AHEAD, parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.gauge.problems import Problem

    Cache = dict[str, Any]
    Entry = dict[str, Any]

_WEEK = 604800.0
#: The moment of the whole reading (`_at`) of an entry that has had only partial ones (`_part`): any whole one is newer.
_NO_WHOLE = 0.0
#: Providers' reset times move by seconds between answers, and some count from their own clock.
_JITTER = 300.0


def feed(provider: str, route: str, profile: str | None = None) -> str:
    """The name of one way to learn about one provider: `claude/browser/<profile>`, `zai/api_key/-`."""
    return f"{provider}/{route}/{profile or '-'}"


def merge_reading(cache: Cache, entry: Entry, *, via: str, now: float) -> Cache:
    """The cache after the reading `entry` (see `entry.from_usage`) came through the feed `via`."""
    feeds: dict[str, Any] = cache.get("_feeds", {})
    last = feeds.get(via)
    at: float = entry["_at"]
    if last is not None and _is_later(last["at"], at, now):
        return cache
    if entry.get("_borrowed") and not _fits(cache, entry):
        return cache
    account = _joined(cache, entry, last, via)
    adopts = _anonymous_only(cache, entry) if entry["account"] is not None else None
    is_copy, is_partial = "_borrowed" in entry, "_partial" in entry
    entry = {key: value for key, value in entry.items() if key not in {"_borrowed", "_partial"}} | {"account": account}
    others = [e for e in cache["entries"] if not _same(e, entry) and e is not adopts and not _is_placeholder_of(e, entry)]
    before = next((e for e in cache["entries"] if _same(e, entry)), adopts)
    feeds = {**feeds, via: {"provider": entry["provider"], "account": account, "at": at}}
    if adopts is not None:
        feeds = {name: _renamed(f, entry["provider"], account) for name, f in feeds.items()}
    if last is not None and last["account"] != account:
        others = [e for e in others if not _left_behind(e, last, feeds)]
    newest = (_overlaid if is_partial else _newest)(before, _completed(before, entry) if is_copy else entry, now)
    return {**cache, "entries": _sorted([*others, newest]), "_feeds": feeds, "updated_at": upwards(now)}


def _joined(cache: Cache, entry: Entry, last: dict[str, Any] | None, via: str) -> str | None:
    """The account that the reading belongs to: its own, or for one that cannot name it, the one it joins."""
    if entry["account"] is not None:
        return str(entry["account"])
    good = _good_ones(cache, entry["provider"])
    agreeing = [e for e in good if _week_ends_apart(e, entry) is False]
    if entry.get("_borrowed"):
        good = agreeing
    known = next((e for e in good if last is not None and _same(e, last)), good[0] if len(good) == 1 else None)
    if known not in agreeing and len(agreeing) == 1:
        known = agreeing[0]
    if known is None:
        return _own_name(via) if any(e["account"] is None for e in good) else None
    if _is_another(cache, known, entry, via):
        return _own_name(via)
    return None if known["account"] is None else str(known["account"])


def _fits(cache: Cache, entry: Entry) -> bool:
    """Whether a borrowed copy has a place: with nothing else known, or with exactly one entry that agrees with it."""
    good = _good_ones(cache, entry["provider"])
    return not good or sum(_week_ends_apart(e, entry) is False for e in good) == 1


def _is_another(cache: Cache, known: Entry, entry: Entry, via: str) -> bool:
    """Whether a nameless reading contradicts an entry that is not this feed's alone: then it is of another account.

    What only this feed has read may change: the person signed in to another account, or the provider moved the week.
    """
    feeding = {name: f["at"] for name, f in cache.get("_feeds", {}).items() if _same(known, f)}
    shared = any(name != via and not name.endswith("/-") and entry["_at"] - at < _WEEK for name, at in feeding.items())
    return (shared or via not in feeding) and _week_ends_apart(known, entry) is True


def _own_name(via: str) -> str:
    """An opaque name for an account of which only the feed is known."""
    return f"{crc32(via.encode()):08x}"


def _week_ends_apart(one: Entry, other: Entry) -> bool | None:
    """Whether the main week of two readings ends at different times (whole weeks aside); None where that cannot be told."""
    ends = [_week_end(entry) for entry in (one, other)]
    if ends[0] is None or ends[1] is None:
        return None
    apart = abs(ends[0] - ends[1]) % _WEEK
    return min(apart, _WEEK - apart) > _JITTER


def _week_end(entry: Entry) -> float | None:
    main = (w for w in entry["windows"] if w.get("kind") == "weekly" and w.get("scope") is None)
    return next((at for w in main if (at := parse_iso(w.get("resets_at"))) is not None), None)


def _good_ones(cache: Cache, provider: str) -> list[Entry]:
    return [e for e in cache["entries"] if e["provider"] == provider and _is_good(e)]


def _anonymous_only(cache: Cache, entry: Entry) -> Entry | None:
    """The provider's only entry, if no account is known for it: a reading that names its account and fits takes it over."""
    good = _good_ones(cache, entry["provider"])
    return good[0] if len(good) == 1 and good[0]["account"] is None and _week_ends_apart(good[0], entry) is not True else None


def _renamed(one: dict[str, Any], provider: str, account: str | None) -> dict[str, Any]:
    return {**one, "account": account} if one["provider"] == provider and one["account"] is None else one


def _left_behind(entry: Entry, last: dict[str, Any], feeds: dict[str, Any]) -> bool:
    kept = any(f["provider"] == entry["provider"] and f["account"] == entry["account"] for f in feeds.values())
    return entry["provider"] == last["provider"] and entry["account"] == last["account"] and not kept


def _newest(before: Entry | None, entry: Entry, now: float) -> Entry:
    """The entry after a reading: the newer windows, and the failure only if it is newer than both."""
    if before is None or not _is_good(before):
        return entry
    if _is_later(_observed(before), entry["_at"], now):
        return {**before, "account": entry["account"]}
    part = before.get("_part")
    if isinstance(part, float) and _is_later(part, entry["_at"], now):
        # A partial reading came in first that was made after this one.
        renewed = [window for window in before["windows"] if window.get("observed_at") is None]
        entry = _overlaid(entry, {**before, "_at": part, "account": entry["account"], "windows": renewed}, now)
    extra = {key: value for key, value in before.items() if key not in entry and key != "_part"}
    if _is_later(_tried(before), entry["_at"], now):
        failure = {key: before.get(key) for key in ("attempted_at", "_tried", "error", "problem")}
        return {**extra, **entry, **failure, "stale": failure["error"] is not None}
    return {**extra, **entry}


def _overlaid(before: Entry | None, entry: Entry, now: float) -> Entry:
    """The entry after a partial reading: the other windows stay, and say when they were read.

    It is no attempt to read the account, so it puts none off, and never wins against a whole reading that comes in just after it.
    """
    if before is None or not _is_good(before):
        return _newest(before, {**entry, "_at": _NO_WHOLE, "_tried": _NO_WHOLE, "_part": entry["_at"]}, now)
    if _is_later(_observed(before), entry["_at"], now):
        return {**before, "account": entry["account"]}
    moments = {key: entry[key] for key in ("observed_at", "_received_at")}
    whole = {"_at": _observed(before), "_tried": _tried(before), "_part": entry["_at"], "account": entry["account"]}
    after = {**before, **moments, **whole, "windows": [*entry["windows"], *_beside(before, entry)]}
    return _reckoned(after, entry["_at"])


def _completed(before: Entry | None, entry: Entry) -> Entry:
    """A copy that another program kept, with what it is silent about as it was read before: pools, what has ended, balances.

    A window that ended longer ago than it lasts is let go: the provider may have stopped to speak of it.
    """
    if before is None or not _is_good(before):
        return entry
    kept = [window for window in _beside(before, entry) if _may_still_be_there(window, entry["_at"])]
    told = {balance["kind"] for balance in entry["balances"]}
    balances = [*entry["balances"], *(balance for balance in before["balances"] if balance["kind"] not in told)]
    return _reckoned({**entry, "windows": [*entry["windows"], *kept], "balances": balances}, entry["_at"])


def _beside(before: Entry, entry: Entry) -> list[dict[str, Any]]:
    """The windows that a newer reading is silent about; each says when it was read."""
    fresh = {(window["kind"], window["scope"]) for window in entry["windows"]}
    return [
        {**window, "observed_at": window.get("observed_at") or before["observed_at"]}
        for window in before["windows"]
        if (window["kind"], window["scope"]) not in fresh
    ]


def _may_still_be_there(window: dict[str, Any], at: float) -> bool:
    ends = parse_iso(window.get("resets_at"))
    return ends is not None and at - ends <= (window.get("window_seconds") or 0)


def _reckoned(entry: Entry, at: float) -> Entry:
    """The entry with what follows from its windows."""
    return {**entry, **{key: entry_at(entry, at, {})[key] for key in ("ok", "headroom_pct", "tightest")}}


def merge_failure(cache: Cache, problem: Problem, *, via: str, at: float, now: float, since: float | None = None) -> Cache:
    """The cache after an attempt of the feed `via` failed at `at`.

    `since` is when this refresh was asked for: within one refresh a problem never darkens what another feed has read, nor hides a
    clearer one of an earlier route.
    """
    last = cache.get("_feeds", {}).get(via)
    touched = next((e for e in cache["entries"] if last is not None and _same(e, last)), None)
    if touched is None:
        if any(e["provider"] == problem.provider and _is_good(e) for e in cache["entries"]):
            return cache
        touched = next((e for e in cache["entries"] if e["provider"] == problem.provider), None) or unread(problem)
    failed = _failed(touched, problem, at, now, since)
    others = [e for e in cache["entries"] if e is not touched]
    return {**cache, "entries": _sorted([*others, failed]), "updated_at": upwards(now)}


def _failed(entry: Entry, problem: Problem, at: float, now: float, since: float | None) -> Entry:
    tried = _tried(entry)
    observed = _observed(entry)
    read_since = at if since is None else min(at, since)
    if _is_later(tried, at, now) or _is_later(observed, read_since, now):
        return entry
    shown = entry.get("problem")
    same_refresh = since is not None and tried is not None and since <= tried <= at
    if shown is not None and same_refresh and clarity(shown) > clarity(as_json(problem)):
        return {**entry, "attempted_at": upwards(at), "_tried": at}
    return {
        **entry,
        "attempted_at": upwards(at),
        "_tried": at,
        "stale": observed is not None,
        "error": problem.sentence,
        "problem": as_json(problem),
    }


def forget(cache: Cache, provider: str, now: float) -> Cache:
    """The cache without a provider that was switched off."""
    if not any(e["provider"] == provider for e in cache["entries"]):
        return cache
    feeds = {name: f for name, f in cache.get("_feeds", {}).items() if f["provider"] != provider}
    entries = [e for e in cache["entries"] if e["provider"] != provider]
    return {**cache, "entries": entries, "_feeds": feeds, "updated_at": upwards(now)}


def _is_later(known: float | None, at: float, now: float) -> bool:
    """Whether `known` beats `at`: it is newer, and not from a clock that was ahead."""
    return known is not None and at < known <= now + CLOCK_AHEAD


def _same(one: Entry, other: Entry) -> bool:
    """Whether both (an entry, a feed's last reading) are about the same account."""
    return (one["provider"], one["account"]) == (other["provider"], other["account"])


def _is_good(entry: Entry) -> bool:
    return _observed(entry) is not None


def _observed(entry: Entry) -> float | None:
    """When the windows were read; from the public text where the exact moment is missing (a file from elsewhere)."""
    return _moment(entry, "_at", "observed_at")


def _tried(entry: Entry) -> float | None:
    return _moment(entry, "_tried", "attempted_at")


def _moment(entry: Entry, exact: str, public: str) -> float | None:
    value = entry.get(exact)
    return value if isinstance(value, float) else parse_iso(entry.get(public))


def _is_placeholder_of(entry: Entry, reading: Entry) -> bool:
    return entry["provider"] == reading["provider"] and not _is_good(entry)


def _sorted(entries: list[Entry]) -> list[Entry]:
    """One order whatever order the news came in."""
    return sorted(entries, key=lambda e: (e["provider"], e["account"] is None, e["account"] or ""))

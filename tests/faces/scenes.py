"""What the faces are shown in these tests: welcomes of a host on a good day, on the first day, and on a bad one. All invented."""

from __future__ import annotations

import time
from typing import Any

import aimo_host
from aimo_host import demo
from aimo_host.gauge import snapshot
from aimo_host.gauge.problems import Problem, as_json
from aimo_host.gauge.times import iso
from aimo_host.state import settings

Cache = dict[str, Any]
PROVIDERS = ("claude", "codex", "zai", "ollama")


def full(now: float) -> Cache:
    """Every provider was read four seconds ago: fourteen windows, one of them full."""
    return demo.sample_cache(now)


def first_run(now: float) -> Cache:
    """Nobody is signed in anywhere."""
    problems = [Problem(provider, "not_signed_in") for provider in PROVIDERS]
    return {**demo.sample_cache(now), "entries": [snapshot.unread(problem) for problem in problems]}


def half_broken(now: float) -> Cache:
    """Claude is as it should be, Codex refuses work, Z.ai wants to see a person since hours, Ollama's sign-in has ended."""
    cache = demo.sample_cache(now)
    entries = {entry["provider"]: entry for entry in cache["entries"]}
    _fail(entries["zai"], Problem("zai", "browser_check"), read=now - 3 * 3600, now=now)
    entries["zai"]["windows"][0]["resets_at"] = iso(now - 600)
    entries["ollama"] = snapshot.unread(Problem("ollama", "sign_in_expired"))
    entries["codex"]["blocked"] = {"code": "rate_limit_reached", "message": "OpenAI refuses work until a limit resets."}
    return {**cache, "entries": list(entries.values())}


def used_up(now: float) -> Cache:
    """Every binding window is full."""
    cache = demo.sample_cache(now)
    for entry in cache["entries"]:
        for window in entry["windows"]:
            window["used_pct"] = 100.0 if window["binding"] else window["used_pct"]
    return cache


def read_again(entry: dict[str, Any], now: float) -> dict[str, Any]:
    """The same entry as the next refresh reads it: everything a little fuller."""
    windows = [
        {**window, "used_pct": min(100.0, window["used_pct"] + 1.5) if window["used_pct"] else 0.0} for window in entry["windows"]
    ]
    return {**entry, "windows": windows, "observed_at": iso(now), "attempted_at": iso(now)}


def _fail(entry: dict[str, Any], problem: Problem, *, read: float, now: float) -> None:
    entry.update(observed_at=iso(read), attempted_at=iso(now), stale=True, error=problem.sentence, problem=as_json(problem))


def welcome(cache: Cache, **changed: Any) -> dict[str, Any]:
    """The host's greeting with that cache, and `changed` settings."""
    record = {**settings.defaults(), **changed}
    return {
        "type": "welcome",
        "protocol": 1,
        "host": aimo_host.__version__,
        "extension_version": aimo_host.__version__,
        "snapshot": snapshot.snapshot_at(cache, record, time.time()),
        "settings": record,
        "refresh_pending": False,
        "shim": {"running": False, "url": None},
    }

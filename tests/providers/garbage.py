"""Answers nobody promised: random JSON, real shapes with a part torn out, replaced or doubled, and what must hold of any result.

Shared by the parsers' tests. A result is sound if it can be stored and shown as it is, whatever went in.
"""

from __future__ import annotations

import copy
import json
import math
from typing import Any

from hypothesis import strategies as st

from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.model import Answer, Balance, Usage, Window
from aimo_host.gauge.problems import Problem, as_json

NOW = 1795190400.0

_ODD = [
    0,
    -1,
    1.5,
    -0.0,
    1e308,
    -1e308,
    10**400,
    1e-320,
    "",
    "47",
    "-3",
    "nan",
    "1e999",
    "47 %",
    "\x00\ud800",
    "a" * 5000,
    [],
    {},
]
_leaves = st.one_of(st.none(), st.booleans(), st.sampled_from(_ODD), st.integers(), st.floats(), st.text(max_size=8))


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(_leaves, st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4))


anything: st.SearchStrategy[Any] = _nested(_nested(_nested(_leaves)))

headers = st.dictionaries(
    st.sampled_from(["retry-after", "content-type", "date", "cf-mitigated"]),
    st.one_of(st.text(max_size=30), st.sampled_from(["0", "-5", "120", "1e400", "Wed, 21 Oct 2015 07:28:00 GMT", "text/html"])),
)
statuses = st.one_of(st.sampled_from([0, 200, 204, 303, 400, 401, 403, 404, 429, 500, 503]), st.integers(-5, 1000))
bodies = st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("utf-8", "replace")), anything.map(json.dumps))
answers = st.builds(
    Answer,
    status=statuses,
    body=bodies,
    headers=headers,
    redirected=st.booleans(),
    failed=st.one_of(st.none(), st.none(), st.sampled_from(["signed_out", "network", "?"])),
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) inside `value`."""
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [(value, key) for key, _ in pairs] + [place for _, inner in pairs for place in _places(inner)]


_few = st.integers(1, 4)
_deeds = st.sampled_from(["remove", "replace", "replace", "double"])


@st.composite
def mutated(draw: st.DrawFn, shapes: list[Any]) -> Any:
    """One of the real shapes with up to four parts removed, replaced or doubled."""
    value = copy.deepcopy(draw(st.sampled_from(shapes)))
    for _ in range(draw(_few)):
        places = _places(value)
        if not places:
            break
        container, key = places[draw(st.integers(0, len(places) - 1))]
        deed = draw(_deeds)
        if deed == "remove":
            del container[key]
        elif deed == "replace":
            container[key] = draw(anything)
        elif isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        else:
            container[f"{key}_again"] = copy.deepcopy(container[key])
    return value


def cut(body: Any) -> st.SearchStrategy[str]:
    """The JSON of `body`, ending anywhere."""
    text = json.dumps(body)
    return st.integers(0, len(text)).map(lambda end: text[:end])


def _is_sound_number(value: float | None) -> bool:
    return value is None or (math.isfinite(value) and value >= 0)


def _check_window(window: Window) -> None:
    assert _is_sound_number(window.used_pct)
    assert window.resets_at is None or window.resets_at > 0
    assert all(_is_sound_number(part) for part in (window.used, window.limit, window.remaining, window.window_seconds))
    assert window.state == "unknown" or window.used_pct is not None
    assert window.state != "not_started" or window.used_pct == 0
    assert not (window.binding and window.scope)


def _check_balance(balance: Balance) -> None:
    assert all(_is_sound_number(part) for part in (balance.amount, balance.used, balance.limit))


def check(result: Usage | Problem | None) -> None:
    """Assert that `result` is a usage or a problem that can be stored, shown and sent as it is."""
    if result is None:
        return
    if isinstance(result, Problem):
        assert result.sentence
        json.dumps(as_json(result), allow_nan=False)
        return
    for window in result.windows:
        _check_window(window)
    for balance in result.balances:
        _check_balance(balance)
    labels = [window.label for window in result.windows]
    assert len(set(labels)) == len(labels)
    stored = json.dumps(from_usage("claude", result, account="opaque", at=NOW, source="push"), allow_nan=False)
    assert "ada@example.test" not in stored

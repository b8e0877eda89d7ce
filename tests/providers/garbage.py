"""What providers could send one day: any JSON, real answers with things wrong, damaged pages. And what must hold nevertheless.

A parser may answer with a usage or with a problem, but never raise, and what it answers must fit into the cache.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.problems import Problem, as_json

if TYPE_CHECKING:
    from aimo_host.gauge.model import Usage

_ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1e308,
    -1e308,
    10**400,
    1e-320,
    "",
    "0",
    "-5",
    "NaN",
    "1e999",
    "12.5",
    "\ud800",
    [],
    {},
    [[]],
    {"": {}},
]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(_ODD)

#: Any JSON value, with Python's NaN and infinities, which some servers write too.
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12
)


@st.composite
def mutated(draw: st.DrawFn, bodies: list[Any]) -> Any:
    """A real answer in which up to four things were dropped, replaced, doubled or renamed."""
    body = copy.deepcopy(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(body))
        if places:
            _damage(draw, *places[draw(st.integers(0, len(places) - 1))])
    return body


def _places(value: Any) -> Any:
    """Every (container, key) within `value`."""
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(inner)


def _damage(draw: st.DrawFn, container: Any, key: Any) -> None:
    deed = draw(st.sampled_from(["drop", "replace", "odd", "double"]))
    if deed == "drop":
        del container[key]
    elif deed == "replace":
        container[key] = draw(json_values)
    elif deed == "odd":
        container[key] = draw(st.sampled_from(_ODD))
    elif isinstance(container, list):
        container.append(copy.deepcopy(container[key]))
    else:
        container[draw(st.text(max_size=8))] = copy.deepcopy(container[key])


@st.composite
def mutated_pages(draw: st.DrawFn, pages: list[str]) -> str:
    """A real page, cut, with pieces taken out or doubled, and with any text in it."""
    page = draw(st.sampled_from(pages))
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted((draw(st.integers(0, len(page))), draw(st.integers(0, len(page)))))
        piece = draw(
            st.sampled_from(["", page[start:end] * 2, "<", "</div>", "<div>", "%", "-", "$", "<!-- x -->"]) | st.text(max_size=6)
        )
        page = page[:start] + piece + page[end:] if draw(st.booleans()) else page[:start] + piece + page[start:]
    return page


def assert_sane(result: Usage | Problem) -> None:
    """No negative, no infinite, nothing that JSON cannot hold, and a problem has its sentence."""
    if isinstance(result, Problem):
        assert result.sentence
        json.dumps(as_json(result), allow_nan=False).encode()
        return
    entry = from_usage("any", result, account=None, at=1795341600.0, source="push")
    json.dumps(entry, allow_nan=False, ensure_ascii=False).encode()
    for window in entry["windows"]:
        for key in ("used_pct", "usage", "limit", "remaining", "window_seconds"):
            assert window[key] is None or window[key] >= 0, (key, window)
    for balance in entry["balances"]:
        assert balance["amount"] is None or balance["amount"] >= 0

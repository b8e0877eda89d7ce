"""The parameters of a request: everything outside the list, doubled or out of range is a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.shim.query import parse

ALL = ("max_age", "wait", "cached", "provider")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {}),
        ("&&", {}),
        ("wait=0", {"wait": 0.0}),
        ("wait=75", {"wait": 75.0}),
        ("wait=0.5&max_age=0", {"wait": 0.5, "max_age": 0.0}),
        ("max_age=315360000", {"max_age": 315360000.0}),
        ("cached=1", {"cached": True}),
        ("cached=0", {"cached": False}),
        ("provider=zai", {"provider": "zai"}),
        ("%77ait=%31", {"wait": 1.0}),
    ],
)
def test_what_is_on_the_list_is_understood(query: str, found: dict[str, Any]) -> None:
    assert parse(query, ALL) == found


@pytest.mark.parametrize(
    "query",
    [
        "wait",
        "wait=",
        "wait=-1",
        "wait=75.1",
        "wait=76",
        "wait=1e1",
        "wait=inf",
        "wait=nan",
        "wait=0x1",
        "wait=1_0",
        "wait=+5",
        "wait=.",
        "wait=%D9%A1",
        "wait=" + "9" * 400,
        "wait=5&wait=5",
        "wait=5;max_age=1",
        "max_age=-0",
        "max_age=315360001",
        "cached=yes",
        "cached=",
        "cached=2",
        "provider=",
        "provider=gemini",
        "provider=Claude",
        "provider=claude,codex",
        "WAIT=5",
        "token=x",
        "callback=alert",
        "&".join(f"a{i}=1" for i in range(50)),
    ],
)
def test_everything_else_is_a_sentence(query: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z a-z].*$"):
        parse(query, ALL)


def test_a_parameter_of_another_route_is_unknown() -> None:
    with pytest.raises(ValueError, match="no parameter 'max_age'"):
        parse("max_age=5", ("wait", "provider"))


@given(query=st.text())
def test_any_text_gives_parameters_or_a_sentence(query: str) -> None:
    try:
        found = parse(query, ALL)
    except ValueError:
        return
    assert set(found) <= set(ALL)

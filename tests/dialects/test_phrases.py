"""What every dialect says is one line of printable text, and empty rather than blank."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.dialects import phrases


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\n\ttwo  three", "one two three"),
        ("\x1b\r\x1b", ""),
        ("a \x1b b", "a b"),
        ("\x1b[31mred", "[31mred"),
        (None, "None"),
        ("x" * 6, "xxxx…"),
    ],
)
def test_a_text_becomes_one_line_of_what_can_be_printed(text: object, shown: str) -> None:
    assert phrases.plain(text, 5 if text == "x" * 6 else 200) == shown


@given(st.text())
def test_any_text_is_printable_afterwards_and_has_no_blank_at_either_end(text: str) -> None:
    shown = phrases.plain(text)
    assert shown.isprintable()
    assert shown == shown.strip()


def test_a_sentence_that_nobody_could_read_is_none() -> None:
    assert phrases.troubles({"error": "\ud800", "blocked": {"code": "x", "message": "\x1b\r"}}) == []
    assert phrases.troubles({"error": "\ud800", "blocked": {"code": "x", "message": "No credits."}}) == ["No credits."]

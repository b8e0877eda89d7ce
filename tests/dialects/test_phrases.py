"""What every dialect says is one line of printable text, and empty rather than blank."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.dialects import phrases, statusline
from aimo_host.gauge.times import iso
from tests.gauge.builders import NOW, kept, session, shown, week


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


@pytest.mark.parametrize(
    ("pct", "rounded"),
    [
        (0, "0"),
        (0.3, "<1"),
        (0.5, "<1"),
        (1, "1"),
        (46.5, "47"),
        (99.4, "99"),
        (99.6, "99"),
        (100, "100"),
        (100.4, "100"),
        (120, "120"),
    ],
)
def test_a_percentage_is_rounded_as_in_the_extension(pct: float, rounded: str) -> None:
    assert phrases.rounded(pct) == rounded


@pytest.mark.parametrize(("left", "said"), [(0.4, "0%"), (84.9, "84%"), (99.9, "99%"), (100.0, "100%")])
def test_what_is_left_is_rounded_down_as_in_the_extension(left: float, said: str) -> None:
    entry = shown("codex", week(100 - left))
    use = {"code": "use_open", "provider": "codex", "account": "a", "headroom_pct": left}
    assert phrases.headline({"entries": [entry], "answer": {"use": use}}, NOW) == f"Codex {said} left"


def test_a_session_s_context_is_rounded_like_every_percentage() -> None:
    empty = {"entries": [], "answer": {"use": {"code": "unknown", "headroom_pct": None, "until": None}}}
    assert statusline.render(empty, NOW, {"context_window": {"used_percentage": 99.6}}, "{context}") == "99%"


def test_an_unknown_percentage_is_never_a_number() -> None:
    assert phrases.percent(None) == "?"


def test_a_bar_says_the_age_of_a_binding_window_that_is_older_than_its_entry() -> None:
    entry = kept(shown("claude", session(10), week(61)), "weekly (all)")
    assert phrases.brief(entry, [entry], NOW) == "Claude 61% (2 d ago)"


def test_a_sentence_that_nobody_could_read_is_none() -> None:
    assert phrases.troubles({"error": "\ud800", "blocked": {"code": "x", "message": "\x1b\r"}}) == []
    assert phrases.troubles({"error": "\ud800", "blocked": {"code": "x", "message": "No credits."}}) == ["No credits."]


@pytest.mark.parametrize(
    ("ahead", "said"),
    [(-7200, "2 h ago"), (0, "0 s ago"), (120, "0 s ago"), (121, "at an unknown time"), (9000, "at an unknown time")],
)
def test_nobody_knows_when_a_clock_that_was_ahead_has_read(ahead: float, said: str) -> None:
    assert phrases.ago(NOW + ahead, NOW) == said


def test_an_old_reading_of_a_clock_that_was_ahead_has_no_age() -> None:
    assert phrases.age({"observed_at": iso(NOW + 9000), "stale": False}, NOW) == "at an unknown time"

"""The table: fits its width, says the same with and without colour, in any encoding, and for any cache."""

from __future__ import annotations

import io
import re
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aimo_host import demo, terminal
from aimo_host.dialects import phrases
from aimo_host.gauge import snapshot
from aimo_host.gauge.problems import Problem, as_json
from aimo_host.gauge.sound import sound
from aimo_host.gauge.times import iso
from aimo_host.state import settings
from aimo_host.terminal import answer

NOW = 1_795_000_000.0
WIDTHS = [30, 40, 48, 60, 80, 200]


class Terminal(io.TextIOWrapper):
    """A stdout that a person looks at."""

    def isatty(self) -> bool:
        return True


def shown(
    entries: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str] | None = None,
    *,
    width: int = 80,
    encoding: str = "utf-8",
    kind: type[io.TextIOWrapper] = io.TextIOWrapper,
) -> str:
    """What comes out of `show` on a stdout of this width and encoding."""
    for name, value in {"COLUMNS": str(width), "TERM": "xterm-256color", **(environ or {})}.items():
        monkeypatch.setenv(name, value)
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", kind(raw, encoding=encoding, errors="replace", write_through=True))
    terminal.show(entries, NOW)
    return raw.getvalue().decode(encoding)


def plain(text: str) -> str:
    """Without colour."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


SAMPLES = demo.sample_entries(NOW)


def sample(provider: str = "claude", **changed: Any) -> dict[str, Any]:
    """The sample entry of a provider, with some fields changed."""
    return next(entry for entry in SAMPLES if entry["provider"] == provider) | changed


def window(**changed: Any) -> dict[str, Any]:
    """The first sample window with some fields changed."""
    first: dict[str, Any] = sample()["windows"][0]
    return first | changed


def row(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> str:
    """The line of such a window."""
    text = shown([sample(windows=[window(**changed)], balances=[])], monkeypatch)
    return next(line for line in text.splitlines() if line.startswith("  "))


# -- width


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    long: dict[str, Any] = {"account_name": "仕事" * 20, "plan_label": "A plan with a name that goes on and on and on"}
    failed = {
        "error": Problem("claude", "browser_check").sentence,
        "problem": as_json(Problem("claude", "browser_check")),
        "stale": True,
    }
    blocked: dict[str, Any] = {
        "blocked": {"code": "x", "message": "The provider refuses work although the percentages look free. " * 3}
    }
    due: dict[str, Any] = {"windows": [window(used_pct=None, state="reset_due", pace=None), window(scope="仕事" * 30)]}
    entries = [
        *SAMPLES,
        sample(**(long | failed | blocked | due)),
        *map(snapshot.never_read, ("claude", "codex", "zai", "ollama")),
    ]
    lines = shown(entries, monkeypatch, width=width).splitlines()
    assert [line for line in lines if cell_len(line) > width and "https://" not in line] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_and_times_stand_in_columns(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = [line for line in shown(SAMPLES, monkeypatch, width=width).splitlines() if "%" in line and line.startswith("  ")]
    assert len(lines) > 8
    assert len({line.index(" %") for line in lines}) == 1
    assert all(line[15] == " " for line in lines)  # a long name never runs into its bar


@pytest.mark.parametrize(("width", "cells"), [(80, 34), (48, 8), (44, 4), (43, 0)])
def test_a_bar_takes_the_room_that_the_times_leave(monkeypatch: pytest.MonkeyPatch, width: int, cells: int) -> None:
    [first, *_] = [line for line in shown(SAMPLES, monkeypatch, width=width).splitlines() if line.startswith("  5 h")]
    assert len(re.sub(r"[^█░┊]", "", first)) == cells


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_begins_or_ends_with_what_stands_between_two_facts(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    assert not re.search(r"^·|·$| $", shown(SAMPLES, monkeypatch, width=width), re.MULTILINE)


def test_an_address_is_never_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown([snapshot.never_read("codex")], monkeypatch, width=60)
    assert "    https://chatgpt.com/auth/login" in text.splitlines()


@given(width=st.integers(1, 300))
def test_any_width_gives_a_table(width: int) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert "Claude" in shown(SAMPLES, monkeypatch, width=width) or width < 30


# -- colour and encoding


@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_pipe_gets_no_escape_sequences(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    assert "\x1b" not in shown(SAMPLES, monkeypatch, environ)


def test_no_color_holds_at_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[3" in shown(SAMPLES, monkeypatch, kind=Terminal)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown(SAMPLES, monkeypatch, {"NO_COLOR": "1"}, kind=Terminal))


def test_colour_adds_nothing_that_the_text_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plain(shown(SAMPLES, monkeypatch, kind=Terminal)) == shown(SAMPLES, monkeypatch)


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp932", "cp1252", "latin-1", "utf-8"])
def test_every_encoding_can_carry_it(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    text = shown([sample(account_name="仕事")], monkeypatch, encoding=encoding)
    assert "47 %" in text
    assert ("#" in text) is not ("█" in text)


def test_without_drawn_characters_the_bars_are_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(SAMPLES, monkeypatch, encoding="ascii")
    assert re.search(r"5 h +#+\|?\.+\|?\.* +47 %", text)
    assert "?" not in text.replace("? ", "")  # only the separator between plan and name may be lost


# -- what a row says


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"used_pct": None, "state": "unknown", "pace": None}, r"┄{20,} +-- "),
        ({"used_pct": None, "state": "reset_due", "pace": None}, r"┄+ +-- +not read since reset$"),
        ({"used_pct": 0.0, "state": "not_started", "resets_at": None, "pace": None}, r"░{20,} +0 % +not started$"),
        ({"used_pct": 100.0, "pace": None}, r"█{20,} +100 % +in 2 h 12 m$"),
        ({"used_pct": 250.0, "pace": None}, r"█{20,} +250 % "),
        ({"used_pct": 99.6, "pace": None}, r" 99 % "),
        ({"used_pct": 0.3, "pace": None}, r" <1 % "),
        ({"used_pct": 0.0, "pace": None}, r"5 h +░{20,} +0 % "),
        ({"resets_at": None, "resets_in": "2 hours", "pace": None}, r"in 2 hours$"),
        ({"resets_at": None, "resets_in": None, "pace": None}, r"47 %$"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_unknown_looks_unknown_and_full_looks_full(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], expected: str
) -> None:
    assert re.search(expected, row(monkeypatch, **changed))


def test_a_window_that_runs_out_early_says_when(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = {"state": "ahead", "expected_pct": 20.0, "runs_out_at": "2026-11-18T12:00:00Z"}
    assert re.search(r"out ~in 5 h", row(monkeypatch, pace=pace)) or "out ~" in row(monkeypatch, pace=pace)


KEPT_OLD = {"observed_at": iso(NOW - 2 * 86400), "pace": None}


@pytest.mark.parametrize("width", WIDTHS)
def test_the_age_of_a_window_older_than_its_entry_stands_below_its_reset(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    fresh, old = (
        shown([sample(windows=[window(**changed)], balances=[])], monkeypatch, width=width).splitlines()
        for changed in ({"pace": None}, {**KEPT_OLD, "binding": False})
    )
    assert old[-1] == "read 2 d ago".rjust(min(width, 88))
    assert fresh[-1] == old[-2]


def test_an_unused_pool_that_was_read_long_ago_is_shown_with_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = window(**KEPT_OLD, scope="Fable", used_pct=0.0)
    text = shown([sample(windows=[window(), pool], balances=[])], monkeypatch)
    assert re.search(r"Fable.* 0 % .*\n +read 2 d ago$", text, re.MULTILINE)


def test_the_mark_of_the_even_pace_stands_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    line = row(monkeypatch, used_pct=10.0, pace={"state": "behind", "expected_pct": 50.0, "runs_out_at": None})
    bar = line[16:50]
    assert bar.index("┊") == len(bar) // 2


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"kind": "session", "window_seconds": 18000, "scope": None}, "5 h"),
        ({"kind": "hours", "window_seconds": 7200, "scope": "Spark"}, "2 h Spark"),
        ({"kind": "session", "window_seconds": None, "scope": None}, "Session"),
        ({"kind": "daily", "scope": None}, "Day"),
        ({"kind": "weekly", "scope": "Fable"}, "Week Fable"),
        ({"kind": "monthly", "scope": None}, "Month"),
        ({"kind": "tools", "scope": None}, "Tools"),
        ({"kind": "spend", "scope": None}, "Extra"),
        ({"kind": "other", "label": "odd one", "scope": "odd one"}, "odd one"),
    ],
)
def test_short_names_come_from_kind_length_and_scope(changed: dict[str, Any], name: str) -> None:
    assert phrases.short_name(window(**changed)) == name


def test_a_failed_row_keeps_its_windows_and_says_what_happened_and_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem("claude", "browser_check")
    text = shown([sample(error=problem.sentence, problem=as_json(problem), stale=True)], monkeypatch)
    assert "! claude.ai asked for a browser check.  https://claude.ai/" in text
    assert "47 %" in text


def test_a_blocked_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "! No credits left." in shown([sample(blocked={"code": "x", "message": "No credits left."})], monkeypatch)


@pytest.mark.parametrize(
    ("balance", "text"),
    [
        ({"amount": 37.66, "unit": "USD"}, "credits: $37.66"),
        ({"amount": 12000.0, "unit": None}, "credits: 12,000"),
        ({"amount": 3.0, "unit": "resets"}, "credits: 3"),
        ({"amount": 0.5, "unit": "credits"}, "credits: 0.50"),
        ({"unlimited": True}, "credits: unlimited"),
        ({"used": 1.5, "limit": 50.0, "unit": "USD"}, "credits: $1.50 of $50 used"),
        ({"used": 1.5, "unit": "EUR"}, "credits: 1.50 EUR used"),
        ({"enabled": False, "used": 0.0, "reason": "user_disabled"}, "credits: 0 used"),
        ({"reason": "out_of_credits"}, "credits: out_of_credits"),
        ({}, "credits: amount not shown"),
    ],
    ids=str,
)
def test_a_balance_is_one_line_and_never_a_made_up_0(monkeypatch: pytest.MonkeyPatch, balance: dict[str, Any], text: str) -> None:
    blank = {"kind": "credits", "label": "credits", "amount": None, "used": None, "limit": None, "unit": None}
    whole = blank | {"unlimited": False, "enabled": True, "reason": None} | balance
    assert shown([sample(balances=[whole], windows=[])], monkeypatch).splitlines()[-1] == f"  {text}"


def test_an_empty_purse_that_is_closed_has_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = {"kind": "credits", "label": "credits", "amount": 0.0, "used": None, "limit": None, "unit": "credits"}
    whole = closed | {"unlimited": False, "enabled": False, "reason": None}
    assert "credits" not in shown([sample(balances=[whole], windows=[])], monkeypatch)


def test_money_of_a_window_stands_in_its_row_and_has_no_second_line(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(SAMPLES, monkeypatch)
    assert re.search(r"^  Extra .* 25 % +\$12\.34 / \$50$", text, re.MULTILINE)
    assert "extra credits" not in text


def test_a_pool_that_nobody_touched_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "  Spark: 5 h, Week unused\n" in shown(demo.sample_entries(NOW), monkeypatch)


def test_where_nothing_was_read_the_demo_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "`aimo demo`" in shown([snapshot.never_read("claude")], monkeypatch)
    assert "`aimo demo`" not in shown([sample()], monkeypatch)


# -- anything

ODD = st.sampled_from([None, True, -1, 0.5, 1e308, float("nan"), "", "x", [], {}, [None], {"a": 1}, ["x"], {"runs_out_at": 5}])
KEPT = demo.sample_cache(NOW)


def _slots(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of everything inside a cache."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [slot for key, item in inside for slot in ((*place, key), *_slots(item, (*place, key)))]


def _replaced(value: Any, place: tuple[Any, ...], odd: Any) -> Any:
    """A copy with something else in that place; as it was, where an earlier change took the place away."""
    if not place:
        return odd
    try:
        inner = _replaced(value[place[0]], place[1:], odd)
    except (KeyError, IndexError, TypeError):
        return value
    if isinstance(value, dict):
        return {**value, place[0]: inner}
    return [*value[: place[0]], inner, *value[place[0] + 1 :]] if isinstance(value, list) else value


@given(changes=st.lists(st.tuples(st.sampled_from(_slots(KEPT)), ODD), max_size=8))
def test_any_cache_can_be_shown(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    broken = KEPT
    for place, odd in changes:
        broken = _replaced(broken, place, odd)
    entries = snapshot.entries_at(sound(broken), settings.defaults(), NOW)
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert "Claude" in shown(entries, monkeypatch)


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=30))
def test_no_text_of_a_provider_reaches_the_terminal_s_controls(text: str) -> None:
    from aimo_host.providers import fields

    kept = fields.text(text) or ""
    with pytest.MonkeyPatch.context() as monkeypatch:
        said = shown([sample(plan_label=kept, blocked={"code": "x", "message": kept})], monkeypatch)
    assert [char for char in said if not char.isprintable() and char != "\n"] == []


# -- the answer

HOUR = 3600.0
LATER = time.strftime("%H:%M", time.localtime(NOW + HOUR))


def _answer(code: str, *notes: dict[str, Any], **use: Any) -> dict[str, Any]:
    nobody = {"provider": None, "account": None, "account_name": None, "headroom_pct": None, "until": None}
    return {"use": {"code": code, **nobody, **use}, "notes": list(notes)}


def _note(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "provider": "zai", "account_name": None, "scope": None, "pct": None, "until": None, **more}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (_answer("use", provider="codex", headroom_pct=84.9, until=iso(NOW + HOUR)), ("Use Codex: 84 % left until " + LATER, "")),
        (_answer("use_open", provider="codex", headroom_pct=84.0), ("Use Codex: 84 % left", "")),
        (_answer("none_left", until=iso(NOW + HOUR)), ("Nothing left until " + LATER, "")),
        (_answer("none_left_open"), ("Nothing left", "")),
        (_answer("unknown"), ("", "")),
        (_answer("unknown", _note("unknown")), ("", "Z.ai unknown")),
        (_answer("unknown", _note("blocked"), _note("full")), ("", "Z.ai refuses work · Z.ai full")),
        (
            _answer("unknown", _note("full", account_name="work", scope="Fable", until=iso(NOW + HOUR))),
            ("", "Z.ai work Fable full until " + LATER),
        ),
        (_answer("unknown", _note("lose", pct=60.5, until=iso(NOW + HOUR))), ("", "Z.ai would lose 61 % in 1 h")),
    ],
)
def test_the_answer_is_one_sentence_and_the_facts_another(found: dict[str, Any], said: tuple[str, str]) -> None:
    entries = [{**snapshot.never_read("codex"), "account": None}]
    assert answer.sentences(found, entries, NOW) == said


def test_of_two_accounts_the_one_to_use_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [sample(account="a", account_name="work"), sample(account="b", account_name=None, headroom_pct=1.0)]
    assert shown(both, monkeypatch).startswith("Use Claude ")


def test_the_answer_stands_above_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(demo.sample_entries(NOW), monkeypatch).splitlines()
    assert lines[0].startswith("Use Codex: 84 % left until ")
    assert lines[1].startswith("Claude Fable full until ")


def test_who_looks_at_a_terminal_sees_that_something_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stderr", Terminal(raw, encoding="utf-8", write_through=True))
    with terminal.busy():
        pass
    assert "asking…" in raw.getvalue().decode()


def test_nobody_else_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, write_through=True))
    with terminal.busy():
        pass
    assert raw.getvalue() == b""

"""Ollama's settings page: all its variants, what comes instead of it, and pages with pieces missing."""

from __future__ import annotations

import json

import pytest

from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.model import Balance, Usage, Window
from aimo_host.gauge.problems import Problem
from aimo_host.providers import ollama_page
from aimo_host.samples import FAILURES as SHARED_FAILURES
from aimo_host.samples import ollama_page as samples
from aimo_host.samples import page_answer
from aimo_host.samples.ollama import session_end, week_end
from aimo_host.samples.ollama_page import page, row

NOW = 1795341600.0  # 2026-11-22T10:00:00Z
PAST = '<span data-time="2026-11-22T09:56:00Z">4 minutes ago</span>'
AHEAD = '<div data-time="2026-11-22T14:00:00Z">Resets in 4 hours.</div>'


def read(html: str) -> Usage:
    result = ollama_page.parse_settings(page_answer(html), NOW)
    assert isinstance(result, Usage), result
    return result


def only(html: str) -> Window:
    (window,) = read(html).windows
    return window


def used(usage: Usage) -> dict[str, float | None]:
    return {window.label: window.used_pct for window in usage.windows}


def bar(label: str, says: str = "", track: str = "", inside: str = "", below: str = "") -> str:
    """A row of which everything can be left out."""
    return f"<div><div><span>{label}</span><span>{says}</span></div><div {track}>{inside}</div>{below}</div>"


TRACK = "data-usage-track"


# The variants


@pytest.mark.parametrize(
    ("name", "windows"),
    [
        ("legacy", {"session": 11.7, "weekly": 40.2}),
        ("legacy_hourly", {"session": 11.7, "weekly": 40.2}),
        ("legacy_capital", {"session": 11.7, "weekly": 40.2}),
        ("legacy_unused", {"session": 0, "weekly": 40.2}),
        ("legacy_words_only", {"session": 11.7, "weekly": 40.2}),
        ("free", {"monthly": 12}),
        ("credits", {"monthly": 0.05}),
        ("credits_without_reset", {"monthly": 0.05}),
        ("credits_used_up", {"monthly": 100}),
        ("nothing_included", {}),
    ],
)
def test_each_variant_of_the_page_gives_its_windows(name: str, windows: dict[str, float]) -> None:
    assert used(read(samples.PAGES[name](NOW))) == pytest.approx(windows)


@pytest.mark.parametrize("name", ["legacy", "legacy_hourly", "legacy_capital"])
def test_a_session_carries_all_that_is_known_of_it(name: str) -> None:
    assert read(samples.PAGES[name](NOW)).windows[0] == Window(
        label="session", kind="session", used_pct=11.7, resets_at=session_end(NOW), window_seconds=18000, binding=True
    )


def test_a_week_carries_all_that_is_known_of_it() -> None:
    assert read(samples.PAGES["legacy"](NOW)).windows[1] == Window(
        label="weekly", kind="weekly", used_pct=40.2, resets_at=week_end(NOW), window_seconds=604800, binding=True
    )


def test_a_monthly_allowance_is_counted_in_dollars() -> None:
    window = only(samples.credits_plan(NOW, "$15 of $60 used"))
    assert (window.used, window.limit, window.remaining, window.unit) == (15, 60, 45, "USD")


def test_rows_are_found_by_their_label_whatever_their_order() -> None:
    first, second = row("Session usage", "11.7% used", 11.7), row("Weekly usage", "40.2% used", 40.2)
    assert used(read(page(second, first))) == used(read(page(first, second)))


def test_only_one_of_the_windows_may_be_there() -> None:
    assert used(read(page(row("Weekly usage", "40.2% used", 40.2)))) == {"weekly": 40.2}


def test_the_same_label_twice_is_one_window_and_the_known_one_counts() -> None:
    html = page(bar("Session usage"), row("Hourly usage", "5% used", 5), row("Session usage", "7% used", 7))
    assert used(read(html)) == {"session": 5}


def test_rows_that_lie_flat_end_at_the_next_label() -> None:
    rows = f"<span>Session usage</span><i>5% used</i>{AHEAD}<span>Weekly usage</span><i>7% used</i>"
    session, week = read(page(rows)).windows
    assert (session.used_pct, session.resets_at, week.used_pct, week.resets_at) == (5, NOW + 4 * 3600, 7, None)


def test_a_row_without_a_bar_ends_at_the_next_heading() -> None:
    html = page("<span>Monthly usage</span>", after="<h3>Other</h3><p>55% used</p>")
    assert only(html).used_pct is None


def test_a_label_torn_by_a_comment_is_whole() -> None:
    assert used(read(samples.PAGES["legacy"](NOW).replace(">Session usage<", ">Session<!-- --> usage<"))) == {
        "session": 11.7,
        "weekly": 40.2,
    }


@pytest.mark.parametrize("label", ["SESSION USAGE", " Session\n  usage ", "session usage:"])
def test_the_spelling_of_a_label_does_not_matter(label: str) -> None:
    assert used(read(page(bar(label, "3% used")))) == {"session": 3}


# Percent used


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("12% used", 12),
        ("12% Used", 12),
        ("11.7 % used", 11.7),
        ("112% used", 112),
        ("<b>12%</b> <i>used</i>", 12),
        ("$15 of $60 used", 25),
        ("$1,500.50 of $3,001 used", 50),
        ("$90 of $60 used", 150),
        ("<b>1</b><b>2</b>% used", None),
        ("-12% used", None),
        ("&lt;1% used", None),
        ("1.2.3% used", None),
        ("12% left", None),
        ("$-3 of $60 used", None),
        ("$3 of $60 left", None),
        ("$1.2.3 of $60 used", None),
        ("", None),
    ],
)
def test_percent_used_is_what_the_row_says_or_unknown(says: str, expected: float | None) -> None:
    assert only(page(bar("Monthly usage", says))).used_pct == expected


def test_without_words_the_bars_label_says_it() -> None:
    assert only(page(bar("Session usage", "", f'{TRACK} aria-label="Session usage 11.7% used"'))).used_pct == 11.7


def test_without_a_percentage_the_bars_label_says_the_dollars() -> None:
    window = only(page(bar("Monthly usage", "", f'aria-label="Monthly usage $3 of $60 used" {TRACK}')))
    assert (window.used_pct, window.used, window.limit) == (5, 3, 60)


def test_dollars_are_finer_than_the_width_of_the_bar() -> None:
    assert only(samples.credits_plan(NOW, "$0.03 of $60 used", width=40)).used_pct == pytest.approx(0.05)


@pytest.mark.parametrize("style", ["width: 11.7%;", "color: red; width:11.7%", "WIDTH: 11.7 %"])
def test_without_any_words_the_width_of_the_bar_says_it(style: str) -> None:
    inside = f'<div style="{style}"><button data-usage-segment style="width: 100%"></button></div>'
    assert only(page(bar("Session usage", "", TRACK, inside))).used_pct == 11.7


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param('<button data-usage-segment style="width: 100%"></button>', id="a model's share"),
        pytest.param('<i style="width: 10%"></i><i style="width: 20%"></i>', id="two bars"),
        pytest.param('<i style="max-width: 10%"></i>', id="another width"),
        pytest.param('<i style="width: 10px"></i>', id="pixels"),
        pytest.param("<i></i>", id="no style"),
        pytest.param("", id="nothing"),
    ],
)
def test_any_other_width_says_nothing(inside: str) -> None:
    assert only(page(bar("Session usage", "", TRACK, inside))).used_pct is None


def test_a_row_without_any_figure_does_not_take_its_neighbours() -> None:
    assert used(read(page(bar("Session usage"), row("Weekly usage", "40.2% used", 40.2)))) == {"session": None, "weekly": 40.2}


# Resets


def test_an_untouched_window_without_a_reset_has_not_started() -> None:
    assert [window.state for window in read(samples.PAGES["legacy_unused"](NOW)).windows] == ["not_started", "active"]


def test_words_are_taken_only_where_there_is_no_time() -> None:
    assert [window.resets_in for window in read(samples.PAGES["legacy"](NOW)).windows] == [None, None]


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("Resets in 3 hours.", "3 hours"),
        ("resets in about an hour", "1 hour"),
        ("Reset in less than a minute", "1 minute"),
        ("Resets in 2 days, 4 hours and 5 minutes", "2 days, 4 hours and 5 minutes"),
        ("Resets in 3 hours 20 minutes. Used 5 days", "3 hours 20 minutes"),
        ("Resets soon", None),
        ("Resets in due course", None),
    ],
)
def test_a_reset_in_words_is_kept_as_a_span_of_time(says: str, words: str | None) -> None:
    assert only(page(bar("Session usage", "5% used", TRACK, below=f"<p>{says}</p>"))).resets_in == words


def test_a_window_with_words_and_nothing_used_is_active() -> None:
    assert only(page(bar("Session usage", "0% used", TRACK, below="<p>Resets in 3 hours</p>"))).state == "active"


def test_the_time_of_a_request_is_not_a_reset() -> None:
    assert only(samples.PAGES["credits_without_reset"](NOW)).resets_at is None


def test_the_time_of_a_request_inside_the_row_is_not_a_reset() -> None:
    assert only(page(bar("Session usage", "5% used", TRACK, below=PAST + AHEAD))).resets_at == NOW + 4 * 3600


def test_a_reset_that_has_passed_is_kept_for_the_reader_to_see() -> None:
    passed = '<p data-time="2026-11-22T09:59:00Z"><span>Resets now</span></p>'
    assert only(page(bar("Session usage", "5% used", TRACK, below=passed))).resets_at == NOW - 60


@pytest.mark.parametrize("raw", ["", "soon", "2026-13-45T00:00:00Z"])
def test_a_time_that_is_none_is_no_reset(raw: str) -> None:
    assert only(page(bar("Session usage", "5% used", TRACK, below=f'<p data-time="{raw}">x</p>'))).resets_at is None


# Plan, balance, privacy


@pytest.mark.parametrize(
    ("badge", "plan", "label"),
    [("pro", "pro", "Pro"), ("Max", "Max", "Max"), ("free", "free", "Free"), ("pay as you go", "pay as you go", "pay as you go")],
)
def test_the_badge_is_the_plan(badge: str, plan: str, label: str) -> None:
    usage = read(page(row("Session usage", "1% used", 1), plan=badge))
    assert (usage.plan, usage.plan_label) == (plan, label)


@pytest.mark.parametrize("heading", ["Cloud Usage", "cloud usage", "Included usage"])
def test_the_plan_is_found_beside_any_heading(heading: str) -> None:
    assert read(page(row("Session usage", "1% used", 1), heading=heading)).plan == "pro"


@pytest.mark.parametrize(
    "top",
    [
        pytest.param("<h2>Cloud usage <a>Learn more</a></h2>", id="no badge"),
        pytest.param('<div><span>Cloud usage</span><span class="capitalize">pro</span></div>', id="no heading"),
        pytest.param('<h2>Cloud usage <span class="capitalize">someone@example.com</span></h2>', id="an address"),
        pytest.param('<h2><span class="capitalize">pro</span></h2>', id="other heading"),
    ],
)
def test_without_a_badge_the_plan_is_unknown(top: str) -> None:
    assert read(top + row("Session usage", "1% used", 1)).plan is None


def test_the_balance_beside_the_plan_is_what_was_purchased() -> None:
    assert read(samples.PAGES["nothing_included"](NOW)).balances == (
        Balance(kind="purchased", label="purchased credits", amount=1234.5, unit="USD"),
    )


def test_an_amount_at_the_end_of_a_sentence_is_an_amount() -> None:
    assert [balance.amount for balance in read(samples.credits_plan(NOW, balance="$5.")).balances] == [5]


@pytest.mark.parametrize("amount", ["-$5", "5", "$", "$5.5.5", "soon"])
def test_an_amount_that_is_none_is_no_balance(amount: str) -> None:
    assert read(samples.credits_plan(NOW, balance=amount)).balances == ()


def test_an_allowance_of_nothing_is_no_window() -> None:
    assert read(samples.PAGES["nothing_included"](NOW)).windows == ()


@pytest.mark.parametrize("name", samples.PAGES)
def test_the_address_on_the_page_is_not_taken(name: str) -> None:
    entry = from_usage("ollama", read(samples.PAGES[name](NOW)), account=None, at=NOW, source="push")
    assert "@" not in json.dumps(entry)


# What comes instead


@pytest.mark.parametrize("name", samples.PAGE_FAILURES)
def test_each_failure_has_its_code(name: str) -> None:
    expected = samples.PAGE_FAILURES[name]
    problem = ollama_page.parse_settings(expected.answer, NOW)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.params.get("variant")) == (expected.code, expected.variant)


@pytest.mark.parametrize("name", SHARED_FAILURES)
def test_what_means_the_same_everywhere_means_it_here_too(name: str) -> None:
    answer, expected = SHARED_FAILURES[name]
    problem = ollama_page.parse_settings(answer, NOW)
    assert isinstance(problem, Problem)
    assert problem.code == expected.partition(".")[0]


def test_a_refused_page_never_advises_about_keys() -> None:
    problem = ollama_page.parse_settings(samples.PAGE_FAILURES["http_401"].answer, NOW)
    assert isinstance(problem, Problem)
    assert problem.action == "sign_in"


def test_the_address_in_the_heading_tells_accounts_apart_in_one_spelling() -> None:
    html = samples.PAGES["legacy"](NOW)
    louder = html.replace("someone@example.com", " Someone@Example.COM ")
    assert read(html).account == read(louder).account == "someone@example.com"


@pytest.mark.parametrize("heading", ["", "no address", "a@b@c", "two words@example.com"])
def test_a_heading_without_an_address_names_no_account(heading: str) -> None:
    assert read(samples.PAGES["legacy"](NOW).replace("someone@example.com", heading)).account is None


@pytest.mark.parametrize("says", ["1e5% used", "1.5e2 % used", "v2.30% used", "x30% used", "_5% used", "é5% used"])
def test_a_figure_inside_a_longer_word_is_none(says: str) -> None:
    assert used(read(page(bar("Session usage", says=says)))) == {"session": None}


@pytest.mark.parametrize("says", ["$1e2 of $100 used", "$1 of $1e3 used", "A$1 of $20 used"])
def test_an_amount_inside_a_longer_word_is_none(says: str) -> None:
    assert used(read(page(bar("Monthly usage", says=says)))) == {"monthly": None}

"""Ollama's settings page, cut, shuffled, damaged, or built to waste time: the truth or nothing, and soon."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge.model import Answer, Usage
from aimo_host.gauge.problems import Problem
from aimo_host.providers import ollama_page
from aimo_host.samples import ollama_page as samples
from aimo_host.samples import page_answer
from tests.providers.garbage import check as check_sound

NOW = 1795341600.0  # 2026-11-22T10:00:00Z


def used(result: Usage | Problem) -> dict[str, float | None]:
    return {window.label: window.used_pct for window in result.windows} if isinstance(result, Usage) else {}


# Hostile pages

HOSTILE = {
    "deep": "<div>" * 200_000,
    "many attributes": "<div " + " ".join(f"a{i}=1" for i in range(100_000)) + ">",
    "deep enough to be read": "<div>" * 9_000 + "Session usage",
    "many labels": "<p>Session usage</p>" * 9_000,
    "many headings": "<h2><p>Cloud usage</p>" * 6_000 + "Session usage",
    "many times": '<p data-time="2020-01-01T00:00:00Z">' * 9_000 + "Session usage",
    "many digits": "<p>Session usage</p>" + "1" * 900_000 + "% used $" + "1," * 40_000,
    "many spans": "<p>Session usage</p> resets in " + "1 day " * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_page_built_to_waste_time_is_answered_soon(name: str) -> None:
    start = time.perf_counter()
    check_sound(ollama_page.parse_settings(page_answer(HOSTILE[name]), NOW))
    assert time.perf_counter() - start < 5


def test_a_page_too_large_to_read_says_so() -> None:
    problem = ollama_page.parse_settings(page_answer(HOSTILE["deep"]), NOW)
    assert problem == Problem("ollama", "unexpected_answer", "too_large")


# Damaged pages

PAGES = [build(NOW) for build in samples.PAGES.values()]
LEGACY = samples.PAGES["legacy"](NOW)
TRUTH = {"session": 11.7, "weekly": 40.2}


def check(html: str) -> Usage | Problem:
    result = ollama_page.parse_settings(page_answer(html), NOW)
    check_sound(result)
    if isinstance(result, Usage):
        assert {window.label for window in result.windows} <= {"session", "weekly", "monthly"}
    return result


@given(st.integers(0, len(LEGACY)))
def test_a_page_cut_anywhere_tells_the_truth_or_nothing(cut: int) -> None:
    result = check(LEGACY[:cut])
    for label, percentage in used(result).items():
        assert percentage in {TRUTH[label], None}


@given(st.randoms(use_true_random=False))
def test_the_order_of_attributes_does_not_matter(random: object) -> None:
    assert used(check(shuffled_attributes(LEGACY, random))) == TRUTH


def shuffled_attributes(html: str, random: object) -> str:
    def shuffle(tag: re.Match[str]) -> str:
        attributes = re.findall(r'[\w-]+(?:="[^"]*")?', tag[2])
        random.shuffle(attributes)  # type: ignore[attr-defined]
        return f"<{tag[1]} {' '.join(attributes)}>"

    return re.sub(r"<(\w+) ([^<>]*)>", shuffle, html)


@st.composite
def damaged_pages(draw: st.DrawFn) -> str:
    """A real page with pieces taken out, doubled, or replaced by something else."""
    html = draw(st.sampled_from(PAGES))
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted((draw(st.integers(0, len(html))), draw(st.integers(0, len(html)))))
        piece = draw(st.sampled_from(["", html[start:end] * 2, "<", "</div>", "%", "-", "$", "<!-- x -->"]) | st.text(max_size=6))
        html = html[:start] + piece + html[draw(st.sampled_from([start, end])) :]
    return html


@given(damaged_pages())
def test_a_damaged_page_gives_a_usage_or_a_problem(html: str) -> None:
    check(html)


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")), st.integers(-1, 599))
def test_any_text_gives_a_problem(body: str, status: int) -> None:
    result = ollama_page.parse_settings(Answer(status, body), NOW)
    assert isinstance(result, Problem)
    check_sound(result)

"""What an answer means whoever gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.model import Answer, Window
from aimo_host.providers.answers import is_bot_check, problem_of, retry_after
from aimo_host.providers.fields import number
from aimo_host.providers.labels import distinct
from aimo_host.samples import FAILURES, json_answer, page_answer
from tests.providers import garbage
from tests.providers.garbage import NOW

if TYPE_CHECKING:
    from aimo_host.gauge.problems import Problem

#: Failures of the body, which each provider's parser has to notice itself.
OF_THE_BODY = {"page instead of data", "half a JSON", "empty body", "JSON of no known key", "JSON of another kind"}


def spelled(problem: Problem | None) -> str | None:
    """`code` or `code.variant`."""
    if problem is None:
        return None
    variant = problem.params.get("variant")
    return f"{problem.code}.{variant}" if variant else problem.code


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", sorted(FAILURES))
def test_a_failure_means_the_same_for_every_provider(provider: str, name: str) -> None:
    answer, code = FAILURES[name]
    assert spelled(problem_of(provider, answer, NOW)) == (None if name in OF_THE_BODY else code)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "sign_in_expired"), (403, "unexpected_answer.denied"), (302, "unexpected_answer.moved")]
)
def test_a_status_that_providers_use_differently_is_read_cautiously(status: int, code: str) -> None:
    assert spelled(problem_of("claude", json_answer({}, status), NOW)) == code


def test_an_outage_names_its_status() -> None:
    problem = problem_of("claude", json_answer({}, 502), NOW)
    assert problem is not None
    assert problem.sentence == "claude.ai is having trouble (HTTP 502)."


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("4500", 4500),
        ("86400", 4500),
        ("0", 300),
        ("-30", 300),
        ("", 300),
        ("soon", 300),
        ("inf", 300),
        ("1e400", 300),
        ("Fri, 20 Nov 2026 12:10:00 GMT", 600),
        ("Fri, 20 Nov 2026 12:10:00 -0000", 600),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 300),
        ("Fri, 20 Nov 2099 11:00:00 GMT", 4500),
        ("Fri, 99 Nov 2026 99:99:99 GMT", 300),
        ("Fri, 20 Nov 99999999999 12:00:00 GMT", 300),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_reason(value: str, seconds: float) -> None:
    assert retry_after({"retry-after": value}, 1795176000.0) == 1795176000.0 + seconds


def test_retry_after_without_the_header_is_five_minutes() -> None:
    assert retry_after({}, NOW) == NOW + 300


def test_a_date_is_measured_by_the_servers_clock() -> None:
    headers = {"retry-after": "Fri, 20 Nov 2026 12:10:00 GMT", "date": "Fri, 20 Nov 2026 12:08:00 GMT"}
    assert retry_after(headers, NOW) == NOW + 120


@pytest.mark.parametrize(("status", "body"), [(429, {}), (503, {})])
def test_the_announced_wait_is_kept(status: int, body: Any) -> None:
    problem = problem_of("zai", json_answer(body, status, {"retry-after": "60"}), NOW)
    assert problem is not None
    assert problem.retry_at == NOW + 60


def test_an_outage_without_an_announcement_promises_no_time() -> None:
    problem = problem_of("zai", json_answer({}, 503), NOW)
    assert problem is not None
    assert problem.retry_at is None


def test_a_throttled_check_never_says_that_a_quota_is_used_up() -> None:
    problem = problem_of("claude", json_answer({}, 429), NOW)
    assert problem is not None
    assert problem.sentence == "Anthropic is limiting usage checks."


def test_words_of_a_bot_check_inside_data_are_data() -> None:
    assert not is_bot_check(json_answer({"title": "Just a moment..."}, 403))


def test_words_of_a_bot_check_on_a_page_that_was_served_are_its_content() -> None:
    assert not is_bot_check(page_answer("<html>Just a moment...</html>", 200))


def test_a_second_window_of_a_label_is_numbered() -> None:
    windows = [Window(label="weekly", kind="weekly", used_pct=pct) for pct in (1, 2, 3)]
    assert [window.label for window in distinct(windows)] == ["weekly", "weekly #2", "weekly #3"]


@given(garbage.answers)
def test_any_answer_is_a_problem_or_a_success_to_be_read(answer: Answer) -> None:
    problem = problem_of("ollama", answer, NOW)
    garbage.check(problem)
    assert problem is not None or 200 <= answer.status <= 299
    assert problem is None or problem.retry_at is None or NOW < problem.retry_at <= NOW + 4500


@pytest.mark.parametrize("text", ["1_0", "1_000.5", "0x10", "1e", "²", "٣ 4", "--1", "nan", "inf", "", " "])
def test_a_text_that_only_python_would_read_is_no_number(text: str) -> None:
    assert number(text) is None

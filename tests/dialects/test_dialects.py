"""Every dialect: the samples give exactly this text, and no snapshot whatever gives anything that its reader would trip over."""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from aimo_host import dialects
from aimo_host.demo import sample_cache
from aimo_host.dialects import MissingExtraError, prometheus, statusline
from tests.dialects.snapshots import HOSTILE, any_snapshots, by_name, samples, snapshot
from tests.gauge.builders import DAY, HOUR, NOW, json_values

GOLDEN = os.path.join(os.path.dirname(__file__), "golden")
PYPROJECT = os.path.join(os.path.dirname(__file__), "..", "..", "pyproject.toml")
ODD = list(by_name())


def rendered(name: str, which: str, now: float = NOW) -> str:
    return dialects.render(name, by_name()[which], now)


def check_waybar(text: str) -> None:
    shown = json.loads(text)
    assert set(shown) - {"percentage"} == {"text", "alt", "tooltip", "class"}
    assert text.count("\n") == 1
    assert 0 <= shown.get("percentage", 0) <= 100
    for markup in (shown["text"], shown["tooltip"]):
        assert not re.search(r"[<>\n]|&(?!(amp|lt|gt|quot|#39);)", markup)


def check_swiftbar(text: str) -> None:
    lines = text.splitlines()
    assert lines[1] == "---"
    for line in lines:
        if line == "---":
            continue
        said, bar, parameters = line.rpartition(" | ")
        assert (bar, "|" in said, said[:1] in {"", "-"}) == (" | ", False, False)
        assert all(
            re.fullmatch(r"(href=https://\S+|font=Menlo|size=12|color=\S+|refresh=true|emojize=false)", one)
            for one in parameters.split()
        )


def check_tmux(text: str) -> None:
    assert text.count("\n") == 1
    ours = re.sub(r"(?<!#)#\[(fg=(yellow|red)|default)\]", "", text)
    assert "#" not in ours.replace("##", "")


def check_codexbar(text: str) -> None:
    assert isinstance(json.loads(text), list)
    for one in json.loads(text):
        rates = [(one.get("usage") or {}).get(slot) for slot in ("primary", "secondary", "tertiary")]
        assert all(isinstance(rate["usedPercent"], float | int) for rate in rates if rate is not None)


def check_prometheus(text: str) -> None:
    seen = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in seen
            seen.add(key)


def check_statusline(text: str) -> None:
    assert text.strip()
    assert text.count("\n") == 1
    assert text[:-1].isprintable()


CHECKS = {
    "waybar": check_waybar,
    "swiftbar": check_swiftbar,
    "tmux": check_tmux,
    "codexbar": check_codexbar,
    "prometheus": check_prometheus,
    "statusline": check_statusline,
}


def test_every_dialect_is_checked() -> None:
    assert set(CHECKS) == set(dialects.NAMES)


@pytest.mark.parametrize("name", dialects.NAMES)
def test_the_samples_give_exactly_this_text(name: str) -> None:
    with open(os.path.join(GOLDEN, f"{name}.txt"), encoding="utf-8") as file:
        assert rendered(name, "samples") == file.read()


@pytest.mark.parametrize("which", ODD)
@pytest.mark.parametrize("name", dialects.NAMES)
def test_an_odd_snapshot_is_shown_in_the_reader_s_own_syntax(name: str, which: str) -> None:
    CHECKS[name](rendered(name, which))


@given(shown=any_snapshots())
def test_no_snapshot_breaks_any_reader_s_syntax(shown: dict[str, Any]) -> None:
    for name, check in CHECKS.items():
        check(dialects.render(name, shown, NOW))


# -- what is said


@pytest.mark.parametrize(
    ("which", "text", "css"),
    [
        ("samples", "Codex 84% left", ["ok", "codex"]),
        ("never read", "usage unknown", ["unknown"]),
        ("unknown", "usage unknown", ["unknown"]),
        ("full", "nothing left for 1 d", ["full"]),
        ("several", "Claude work 60% left", ["ok", "claude"]),
    ],
)
def test_waybar_says_whom_to_use(which: str, text: str, css: list[str]) -> None:
    shown = json.loads(rendered("waybar", which))
    assert (shown["text"], shown["class"]) == (text, css)


@pytest.mark.parametrize("which", ["never read", "unknown", "blocked"])
def test_unknown_has_no_percentage_in_waybar(which: str) -> None:
    assert "percentage" not in json.loads(rendered("waybar", which))


@pytest.mark.parametrize(
    ("which", "after", "text"),
    [
        ("unknown", 0.0, "Claude ?"),
        ("full", 0.0, "#[fg=red]Claude full#[default]"),
        ("reset since", 2 * DAY, "Claude ? (2 d ago)"),
        ("stale", 3 * HOUR, "Claude 40% (3 h ago)"),
        ("several", 0.0, "Claude work 40%  #[fg=yellow]Claude b2 90%#[default]"),
        ("blocked", 0.0, "#[fg=red]Codex blocked#[default]"),
    ],
)
def test_tmux_says_it_in_a_few_letters(which: str, after: float, text: str) -> None:
    assert text in rendered("tmux", which, NOW + after)


def test_a_finished_window_shows_no_number() -> None:
    assert "Week: not read since its reset" in rendered("swiftbar", "reset since", NOW + 2 * DAY)


def test_a_menu_links_to_no_page_but_https() -> None:
    shown = by_name()["hostile"]
    shown["entries"][0]["problem"]["url"] = "javascript:alert(1)"
    assert "javascript" not in dialects.render("swiftbar", shown, NOW)


@pytest.mark.parametrize("which", ["unknown", "reset since", "never read"])
def test_unknown_is_left_out_and_never_zero_in_codexbar(which: str) -> None:
    usage = json.loads(rendered("codexbar", which))[0].get("usage") or {}
    assert [usage.get(slot) for slot in ("primary", "secondary", "tertiary")] == [None, None, None]


def test_codexbar_tells_several_accounts_apart() -> None:
    assert [one.get("account") for one in json.loads(rendered("codexbar", "several"))][:2] == ["work", "b2"]


def test_unknown_has_no_sample_in_prometheus() -> None:
    assert 'aimo_limit_used_ratio{account="a",provider="claude"' not in rendered("prometheus", "unknown")


def test_names_that_people_gave_are_no_labels() -> None:
    assert '"work"' not in rendered("prometheus", "several")


def test_requests_are_counted_by_who_asked_and_what_came() -> None:
    made = {("claude", "mcp", "200"): 7, ("zai", 'a"b', "timeout"): 1}
    text = prometheus.render({"entries": [], "requests": made}, NOW)
    assert 'aimo_provider_requests_total{provider="claude",result="200",trigger="mcp"} 7.0\n' in text
    assert 'aimo_provider_requests_total{provider="zai",result="timeout",trigger="a\\"b"} 1.0\n' in text


def test_the_text_of_prometheus_is_the_version_that_the_header_names() -> None:
    assert "version=0.0.4" in prometheus.CONTENT_TYPE
    assert "# EOF" not in rendered("prometheus", "samples")


def test_without_the_library_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtraError, match=f"pip install '{prometheus.LIBRARY}'"):
        rendered("prometheus", "samples")


def test_the_library_that_is_asked_for_is_the_one_of_the_extra() -> None:
    with open(PYPROJECT, "rb") as file:
        assert tomllib.load(file)["project"]["optional-dependencies"]["prometheus"] == [prometheus.LIBRARY]


# -- the status line


#: The sample account of Claude, whose week ends then.
WEEK_ENDS = next(
    w["resets_at"] for w in by_name()["samples"]["entries"][0]["windows"] if (w["kind"], w["scope"]) == ("weekly", None)
)


def session(five_hour: float = 52.0, seven_day: float = 63.0, ends: object = WEEK_ENDS) -> dict[str, Any]:
    """What Claude Code pipes."""
    limits = {
        "five_hour": {"used_percentage": five_hour, "resets_at": NOW + 2 * HOUR + 720},
        "seven_day": {"used_percentage": seven_day, "resets_at": ends},
    }
    return {
        "model": {"id": "claude-opus-5", "display_name": "Opus 5"},
        "workspace": {"current_dir": "/home/me/project"},
        "cost": {"total_cost_usd": 1.234},
        "context_window": {"used_percentage": 41},
        "rate_limits": limits,
    }


def line(said: object, template: str | None = None, which: str = "samples") -> str:
    return statusline.render(by_name()[which], NOW, said, template)


def test_the_line_adds_the_models_week_and_the_other_providers() -> None:
    expected = (
        "Opus 5 · Claude 5 h 52% (2 h 12 m) · Week 63% · Week Fable 100% · Week Sonnet 4% · Codex 16% · Z.ai 61% · Ollama 40%"
    )
    assert line(session()) == expected


def test_a_models_week_that_was_read_long_ago_says_so() -> None:
    later = snapshot(sample_cache(NOW), NOW + 2 * HOUR)
    shown = statusline.render(later, NOW + 2 * HOUR, session())
    assert "Week 63% · Week Fable 100% (2 h ago) · " in shown


def test_a_window_that_was_read_long_before_the_others_says_so() -> None:
    shown = samples()
    shown["entries"][0]["windows"][2]["observed_at"] = "2026-11-22T07:00:00Z"
    assert "Week Fable: 100% used, resets in 3 d 9 h, read 3 h ago" in dialects.render("swiftbar", shown, NOW)


def test_an_idle_session_takes_nothing_back() -> None:
    assert "Claude 5 h 47% (2 h 12 m) · Week 61%" in line(session(five_hour=20.0, seven_day=50.0))


def test_a_session_of_another_account_shows_its_own_numbers_only() -> None:
    assert line(session(ends=NOW + 20 * HOUR)).startswith("Opus 5 · Claude 5 h 52% (2 h 12 m) · Week 63% · Codex")


def test_a_window_of_the_session_that_has_reset_shows_no_number() -> None:
    assert "63%" not in line(session(ends=NOW - 1))


def test_a_session_without_limits_shows_what_is_cached() -> None:
    assert line({"model": "sonnet"}) == "sonnet · Claude 61% · Codex 16% · Z.ai 61% · Ollama 40%"


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{model} {folder} {context} {cost}", "Opus 5 project 41% $1.23"),
        ("{codex} | {use}", "Codex 16% | Codex 84% left"),
        ("{claude}", "Claude 61%"),
        ("{nonsense} {codex", "{nonsense} {codex"),
        ("a\nb\x1b[31m", "a b[31m"),
        ("   ", "Codex 84% left"),
        ("", "Codex 84% left"),
    ],
)
def test_a_template_names_what_to_show(template: str, shown: str) -> None:
    assert line(session(), template) == shown


@pytest.mark.parametrize(
    ("said", "is_news"),
    [
        (session(), True),
        (session(five_hour=47.0, seven_day=61.0), False),
        (session(five_hour=20.0, seven_day=50.0), False),
        (session(five_hour=90.0, seven_day=50.0), False),
        (session(ends=NOW + 20 * HOUR), True),
    ],
)
def test_only_a_window_that_has_grown_is_news(said: dict[str, Any], is_news: bool) -> None:
    windows = statusline.windows_of(said["rate_limits"], NOW)
    assert statusline.is_news(windows, by_name()["samples"]["entries"]) is is_news


@given(said=json_values, template=st.text(max_size=20))
def test_whatever_the_session_says_there_is_one_printable_line(said: object, template: str) -> None:
    check_statusline(line({"rate_limits": {"five_hour": said, "seven_day": said}, "model": said, "cost": said}) + "\n")
    check_statusline(line(said, template) + "\n")


def test_a_hostile_model_cannot_steer_the_terminal() -> None:
    assert line({"model": HOSTILE}).isprintable()

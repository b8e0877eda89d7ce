"""The newest word about the main limit, out of logs full of other things, of which nothing else is looked at."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimo_host.gauge.model import Usage
from aimo_host.gauge.times import iso
from aimo_host.providers import fields
from aimo_host.routes import codex_session_logs
from aimo_host.samples import codex
from tests.routes.stage import NOW, Stage, recorded, usage, used

if TYPE_CHECKING:
    from pathlib import Path

MINUTE, HOUR, DAY = 60, 3600, 86400


def limits(used_pct: float, **more: Any) -> dict[str, Any]:
    """The main limit's `rate_limits`, one weekly window."""
    weekly = {"used_percent": used_pct, "window_minutes": 10080, "resets_at": int(NOW + 4 * DAY)}
    return codex.log_rate_limits(NOW, primary=weekly, secondary=None, **more)


def line(rate_limits: Any, ago: float = MINUTE, **more: Any) -> str:
    payload = {"type": "token_count", "info": None, "rate_limits": rate_limits, **more}
    return json.dumps({"timestamp": iso(NOW - ago), "type": "event_msg", "payload": payload})


def prompt(text: str = "hello") -> str:
    return json.dumps({"timestamp": iso(NOW), "type": "response_item", "payload": {"type": "message", "content": text}})


def log(stage: Stage, name: str, *lines: str, changed: float | None = None, folder: str = ".codex/sessions/2026/11/20") -> Path:
    path = stage.file(f"{folder}/rollout-{name}.jsonl", "".join(f"{one}\n" for one in lines))
    moment = NOW if changed is None else changed
    os.utime(path, (moment, moment))
    return path


def read(stage: Stage) -> float | None:
    """What the reading says is used, None if there is none."""
    outcome = codex_session_logs.read(stage.context)
    return None if outcome is None else used(outcome)["weekly (7d)"]


PREMIUM = limits(0, limit_id="premium") | {"primary": None, "secondary": None}
SPARK = limits(99, limit_id="codex_bengalfox", limit_name="GPT-5.3-Codex-Spark")


def test_a_line_is_read_with_its_own_time(stage: Stage) -> None:
    log(stage, "a", line(codex.log_rate_limits(NOW), 3 * HOUR))
    outcome = usage(codex_session_logs.read(stage.context))
    assert used(outcome) == {"session (5h)": 12.5, "weekly (7d)": 30.0}
    assert (outcome.at, outcome.auth_source, outcome.plan) == (NOW - 3 * HOUR, "file", "plus")


def test_it_claims_no_account_since_logs_may_be_of_a_former_one(stage: Stage) -> None:
    stage.file(".codex/auth.json", {"tokens": {"account_id": codex.ACCOUNT}})
    log(stage, "a", line(limits(1)))
    outcome = usage(codex_session_logs.read(stage.context))
    assert (outcome.account, outcome.borrowed) == (None, True)


TRAPS: dict[str, list[str]] = {
    "a premium line on exhaustion": [line(limits(40), 60), line(PREMIUM, 10)],
    "spark lines": [line(limits(40), 60), line(SPARK, 10), line(SPARK, 5)],
    "no windows": [line(limits(40), 60), line(limits(0) | {"primary": None}, 10)],
    "no rate limits": [line(limits(40), 60), line(None, 10), line({}, 9), line([], 8), line("x", 7)],
    "a last line that is cut off": [line(limits(40), 60), line(limits(50), 10)[:-40]],
    "out of order": [line(limits(20), 90), line(limits(40), 10), line(limits(30), 60)],
    "a line in the future": [line(limits(40), 60), line(limits(50), -HOUR)],
    "a line without a time": [line(limits(40), 60), line(limits(50)).replace('"timestamp"', '"when"')],
    "a line of another kind": [line(limits(40), 60), line(limits(50), 10, type="session_meta")],
    "a prompt that quotes a line": [line(limits(40), 60), prompt(line(limits(50), 10))],
    "garbage with the mark": [line(limits(40), 60), '{"rate_limits"', '"rate_limits"', '[{"rate_limits":1}]'],
    "carriage returns": [line(limits(40), 60) + "\r"],
    "a clock a little fast": [line(limits(30), 60), line(limits(40), -MINUTE)],
}


@pytest.mark.parametrize("lines", TRAPS.values(), ids=TRAPS)
def test_the_newest_line_about_the_main_limit_counts(stage: Stage, lines: list[str]) -> None:
    log(stage, "a", *lines)
    assert read(stage) == 40


def test_bytes_that_are_no_text_are_passed_over(stage: Stage) -> None:
    path = log(stage, "a", line(limits(40), 60))
    path.write_bytes(b"\xff\xfe\x00\n" + path.read_bytes() + b'\x80"rate_limits"\x80\n')
    assert read(stage) == 40


def test_an_old_build_without_identifier_counts_down_from_its_line(stage: Stage) -> None:
    old = {"primary": {"used_percent": 5.0, "window_minutes": 300, "resets_in_seconds": 7200}, "secondary": None}
    log(stage, "a", line(old, HOUR))
    (window,) = usage(codex_session_logs.read(stage.context)).windows
    assert (window.label, window.used_pct, window.resets_at) == ("session (5h)", 5.0, NOW + HOUR)


def test_the_newest_line_is_found_across_files_by_its_own_time(stage: Stage) -> None:
    log(stage, "a", line(limits(30), 60), changed=NOW)
    log(stage, "b", line(limits(40), 10), changed=NOW - HOUR)
    log(stage, "c", line(limits(50), 90), changed=NOW - MINUTE, folder=".codex/sessions/2026/11/19")
    assert read(stage) == 40


def test_archived_sessions_count_too(stage: Stage) -> None:
    log(stage, "a", line(limits(30), 60))
    log(stage, "b", line(limits(40), 10), folder=".codex/archived_sessions")
    assert read(stage) == 40


def test_many_newer_sessions_about_other_limits_hide_nothing(stage: Stage) -> None:
    log(stage, "main", line(limits(40), HOUR), changed=NOW - HOUR)
    for index in range(40):
        log(stage, f"{index}", line(SPARK, index), changed=NOW - index)
    assert read(stage) == 40


def test_old_files_are_left_alone_once_enough_was_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = recorded(monkeypatch, codex_session_logs, "_lines_of")
    for index in range(30):
        log(stage, f"{index}", line(limits(40), index), changed=NOW - index)
    read(stage)
    assert len(opened) == 12


@pytest.mark.parametrize("megabytes", [3, 7])
def test_a_line_far_from_the_end_of_a_huge_file_is_found(stage: Stage, megabytes: int) -> None:
    log(stage, "a", line(limits(40), 60), *[prompt("x" * (1 << 20)) for _ in range(megabytes)])
    assert read(stage) == 40


def test_of_a_huge_file_only_the_end_is_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codex_session_logs, "_TAILS", (1000,))
    log(stage, "a", line(limits(99), 60), prompt("x" * 2000), line(limits(40), 90))
    assert read(stage) == 40


def test_prompts_are_not_even_parsed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = recorded(monkeypatch, fields, "load")
    log(stage, "a", prompt("CANARY one"), line(limits(40)), prompt("CANARY two"), prompt('CANARY "rate_limits"'))
    read(stage)
    assert parsed
    assert [text for text in parsed if "CANARY" in text] == []


def test_a_log_that_is_a_link_is_read(stage: Stage) -> None:
    elsewhere = stage.file("elsewhere/real", line(limits(40)) + "\n")
    folder = stage.home / ".codex/sessions/2026"
    folder.mkdir(parents=True)
    (folder / "rollout-a.jsonl").symlink_to(elsewhere)
    assert read(stage) == 40


def test_a_folder_of_sessions_that_is_a_link_is_read(stage: Stage) -> None:
    log(stage, "a", line(limits(40)), folder="big-disk/sessions/2026")
    (stage.home / ".codex").mkdir()
    (stage.home / ".codex/sessions").symlink_to(stage.home / "big-disk/sessions")
    assert read(stage) == 40


def test_what_is_no_file_hangs_and_stops_nothing(stage: Stage) -> None:
    log(stage, "a", line(limits(40)))
    folder = stage.home / ".codex/sessions/2026/11/20"
    os.mkfifo(folder / "rollout-fifo.jsonl")
    (folder / "rollout-dangling.jsonl").symlink_to("/nowhere")
    (folder / "rollout-device.jsonl").symlink_to("/dev/zero")
    (folder / "rollout-folder.jsonl").mkdir()
    (folder / "loop").symlink_to(stage.home / ".codex")
    assert read(stage) == 40


def test_a_file_that_vanishes_or_may_not_be_read_stops_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    log(stage, "a", line(limits(40)))
    known = codex_session_logs._newest_files(str(stage.home / ".codex"))
    monkeypatch.setattr(codex_session_logs, "_newest_files", lambda _: ["/nowhere/rollout-b.jsonl", *known])
    assert read(stage) == 40


@pytest.mark.parametrize("name", ["notes.jsonl", "rollout-a.json", "rollout-a.jsonl.bak"])
def test_other_files_are_not_opened(stage: Stage, name: str) -> None:
    stage.file(f".codex/sessions/{name}", line(limits(40)) + "\n")
    assert read(stage) is None


def test_the_folder_is_where_codex_home_says(stage: Stage) -> None:
    stage.environ["CODEX_HOME"] = str(stage.home / "elsewhere")
    log(stage, "a", line(limits(40)), folder="elsewhere/sessions")
    log(stage, "b", line(limits(50)))
    assert read(stage) == 40


def test_without_logs_there_is_nothing(stage: Stage) -> None:
    assert read(stage) is None


def test_no_request_is_made_and_nothing_written(stage: Stage) -> None:
    log(stage, "a", line(limits(40)))
    read(stage)
    assert (stage.asked(), stage.kept()) == ([], "")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.binary(max_size=300), st.sampled_from([b"\n", b" ", b""]))
def test_any_bytes_give_a_reading_or_none(stage: Stage, before: bytes, after: bytes, joint: bytes) -> None:
    path = stage.home / ".codex/sessions/rollout-a.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(before + joint + line(limits(40)).encode() + joint + after)
    outcome = codex_session_logs.read(stage.context)
    assert outcome is None or isinstance(outcome, Usage)


def test_of_a_long_log_the_newest_word_counts_without_reading_all_of_it(stage: Stage) -> None:
    log(stage, "a", *(line(limits(used_pct), ago=1000 - used_pct) for used_pct in range(99)))
    assert read(stage) == 98


def test_a_log_that_is_not_there_any_more_is_passed_over(stage: Stage) -> None:
    log(stage, "a", line(limits(40)), changed=NOW - HOUR)
    gone = log(stage, "b", line(limits(50)))
    gone.unlink()
    gone.symlink_to(gone.parent / "nowhere")
    assert read(stage) == 40

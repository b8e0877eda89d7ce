"""The ledger: one line for each request, whoever makes it, in a file that cannot grow without end and stops nothing."""

from __future__ import annotations

import errno
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimo_host.gauge.model import Answer
from aimo_host.routes import Context
from aimo_host.state import atomic, ledger
from aimo_host.state.lock import FileLock
from tests.state import children

if TYPE_CHECKING:
    from aimo_host.state.paths import Paths

NOW = 1795190400.0
REQUEST = {"provider": "zai", "route": "zai_api_key", "source": "zai.key_quota", "trigger": "popup", "status": 200}
WRITE = """
from aimo_host.state import ledger
name, count = sys.argv[1], int(sys.argv[2])
say("ready")
sys.stdin.readline()
for number in range(count):
    request = {"provider": "zai", "route": name, "source": "s", "trigger": "t", "status": number}
    ledger.write(paths, request, at=time.time(), milliseconds=1)
"""


def write(paths: Paths, count: int = 1, **more: Any) -> None:
    for number in range(count):
        ledger.write(paths, {**REQUEST, **more}, at=NOW + number, milliseconds=12.4)


def put(paths: Paths, content: bytes) -> None:
    atomic.replace(paths.ledger, content, durable=False)


def test_a_request_is_one_line_of_a_few_words(paths: Paths) -> None:
    write(paths)
    (line,) = (atomic.read(paths.ledger) or b"").splitlines()
    assert json.loads(line) == {"at": "2026-11-20T16:00:00Z", **REQUEST, "ms": 12}


def test_they_are_read_oldest_first_and_only_the_newest(paths: Paths) -> None:
    write(paths, 10)
    assert [record["at"][-3:-1] for record in ledger.read(paths, 3)] == ["07", "08", "09"]


@pytest.mark.parametrize(("most", "found"), [(-1, 0), (0, 0), (1, 1), (2, 2), (50, 2)])
def test_no_more_than_asked_for_are_read(paths: Paths, most: int, found: int) -> None:
    write(paths, 2)
    assert len(ledger.read(paths, most)) == found


def test_a_clock_that_was_set_back_gives_no_negative_time(paths: Paths) -> None:
    ledger.write(paths, REQUEST, at=NOW, milliseconds=-86400000.0)
    assert ledger.read(paths, 1)[0]["ms"] == 0


def test_the_file_is_private_whatever_the_umask(paths: Paths) -> None:
    before = os.umask(0)
    try:
        write(paths)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(paths.ledger).st_mode) == 0o600


def test_the_older_half_is_dropped_when_it_grows(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_LARGEST", 4000)
    write(paths, 100)
    assert os.path.getsize(paths.ledger) <= 4000 + 200
    found = ledger.read(paths, 1000)
    assert found[-1]["at"] == "2026-11-20T16:01:39Z"
    assert len(found) == len((atomic.read(paths.ledger) or b"").splitlines()) - 1 >= 10


def test_what_was_dropped_stays_counted(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_LARGEST", 4000)
    write(paths, 100)
    write(paths, 50, trigger="mcp", status="timeout")
    assert ledger.totals(paths) == {("zai", "popup", "200"): 100, ("zai", "mcp", "timeout"): 50}


@given(content=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_counted_without_a_fault(paths: Paths, content: bytes) -> None:
    put(paths, content)
    assert all(requests > 0 for requests in ledger.totals(paths).values())


@pytest.mark.parametrize(
    "line", [{"before": 1}, {"before": [1, [], ["zai", "cli", "200", "x"], ["zai", "cli", "200", -5]]}, [], 7]
)
def test_a_count_that_is_none_counts_nothing(paths: Paths, line: object) -> None:
    put(paths, json.dumps(line).encode() + b"\n")
    assert not ledger.totals(paths)


def test_several_processes_lose_no_line(paths: Paths) -> None:
    names = ["one", "two", "three"]
    started = [children.started(WRITE, name, "60") for name in names]
    processes = [context.__enter__() for context in started]
    assert [children.said(process) for process in processes] == ["ready"] * 3
    for process in processes:
        process.communicate("go\n", timeout=30)
    for context in started:
        context.__exit__(None, None, None)
    found = ledger.read(paths, 1000)
    statuses = {name: [line["status"] for line in found if line["route"] == name] for name in names}
    assert statuses == {name: list(range(60)) for name in names}


def test_a_ledger_that_stays_locked_is_written_but_not_cut(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_LARGEST", 100)
    monkeypatch.setattr(ledger, "_LOCK_TIMEOUT", 0.0)
    with FileLock(os.path.join(paths.locks_dir, "ledger")).hold(5.0):
        write(paths, 10)
        assert len(ledger.read(paths, 100)) == 10


def _folder(paths: Paths) -> None:
    os.makedirs(paths.ledger)


def _fifo(paths: Paths) -> None:
    os.makedirs(paths.state_dir)
    os.mkfifo(paths.ledger)


def _link(paths: Paths) -> None:
    os.makedirs(paths.state_dir)
    with open(os.path.join(paths.home, "target"), "w", encoding="utf-8"):
        os.symlink(os.path.join(paths.home, "target"), paths.ledger)


def _file_for_a_folder(paths: Paths) -> None:
    os.makedirs(paths.home)
    with open(paths.state_dir, "w", encoding="utf-8"):
        pass


@pytest.mark.parametrize("prepare", [_folder, _fifo, _link, _file_for_a_folder])
def test_a_ledger_that_cannot_be_used_stops_nothing(paths: Paths, prepare: Any) -> None:
    prepare(paths)
    write(paths)
    assert ledger.read(paths, 10) == []


def test_a_link_in_its_place_is_not_followed(paths: Paths) -> None:
    _link(paths)
    write(paths)
    assert os.path.getsize(os.path.join(paths.home, "target")) == 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_full_or_read_only_disk_stops_nothing(paths: Paths, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", refuse)
    write(paths)


def test_no_file_is_no_request(paths: Paths) -> None:
    assert ledger.read(paths, 10) == []


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"null", b"[]", b"7", b"{}", b'{"at":"2026-11-20T16:00:00Z"}', b"\xff\xfe", b"[" * 100000, b'{"at":1,"prov'],
)
def test_a_line_that_is_none_is_passed_over(paths: Paths, line: bytes) -> None:
    write(paths)
    good = atomic.read(paths.ledger) or b""
    put(paths, good + line + b"\n" + good)
    assert len(ledger.read(paths, 10)) == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(paths: Paths, content: bytes) -> None:
    put(paths, content)
    assert all(isinstance(record, dict) for record in ledger.read(paths, 100))


def test_a_request_is_written_with_its_route_and_trigger_and_nothing_of_the_answer(paths: Paths) -> None:
    ticks = iter([NOW + 0.25])
    context = Context(paths, {}, lambda: next(ticks)).asking("claude_oauth", "popup")
    context.asked("claude", "claude.oauth_usage", Answer(429, "CANARY", {"retry-after": "CANARY"}), began=NOW)
    (record,) = ledger.read(paths, 10)
    assert record == {
        "at": "2026-11-20T16:00:00Z",
        "provider": "claude",
        "route": "claude_oauth",
        "source": "claude.oauth_usage",
        "trigger": "popup",
        "status": 429,
        "ms": 250,
    }


@pytest.mark.parametrize(("answer", "status"), [(Answer(failed="timeout"), "timeout"), ("certificate", "certificate")])
def test_where_there_was_no_status_a_word_stands(paths: Paths, answer: Answer | str, status: str) -> None:
    Context(paths, {}, lambda: NOW).asked("zai", "zai.key_quota", answer, began=NOW)
    assert ledger.read(paths, 1)[0]["status"] == status

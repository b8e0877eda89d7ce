"""`aimo line` and `aimo show`: one line whatever comes in, what the session knows is kept for everybody, and nobody is asked."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimo_host import cli, dialects, line
from aimo_host.demo import sample_cache
from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.merge import merge_reading
from aimo_host.gauge.snapshot import entries_at
from aimo_host.gauge.times import parse_iso
from aimo_host.state import accounts, cache, jsonfile, paths, sessions
from aimo_host.state.settings import defaults
from tests.gauge.builders import json_values, usage, window
from tests.host.peer import REPOSITORY, environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aimo_host.gauge.model import State, Window

COMMAND = (sys.executable, "-m", "aimo_host")


def run(*arguments: str, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**environ),
        cwd=REPOSITORY,
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


def rows() -> dict[str, dict[str, Any]]:
    """The windows of Claude's only row, by label."""
    (entry,) = (e for e in entries_at(cache.read(paths.find(os.environ)), defaults(), time.time()) if e["provider"] == "claude")
    return {window["label"]: window for window in entry["windows"]}


def session(five_hour: float, seven_day: float, week_ends: float, name: str | None = None) -> bytes:
    limits = {
        "five_hour": {"used_percentage": five_hour, "resets_at": week_ends - 1000},
        "seven_day": {"used_percentage": seven_day, "resets_at": week_ends},
    }
    return json.dumps({"session_id": name, "model": {"display_name": "Opus 5"}, "rate_limits": limits}).encode()


def reply(five_hour: float, seven_day: float, week_ends: float) -> subprocess.CompletedProcess[bytes]:
    """A session begins, and gets its first reply."""
    run("line", stdin=b'{"session_id": "s1"}')
    return run("line", stdin=session(five_hour, seven_day, week_ends, "s1"))


def read_in_browser(five_hour: Window, seven_day: float, week_ends: float) -> None:
    """The account of the session, a moment later."""
    week = window(seven_day, resets_at=week_ends, window_seconds=604800)
    (entry,) = (e for e in cache.read(paths.find(os.environ))["entries"] if e["provider"] == "claude")
    found = from_usage("claude", usage(five_hour, week), account=entry["account"], at=time.time(), source="push")
    cache.update(paths.find(os.environ), lambda c: merge_reading(c, found, via="claude/browser/p", now=time.time()))


def five_hours(used: float, resets_at: float | None) -> Window:
    state: State = "active" if resets_at else "not_started"
    return window(used, label="session (5h)", kind="session", resets_at=resets_at, window_seconds=18000, state=state)


@pytest.fixture
def week_ends() -> float:
    """The samples are cached; when Claude's week ends there."""
    found = paths.find(os.environ)
    accounts.opaque(found, "claude", "")  # makes the salt, which would empty a cache that is older than itself
    jsonfile.save(found.cache, sample_cache(time.time()))
    return parse_iso(rows()["weekly (all)"]["resets_at"]) or 0.0


def test_what_the_session_knows_is_kept_for_everybody(week_ends: float) -> None:
    done = run("line", stdin=session(52, 63, week_ends))
    assert (done.returncode, done.stderr) == (0, b"")
    kept = rows()
    assert (kept["weekly (all)"]["used_pct"], kept["weekly Fable"]["used_pct"]) == (63.0, 100.0)


def test_the_line_has_the_models_week_and_the_other_providers(week_ends: float) -> None:
    shown = run("line", stdin=session(52, 63, week_ends)).stdout.decode()
    assert shown.startswith("Opus 5 · Claude 5 h 52% (")
    assert shown.endswith("Week 63% · Week Fable 100% · Week Sonnet 4% · Codex 16% · Z.ai 61% · Ollama 40%\n")


def test_an_idle_session_changes_nothing(week_ends: float) -> None:
    before = jsonfile.load_or_empty(paths.find(os.environ).cache)
    run("line", stdin=session(47, 50, week_ends))
    assert jsonfile.load_or_empty(paths.find(os.environ).cache) == before


def test_a_session_that_repeats_itself_is_not_newer_than_what_was_read_since(week_ends: float) -> None:
    reply(95, 63, week_ends)
    read_in_browser(five_hours(2, week_ends - 1000), 0, week_ends)
    run("line", stdin=session(95, 63, week_ends, "s1"))
    assert (rows()["session (5h)"]["used_pct"], rows()["weekly (all)"]["used_pct"]) == (2.0, 0.0)


def test_a_session_that_repeats_itself_shows_what_was_read_since(week_ends: float) -> None:
    reply(95, 63, week_ends)
    read_in_browser(five_hours(2, week_ends - 1000), 0, week_ends)
    assert b" 5 h 2% (" in run("line", stdin=session(95, 63, week_ends, "s1")).stdout


def test_a_session_that_repeats_itself_begins_no_window_that_has_not_started(week_ends: float) -> None:
    reply(95, 63, week_ends)
    read_in_browser(five_hours(0, None), 63, week_ends)
    run("line", stdin=session(95, 63, week_ends, "s1"))
    assert rows()["session (5h)"]["state"] == "not_started"


def test_a_window_that_the_session_leaves_out_is_no_reply(week_ends: float) -> None:
    reply(95, 63, week_ends)
    read_in_browser(five_hours(2, week_ends - 1000), 0, week_ends)
    said = json.loads(session(95, 63, week_ends, "s1"))
    del said["rate_limits"]["five_hour"]
    run("line", stdin=json.dumps(said).encode())
    assert rows()["weekly (all)"]["used_pct"] == 0.0


@pytest.mark.parametrize("name", ["s2", None, "x" * 101, "\u00e9"])
def test_a_session_that_was_never_heard_before_is_taken_at_its_word(name: str | None, week_ends: float) -> None:
    read_in_browser(five_hours(2, week_ends - 1000), 0, week_ends)
    run("line", stdin=session(95, 63, week_ends, name))
    assert (rows()["session (5h)"]["used_pct"], rows()["weekly (all)"]["used_pct"]) == (95.0, 63.0)


def test_only_the_sessions_that_spoke_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 2)
    found = paths.find(os.environ)
    for name in ("a", "b", "a", "c"):
        sessions.remember(found, name, {})
    assert [sessions.last(found, name) for name in "abc"] == [{}, None, {}]


@pytest.mark.parametrize("content", ["", "[]", '{"sessions": 1}', '{"sessions": {"s1": 1}}'])
def test_a_damaged_memory_of_sessions_is_as_good_as_none(content: str, week_ends: float) -> None:
    with open(paths.find(os.environ).sessions, "w", encoding="utf-8") as file:
        file.write(content)
    reply(52, 63, week_ends)
    assert rows()["weekly (all)"]["used_pct"] == 63.0


def test_a_session_of_another_account_changes_nothing(week_ends: float) -> None:
    before = jsonfile.load_or_empty(paths.find(os.environ).cache)
    run("line", stdin=session(52, 63, week_ends - 7200))
    assert jsonfile.load_or_empty(paths.find(os.environ).cache)["entries"] == before["entries"]


def test_it_is_the_first_reading_where_nothing_is_known() -> None:
    run("line", stdin=session(52, 63, time.time() + 86400))
    assert rows()["weekly (all)"]["used_pct"] == 63.0


def test_a_provider_that_is_switched_off_gets_no_row(aimo_home: Path) -> None:
    (aimo_home / "config").mkdir(parents=True)
    (aimo_home / "config" / "settings.json").write_text('{"providers": {"claude": "off"}}')
    run("line", stdin=session(52, 63, time.time() + 86400))
    assert cache.read(paths.find(os.environ))["entries"] == []


def test_a_field_that_is_none_is_named_on_stderr_and_the_line_is_printed_all_the_same() -> None:
    done = run("line", "--template", "{models} {use} {}")
    assert done.stdout.startswith(b"{models} ")
    assert done.stderr.startswith(b"aimo: there is no field {models}. There are: model, ")
    assert len(done.stderr.splitlines()) == 1


def test_a_template_says_what_to_show(week_ends: float) -> None:
    assert run("line", "--template", "{model}|{codex}", stdin=session(1, 1, week_ends)).stdout == b"Opus 5|Codex 16%\n"


def test_it_does_not_wait_for_a_session_that_says_nothing() -> None:
    reading, writing = os.pipe()
    with subprocess.Popen(
        [*COMMAND, "line"], env=environment(), cwd=REPOSITORY, stdin=reading, stdout=subprocess.PIPE
    ) as process:
        os.close(reading)
        assert process.stdout is not None
        assert process.stdout.read().strip()
        assert process.wait(20) == 0
    os.close(writing)


def test_it_takes_the_rest_of_what_comes_in_pieces() -> None:
    reading, writing = os.pipe()
    os.write(writing, b'{"model": ')
    with subprocess.Popen(
        [*COMMAND, "line"], env=environment(), cwd=REPOSITORY, stdin=reading, stdout=subprocess.PIPE
    ) as process:
        os.close(reading)
        os.write(writing, b'"sonnet"}')
        os.close(writing)
        assert process.communicate(timeout=20)[0].startswith(b"sonnet")


@pytest.mark.parametrize("content", [b"", b"{}", b"x" * 200_000, b"x" * 3_000_000], ids=len)
def test_where_a_pipe_cannot_be_polled_a_thread_reads_the_same(content: bytes) -> None:
    assert _as_read_by(line._read_in_thread, content) == _as_read_by(line._read, content) == content[: line._LARGEST]


def _as_read_by(read: Callable[[int], bytes], content: bytes) -> bytes:
    """What it makes of a pipe in which `content` comes as fast as it goes; no more of it than a line would take."""
    reading, writing = os.pipe()

    def write() -> None:
        try:
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(content)
        except BrokenPipeError:
            pass  # it was too much

    writer = threading.Thread(target=write)
    writer.start()
    found = read(reading)
    os.close(reading)
    writer.join(20)
    return found[: line._LARGEST]


@pytest.mark.parametrize(
    "environ",
    [{"AIMO_HOME": "not/absolute"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}],
)
def test_an_odd_environment_does_not_blank_the_line(environ: dict[str, str]) -> None:
    done = run("line", stdin=b"{}", **environ)
    assert done.returncode == 0
    assert done.stdout.strip()


def test_a_closed_stdin_does_not_blank_the_line() -> None:
    asked = f"'{sys.executable}' -m aimo_host line <&-"
    done = subprocess.run(asked, shell=True, env=environment(), cwd=REPOSITORY, capture_output=True, timeout=60, check=False)
    assert (done.returncode, bool(done.stdout.strip())) == (0, True)


def test_a_cache_that_cannot_be_written_does_not_blank_the_line(aimo_home: Path) -> None:
    aimo_home.write_text("in the way")
    done = run("line", stdin=session(52, 63, time.time() + 86400))
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Week 63%" in done.stdout


class _Stdin:
    """What stands on standard input in this process."""

    def __init__(self, content: bytes) -> None:
        self._reading, writing = os.pipe()
        os.write(writing, content)
        os.close(writing)

    def fileno(self) -> int:
        return self._reading


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=4096) | json_values.map(repr).map(str.encode))
def test_any_bytes_give_one_line_and_exit_code_0(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        stdin, out = _Stdin(content), io.TextIOWrapper(io.BytesIO())
        patch.setattr(sys, "stdin", stdin)
        patch.setattr(sys, "stdout", out)
        assert line.main([], os.environ) == 0
        os.close(stdin.fileno())
        shown = out.buffer.getvalue()
    assert shown.decode().strip()
    assert shown.count(b"\n") == 1


# -- aimo show


@pytest.mark.parametrize("name", dialects.NAMES)
def test_show_prints_what_is_cached_in_any_dialect(name: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["show", "--as", name]) == 0
    assert capsysbinary.readouterr().out.decode().strip()


def test_show_asks_for_the_library_that_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    assert cli.main(["show", "--as", "prometheus"]) == 1
    assert f"{sys.executable} -m pip install 'prometheus-client>=" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["show"], ["show", "--as", "morse"], ["line", "--bogus"]])
def test_a_bad_argument_is_exit_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(arguments)
    assert refused.value.code == 2

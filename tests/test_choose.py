"""`aimo pick`, `aimo can`, `aimo wait`: real processes, their exit codes, what they say and whom they ask."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.choose import Plan
from aimo_host.gauge.snapshot import entries_at
from aimo_host.gauge.times import iso
from aimo_host.state import cache, settings
from tests.command import COMMAND, aimo, here
from tests.gauge.builders import DAY, HOUR, NOW
from tests.host.peer import REPOSITORY, Peer, environment, silent
from tests.kept import fable, keep, name, only, places, week
from tests.simulator import canaries
from tests.simulator.fixtures import simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.simulator import Simulator

__all__ = ["simulator"]

#: Nothing here may take longer; a test fails then, and never waits for it otherwise.
PATIENCE = 30.0


@contextmanager
def waiting(*arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """`aimo wait`, as soon as it has said why it waits."""
    command = [*COMMAND, "wait", *arguments]
    with subprocess.Popen(
        command, env=environment(**environ), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stderr is not None
            assert child.stderr.readline().startswith("aimo: ")
            yield child
        finally:
            child.kill()


def ended(child: subprocess.Popen[str]) -> int:
    out, err = child.communicate(timeout=PATIENCE)
    assert out == ""
    assert "Traceback" not in err
    return child.returncode


# -- exit codes and streams

#: Of each command an answer of each kind comes from a process; of the rest of the tables the answer is the claim.
PROCESSES = (
    *(("pick",), ("pick", "--among", "zai"), ("pick", "--among", "claude/nobody"), ("pick", "--need", "101")),
    *(("can", "claude", "--need", "20"), ("can", "zai", "--need", "1"), ("can", "ollama", "--need", "1"), ("can",)),
    *(("wait", "claude", "--need", "20"), ("wait", "zai", "--need", "20", "--timeout", "0.2s")),
    *(("wait", "claude/nobody", "--need", "20"), ("wait", "claude")),
)


def answered(*arguments: str) -> subprocess.CompletedProcess[str]:
    return (aimo if arguments in PROCESSES else here)(*arguments)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("pick",), 0, "codex\n"),
        (("pick", "--need", "60"), 0, "codex\n"),
        (("pick", "--need", "90"), 4, ""),
        (("pick", "--need", "90", "--among", "claude,codex,zai"), 3, ""),
        (("pick", "--strategy", "expiring"), 0, "claude\n"),
        (("pick", "--among", "claude"), 0, "claude\n"),
        (("pick", "--among", "zai"), 3, ""),
        (("pick", "--among", "zai,claude"), 0, "claude\n"),
        (("pick", "--among", "claude/nobody"), 4, ""),
        (("can", "claude", "--need", "20"), 0, ""),
        (("can", "claude", "--need", "60"), 3, ""),
        (("can", "zai", "--need", "1"), 3, ""),
        (("can", "claude", "--need", "1", "--scope", "fable"), 0, ""),
        (("can", "claude", "--need", "20", "--scope", "Fable"), 3, ""),
        (("can", "claude", "--need", "1", "--scope", "fabel"), 4, ""),
        (("can", "codex", "--need", "1", "--scope", "Fable"), 4, ""),
        (("pick", "--scope", "Fable"), 0, "codex\n"),
        (("pick", "--scope", "fabel"), 4, ""),
        (("can", "ollama", "--need", "1"), 4, ""),
        (("wait", "claude", "--need", "20"), 0, ""),
        (("wait", "zai", "--need", "20", "--timeout", "0"), 3, ""),
        (("wait", "zai", "--need", "20", "--timeout", "0.2s"), 3, ""),
        (("wait", "ollama", "--need", "20", "--timeout", "0.2s"), 4, ""),
        (("wait", "claude", "--need", "1", "--scope", "fabel"), 4, ""),
        (("wait", "claude/nobody", "--need", "20"), 4, ""),
    ],
)
def test_the_exit_code_is_the_answer_and_stdout_the_id_alone(arguments: tuple[str, ...], code: int, said: str) -> None:
    keep("claude", week(50, DAY), fable(90))
    keep("codex", week(20, 3 * DAY))
    keep("zai", week(100, DAY))
    keep("ollama", week(None))
    done = answered(*arguments)
    assert (done.returncode, done.stdout) == (code, said)
    assert all(line.startswith("aimo: ") for line in done.stderr.splitlines())
    assert done.stderr != ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("pick", "--need", "101"),
        ("pick", "--need", "x"),
        ("pick", "--strategy", "random"),
        ("pick", "--among", "gemini"),
        ("pick", "--max-age", "-1"),
        ("pick", "claude"),
        ("can",),
        ("can", "claude"),
        ("can", "gemini", "--need", "1"),
        ("can", "claude", "--need", "nan"),
        ("can", "claude", "--need", "1", "--scope", ""),
        ("wait", "claude"),
        ("wait", "claude", "--need", "1", "--timeout", "soon"),
        ("wait", "claude", "--need", "1", "--timeout", "6w"),
        ("wait", "claude", "--need", "1", "--timeout", ""),
    ],
)
def test_what_cannot_be_asked_is_exit_2_and_asks_nobody(arguments: tuple[str, ...]) -> None:
    done = answered(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: " in done.stderr
    assert not os.path.exists(places().refresh)


@pytest.mark.parametrize("arguments", [("pick",), ("can", "claude", "--need", "1"), ("wait", "claude", "--need", "1")])
def test_a_relative_aimo_home_is_exit_2(arguments: tuple[str, ...]) -> None:
    done = aimo(*arguments, AIMO_HOME="here")
    assert (done.returncode, done.stdout) == (2, "")
    assert "AIMO_HOME must be an absolute path" in done.stderr


def test_with_nothing_ever_read_it_is_unknown() -> None:
    assert [aimo("pick").returncode, aimo("can", "zai", "--need", "0").returncode] == [4, 4]


def test_providers_that_were_never_read_do_not_hide_that_the_others_are_used_up() -> None:
    keep("claude", week(100, DAY))
    assert aimo("pick").returncode == 3


def test_as_json_it_is_the_pick_the_ranking_and_when_and_nothing_else() -> None:
    only("claude", "codex", "zai")
    keep("claude", week(50, DAY))
    keep("zai", week(100, HOUR))
    keep("codex", week(None))
    at = entries_at(cache.read(places()), settings.read(places()), time.time())[2]["windows"][0]["resets_at"]
    ranking = [
        {"id": "claude", "headroom_pct": 50.0, "why": "fits", "available_at": None},
        {"id": "zai", "headroom_pct": 0.0, "why": "full", "available_at": at},
        {"id": "codex", "headroom_pct": None, "why": "unknown", "available_at": None},
    ]
    done = aimo("pick", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"pick": "claude", "ranking": ranking, "available_at": None}
    done = aimo("pick", "--json", "--among", "zai")
    assert done.returncode == 3
    assert json.loads(done.stdout) == {"pick": None, "ranking": [ranking[1]], "available_at": at}


def test_of_several_accounts_the_one_with_enough_is_named() -> None:
    keep("claude", week(90), account="a1")
    keep("claude", week(10), account="b2")
    name("b2", "work")
    assert aimo("pick", "--among", "claude").stdout == "claude/work\n"
    assert aimo("can", "claude", "--need", "50").returncode == 0
    assert aimo("can", "claude/work", "--need", "50").returncode == 0
    assert aimo("can", "claude/a1", "--need", "50").returncode == 3


# -- who is asked


def test_what_was_read_within_a_minute_is_not_asked_again(simulator: Simulator) -> None:
    only("zai")
    keep("zai", week(50), age=50)
    environ = {**simulator.environment(), "ZAI_API_KEY": canaries.ZAI_API_KEY}
    for arguments in (("pick",), ("can", "zai", "--need", "1"), ("wait", "zai", "--need", "1")):
        assert aimo(*arguments, **environ).returncode == 0
    assert simulator.requests == []


def test_what_is_older_is_asked_first_and_only_that(simulator: Simulator) -> None:
    keep("ollama", week(99))
    environ = {**simulator.environment(), "ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}
    assert aimo("pick", **environ).stdout == "zai\n"
    assert aimo("can", "zai", "--need", "1", **environ).returncode == 0
    assert [seen.source for seen in simulator.requests] == ["zai.key_quota"]


def test_among_asks_nobody_else(simulator: Simulator) -> None:
    environ = {**simulator.environment(), "ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}
    assert aimo("pick", "--among", "zai,codex", **environ).stdout == "zai\n"
    assert {seen.provider for seen in simulator.requests} == {"zai"}


def test_a_patient_asker_takes_what_is_there(simulator: Simulator) -> None:
    only("zai")
    keep("zai", week(30), age=1800)
    environ = {**simulator.environment(), "ZAI_API_KEY": canaries.ZAI_API_KEY}
    done = aimo("pick", "--max-age", "1h", "--json", **environ)
    assert json.loads(done.stdout)["ranking"][0]["headroom_pct"] == 70.0
    assert simulator.requests == []


def test_many_at_once_are_one_request(simulator: Simulator) -> None:
    only("zai")
    environ = environment(**simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY)
    command = [*COMMAND, "pick"]
    agents = [
        subprocess.Popen(command, env=environ, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(8)
    ]
    assert [agent.communicate(timeout=PATIENCE)[0] for agent in agents] == [b"zai\n"] * 8
    assert len(simulator.requests) == 1


def test_a_disk_that_cannot_be_written_is_answered_from_what_is_known() -> None:
    keep("claude", week(30), age=600)
    state = places().state_dir
    os.rename(state, state + ".moved")
    with open(state, "w", encoding="utf-8"):
        pass
    done = aimo("pick")
    assert (done.returncode, done.stdout) == (0, "claude\n")
    assert done.stderr.startswith("aimo: nothing was asked. ")


@pytest.mark.parametrize("arguments", [("pick",), ("can", "claude", "--need", "1"), ("wait", "claude", "--need", "1")])
def test_an_interrupt_is_130_at_once_and_without_a_traceback(arguments: tuple[str, ...]) -> None:
    with Peer(silent) as peer:
        peer.hello()
        child = subprocess.Popen(
            [*COMMAND, *arguments], env=environment(), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        peer.expect("ask")
        before = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE)
        assert time.monotonic() - before < 3
    assert (child.returncode, out, err) == (130, b"", b"")


# -- waiting


def test_a_waiter_wakes_as_soon_as_somebody_else_reads_that_there_is_enough() -> None:
    keep("claude", week(100))
    with waiting("claude", "--need", "20") as child:
        keep("claude", week(90))
        keep("claude", week(10))
        assert ended(child) == 0


def test_a_waiter_who_knows_nothing_wakes_at_news_too() -> None:
    with waiting("claude", "--need", "20") as child:
        keep("claude", week(10))
        assert ended(child) == 0


def test_a_waiter_ends_when_its_provider_is_switched_off() -> None:
    keep("claude", week(100))
    with waiting("claude", "--need", "20") as child:
        settings.change(places(), {"providers": {"claude": "off"}})
        assert ended(child) == 4


def test_the_timeout_holds_while_a_browser_hangs() -> None:
    with Peer(silent) as peer:
        peer.hello()
        before = time.monotonic()
        assert aimo("wait", "claude", "--need", "20", "--timeout", "1").returncode == 4
        assert time.monotonic() - before < 6


def test_an_interrupted_waiter_leaves_no_bell_behind() -> None:
    keep("claude", week(100))
    with waiting("claude", "--need", "20") as child:
        child.send_signal(signal.SIGINT)
        assert ended(child) == 130
    assert os.listdir(places().bells_dir) == []


def test_at_the_reset_it_asks_once_and_goes_on(simulator: Simulator) -> None:
    only("zai")
    keep("zai", week(100, 2), age=30)
    before = time.monotonic()
    with waiting("zai", "--need", "1", **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY) as child:
        assert simulator.requests == []
        assert ended(child) == 0
    assert time.monotonic() - before > 1.5
    assert [seen.source for seen in simulator.requests] == ["zai.key_quota"]


def test_before_the_reset_it_asks_nobody_whatever_the_news(simulator: Simulator) -> None:
    only("zai")
    keep("zai", week(100, HOUR), age=30)
    with waiting("zai", "--need", "1", "--timeout", "1.5s", **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY) as child:
        for used in (99.5, 99.6, 99.7):
            keep("zai", week(used, HOUR), age=20)
        assert ended(child) == 3
    assert simulator.requests == []


def of(available_at: float | None) -> dict[str, Any]:
    return {"available_at": None if available_at is None else iso(available_at)}


def tried(at: float, retry_at: float | None = None) -> list[dict[str, Any]]:
    return [{"attempted_at": iso(at), "problem": None if retry_at is None else {"retry_at": iso(retry_at)}}]


def test_the_plan_is_to_ask_when_there_will_be_enough() -> None:
    assert Plan().after(of(NOW + HOUR), tried(NOW), NOW) == NOW + HOUR + 1


def test_nobody_asks_within_ten_seconds_of_the_last_time() -> None:
    assert Plan().after(of(NOW + 2), tried(NOW), NOW) == NOW + 11


def test_a_try_from_a_clock_that_was_ahead_holds_nothing_up() -> None:
    assert Plan().after(of(NOW + 2), tried(NOW + DAY), NOW) == NOW + 3


def test_while_nothing_is_known_the_plan_stands() -> None:
    plan = Plan()
    plan.after(of(NOW + HOUR), tried(NOW), NOW)
    assert plan.after(of(None), tried(NOW), NOW + 60) == NOW + HOUR + 1


def test_without_a_time_only_news_can_help() -> None:
    assert Plan().after(of(None), tried(NOW), NOW) is None


def test_a_wait_that_the_provider_demanded_is_planned_for() -> None:
    assert Plan().after(of(None), tried(NOW, NOW + 600), NOW) == NOW + 601


def test_after_a_reset_that_cannot_be_read_the_tries_become_rare() -> None:
    plan, now, pauses = Plan(), NOW, []
    plan.after(of(now + 60), tried(now - 60), now)
    for _ in range(6):
        plan.asked(now)
        at = plan.after(of(None), tried(now), now)
        assert at is not None
        pauses.append(at - now)
        now = at
    assert pauses == [300, 600, 1200, 2400, 3600, 3600]

"""One conductor carries a request out to its end: browsers first, then the routes in order, and it says what is missing."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host import routes
from aimo_host.collect import conductor
from aimo_host.gauge.problems import Problem
from aimo_host.state import atomic, cache, jsonfile, requests
from aimo_host.state.lock import FileLock
from tests.collect.stage import HOME, SPARE, WORK, Asked, host
from tests.gauge.builders import DAY, NOW, reading, usage, window
from tests.state.children import said, started

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.collect.stage import Stage

    Routes = Callable[..., dict[str, Asked]]

#: Long enough for the slowest machine; a test that passes never waits for it.
PATIENCE = 20.0


@pytest.fixture
def server_side(monkeypatch: pytest.MonkeyPatch) -> Routes:
    """Makes a provider's server-side routes be functions: `server_side("zai", key=outcome, vault=outcome)`."""
    asked: dict[str, Asked] = {}

    def read(name: str, context: routes.Context) -> routes.Outcome:
        context.begins_to_ask()
        return asked[name]()

    monkeypatch.setattr(routes, "read", read)
    for provider in list(routes.SERVER_SIDE):
        monkeypatch.setitem(routes.SERVER_SIDE, provider, ())

    def replace(provider: str, **outcomes: Any) -> dict[str, Asked]:
        mine = {name: Asked(outcome) for name, outcome in outcomes.items()}
        asked.update(mine)
        monkeypatch.setitem(routes.SERVER_SIDE, provider, tuple(mine))
        return mine

    return replace


def conduct(stage: Stage, seconds: float = PATIENCE) -> bool:
    """Carry out whatever is open; False if something is still open after `seconds`."""
    listener = stage.listener()
    try:
        mine = conductor.Conductor(stage.context, listener)
        return mine.wait_until(lambda found: not found.unsettled(stage.clock()), seconds, conductor.everybody)
    finally:
        listener.close()


def refreshed(stage: Stage, provider: str = "zai", *, named: bool = True) -> dict[str, Any]:
    """The only row of the provider after somebody asked and a conductor carried it out."""
    stage.ask(provider, named=named)
    conduct(stage)
    assert not stage.is_open(provider)
    return stage.row(provider)


# The routes of the server side


def test_where_nothing_is_open_there_is_nothing_to_do(stage: Stage) -> None:
    conduct(stage)
    assert not os.path.exists(stage.paths.cache)


def test_the_first_reading_wins_and_later_routes_are_left_in_peace(stage: Stage, server_side: Routes) -> None:
    asked = server_side("zai", key=usage(window(1.0)), vault=usage(window(2.0)))
    assert refreshed(stage)["windows"][0]["used_pct"] == 1.0
    assert [asked[name].times for name in ("key", "vault")] == [1, 0]


@pytest.mark.parametrize("first", [None, Problem("zai", "bad_credential")])
def test_the_next_route_is_tried_where_the_first_gave_nothing(stage: Stage, server_side: Routes, first: Any) -> None:
    server_side("zai", key=first, vault=usage())
    row = refreshed(stage)
    assert (row["ok"], row["error"]) == (True, None)


def test_a_later_routes_problem_never_hides_a_clearer_one(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=Problem("zai", "bad_credential"), vault=Problem("zai", "no_credential", "vault_locked"))
    assert refreshed(stage)["problem"]["code"] == "bad_credential"


def test_a_later_routes_clearer_problem_is_the_one_that_is_shown(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=Problem("zai", "no_credential"), vault=Problem("zai", "bad_credential"))
    assert refreshed(stage)["problem"]["code"] == "bad_credential"


@pytest.mark.parametrize(
    ("provider", "code"),
    [("claude", "no_browser"), ("ollama", "no_browser"), ("codex", "no_credential"), ("zai", "no_credential")],
)
def test_with_neither_browser_nor_credential_the_row_says_what_it_takes(
    stage: Stage, server_side: Routes, provider: str, code: str
) -> None:
    server_side(provider, key=None)
    row = refreshed(stage, provider)
    assert (row["problem"]["code"], row["attempted_at"]) == (code, "2026-11-22T10:00:00Z")


def test_a_route_that_fails_itself_is_this_rows_business_alone(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=ZeroDivisionError("a secret"))
    server_side("ollama", other=usage())
    requests.ask(stage.paths, ["zai", "ollama"], trigger="cli", named=False, now=NOW)
    conduct(stage)
    assert (stage.code("zai"), stage.row("ollama")["ok"]) == ("internal", True)


def test_the_log_names_the_fault_and_not_its_text(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=ZeroDivisionError("a secret"))
    refreshed(stage)
    log = atomic.read(stage.paths.log) or b""
    assert b"key: ZeroDivisionError" in log
    assert b"secret" not in log


def test_a_route_that_hangs_is_a_time_out_and_delays_no_other_row(
    stage: Stage, server_side: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "_ROUTE_SECONDS", 0.3)
    for_ever = threading.Event()
    server_side("zai", key=for_ever.wait)
    server_side("ollama", other=usage())
    requests.ask(stage.paths, ["zai", "ollama"], trigger="cli", named=False, now=NOW)
    conduct(stage)
    for_ever.set()
    assert stage.row("zai")["problem"]["params"] == {"variant": "timeout"}
    assert stage.row("ollama")["ok"]


def test_no_route_is_begun_or_waited_for_after_the_refreshs_own_deadline(
    stage: Stage, server_side: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "_REFRESH_SECONDS", 0.3)
    for_ever = threading.Event()
    asked = server_side("zai", key=for_ever.wait, vault=usage())
    assert refreshed(stage)["problem"]["code"] == "unreachable"
    for_ever.set()
    assert asked["vault"].times == 0


def test_what_comes_after_the_deadline_is_not_believed(
    stage: Stage, server_side: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "_ROUTE_SECONDS", 0.1)
    late = threading.Event()

    def come_late() -> Any:
        late.wait()
        return usage()

    server_side("zai", key=come_late)
    refreshed(stage)
    late.set()
    assert stage.row()["windows"] == []


# Settling


def test_a_request_that_was_served_is_taken_down(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=usage())
    refreshed(stage)
    assert not stage.stands()


def test_one_that_nobody_could_serve_stands_for_a_browser_that_comes_later(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=None)
    refreshed(stage)
    assert stage.stands()


def test_what_is_asked_meanwhile_is_carried_out_too(stage: Stage, server_side: Routes) -> None:
    server_side("ollama", other=usage())

    def somebody_asks() -> Any:
        requests.ask(stage.paths, ["ollama"], trigger="cli", named=False, now=NOW)
        return usage()

    server_side("zai", key=somebody_asks)
    refreshed(stage)
    assert stage.row("ollama")["ok"]


def test_a_cache_that_cannot_be_written_settles_the_request_all_the_same(stage: Stage, server_side: Routes) -> None:
    jsonfile.save(stage.paths.cache, {"schema": 2, "entries": []})
    asked = server_side("zai", key=usage())
    stage.ask()
    conduct(stage)
    assert not stage.is_open()
    assert asked["key"].times == 1
    assert b"refresh of zai: NewerSchemaError" in (atomic.read(stage.paths.log) or b"")


def test_a_request_that_cannot_be_settled_ends_with_the_deadline(
    stage: Stage, server_side: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError

    asked = server_side("zai", key=usage())
    stage.ask()
    monkeypatch.setattr(requests, "settle", refuse)
    monkeypatch.setattr(conductor, "_LOOK_SECONDS", 0.02)
    assert not conduct(stage, seconds=0.3)
    assert (stage.row()["ok"], asked["key"].times) == (True, 1)
    assert b"settling zai: OSError" in (atomic.read(stage.paths.log) or b"")


def test_what_killed_writers_left_long_ago_is_swept(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=usage())
    left = [os.path.join(folder, ".left.part") for folder in (stage.paths.cache_dir, stage.paths.presence_dir)]
    for path in left:
        atomic.append(path, b"")
        os.utime(path, (NOW - DAY, NOW - DAY))
    refreshed(stage)
    assert not any(os.path.exists(path) for path in left)


# Browsers first


def test_a_browser_that_answers_leaves_the_server_side_in_peace(stage: Stage, server_side: Routes) -> None:
    asked = server_side("zai", key=usage())
    with host(stage, HOME, {"zai": Asked(usage(window(7.0)))}):
        assert refreshed(stage)["windows"][0]["used_pct"] == 7.0
    assert asked["key"].times == 0


def test_where_the_browser_fails_the_server_side_is_tried(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=usage())
    with host(stage, HOME, {"zai": Asked(Problem("zai", "not_signed_in"))}):
        row = refreshed(stage)
    assert (row["ok"], row["error"]) == (True, None)


def test_a_signed_out_browser_is_a_clearer_problem_than_a_missing_key(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=Problem("zai", "no_credential"))
    with host(stage, HOME, {"zai": Asked(Problem("zai", "not_signed_in"))}):
        assert refreshed(stage)["problem"]["code"] == "not_signed_in"


def test_a_browser_that_never_answers_is_waited_for_and_then_not(
    stage: Stage, server_side: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "_BROWSERS_SECONDS", 0.2)
    server_side("zai", key=usage())
    with host(stage, HOME, {}):
        assert refreshed(stage)["ok"]


def come(kind: str) -> str:
    """What a child runs to be here, as a host or a shim, and do nothing."""
    facts = {"kind": kind, "profile": HOME}
    return f"here = presence.Presence(paths.presence_dir, {facts!r}); say('here'); sys.stdin.readline()"


def test_a_host_that_dies_is_not_waited_for(stage: Stage, server_side: Routes, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = server_side("zai", key=usage())
    waits, look = threading.Event(), conductor._browsers_have_answered

    def looked(*arguments: Any) -> bool:
        answered = look(*arguments)
        if not answered:
            waits.set()
        return answered

    monkeypatch.setattr(conductor, "_browsers_have_answered", looked)
    stage.ask()
    done = threading.Thread(target=conduct, args=[stage])
    with started(come("host")) as child:
        assert said(child) == "here"
        done.start()
        assert waits.wait(PATIENCE)
        child.kill()
        child.wait()
    done.join(conductor._BROWSERS_SECONDS / 2)
    assert not done.is_alive()
    assert asked["key"].times == 1


def test_a_shim_is_no_browser_to_wait_for(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=usage())
    with started(come("shim")) as child:
        assert said(child) == "here"
        begun = time.monotonic()
        assert refreshed(stage)["ok"]
    assert time.monotonic() - begun < conductor._BROWSERS_SECONDS / 2


def test_three_browsers_and_every_route_are_asked_at_most_once(stage: Stage, server_side: Routes) -> None:
    server = server_side("zai", key=Problem("zai", "bad_credential"))
    browsers = {profile: Asked(Problem("zai", "not_signed_in")) for profile in (HOME, WORK, SPARE)}
    with (
        host(stage, HOME, {"zai": browsers[HOME]}),
        host(stage, WORK, {"zai": browsers[WORK]}),
        host(stage, SPARE, {"zai": browsers[SPARE]}),
    ):
        askers = [threading.Thread(target=stage.ask) for _ in range(10)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        conduct(stage)
    assert {profile: asked.times for profile, asked in browsers.items()} == {HOME: 1, WORK: 1, SPARE: 1}
    assert server["key"].times == 1


# What was read lately, and what only seems so


def test_a_reading_of_the_last_ten_seconds_counts(stage: Stage, server_side: Routes) -> None:
    asked = server_side("zai", key=usage())
    refreshed(stage)
    stage.clock.now += 9
    refreshed(stage)
    assert asked["key"].times == 1


def test_an_older_one_does_not(stage: Stage, server_side: Routes) -> None:
    asked = server_side("zai", key=usage())
    refreshed(stage)
    stage.clock.now += 11
    refreshed(stage)
    assert asked["key"].times == 2


def test_a_reading_from_a_clock_that_was_ahead_pins_nothing(stage: Stage, server_side: Routes) -> None:
    asked = server_side("zai", key=usage(window(2.0)))
    stage.clock.now += DAY
    refreshed(stage)
    stage.clock.now -= DAY
    refreshed(stage)
    assert asked["key"].times == 2
    assert stage.row()["observed_at"] == "2026-11-22T10:00:00Z"


# Who is missing


def read_in_browser(stage: Stage, profile: str, account: str, provider: str = "zai") -> None:
    stage.browser(provider, profile).attempt(stage.ask(provider, named=True), Asked(usage(account=account)))
    requests.settle(stage.paths, provider, stage.clock(), served=True, now=stage.clock())
    stage.clock.now += 60


@pytest.mark.parametrize("provider", ["claude", "codex", "zai", "ollama"])
def test_a_row_that_only_an_absent_browser_could_read_keeps_its_reading_and_says_so(
    stage: Stage, server_side: Routes, provider: str
) -> None:
    server_side(provider, other=None)
    read_in_browser(stage, HOME, "ada", provider)
    row = refreshed(stage, provider)
    assert (row["stale"], row["problem"]["code"], len(row["windows"])) == (True, "no_browser", 1)


def test_where_there_is_a_credential_the_browser_is_what_is_missing(stage: Stage, server_side: Routes) -> None:
    read_in_browser(stage, HOME, "ada")
    read_in_browser(stage, WORK, "bob")
    server_side("zai", key=Problem("zai", "provider_down"))
    stage.ask()
    conduct(stage)
    assert [row["problem"]["code"] for row in stage.rows()] == ["no_browser", "no_browser"]


def test_the_row_of_a_browser_that_is_here_is_left_alone(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=None)
    read_in_browser(stage, HOME, "ada")
    read_in_browser(stage, WORK, "bob")
    with host(stage, WORK, {"zai": Asked(usage(account="bob"))}):
        stage.ask()
        conduct(stage)
    assert sorted(row["stale"] for row in stage.rows()) == [False, True]
    (missing,) = (row for row in stage.rows() if row["stale"])
    assert missing["problem"]["code"] == "no_browser"


def test_an_account_that_another_browser_has_just_read_is_not_missing(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=None)
    read_in_browser(stage, HOME, "ada")
    with host(stage, WORK, {"zai": Asked(usage(account="ada"))}):
        row = refreshed(stage)
    assert (row["stale"], row["error"]) == (False, None)


def test_a_row_of_another_provider_is_left_alone(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=None)
    read_in_browser(stage, HOME, "ada", "claude")
    refreshed(stage)
    assert stage.row("claude")["error"] is None


def test_a_row_that_the_server_side_reads_is_not_darkened_by_a_missing_browser(stage: Stage, server_side: Routes) -> None:
    server_side("zai", key=usage())
    read_in_browser(stage, HOME, "ada")
    row = refreshed(stage)
    assert (row["stale"], row["account"] is None) == (False, False)


# Each provider has a conductor of its own


def test_who_asked_for_one_provider_does_not_wait_for_anothers_slow_one(stage: Stage, server_side: Routes) -> None:
    asked, for_ever = threading.Event(), threading.Event()

    def hang() -> Any:
        asked.set()
        for_ever.wait()

    server_side("zai", key=hang)
    server_side("ollama", other=usage())
    stage.ask("zai")
    threading.Thread(target=conduct, args=[stage], daemon=True).start()
    assert asked.wait(PATIENCE)
    stage.ask("ollama")
    mine = conductor.Conductor(stage.context, stage.listener())
    assert mine.wait_until(lambda found: "ollama" not in found.unsettled(NOW), PATIENCE, ["ollama"].__contains__)
    assert stage.is_open("zai")
    for_ever.set()


def test_what_is_not_among_ones_own_is_left_to_others(stage: Stage, server_side: Routes) -> None:
    asked = server_side("zai", key=usage())
    stage.ask("zai")
    mine = conductor.Conductor(stage.context, stage.listener())
    assert not mine.wait_until(lambda _: False, 0.05, ["ollama"].__contains__)
    assert asked["key"].times == 0


def test_what_one_conductor_has_taken_no_other_begins(stage: Stage, server_side: Routes) -> None:
    asked = server_side("zai", key=usage())
    first = conductor.Conductor(stage.context, stage.listener())
    first.take(["zai"])
    stage.ask("zai")
    assert not conduct(stage, seconds=0.05)
    assert asked["key"].times == 0
    first.let_go()
    assert conduct(stage)
    assert asked["key"].times == 1


def test_a_request_made_while_an_older_one_is_carried_out_is_begun_as_soon_as_that_is_done(
    stage: Stage, server_side: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "_LOOK_SECONDS", PATIENCE)  # so that only a ring can wake the second one
    release = FileLock.release

    def release_late(lock: FileLock) -> None:
        """When everybody has looked who was rung because the older one is settled."""
        if "conductor" in lock.path:
            time.sleep(0.1)
        release(lock)

    monkeypatch.setattr(FileLock, "release", release_late)
    begun, finish = threading.Event(), threading.Event()

    def slow() -> Any:
        begun.set()
        finish.wait()
        return usage()

    server_side("zai", key=slow)
    stage.ask("zai")
    first = threading.Thread(target=conduct, args=[stage])
    first.start()
    assert begun.wait(PATIENCE)
    stage.clock.now += 30
    stage.ask("zai")
    second = threading.Thread(target=conduct, args=[stage])
    second.start()
    finish.set()
    for one in (first, second):
        one.join(PATIENCE / 2)
        assert not one.is_alive()
    assert not stage.is_open("zai")


# A conductor that dies


def test_another_takes_over_from_a_killed_conductor(stage: Stage, server_side: Routes) -> None:
    asked = server_side("zai", key=usage())
    stage.ask()
    code = f"""
from aimo_host import routes
from aimo_host.collect import conductor
routes.SERVER_SIDE["zai"] = ("key",)
def hang(name, context):
    say("asking")
    time.sleep(60)
routes.read = hang
context = routes.Context(paths, {{}}, lambda: {NOW})
listener = bell.Listener(bell.Bell(paths.bells_dir, ()))
conductor.Conductor(context, listener).wait_until(lambda found: False, 60, conductor.everybody)
"""
    with started(code) as child:
        assert said(child) == "asking"
        assert not requests.conducting(stage.paths, "zai").acquire()
        child.kill()
        assert conduct(stage)
    assert (asked["key"].times, stage.row()["ok"]) == (1, True)


def test_a_reading_that_a_killed_conductor_did_not_settle_is_not_asked_for_again(stage: Stage, server_side: Routes) -> None:
    asked = server_side("zai", key=usage())
    wanted = stage.ask()
    cache.update(stage.paths, lambda before: {**before, "entries": [reading("zai", account=None, at=NOW)]})
    conduct(stage)
    assert asked["key"].times == 0
    assert requests.read(stage.paths, NOW).is_settled("zai", wanted.at)


def test_a_problem_that_cost_no_request_need_not_rest(stage: Stage, server_side: Routes, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = server_side(
        "claude", claude_oauth=Problem("claude", "sign_in_expired", "cli", program="Claude Code", command="claude")
    )
    monkeypatch.setattr(routes, "read", lambda name, _context: asked[name]() if name in asked else None)
    for _ in range(2):
        stage.ask("claude")
        conduct(stage)
        stage.clock.now += 30
    assert asked["claude_oauth"].times == 2


def test_a_problem_that_cost_a_request_rests_as_long_as_a_reading(stage: Stage, server_side: Routes) -> None:
    asked = server_side("claude", claude_oauth=Problem("claude", "provider_down"))
    for _ in range(2):
        stage.ask("claude")
        conduct(stage)
        stage.clock.now += 30
    assert asked["claude_oauth"].times == 1


@pytest.mark.parametrize(("code", "times"), [("no_credential", 1), ("bad_credential", 2), ("provider_down", 2)])
def test_only_a_vault_without_a_key_rests_for_a_day(stage: Stage, server_side: Routes, code: str, times: int) -> None:
    asked = server_side("zai", zai_bitwarden=Problem("zai", code))
    for _ in range(2):
        stage.ask("zai")
        conduct(stage)
        stage.clock.now += 3600
    assert asked["zai_bitwarden"].times == times

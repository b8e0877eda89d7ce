"""One attempt of one feed: at most one request, however many ask, and nobody is told before it is kept."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.collect import feed as feed_module
from aimo_host.collect.feed import FAILED, NOTHING_TO_TRY, READ, wake
from aimo_host.gauge.problems import Problem
from aimo_host.state import atomic, attempts, cache, jsonfile, settings
from aimo_host.state.bell import Bell
from aimo_host.state.lock import FileLock
from tests.collect.stage import HOME, WORK, Asked, everything_below
from tests.gauge.builders import DAY, NOW, reading, usage, window
from tests.state.children import said, started

if TYPE_CHECKING:
    from tests.collect.stage import Stage

DOWN = Problem("zai", "provider_down")


def test_a_reading_is_in_the_cache_and_says_where_it_comes_from(stage: Stage) -> None:
    assert stage.feed().attempt(stage.ask(), Asked(usage(window(14.0)))) == READ
    row = stage.row()
    assert (row["ok"], row["windows"][0]["used_pct"], row["_source"], row["account"]) == (True, 14.0, "server", None)


def test_a_reading_of_a_browser_says_so(stage: Stage) -> None:
    stage.browser("zai", HOME).attempt(stage.ask(), Asked(usage()))
    assert stage.row()["_source"] == "push"


def test_a_reading_counts_from_the_moment_it_arrived(stage: Stage) -> None:
    def late() -> Any:
        stage.clock.now += 5
        return usage()

    stage.feed().attempt(stage.ask(), late)
    assert stage.row()["observed_at"] == "2026-11-22T10:00:05Z"


def test_a_failure_is_in_the_cache_with_its_sentence(stage: Stage) -> None:
    assert stage.feed().attempt(stage.ask(), Asked(DOWN)) == FAILED
    assert stage.row()["error"] == "z.ai is having trouble."


def test_a_failure_keeps_the_last_good_windows(stage: Stage) -> None:
    stage.feed().attempt(stage.ask(), Asked(usage()))
    stage.clock.now += 60
    stage.feed().attempt(stage.ask(named=True), Asked(DOWN))
    row = stage.row()
    assert (len(row["windows"]), row["stale"], row["ok"]) == (1, True, True)


def test_where_there_was_nothing_to_try_nothing_is_remembered(stage: Stage) -> None:
    assert stage.feed().attempt(stage.ask(), Asked(None)) == NOTHING_TO_TRY
    assert stage.attempts() == {}
    assert stage.row()["attempted_at"] is None


def test_an_accounts_real_identifier_gets_into_no_file(stage: Stage) -> None:
    stage.browser("zai", HOME).attempt(stage.ask(), Asked(usage(account="ada@example.test")))
    assert stage.row()["account"]
    assert b"ada@example" not in everything_below(stage.paths.home)


def test_whoever_hears_of_a_reading_finds_it_in_the_cache(stage: Stage) -> None:
    waiting = Bell(stage.paths.bells_dir, ())
    wanted = stage.ask()
    waiting.wait(0)
    seen: list[bool] = []

    def read() -> Any:
        seen.append(waiting.wait(0))
        return usage()

    stage.feed().attempt(wanted, read)
    assert seen == [False]
    assert waiting.wait(0)
    assert stage.row()["ok"]
    waiting.close()


# Once, however many ask


def test_many_threads_with_one_request_make_one_attempt(stage: Stage) -> None:
    wanted, read = stage.ask(), Asked(usage())
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(stage.feed().attempt(wanted, read))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read.times == 1
    assert results == [READ] * 8


def test_another_process_makes_the_attempt_and_this_one_takes_what_it_wrote(stage: Stage) -> None:
    stage.ask()
    code = f"""
from aimo_host.collect.feed import Feed
from aimo_host.gauge.model import Usage, Window
from aimo_host.routes import Context
def read():
    say("asking")
    sys.stdin.readline()
    return Usage(auth_source="api_key", windows=(Window(label="5h", kind="session", used_pct=7.0, binding=True),))
wanted = requests.read(paths, {NOW}).wanted["zai"]
say(Feed(Context(paths, {{}}, lambda: {NOW}), "zai", "api_key").attempt(wanted, read))
"""
    mine = Asked(usage())
    with started(code) as child:
        assert said(child) == "asking"
        wanted = stage.ask()
        waiter = threading.Thread(target=stage.feed().attempt, args=(wanted, mine))
        waiter.start()
        assert child.stdin is not None
        print(file=child.stdin, flush=True)
        assert said(child) == READ
        waiter.join()
    assert mine.times == 0
    assert stage.row()["windows"][0]["used_pct"] == 7.0


def test_a_killed_process_leaves_the_attempt_to_the_next(stage: Stage) -> None:
    wanted = stage.ask()
    code = f"""
from aimo_host.collect.feed import Feed
from aimo_host.routes import Context
def read():
    say("asking")
    time.sleep(60)
wanted = requests.read(paths, {NOW}).wanted["zai"]
Feed(Context(paths, {{}}, lambda: {NOW}), "zai", "api_key").attempt(wanted, read)
"""
    with started(code) as child:
        assert said(child) == "asking"
        child.kill()
        assert stage.feed().attempt(wanted, Asked(usage())) == READ


@pytest.mark.parametrize(("after", "times"), [(0.5, 1), (9.9, 1), (10.0, 2), (DAY, 2)])
def test_who_comes_second_within_ten_seconds_takes_what_the_first_one_wrote(stage: Stage, after: float, times: int) -> None:
    read = Asked(usage())
    stage.feed().attempt(stage.ask(), read)
    stage.clock.now += after
    assert stage.feed().attempt(stage.ask(named=True), read) == READ
    assert read.times == times


def test_who_comes_second_within_ten_seconds_takes_a_failure_too(stage: Stage) -> None:
    read = Asked(DOWN)
    stage.feed().attempt(stage.ask(), read)
    stage.clock.now += 5
    assert stage.feed().attempt(stage.ask(named=True), read) == FAILED
    assert read.times == 1


def test_two_profiles_are_asked_each_for_itself(stage: Stage) -> None:
    wanted, read = stage.ask(), Asked(usage())
    for profile in (HOME, WORK, HOME):
        stage.browser("zai", profile).attempt(wanted, read)
    assert read.times == 2


def test_a_request_that_waited_is_dealt_with_however_it_was(stage: Stage) -> None:
    wanted = stage.ask()
    stage.feed().attempt(wanted, Asked(DOWN))
    assert stage.attempts()[stage.feed().name].handled == wanted.at


def test_who_cannot_get_the_lock_asks_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_LOCK_TIMEOUT", 0.01)
    read = Asked(usage())
    with FileLock(os.path.join(stage.paths.locks_dir, "zai~api_key~-")).hold(0):
        assert stage.feed().attempt(stage.ask(), read) == FAILED
    assert read.times == 0


# Back-off


SIGNED_OUT = Problem("zai", "not_signed_in")


def limited(seconds: float) -> Problem:
    return Problem("zai", "rate_limited", retry_at=NOW + seconds)


@pytest.mark.parametrize(("after", "times"), [(60, 1), (299, 1), (300, 2)])
@pytest.mark.parametrize("named", [True, False])
def test_a_wait_that_the_provider_demanded_binds_a_manual_refresh_too(
    stage: Stage, after: float, times: int, named: bool
) -> None:
    read = Asked(limited(300))
    stage.feed().attempt(stage.ask(), read)
    stage.clock.now += after
    stage.feed().attempt(stage.ask(named=named), read)
    assert read.times == times


def test_a_request_that_must_wait_is_handled_all_the_same(stage: Stage) -> None:
    stage.feed().attempt(stage.ask(), Asked(limited(300)))
    stage.clock.now += 60
    wanted = stage.ask(named=True)
    assert stage.feed().attempt(wanted, Asked(usage())) == FAILED
    assert stage.attempts()[stage.feed().name].handled == wanted.at


def test_the_wait_of_one_feed_does_not_hold_up_another(stage: Stage) -> None:
    stage.feed().attempt(stage.ask(), Asked(limited(300)))
    assert stage.browser("zai", HOME).attempt(stage.ask(), Asked(usage())) == READ


def test_what_another_route_says_during_a_wait_does_not_hide_the_wait(stage: Stage) -> None:
    stage.feed().attempt(stage.ask(), Asked(limited(300)))
    stage.clock.now += 60
    wanted = stage.ask(named=True)
    stage.browser("zai", HOME).attempt(wanted, Asked(SIGNED_OUT))
    stage.feed().attempt(wanted, Asked(usage()))
    assert (stage.code(), stage.row()["problem"]["retry_at"]) == ("rate_limited", "2026-11-22T10:05:00Z")


def test_a_reading_ends_the_wait(stage: Stage) -> None:
    stage.feed().attempt(stage.ask(), Asked(limited(30)))
    stage.clock.now += 30
    stage.feed().attempt(stage.ask(), Asked(usage()))
    assert stage.attempts()[stage.feed().name].retry_at is None


def test_after_the_clock_was_set_back_a_day_there_is_one_request_and_no_burst(stage: Stage) -> None:
    read = Asked(limited(300))
    stage.feed().attempt(stage.ask(), read)
    stage.clock.now -= DAY
    for _ in range(5):
        stage.clock.now += 1
        stage.feed().attempt(stage.ask(named=True), read)
    assert read.times == 2


# Dormancy


@pytest.fixture
def dormant(stage: Stage) -> Stage:
    """Z.ai was asked once in the browser, and nobody was signed in."""
    stage.browser("zai", HOME).attempt(stage.ask(), Asked(SIGNED_OUT))
    stage.clock.now += 600
    return stage


def asked_again(stage: Stage, *, named: bool = False) -> bool:
    read = Asked(usage())
    stage.browser("zai", HOME).attempt(stage.ask(named=named), read)
    return read.times == 1


def test_a_provider_that_was_never_readable_is_left_in_peace(dormant: Stage) -> None:
    assert not asked_again(dormant)


def test_it_is_asked_when_a_person_asks_for_it_by_name(dormant: Stage) -> None:
    assert asked_again(dormant, named=True)


def test_it_is_asked_when_it_is_switched_on(dormant: Stage) -> None:
    settings.change(dormant.paths, {"providers": {"zai": "on"}})
    assert asked_again(dormant)


def test_it_is_asked_once_its_sign_in_was_opened(dormant: Stage) -> None:
    wake(dormant.context, "zai", HOME)
    assert asked_again(dormant)


def test_opening_another_providers_sign_in_does_not_wake_it(dormant: Stage) -> None:
    wake(dormant.context, "claude", HOME)
    assert not asked_again(dormant)


def test_waking_lets_nobody_off_a_demanded_wait(stage: Stage) -> None:
    read = Asked(limited(300))
    stage.browser("zai", HOME).attempt(stage.ask(), read)
    stage.clock.now += 60
    wake(stage.context, "zai", HOME)
    stage.browser("zai", HOME).attempt(stage.ask(named=True), read)
    assert read.times == 1


def test_a_sign_in_while_the_question_is_under_way_counts(stage: Stage) -> None:
    def slow() -> Problem:
        stage.clock.now += 2
        wake(stage.context, "zai", HOME)
        return SIGNED_OUT

    stage.browser("zai", HOME).attempt(stage.ask(), slow)
    stage.clock.now += 30
    assert asked_again(stage)


def test_a_sign_in_in_one_browser_does_not_wake_another(dormant: Stage) -> None:
    wake(dormant.context, "zai", WORK)
    assert not asked_again(dormant)


def test_one_that_was_readable_before_is_asked_again(stage: Stage) -> None:
    for outcome in (usage(), SIGNED_OUT):
        stage.browser("zai", HOME).attempt(stage.ask(named=True), Asked(outcome))
        stage.clock.now += 600
    assert asked_again(stage)


@pytest.mark.parametrize("code", ["provider_down", "browser_check", "unreachable", "no_plan"])
def test_a_failure_of_another_kind_makes_nobody_dormant(stage: Stage, code: str) -> None:
    stage.browser("zai", HOME).attempt(stage.ask(), Asked(Problem("zai", code)))
    stage.clock.now += 600
    assert asked_again(stage)


# What cannot be kept


def newer_schema(stage: Stage) -> None:
    jsonfile.save(stage.paths.cache, {"schema": 2, "entries": [reading("zai", account=None)]})


def test_what_cannot_be_kept_is_an_error(stage: Stage) -> None:
    newer_schema(stage)
    with pytest.raises(cache.NewerSchemaError):
        stage.feed().attempt(stage.ask(), Asked(usage()))


@pytest.mark.parametrize("outcome", [usage(), DOWN])
def test_what_could_not_be_kept_was_asked_all_the_same_and_is_not_asked_again(stage: Stage, outcome: Any) -> None:
    newer_schema(stage)
    wanted, read = stage.ask(), Asked(outcome)
    with pytest.raises(cache.NewerSchemaError):
        stage.feed().attempt(wanted, read)
    assert stage.feed().attempt(wanted, read) == FAILED
    stage.clock.now += 5
    assert stage.feed().attempt(stage.ask(named=True), read) == FAILED
    assert read.times == 1


def test_a_route_that_fails_itself_leaves_the_lock_free(stage: Stage) -> None:
    wanted = stage.ask()
    with pytest.raises(ZeroDivisionError):
        stage.feed().attempt(wanted, Asked(ZeroDivisionError()))
    assert stage.feed().attempt(wanted, Asked(usage())) == READ


def test_a_full_state_folder_does_not_hide_what_was_read(stage: Stage) -> None:
    wanted = stage.ask()
    os.makedirs(os.path.join(stage.paths.locks_dir, "attempts"))
    with pytest.raises(IsADirectoryError):
        stage.feed().attempt(wanted, Asked(usage()))
    assert stage.row()["ok"]


def test_garbage_in_the_attempts_is_no_attempt(stage: Stage) -> None:
    atomic.replace(stage.paths.attempts, b"garbage")
    assert attempts.read(stage.paths, NOW) == {}
    assert stage.feed().attempt(stage.ask(), Asked(usage())) == READ


def test_an_attempt_costs_little(stage: Stage) -> None:
    wanted = stage.ask()
    begun = time.monotonic()
    stage.feed().attempt(wanted, Asked(usage()))
    assert time.monotonic() - begun < 2

"""The flag "somebody wants fresh data": joined, renewed, settled, expired, and never trusted beyond the clock."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimo_host.state import requests
from aimo_host.state.bell import Bell
from tests.gauge.builders import DAY, NOW, json_values

if TYPE_CHECKING:
    from aimo_host.state.paths import Paths


def ask(paths: Paths, *providers: str, now: float = NOW, named: bool = False) -> dict[str, float]:
    return requests.ask(paths, providers or ("claude",), trigger="cli", named=named, now=now)


def open_at(paths: Paths, now: float) -> list[str]:
    return list(requests.read(paths, now).unsettled(now))


def standing_at(paths: Paths, now: float) -> list[str]:
    return list(requests.read(paths, now).standing(now))


def test_at_first_nobody_wants_anything(paths: Paths) -> None:
    assert (open_at(paths, NOW), standing_at(paths, NOW)) == ([], [])


def test_a_request_is_open_until_it_is_settled(paths: Paths) -> None:
    at = ask(paths)["claude"]
    assert open_at(paths, NOW) == ["claude"]
    requests.settle(paths, "claude", at, served=True, now=NOW + 1)
    assert open_at(paths, NOW + 1) == []
    assert requests.read(paths, NOW + 1).is_settled("claude", at)


def test_a_request_says_who_asked_and_whether_by_name(paths: Paths) -> None:
    ask(paths, named=True)
    wanted = requests.read(paths, NOW).wanted["claude"]
    assert (wanted.named, wanted.trigger) == (True, "cli")


def test_each_provider_is_settled_by_itself(paths: Paths) -> None:
    at = ask(paths, "claude", "zai")
    requests.settle(paths, "claude", at["claude"], served=True, now=NOW)
    assert open_at(paths, NOW) == ["zai"]


@pytest.mark.parametrize(("after", "joins"), [(0, True), (5, True), (19.9, True), (20, False), (500, False)])
def test_who_asks_while_a_refresh_runs_joins_it(paths: Paths, after: float, joins: bool) -> None:
    first = ask(paths)
    assert (ask(paths, now=NOW + after) == first) is joins


def test_who_asks_after_a_refresh_was_settled_asks_anew(paths: Paths) -> None:
    first = ask(paths)["claude"]
    requests.settle(paths, "claude", first, served=True, now=NOW)
    assert ask(paths, now=NOW + 1)["claude"] == NOW + 1


@pytest.mark.parametrize(("first", "second", "joins"), [(False, True, False), (True, False, True), (True, True, True)])
def test_who_asks_by_name_does_not_join_a_request_that_dormancy_may_hold_back(
    paths: Paths, first: bool, second: bool, joins: bool
) -> None:
    before = ask(paths, named=first)
    assert (ask(paths, named=second, now=NOW + 1) == before) is joins


def test_settling_an_older_request_leaves_a_newer_one_open(paths: Paths) -> None:
    older = ask(paths)["claude"]
    ask(paths, named=True, now=NOW + 1)
    requests.settle(paths, "claude", older, served=True, now=NOW + 2)
    assert open_at(paths, NOW + 2) == ["claude"]


def test_settling_twice_in_the_wrong_order_takes_nothing_back(paths: Paths) -> None:
    requests.settle(paths, "claude", NOW, served=False, now=NOW)
    requests.settle(paths, "claude", NOW - 50, served=False, now=NOW)
    assert requests.read(paths, NOW).is_settled("claude", NOW)


def test_a_request_that_nobody_could_serve_stands_for_a_browser_that_comes_later(paths: Paths) -> None:
    at = ask(paths)["claude"]
    requests.settle(paths, "claude", at, served=False, now=NOW + 1)
    assert (open_at(paths, NOW + 599), standing_at(paths, NOW + 599)) == ([], ["claude"])


@pytest.mark.parametrize("settled", [True, False])
def test_after_ten_minutes_it_has_expired(paths: Paths, settled: bool) -> None:
    at = ask(paths)["claude"]
    if settled:
        requests.settle(paths, "claude", at, served=False, now=NOW + 1)
    assert (open_at(paths, NOW + 600), standing_at(paths, NOW + 600)) == ([], [])


def test_a_request_that_was_served_is_taken_down(paths: Paths) -> None:
    requests.settle(paths, "claude", ask(paths)["claude"], served=True, now=NOW)
    assert standing_at(paths, NOW) == []


@pytest.mark.parametrize("deed", ["ask", "settle"])
def test_asking_and_settling_ring(paths: Paths, deed: str) -> None:
    waiting = Bell(paths.bells_dir, ())
    if deed == "ask":
        ask(paths)
    else:
        requests.settle(paths, "claude", NOW, served=False, now=NOW)
    assert waiting.wait(0)
    waiting.close()


# Clocks


def test_a_request_from_tomorrow_is_not_there(paths: Paths) -> None:
    ask(paths, now=NOW + DAY)
    assert (open_at(paths, NOW), standing_at(paths, NOW)) == ([], [])


def test_after_the_clock_was_set_back_a_day_a_new_request_is_made_and_settled(paths: Paths) -> None:
    requests.settle(paths, "claude", ask(paths, now=NOW + DAY)["claude"], served=True, now=NOW + DAY)
    at = ask(paths)["claude"]
    assert at == NOW
    assert not requests.read(paths, NOW).is_settled("claude", at)
    requests.settle(paths, "claude", at, served=True, now=NOW + 1)
    assert requests.read(paths, NOW + 1).is_settled("claude", at)


def test_after_the_clock_went_on_a_day_an_old_request_is_not_carried_out(paths: Paths) -> None:
    ask(paths)
    assert open_at(paths, NOW + DAY) == []


# A file that anything may have happened to


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    record=st.dictionaries(
        st.sampled_from(["wanted", "settled", "schema"]),
        st.one_of(
            json_values,
            st.dictionaries(
                st.sampled_from(["claude", "zai"]),
                st.one_of(json_values, st.dictionaries(st.sampled_from(["at", "named", "trigger"]), json_values)),
            ),
        ),
    )
)
def test_whatever_the_file_says_a_request_can_be_made_and_settled(paths: Paths, record: dict[str, Any]) -> None:
    os.makedirs(paths.state_dir, exist_ok=True)
    with open(paths.refresh, "w", encoding="utf-8") as file:
        json.dump(record, file)
    at = ask(paths)["claude"]
    assert not requests.read(paths, NOW).is_settled("claude", at)
    requests.settle(paths, "claude", at, served=True, now=NOW + 1)
    assert requests.read(paths, NOW + 1).is_settled("claude", at)

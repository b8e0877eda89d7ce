"""Two real browsers side by side on one machine, each with an account of its own: whose row is whose, end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import processes
from tests.simulator.people import ADA, BOB, everywhere, whose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.chromium import Unwatched
    from tests.browser.stage import Shim, Stage
    from tests.simulator.simulator import Simulator

pytestmark = pytest.mark.browser

PROVIDERS = ["claude", "codex", "zai", "ollama"]
#: The sources that tell the two people's windows apart.
MAIN = ("claude.usage", "codex.usage", "zai.quota", "ollama.settings")


@pytest.fixture(scope="module")
def shim(stage: Stage) -> Shim:
    return stage.serve()


@pytest.fixture(scope="module")
def browsers(stage: Stage) -> Iterator[tuple[Unwatched, Unwatched]]:
    """Ada's and Bob's, each signed in everywhere, and with nobody looking."""
    stage.install(stage.second_profile)
    with stage.signed_in(stage.profile, ADA) as ada, stage.signed_in(stage.second_profile, BOB) as bob:
        processes.until(lambda: len(stage.hosts()) == 2, "both browsers have their host")
        yield ada, bob


def _read(stage: Stage, simulator: Simulator, shim: Shim) -> list[dict[str, Any]]:
    stage.let_pass(60)
    simulator.clear()
    entries: list[dict[str, Any]] = shim.get("/api/refresh?wait=75", "POST").json
    return entries


def test_two_browsers_with_different_accounts_are_eight_rows_each_read_once(
    stage: Stage, simulator: Simulator, shim: Shim, browsers: tuple[Unwatched, Unwatched]
) -> None:
    assert browsers
    entries = _read(stage, simulator, shim)
    assert [entry["provider"] for entry in entries] == [provider for provider in PROVIDERS for _ in range(2)]
    assert [entry for entry in entries if not entry["ok"] or entry["stale"]] == []
    assert whose(entries) == everywhere("ada", "bob")
    asked = {(seen.source, seen.person) for seen in simulator.requests if seen.source in MAIN}
    assert asked == {(source, person.name) for source in MAIN for person in (ADA, BOB)}
    assert len([seen for seen in simulator.requests if seen.source in MAIN]) == 8


def test_a_second_look_changes_no_row(stage: Stage, simulator: Simulator, shim: Shim) -> None:
    before, after = shim.get("/api/usage?cached=1").json, _read(stage, simulator, shim)
    assert _told(after) == _told(before)


def test_a_browser_that_is_closed_darkens_its_own_rows_only(
    stage: Stage, simulator: Simulator, shim: Shim, browsers: tuple[Unwatched, Unwatched]
) -> None:
    before = shim.get("/api/usage?cached=1").json
    browsers[1].close()
    processes.until(lambda: len(stage.hosts()) == 1, "the second browser's host is gone")
    after = _read(stage, simulator, shim)
    assert _told(after) == _told(before)
    assert whose([entry for entry in after if entry["problem"]]) == everywhere("bob")
    assert {seen.person for seen in simulator.requests} == {"ada"}


def _told(entries: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Who is who, and how full."""
    return [(e["provider"], e["account"], [window["used_pct"] for window in e["windows"]]) for e in entries]

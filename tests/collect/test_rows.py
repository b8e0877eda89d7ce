"""What comes out of an attempt has a row only where it should: not for a provider that is off, and not without the others'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.collect.feed import FAILED
from aimo_host.gauge.problems import Problem
from aimo_host.state import cache, settings
from tests.collect.stage import HOME, WORK, Asked
from tests.gauge.builders import DAY, NOW, usage, window

if TYPE_CHECKING:
    from tests.collect.stage import Stage

DOWN = Problem("zai", "provider_down")


def test_a_provider_that_is_switched_off_is_not_asked_by_whoever_still_holds_its_request(stage: Stage) -> None:
    wanted, read = stage.ask(), Asked(usage())
    settings.change(stage.paths, {"providers": {"zai": "off"}})
    assert stage.feed().attempt(wanted, read) == FAILED
    assert (read.times, stage.attempts()[stage.feed().name].handled) == (0, wanted.at)


@pytest.mark.parametrize("outcome", [usage(), DOWN])
def test_what_arrives_after_its_provider_was_switched_off_makes_no_row(stage: Stage, outcome: Any) -> None:
    def late() -> Any:
        settings.change(stage.paths, {"providers": {"zai": "off"}})
        return outcome

    stage.feed().attempt(stage.ask(), late)
    assert cache.read(stage.paths)["entries"] == []


def test_a_row_that_got_a_name_before_any_salt_was_made_outlives_the_making_of_one(stage: Stage) -> None:
    for profile, days in ((HOME, 2), (WORK, 4)):
        theirs = usage(window(resets_at=NOW + days * DAY))
        stage.browser("zai", profile).attempt(stage.ask(), Asked(theirs))
        stage.clock.now += 60
    stage.browser("ollama", HOME).attempt(stage.ask("ollama"), Asked(usage(account="ada@example.test")))
    assert (len(stage.rows("zai")), len(stage.rows("ollama"))) == (2, 1)

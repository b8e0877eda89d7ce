"""Why this one and not that one: what `pick`, `can` and `wait` say on stderr, and no more than is known."""

from __future__ import annotations

import json
import re
import time

import pytest

from aimo_host.gauge import choice
from aimo_host.gauge.snapshot import entries_at
from aimo_host.state import cache, settings
from aimo_host.terminal.choice import reasons
from tests.command import here
from tests.gauge import builders
from tests.gauge.builders import DAY, HOUR, NOW
from tests.kept import fable, keep, places, week


def test_each_account_has_its_reason_and_the_earliest_time_comes_last() -> None:
    keep("claude", week(80, 2 * HOUR + 30), age=630)
    keep("codex", week(100, None))
    keep("ollama", week(None))
    now = time.time()
    entries = entries_at(cache.read(places()), settings.read(places()), now)
    question = choice.Question(need=50)
    said = reasons(question, choice.choose(question, entries, now), entries, now)
    assert said == [
        "claude: 20 % left, read 10 m ago, enough in 2 h",
        "codex: nothing left, and no reset is known",
        "zai: unknown. No Z.ai key was found. Sign in to z.ai in the browser, or set ZAI_API_KEY.",
        "ollama: unknown. ollama.com answered in a way this version of aimo does not know.",
        "none has enough; the first will in 2 h",
    ]


@pytest.mark.parametrize(
    ("used", "resets_in", "age", "reason"),
    [
        (80.0, DAY, 0, "claude: 20 % left"),
        (80.04, DAY, 0, "claude: 19.9 % left"),
        (80.0, DAY, 7200, "claude: unknown; last read 2 h ago"),
        (80.0, 1, 60, "claude: unknown since its reset"),
        (100.0, None, 0, "claude: nothing left, and no reset is known"),
    ],
)
def test_a_reason_says_no_more_than_is_known(used: float, resets_in: float | None, age: float, reason: str) -> None:
    keep("claude", week(used, resets_in), age=age)
    now = time.time() + 2
    entries = entries_at(cache.read(places()), settings.read(places()), now)
    question = choice.Question(among=("claude",))
    assert reasons(question, choice.choose(question, entries, now), entries, now) == [reason]


def test_a_reason_says_the_age_of_the_oldest_window_that_counts() -> None:
    entry = builders.kept(builders.shown("claude", builders.week(45), builders.fable(14)), "weekly Fable")
    question = choice.Question(scope="Fable")
    assert reasons(question, choice.choose(question, [entry], NOW), [entry], NOW) == ["claude: unknown; last read 2 d ago"]


def test_who_misspells_a_model_is_told_what_there_is() -> None:
    keep("claude", week(10), fable(20))
    keep("codex", week(10))
    done = here("pick", "--scope", "fabel", "--among", "claude,codex", "--json")
    assert [one["why"] for one in json.loads(done.stdout)["ranking"]] == ["unknown", "unknown"]
    assert done.stderr.splitlines() == [
        "aimo: claude: unknown; no window is named fabel, only Fable",
        "aimo: codex: unknown; no window is named fabel",
    ]


def test_a_waiter_says_once_until_when_it_waits() -> None:
    keep("claude", week(80, DAY))
    said = here("wait", "claude", "--need", "95", "--timeout", "0.1").stderr
    assert re.findall(r"^aimo: waiting until \d\d:\d\d at most$", said, re.MULTILINE) == said.splitlines()[1:]
    assert len(said.splitlines()) == 2


def test_of_one_account_there_is_one_line() -> None:
    keep("claude", week(80, 3 * DAY))
    done = here("can", "claude", "--need", "95")
    assert re.fullmatch(r"aimo: claude: 20 % left, enough on [A-Z][a-z]{2} \d\d:\d\d\n", done.stderr)

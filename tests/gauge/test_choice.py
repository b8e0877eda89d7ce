"""Whom to use, by either strategy; when, where nobody has enough; and never on the word of what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge import choice
from aimo_host.gauge.choice import Question, choose, is_known
from aimo_host.gauge.model import Balance, Blocked
from aimo_host.gauge.snapshot import entry_at, never_read
from aimo_host.gauge.times import iso
from tests.gauge.builders import DAY, HOUR, NOW, fable, kept, session, shown, week

if TYPE_CHECKING:
    from collections.abc import Callable

Entry = dict[str, Any]


def unread(provider: str) -> Entry:
    return entry_at(never_read(provider), NOW, {})


SOON = shown("claude", week(70, DAY))
LATE = shown("codex", week(10, 6 * DAY))
OPEN = shown("ollama", week(5, None))
TIRED = shown("zai", session(0, HOUR), week(90, 2 * DAY))
FULL = shown("zai", session(100, 2 * HOUR), week(40))
OLD = shown("codex", week(0), at=NOW - 2 * HOUR)
OLD_AND_FULL = shown("codex", week(100), at=NOW - 2 * HOUR)
UNKNOWN = shown("ollama", week(None))
RESET_SINCE = shown("ollama", week(0, -1))
BLOCKED = shown("codex", session(1), blocked=Blocked("credits", "No credits."))
PAID = shown("ollama", week(None), balances=(Balance(kind="purchased", label="credits", amount=10.0, unit="USD"),))


def ids(found: dict[str, Any]) -> list[str]:
    return [one["id"] for one in found["ranking"]]


@pytest.mark.parametrize(
    ("strategy", "entries", "ranking"),
    [
        ("headroom", [SOON, LATE, TIRED], ["codex", "claude", "zai"]),
        ("expiring", [SOON, LATE, TIRED], ["claude", "zai", "codex"]),
        ("expiring", [OPEN, LATE], ["codex", "ollama"]),
        ("expiring", [FULL, LATE], ["codex", "zai"]),
        ("expiring", [UNKNOWN, FULL, LATE], ["codex", "zai", "ollama"]),
        ("expiring", [shown("claude", session(50, HOUR)), SOON | {"provider": "zai"}], ["claude", "zai"]),
        ("expiring", [shown("claude", week(50, DAY)), shown("codex", week(40, DAY))], ["codex", "claude"]),
        ("headroom", [LATE | {"provider": "zai"}, LATE], ["zai", "codex"]),
    ],
    ids=[
        "most is left",
        "its week ends first, whatever the session does",
        "a reset is known",
        "full ones have nothing to lose",
        "unknown comes last",
        "a session where there is nothing longer",
        "the same moment: most is left",
        "the same headroom: the fixed order",
    ],
)
def test_the_ranking_follows_the_strategy(strategy: str, entries: list[Entry], ranking: list[str]) -> None:
    found = choose(Question(strategy=strategy), entries, NOW)
    assert ids(found) == ranking
    assert found["pick"] == ranking[0]


@pytest.mark.parametrize("entries", [[OLD], [UNKNOWN], [RESET_SINCE], [PAID], [unread("claude")], [BLOCKED], [FULL], []])
@pytest.mark.parametrize("strategy", choice.STRATEGIES)
def test_nobody_is_picked_who_is_not_known_to_have_enough(entries: list[Entry], strategy: str) -> None:
    assert choose(Question(strategy=strategy), entries, NOW)["pick"] is None


@pytest.mark.parametrize("other", [OLD, UNKNOWN, RESET_SINCE, PAID, BLOCKED])
def test_what_is_known_to_be_nearly_empty_goes_before_what_is_not_known(other: Entry) -> None:
    assert choose(Question(), [other, shown("claude", week(99))], NOW)["pick"] == "claude"


FABLE_KEPT = kept(shown("claude", week(45), fable(14)), "weekly Fable")


@pytest.mark.parametrize("need", [0, 50])
def test_a_window_that_is_older_than_its_entry_never_says_that_something_is_left(need: float) -> None:
    found = choose(Question(need=need, scope="Fable"), [FABLE_KEPT], NOW)
    assert (found["pick"], found["ranking"][0]["why"]) == (None, "unknown")


def test_an_old_window_that_does_not_count_is_in_nobody_s_way() -> None:
    assert choose(Question(need=50), [FABLE_KEPT], NOW)["pick"] == "claude"


def test_a_window_that_is_a_little_older_than_its_entry_decides() -> None:
    entry = kept(shown("claude", week(45), fable(14)), "weekly Fable", age=HOUR)
    assert choose(Question(need=50, scope="Fable"), [entry], NOW)["pick"] == "claude"


def test_an_old_window_still_says_until_when_nothing_is_left() -> None:
    entry = kept(shown("claude", week(45), fable(100)), "weekly Fable")
    [one] = choose(Question(scope="Fable"), [entry], NOW)["ranking"]
    assert (one["why"], one["available_at"]) == ("full", iso(NOW + 3 * DAY))


def test_an_old_reading_still_says_until_when_nothing_is_left() -> None:
    [one] = choose(Question(), [OLD_AND_FULL], NOW)["ranking"]
    assert (one["why"], one["available_at"]) == ("full", iso(NOW + 3 * DAY))


@pytest.mark.parametrize(
    ("need", "picked"), [(0, "codex"), (90, "codex"), (90.5, None), (100, None)], ids=["none", "just enough", "too much", "all"]
)
def test_the_need_must_be_left_on_the_tightest_window(need: float, picked: str | None) -> None:
    assert choose(Question(need=need), [SOON, LATE], NOW)["pick"] == picked


def test_the_window_of_the_model_counts_when_it_is_asked_for() -> None:
    entries = [shown("claude", week(10), fable(95)), shown("codex", week(50))]
    assert choose(Question(), entries, NOW)["pick"] == "claude"
    assert choose(Question(scope="fable"), entries, NOW)["pick"] == "codex"
    assert choose(Question(scope="fable"), [shown("claude", week(10), fable(None))], NOW)["ranking"][0]["why"] == "unknown"


def test_a_model_that_nobody_has_a_window_for_is_unknown_whatever_else_is_left() -> None:
    entries = [shown("claude", week(10), fable(20)), FULL, BLOCKED]
    question = Question(scope="fabel")
    found = choose(question, entries, NOW)
    assert [(one["id"], one["why"]) for one in found["ranking"]] == [
        ("codex", "blocked"),
        ("claude", "unknown"),
        ("zai", "unknown"),
    ]
    assert (found["pick"], found["available_at"]) == (None, None)
    assert not is_known(question, entries, found)


def test_only_windows_of_those_who_are_asked_about_give_a_model_its_name() -> None:
    entries = [shown("claude", week(10), fable(20)), shown("codex", week(50))]
    assert choose(Question(scope="Fable"), entries, NOW)["pick"] == "claude"
    assert choose(Question(scope="Fable", among=("codex",)), entries, NOW)["pick"] is None


WORK = shown("claude", week(50), account="a1", name="work")
HOME = shown("claude", week(20), account="b2", name="home")
NAMELESS = shown("claude", week(30), account=None)


@pytest.mark.parametrize(
    ("among", "ranking"),
    [
        ((), ["claude/home", "claude/work", "codex"]),
        (("claude",), ["claude/home", "claude/work"]),
        (("claude/work",), ["claude/work"]),
        (("claude/a1",), ["claude/work"]),
        (("codex", "claude/b2"), ["claude/home", "codex"]),
        (("codex/a",), ["codex"]),
        (("claude/nobody",), []),
        (("zai",), []),
    ],
)
def test_only_those_are_ranked_who_are_asked_about(among: tuple[str, ...], ranking: list[str]) -> None:
    tired = shown("codex", week(90))
    assert ids(choose(Question(among=among), [WORK, HOME, tired], NOW)) == ranking


def test_every_id_can_be_asked_about() -> None:
    entries = [WORK, HOME, NAMELESS, LATE]
    for name in ids(choose(Question(), entries, NOW)):
        assert ids(choose(Question(among=(name,)), entries, NOW)) == [name]


@pytest.mark.parametrize(
    ("entries", "need", "at"),
    [
        ([FULL], 0, NOW + 2 * HOUR),
        ([FULL, shown("claude", week(100, HOUR))], 0, NOW + HOUR),
        ([shown("claude", session(95, HOUR), week(75, DAY))], 20, NOW + HOUR),
        ([shown("claude", session(95, HOUR), week(75, DAY))], 50, NOW + DAY),
        ([shown("claude", session(100, HOUR), week(100, None))], 0, None),
        ([FULL, UNKNOWN], 0, NOW + 2 * HOUR),
        ([UNKNOWN], 0, None),
        ([BLOCKED], 0, None),
        ([FULL, LATE], 0, None),
        ([], 0, None),
    ],
)
def test_it_says_when_the_first_will_fit(entries: list[Entry], need: float, at: float | None) -> None:
    assert choose(Question(need=need), entries, NOW)["available_at"] == (None if at is None else iso(at))


@pytest.mark.parametrize(
    ("entries", "known"),
    [
        ([FULL], True),
        ([FULL, BLOCKED], True),
        ([OLD_AND_FULL], True),
        ([FULL, unread("claude")], True),
        ([FULL, OLD], False),
        ([FULL, UNKNOWN], False),
        ([unread("claude"), unread("codex")], False),
        ([], False),
    ],
)
def test_not_enough_is_only_said_where_everything_read_is_known(entries: list[Entry], known: bool) -> None:
    assert is_known(Question(), entries, choose(Question(), entries, NOW)) is known


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (choice.percent, "0", 0.0),
        (choice.percent, "12.5", 12.5),
        (choice.percent, "100", 100.0),
        (choice.model, "Fable", "Fable"),
        (choice.names, "claude", ("claude",)),
        (choice.names, "claude, codex/work", ("claude", "codex/work")),
        (choice.one_name, "zai/a b/c", "zai/a b/c"),
        (choice.strategy, "expiring", "expiring"),
    ],
)
def test_what_can_be_asked_is_understood(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        *[(choice.percent, text) for text in ["", "-1", "100.1", "nan", "inf", "1e1", "20%", ".", "²", "9" * 400]],
        *[(choice.model, text) for text in ["", "  ", " Fable", "a  b", "a\nb", "モデル", "x" * 81]],
        *[(choice.names, text) for text in ["", ",", "claude,", "gemini", "claude,gemini", "Claude", "claude/"]],
        *[(choice.strategy, text) for text in ["", "random", "Headroom"]],
    ],
)
def test_what_cannot_be_asked_is_a_sentence(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(choice.BadQuestionError, match=r"^must .*\.$"):
        parse(text)


percents = st.none() | st.floats(0, 250)
resets = st.none() | st.floats(-DAY, 10 * DAY)
windows = st.builds(week, percents, resets) | st.builds(session, percents, resets) | st.builds(fable, percents)
entries = st.builds(
    lambda provider, found, age, account: shown(provider, *found, at=NOW - age, account=account),
    st.sampled_from(["claude", "codex", "zai", "ollama"]),
    st.lists(windows, max_size=4),
    st.floats(0, 2 * DAY),
    st.sampled_from(["a1", "b2", None]),
)
snapshots = st.lists(entries, max_size=6, unique_by=lambda one: (one["provider"], one["account"]))


@given(snapshots, st.floats(0, 100), st.sampled_from([None, "Fable"]), st.sampled_from(choice.STRATEGIES))
def test_whoever_is_picked_has_enough_on_every_window_and_was_read_lately(
    found: list[Entry], need: float, scope: str | None, strategy: str
) -> None:
    picked = choose(Question(need=need, scope=scope, strategy=strategy), found, NOW)["pick"]
    if picked is None:
        return
    [chosen] = Question(among=(picked,)).candidates(found)
    counted = [w for w in chosen["windows"] if w["binding"] or (scope and w["scope"] == scope)]
    assert counted
    assert all(w["used_pct"] is not None and 100 - w["used_pct"] >= need - 1e-3 and w["used_pct"] < 100 for w in counted)
    assert chosen["observed_at"] >= iso(NOW - HOUR)


@given(snapshots, st.floats(0, 100), st.sampled_from(choice.STRATEGIES))
def test_a_choice_always_has_its_shape(found: list[Entry], need: float, strategy: str) -> None:
    chosen = choose(Question(need=need, strategy=strategy), found, NOW)
    assert list(chosen) == ["pick", "ranking", "available_at"]
    assert all(list(one) == ["id", "headroom_pct", "why", "available_at"] for one in chosen["ranking"])
    assert len(chosen["ranking"]) == len(found)
    assert (chosen["pick"] is not None) == any(one["why"] == "fits" for one in chosen["ranking"])
    assert all((one["headroom_pct"] is None) == (one["why"] == "unknown") for one in chosen["ranking"])

"""The question that a program asks before it spends: may it start, with whom, and if not, when. Pure; times are arguments.

The same for the command line and for HTTP: what may be asked, and the answer. A reading too old to decide by may say that nothing
is left, never that something is. Nor is anything said of a model's windows that nobody has: who misspells it is told so.
"""

from __future__ import annotations

from aimo_host.gauge import pick
from aimo_host.gauge.answer import is_old, is_old_window
from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.times import iso, parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Entry = dict[str, Any]

STRATEGIES = ("headroom", "expiring")
DEFAULT_MAX_AGE = 60.0
#: No asker waits longer (seconds) for fresh readings.
LONGEST_WAIT = 20.0
_MOST_PCT = 100.0
_LONGEST_NAME = 80


class BadQuestionError(ValueError):
    """Something that cannot be asked; the text says why, as the end of a sentence that begins with the parameter's name."""


class Question:
    """How much is needed, of which model, among whom, and what counts as best. `among` empty: everybody."""

    __slots__ = ("among", "need", "scope", "strategy")

    def __init__(
        self, *, need: float = 0.0, scope: str | None = None, strategy: str = "headroom", among: tuple[str, ...] = ()
    ) -> None:
        self.need = need
        self.scope = scope
        self.strategy = strategy
        self.among = among

    def candidates(self, entries: list[Entry]) -> list[Entry]:
        """The entries that are asked about: by provider, or by provider and the name or id of an account."""
        return [e for e in entries if not self.among or any(_is_meant(e, name) for name in self.among)]

    def is_counted(self, entries: list[Entry]) -> bool:
        """Whether the model that is asked for, if any, has a window with one of the candidates: only then can it be counted."""
        return self.scope is None or any(pick.is_of(w, self.scope) for e in self.candidates(entries) for w in e["windows"])


def choose(question: Question, entries: list[Entry], now: float) -> dict[str, Any]:
    """`{pick, ranking: [{id, headroom_pct, why, available_at}], available_at}`, the ranking best first.

    `why`: see `pick.ranking`. `available_at` beside `pick` is when the first of them will fit; null if one fits now,
    or if that is known of none.
    """
    chosen = question.candidates(entries)
    ranked = pick.ranking(chosen, need=question.need, scope=question.scope, strategy=question.strategy)
    found = {(entry["provider"], entry["account"]): entry for entry in chosen}
    is_counted = question.is_counted(entries)
    sure, unsure = [], []
    for one in ranked:
        entry = found[one["provider"], one["account"]]
        public = {"id": pick.name_of(entry, entries), **{key: one[key] for key in ("headroom_pct", "why", "available_at")}}
        if (one["why"] == "fits" and _is_old(entry, question.scope, now)) or (one["why"] != "blocked" and not is_counted):
            unsure.append({**public, "headroom_pct": None, "why": "unknown", "available_at": None})
        else:
            sure.append(public)
    ranking = [*sure, *unsure]
    picked = ranking[0]["id"] if ranking and ranking[0]["why"] == "fits" else None
    back = [at for one in ranking if (at := parse_iso(one["available_at"])) is not None]
    return {"pick": picked, "ranking": ranking, "available_at": iso(min(back)) if back and picked is None else None}


def is_known(question: Question, entries: list[Entry], choice: dict[str, Any]) -> bool:
    """Whether a choice without a pick means "not enough". Who was never read at all is not in use, and leaves nothing open."""
    read = {pick.name_of(e, entries) for e in question.candidates(entries) if e["observed_at"] is not None}
    return bool(read) and all(one["why"] != "unknown" for one in choice["ranking"] if one["id"] in read)


def percent(text: str) -> float:
    """A percentage to need.

    Raises:
        BadQuestionError: it is none.
    """
    digits = text.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit()) or float(text) > _MOST_PCT:
        raise BadQuestionError("must be a percentage from 0 to 100.")
    return float(text)


def model(text: str) -> str:
    """The name of a model, as a window's `scope` has it or a part of it.

    Raises:
        BadQuestionError: it can be no name.
    """
    is_plain = text.isascii() and text.isprintable() and text == " ".join(text.split())
    if not text or len(text) > _LONGEST_NAME or not is_plain:
        raise BadQuestionError("must be the name of a model, such as Fable.")
    return text


def names(text: str) -> tuple[str, ...]:
    """Ids separated by commas: `claude,codex/work`.

    Raises:
        BadQuestionError: one of them names no provider.
    """
    return tuple(one_name(part.strip()) for part in text.split(","))


def one_name(text: str) -> str:
    """An id: `claude`, or `claude/work`.

    Raises:
        BadQuestionError: it names no provider.
    """
    provider, slash, account = text.partition("/")
    if provider not in PROVIDERS or (slash and not account):
        raise BadQuestionError(f"must name one of {', '.join(PROVIDERS)}, alone or with an account behind a slash.")
    return text


def strategy(text: str) -> str:
    """What counts as best.

    Raises:
        BadQuestionError: it is no strategy.
    """
    if text not in STRATEGIES:
        raise BadQuestionError(f"must be one of {', '.join(STRATEGIES)}.")
    return text


def _is_old(entry: Entry, scope: str | None, now: float) -> bool:
    return is_old(entry, now) or any(is_old_window(window, now) for window in pick.counted(entry, scope))


def _is_meant(entry: Entry, name: str) -> bool:
    provider, slash, account = name.partition("/")
    if entry["provider"] != provider:
        return False
    return not slash or account in {entry["account_name"], entry["account"] or "-"}

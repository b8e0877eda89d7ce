"""The answer in English: whom to use, how much is left, until when; then what is full, unknown, or would be lost."""

from __future__ import annotations

from aimo_host.dialects.phrases import rounded
from aimo_host.gauge import pick
from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.times import parse_iso
from aimo_host.terminal.clock import span, time_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SENTENCES = {
    "use": "Use {name}: {left} % left until {when}",
    "use_open": "Use {name}: {left} % left",
    "none_left": "Nothing left until {when}",
    "none_left_open": "Nothing left",
    "unknown": "",
}


def sentences(answer: dict[str, Any], entries: list[dict[str, Any]], now: float) -> tuple[str, str]:
    """The answer, and the facts beside it; empty where there is nothing to say."""
    use = answer["use"]
    until = parse_iso(use["until"])
    chosen = [e for e in entries if (e["provider"], e["account"]) == (use["provider"], use["account"])]
    first = _SENTENCES[use["code"]].format(
        name=_name(chosen[0], entries) if chosen else "",
        left="" if use["headroom_pct"] is None else int(use["headroom_pct"]),
        when="" if until is None else time_of(until, now),
    )
    return first, " · ".join(_fact(note, now) for note in answer["notes"])


def _name(entry: dict[str, Any], entries: list[dict[str, Any]]) -> str:
    """`Claude`, or `Claude work` where there are several."""
    name = PROVIDERS[entry["provider"]]["name"]
    _, _, account = pick.name_of(entry, entries).partition("/")
    return f"{name} {account}" if account else name


def _fact(note: dict[str, Any], now: float) -> str:
    name = " ".join(part for part in (PROVIDERS[note["provider"]]["name"], note["account_name"], note["scope"]) if part)
    until = parse_iso(note["until"])
    if note["code"] == "full":
        return f"{name} full" if until is None else f"{name} full until {time_of(until, now)}"
    if note["code"] == "lose" and until is not None:
        return f"{name} would lose {rounded(note['pct'])} % in {span(until - now)}"
    return f"{name} refuses work" if note["code"] == "blocked" else f"{name} unknown"

"""The gauge as text, for a person at a terminal and for pipes. Says the same as the other faces; asks nobody.

Colour is a second signal only: every state is readable without it. rich is imported here and only when something is shown.
"""

from __future__ import annotations

import sys

from aimo_host.dialects.phrases import ago, rounded, short_name, short_scope, window_age
from aimo_host.gauge.answer import answer_at, is_old
from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.times import parse_iso
from aimo_host.terminal.clock import moment
from aimo_host.terminal.money import amount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from contextlib import AbstractContextManager
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    Entry = dict[str, Any]
    Window = dict[str, Any]

#: The name with its margin, the percentage, and the space before what stands at the end of a row.
_NAME_CELLS, _PERCENT_CELLS, _GAP = 16, 8, 2
#: The column at the end of the rows; where a bar would come out shorter than that, it is as wide as its longest text.
_RIGHT_CELLS, _GOOD_BAR = 20, 24
_WIDEST = 88
#: A shorter bar says nothing.
_NARROWEST_BAR = 4
_DAY = 86400
_HIGH_PCT, _FULL_PCT = 80, 100


def busy() -> AbstractContextManager[object]:
    """A spinner on stderr while something is asked; nothing where nobody looks."""
    import contextlib

    if not sys.stderr.isatty():
        return contextlib.nullcontext()
    from rich.console import Console

    return Console(stderr=True).status("asking…")


def show(entries: list[Entry], now: float, *, heading: str | None = None) -> None:
    """Write the rows of all entries to stdout. `heading` is a line above them.

    Raises:
        BrokenPipeError: whoever read them has gone.
    """
    from rich.text import Text

    where = console()
    width = min(where.width, _WIDEST)
    lines = [page(entries, now, where)]
    if heading is not None:
        lines = [*_wrapped(Text(heading, style="bold"), width, where), *lines]
    if not any(entry["observed_at"] for entry in entries):
        lines += _wrapped(Text("Nothing could be read yet. `aimo demo` shows what it will look like."), width, where)
    where.print(Text("\n").join(lines), no_wrap=True, overflow="ignore", crop=False)


def page(entries: list[Entry], now: float, where: Console, awaited: Container[str] = ()) -> Text:
    """The answer and the rows of all entries; providers that are `awaited` and were never read have no row but their name."""
    from rich.text import Text

    width, drawn = min(where.width, _WIDEST), _encodes(where)
    lines = _headline(entries, now, width, where)
    bar = _bar_cells(entries, now, width)
    for entry in entries:
        if entry["provider"] in awaited and entry["observed_at"] is None:
            lines.append(Text.assemble((PROVIDERS[entry["provider"]]["name"], "bold"), ("  asking ...", "dim")))
        else:
            lines += _lines(entry, now, width, bar, drawn)
    return Text("\n").join(lines)


def _headline(entries: list[Entry], now: float, width: int, console: Console) -> list[Text]:
    """Whom to use, and what is the matter."""
    from rich.text import Text

    from aimo_host.terminal.answer import sentences

    answer, facts = sentences(answer_at(entries, now), entries, now)
    said = [Text(answer, style="bold")] if answer else []
    said += [Text(line, style="dim") for line in _filled(facts, width)] if facts else []
    return [line for text in said for line in _wrapped(text, width, console)]


def _wrapped(text: Text, width: int, console: Console) -> list[Text]:
    lines = list(text.wrap(console, width))
    for line in lines:
        line.rstrip()
    return lines


def _filled(facts: str, width: int) -> list[str]:
    """The facts in lines, each whole where it fits, and no dot at the end of a line."""
    from rich.cells import cell_len

    dot = " · "
    lines: list[str] = []
    for fact in facts.split(dot):
        if lines and cell_len(lines[-1]) + len(dot) + cell_len(fact) <= width:
            lines[-1] += dot + fact
        else:
            lines.append(fact)
    return lines


def console() -> Console:
    """Where the rows are written: stdout."""
    from rich.console import Console

    class Calm(Console):
        """Leaves the end of the process, and its exit code, to the command line."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Calm(highlight=False, emoji=False, markup=False)


def _encodes(console: Console) -> bool:
    """Whether the bars' characters can be written there (not on an old Windows code page)."""
    try:
        "█░┊┄·…".encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _bar_cells(entries: list[Entry], now: float, width: int) -> int:
    """How long all bars are; 0 where there is no room for one."""
    from rich.cells import cell_len

    longest = max((cell_len(_when(window, now)) for entry in entries for window in entry["windows"]), default=0)
    room = width - _NAME_CELLS - _PERCENT_CELLS - _GAP
    cells = max(room - _RIGHT_CELLS, min(_GOOD_BAR, room - longest))
    return cells if cells >= _NARROWEST_BAR else 0


def _lines(entry: Entry, now: float, width: int, bar: int, drawn: bool) -> list[Text]:  # noqa: FBT001 - one flag, named at the call's origin
    from rich.text import Text

    lines = [_title(entry, now, width)]
    if entry["error"]:
        where = (entry["problem"] or {}).get("url")
        lines += _notes(entry["error"], where, width, "yellow")
    if entry["blocked"]:
        lines += _notes(entry["blocked"]["message"], None, width, "red")
    touched = {window["scope"] for window in entry["windows"] if window["used_pct"] != 0 or window_age(window, now)}
    unused = [scope for scope in _pools(entry) if scope not in touched]
    lines += [_window_line(window, now, width, bar, drawn) for window in entry["windows"] if window["scope"] not in unused]
    lines += [_folded(entry, scope, width) for scope in unused]
    for balance in entry["balances"]:
        if _says_something(balance, entry):
            lines.append(Text(f"  {_balance(balance)}"))
            lines[-1].truncate(width, overflow="ellipsis")
    return lines


def _pools(entry: Entry) -> list[str]:
    """The models and features that have windows of their own."""
    return list(dict.fromkeys(window["scope"] for window in entry["windows"] if window["scope"] is not None))


def _folded(entry: Entry, scope: str, width: int) -> Text:
    """A pool that nobody touched, however many windows it has."""
    from rich.text import Text

    names = (short_name({**window, "scope": None}) for window in entry["windows"] if window["scope"] == scope)
    line = Text(f"  {short_scope(scope)}: {', '.join(names)} unused", style="dim")
    line.truncate(width, overflow="ellipsis")
    return line


def _notes(sentence: str, url: str | None, width: int, style: str) -> list[Text]:
    """A sentence and where to go, on one line where they fit; an address is never broken."""
    import textwrap

    from rich.text import Text

    mark = "  ! "
    if url is not None and len(mark) + len(sentence) + 2 + len(url) <= width:
        return [Text(f"{mark}{sentence}  {url}", style=style)]
    wrapped = textwrap.wrap(sentence, width, initial_indent=mark, subsequent_indent="    ", break_long_words=False)
    return [Text(line, style=style) for line in (*wrapped, *([f"    {url}"] if url else []))]


def _title(entry: Entry, now: float, width: int) -> Text:
    from rich.text import Text

    row = PROVIDERS.get(entry["provider"])
    about = " · ".join(part for part in (entry["plan_label"], entry["account_name"]) if part)
    left = Text(row["name"] if row else entry["provider"], style="bold")
    if about:
        left.append(f"  {about}", style="not bold")
    observed = parse_iso(entry["observed_at"])
    age = "" if observed is None else f"read {ago(observed, now)}"
    old = entry["stale"] or is_old(entry, now)
    left.truncate(max(0, width - len(age) - _GAP))
    _align_right(left, age, width, "yellow" if old else "dim")
    return left


def _window_line(window: Window, now: float, width: int, bar: int, drawn: bool) -> Text:  # noqa: FBT001
    from rich.cells import set_cell_size
    from rich.text import Text

    used = window["used_pct"]
    line = Text(f"  {set_cell_size(short_name(window), _NAME_CELLS - 3)} ")
    line.append(_bar(window, bar, drawn) if bar else "", style=_level(used))
    percent = "--" if used is None else f"{rounded(used)} %"
    line.append(f" {percent:>7}")
    _align_right(line, _when(window, now), width, "dim")
    if used is not None and (old := window_age(window, now)):
        # There is no room beside the reset: it comes to stand below it, so no bar changes its length.
        _align_right(line, f"read {old}", width, "yellow")
    return line


def _align_right(line: Text, text: str, width: int, style: str) -> None:
    from rich.cells import cell_len

    if not text:
        return
    if (room := width - line.cell_len - cell_len(text)) < _GAP:
        # Below it rather than beyond the edge.
        line.append("\n")
        room = width - cell_len(text)
    line.append(" " * room)
    line.append(text, style=style)


def _bar(window: Window, cells: int, drawn: bool) -> str:  # noqa: FBT001
    used = window["used_pct"]
    full, empty, mark, unknown = ("█", "░", "┊", "┄") if drawn else ("#", ".", "|", "-")
    if used is None:
        return unknown * cells
    filled: int = round(min(used, _FULL_PCT) / _FULL_PCT * cells)
    bar = full * filled + empty * (cells - filled)
    if window["pace"] is None:
        return bar
    at: int = min(cells - 1, round(window["pace"]["expected_pct"] / _FULL_PCT * cells))
    return bar[:at] + mark + bar[at + 1 :]


def _level(used: float | None) -> str:
    if used is None:
        return "dim"
    return "red" if used >= _FULL_PCT else "yellow" if used >= _HIGH_PCT else "green"


def _when(window: Window, now: float) -> str:
    """What stands at the end of its row: money, when it runs out, or when it resets."""
    if window["state"] == "not_started":
        return "not started"
    if window["state"] == "reset_due":
        return "not read since reset"
    if window["kind"] == "spend" and (spent := amount(window["usage"], window["unit"])) is not None:
        limit = amount(window["limit"], window["unit"])
        return spent if limit is None else f"{spent} / {limit}"
    resets_at = parse_iso(window["resets_at"])
    runs_out = parse_iso(window["pace"]["runs_out_at"]) if window["pace"] else None
    if runs_out is not None:
        return f"out ~{moment(runs_out, now)}"
    if resets_at is not None:
        return moment(resets_at, now)
    return f"in {window['resets_in']}" if window["resets_in"] else ""


def _says_something(balance: dict[str, Any], entry: Entry) -> bool:
    """Not a purse that is empty and closed, nor one that a window's row shows already."""
    if any(window["kind"] == "spend" and window["label"] == balance["label"] for window in entry["windows"]):
        return False
    return bool(balance["enabled"] or balance["amount"] or balance["used"] or balance["reason"])


def _balance(balance: dict[str, Any]) -> str:
    left, used, limit = (amount(balance[key], balance["unit"]) for key in ("amount", "used", "limit"))
    if balance["unlimited"]:
        return f"{balance['label']}: unlimited"
    if left is not None:
        return f"{balance['label']}: {left}"
    if used is not None:
        return f"{balance['label']}: {used}{'' if limit is None else f' of {limit}'} used"
    return f"{balance['label']}: {balance['reason'] or ('amount not shown' if balance['enabled'] else 'off')}"

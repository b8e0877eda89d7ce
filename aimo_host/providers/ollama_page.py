"""What Ollama's settings page says, read with a real HTML5 parser.

Windows are found by their label and read inside their own row, never by position. The page holds the words "sign in" even when
signed in, which mean nothing. A page without any label has changed: that is not 0 %. The e-mail address in its heading only tells
accounts apart: it becomes the raw identifier, which the collector hashes and nobody stores or shows.
"""

from __future__ import annotations

import re
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from aimo_host.gauge.model import Balance, Usage, Window
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.times import parse_iso
from aimo_host.providers.answers import is_bot_check, problem_of
from aimo_host.providers.fields import amount, percent, text, text_whole
from aimo_host.providers.ollama_tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimo_host.gauge.model import Answer, Kind

_LABEL = re.compile(r"(session|hourly|weekly|monthly) usage:?", re.IGNORECASE)
_HEADING = re.compile(r"(cloud|included) usage", re.IGNORECASE)
#: Label -> the window it names, and its length in seconds. "Hourly" is what the session was called before.
_WINDOWS: dict[str, tuple[Kind, int | None]] = {
    "session": ("session", 18000),
    "hourly": ("session", 18000),
    "weekly": ("weekly", 604800),
    "monthly": ("monthly", None),
}
_OUTER = {"main", "body", "html"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
#: More labels or headings than this are no settings page, and would only cost time.
_MOST = 20
_MOST_TEXTS = 500
_LONGEST_ADDRESS = 254
PLANS = {"free", "pro", "max", "team"}

#: The number must stand alone: not the tail of a word (`1e5`, `v2.30`) or of a number that markup tore apart, not negative, not
#: "less than".
_WHOLE = r"(?<![\w.,<-])(?<![\d.,-] )"
_PERCENT = re.compile(_WHOLE + r"(\d+(?:\.\d+)?) ?% used", re.IGNORECASE)
_AMOUNT = r"\$ ?(\d[\d,]*(?:\.\d+)?)(?!\w|[.,]\d)"
_DOLLARS = re.compile(rf"(?<![-\w]){_AMOUNT} of {_AMOUNT} used", re.IGNORECASE)
_BALANCE = re.compile(rf"balance remaining:? {_AMOUNT}", re.IGNORECASE)
_WIDTH = re.compile(r"(?:^|;)\s*width\s*:\s*(\d+(?:\.\d+)?)\s*%", re.IGNORECASE)
_SPAN = r"(?:\d{1,4}|an?|one) (?:second|minute|hour|day|week|month)s?"
_IN_WORDS = re.compile(rf"\bresets? in (?:about |less than )?({_SPAN}(?:(?: and|, and|,)? {_SPAN})*)", re.IGNORECASE)


def parse_settings(answer: Answer, now: float) -> Usage | Problem:
    """The windows, plan and purchased credits of `GET https://ollama.com/settings`, or the one problem that stopped it."""
    if answer.failed is None and not is_bot_check(answer) and (300 <= answer.status <= 399 or answer.status in {401, 403}):
        return Problem("ollama", "not_signed_in")
    problem = problem_of("ollama", answer, now)
    if problem is not None:
        return problem
    tree = Tree.of(answer.body)
    if tree is None:
        return Problem("ollama", "unexpected_answer", "too_large")
    return _parse_page(tree, now)


def _parse_page(tree: Tree, now: float) -> Usage | Problem:
    labels = list(islice((index for index in tree.texts if _LABEL.fullmatch(tree.text(index))), _MOST))
    if not labels:
        signed_out = tree.title.lower().startswith("sign in")
        return Problem("ollama", "not_signed_in" if signed_out else "unexpected_answer")
    windows: dict[str, Window] = {}
    for index in labels:
        window = _window(tree, index, labels, now)
        if window is not None and (window.label not in windows or windows[window.label].used_pct is None):
            windows[window.label] = window
    balances = tuple(_balances(tree))
    if not windows and not balances:
        return Problem("ollama", "no_plan")
    plan = _plan(tree)
    label = plan.capitalize() if plan and plan.lower() in PLANS else plan
    found = tuple(windows.values())
    return Usage(auth_source="session", account=_account(tree), plan=plan, plan_label=label, windows=found, balances=balances)


def _account(tree: Tree) -> str | None:
    """The address in the page's heading."""
    for index in islice(tree.texts, _MOST_TEXTS):
        if tree.attributes(tree.parent(index)).get("id") == "header-email":
            return address(tree.text(index))
    return None


def address(value: object) -> str | None:
    """An e-mail address in one spelling, None for anything else."""
    word = text_whole(value)
    return word.lower() if word and word.count("@") == 1 and len(word) <= _LONGEST_ADDRESS else None


def _window(tree: Tree, label: int, labels: list[int], now: float) -> Window | None:
    """The window of one label; None where its allowance is nothing, which is no limit."""
    row = _row(tree, label, labels)
    track = tree.first_with("data-usage-track", row.start)
    spoken = tree.attributes(track).get("aria-label", "") if track in row else ""
    says = [tree.text_of(row), " ".join(spoken.split())]
    dollars = next((found for found in map(_dollars, says) if found), None)
    if dollars and not dollars[1]:
        return None
    used_pct = next((found for found in map(_percent, says) if found is not None), None)
    if used_pct is None:
        used_pct = percent(100 * dollars[0] / dollars[1]) if dollars else _width(tree, track) if track in row else None
    resets_at = _reset(tree, row, now)
    words = _words(says[0]) if resets_at is None else None
    untouched = used_pct == 0 and resets_at is None and words is None
    kind, seconds = _WINDOWS[tree.text(label).split()[0].lower()]
    return Window(
        label=kind,
        kind=kind,
        used_pct=used_pct,
        resets_at=resets_at,
        resets_in=words,
        window_seconds=seconds,
        state="unknown" if used_pct is None else "not_started" if untouched else "active",
        binding=True,
        used=dollars[0] if dollars else None,
        limit=dollars[1] if dollars else None,
        remaining=max(0.0, dollars[1] - dollars[0]) if dollars else None,
        unit="USD" if dollars else None,
    )


def _row(tree: Tree, label: int, labels: list[int]) -> range:
    """What belongs to a label: the smallest container with a bar and no other label, else what follows up to the next label."""
    place = labels.index(label)
    before, following = ([-1, *labels][place], [*labels, tree.size][place + 1])
    own = list(
        takewhile(
            lambda above: before < above and tree.end(above) <= following and tree.tag(above) not in _OUTER, tree.ancestors(label)
        )
    )
    for container in own:
        if tree.first_with("data-usage-track", container) < tree.end(container):
            return range(container, tree.end(container))
    shared = tree.parent(own[-1] if own else label)
    following = min(following, tree.end(shared))
    return range(label, next((index for index in range(label, following) if tree.tag(index) in _HEADINGS), following))


def _percent(says: str) -> float | None:
    found = _PERCENT.search(says)
    return percent(found[1]) if found else None


def _dollars(says: str) -> tuple[float, float] | None:
    """What is used, and the allowance."""
    found = _DOLLARS.search(says)
    used, allowance = (amount(part.replace(",", "")) for part in found.groups()) if found else (None, None)
    return None if used is None or allowance is None else (used, allowance)


def _width(tree: Tree, track: int) -> float | None:
    """How far the bar reaches: the track's own child. The widths of segments inside it are shares of what is used."""
    bars = [index for index in tree.children(track) if "data-usage-segment" not in tree.attributes(index)]
    found = _WIDTH.search(tree.attributes(bars[0]).get("style", "")) if len(bars) == 1 else None
    return percent(found[1]) if found else None


def _reset(tree: Tree, row: range, now: float) -> float | None:
    """The row's `data-time`. One that has passed and does not speak of a reset is the time of some request."""
    for index in row:
        time = parse_iso(tree.attributes(index).get("data-time"))
        if time is not None and (time > now or "reset" in tree.text_of(range(index, min(tree.end(index), index + 5))).lower()):
            return time
    return None


def _words(says: str) -> str | None:
    """`Resets in about an hour` -> `1 hour`."""
    found = _IN_WORDS.search(says)
    return re.sub(r"\b(?:an?|one)\b", "1", found[1].lower()) if found else None


def _plan(tree: Tree) -> str | None:
    """The badge in the heading."""
    for index in islice((index for index in tree.texts if _HEADING.fullmatch(tree.text(index))), _MOST):
        heading = next((above for above in tree.ancestors(index) if tree.tag(above) in _HEADINGS), index)
        for inside in range(index + 1, tree.end(heading)):
            badge = text(tree.text(inside)) or ""
            if badge.lower() in PLANS or (
                badge and "@" not in badge and "capitalize" in tree.attributes(tree.parent(inside)).get("class", "")
            ):
                return badge
    return None


def _balances(tree: Tree) -> Iterator[Balance]:
    """`Balance remaining` is what was bought beside the plan; the included part has a window of its own."""
    found = _BALANCE.search(tree.text_of(range(tree.size)))
    left = amount(found[1].replace(",", "")) if found else None
    if left is not None:
        yield Balance(kind="purchased", label="purchased credits", amount=left, unit="USD")

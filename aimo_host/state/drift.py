"""Shape reports: what an answer looked like that no parser understood. Keys and types, never a value.

One file per source, the newest wins; `aimo doctor` prints them for a bug report. A key that does not look like a name in a
program (an identifier of somebody, an e-mail, a sentence) is a value in disguise and is not kept either.
"""

from __future__ import annotations

import json
import os
import re

from aimo_host.gauge.times import iso, parse_iso
from aimo_host.state import jsonfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.gauge.model import Answer
    from aimo_host.state.paths import Paths

_NAME = re.compile(r"_{0,2}[A-Za-z]+(?:_[A-Za-z]+)*_?(?:[0-9]{1,2}[A-Za-z]?)?")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]")
_HEX = re.compile(r"[0-9a-fA-F_]{8,}")
_LONGEST_NAME, _LONGEST_WORD = 48, 16
#: "resetsAt", "is_ok": names have few words this short, random letters have many.
_SHORT_WORD, _MOST_SHORT_WORDS = 2, 2
_MEDIA_TYPE = re.compile(r"[a-z]{1,12}/[a-z.+-]{1,32}")
_DEEPEST = 8
_MOST_KEYS = 80
_MOST_ELEMENTS = 3
_OTHERS = "(other keys)"
_KINDS = {str: "string", bool: "boolean", int: "number", float: "number"}
_WORDS = frozenset({*_KINDS.values(), "null", "object", "html", "text", "empty"})


def write(paths: Paths, source: str, answer: Answer, now: float) -> None:
    """Keep the shape of `answer` as the newest one of `source`. Never raises."""
    report = {
        "at": iso(now),
        "source": source,
        "status": answer.status,
        "content_type": _media_type(answer.headers.get("content-type", "")),
        "length": len(answer.body),
        "shape": _shape_of_body(answer.body),
    }
    try:
        jsonfile.save(os.path.join(paths.drift_dir, f"{source}.json"), report, durable=False)
    except OSError:
        return  # a full disk must not stop a reading


def read(paths: Paths) -> list[dict[str, Any]]:
    """All reports, by source (the name of its file), each with nothing in it but what `write` could have written."""
    try:
        sources = sorted(name.removesuffix(".json") for name in os.listdir(paths.drift_dir) if name.endswith(".json"))
    except OSError:
        return []
    kept = {source: jsonfile.load_or_empty(os.path.join(paths.drift_dir, f"{source}.json")) for source in sources}
    return [_as_written(source, report) for source, report in kept.items() if report]


def _as_written(source: str, report: dict[str, Any]) -> dict[str, Any]:
    at, status, length = parse_iso(report.get("at")), report.get("status"), report.get("length")
    return {
        "at": None if at is None else iso(at),
        "source": source,
        "status": status if type(status) is int else None,
        "content_type": _media_type(str(report.get("content_type"))),
        "length": length if type(length) is int else None,
        "shape": reshape(report.get("shape")),
    }


def _media_type(text: str) -> str | None:
    found = _MEDIA_TYPE.match(text.lower())
    return found[0] if found else None


def _shape_of_body(body: str) -> Any:
    try:
        return shape(json.loads(body))
    except (ValueError, RecursionError):
        return "html" if body.lstrip("\ufeff \t\r\n").startswith("<") else "text" if body else "empty"


def shape(value: Any, levels: int = _DEEPEST) -> Any:
    """The keys and types of a JSON value, nothing of what it says."""
    if isinstance(value, dict):
        if levels == 0:
            return "object"
        named = [key for key in value if _is_name(key)]
        found = {key: shape(value[key], levels - 1) for key in named[:_MOST_KEYS]}
        return {**found, _OTHERS: len(value) - len(found)} if len(value) > len(found) else found
    if isinstance(value, list):
        return ["…"] if levels == 0 and value else [shape(item, levels - 1) for item in value[:_MOST_ELEMENTS]]
    return _KINDS.get(type(value), "null")


def reshape(kept: Any, levels: int = _DEEPEST) -> Any:
    """A shape that stood in a file, as it is if `shape` made it; whatever else is in it is left out."""
    if isinstance(kept, dict):
        if levels == 0:
            return "object"
        named = [key for key in kept if _is_name(key)]
        found = {key: reshape(kept[key], levels - 1) for key in named[:_MOST_KEYS]}
        told = kept.get(_OTHERS)
        others = len(kept) - len(found) + (told - 1 if type(told) is int else 0)
        return {**found, _OTHERS: others} if others else found
    if isinstance(kept, list):
        return ["…"] if levels == 0 and kept else [reshape(item, levels - 1) for item in kept[:_MOST_ELEMENTS]]
    return kept if isinstance(kept, str) and kept in _WORDS else "null"


def _is_name(key: str) -> bool:
    """Whether a key looks like a word of a program and not like somebody's identifier."""
    if key.isupper() and len(key) > _SHORT_WORD:
        return False  # "ID" is a name of a field; longer shouts are codes or people
    if len(key) > _LONGEST_NAME or not _NAME.fullmatch(key) or _HEX.fullmatch(key):
        return False
    words = _WORD.findall(key)
    return max(map(len, words)) <= _LONGEST_WORD and sum(len(word) <= _SHORT_WORD for word in words) <= _MOST_SHORT_WORDS

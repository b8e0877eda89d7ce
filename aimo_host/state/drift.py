"""Shape reports: what an answer looked like that no parser understood. Keys and types, never a value.

One file per source, the newest wins; `aimo doctor` prints them for a bug report. A key that does not look like a name in a
program (an identifier of somebody, an e-mail, a sentence) is a value in disguise and is not kept either.
"""

from __future__ import annotations

import json
import os
import re

from aimo_host.gauge.times import iso
from aimo_host.state import jsonfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.gauge.model import Answer
    from aimo_host.state.paths import Paths

_NAME = re.compile(r"[a-z][A-Za-z_]{0,39}[A-Za-z0-9_]{0,3}")
_DEEPEST = 8
_MOST_KEYS = 80
_MOST_ELEMENTS = 3


def write(paths: Paths, source: str, answer: Answer, now: float) -> None:
    """Keep the shape of `answer` as the newest one of `source`. Never raises."""
    report = {
        "at": iso(now),
        "source": source,
        "status": answer.status,
        "content_type": answer.headers.get("content-type", "").partition(";")[0][:60],
        "length": len(answer.body),
        "shape": _shape_of_body(answer.body),
    }
    try:
        jsonfile.save(os.path.join(paths.drift_dir, f"{source}.json"), report, durable=False)
    except OSError:
        return  # a full disk must not stop a reading


def read(paths: Paths) -> list[dict[str, Any]]:
    """All reports, by source."""
    try:
        names = sorted(name for name in os.listdir(paths.drift_dir) if name.endswith(".json"))
    except OSError:
        return []
    return [report for name in names if (report := jsonfile.load_or_empty(os.path.join(paths.drift_dir, name)))]


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
        named = [key for key in value if _NAME.fullmatch(key)]
        found = {key: shape(value[key], levels - 1) for key in named[:_MOST_KEYS]}
        return {**found, "(other keys)": len(value) - len(found)} if len(value) > len(found) else found
    if isinstance(value, list):
        return ["…"] if levels == 0 and value else [shape(item, levels - 1) for item in value[:_MOST_ELEMENTS]]
    return {str: "string", bool: "boolean", int: "number", float: "number"}.get(type(value), "null")

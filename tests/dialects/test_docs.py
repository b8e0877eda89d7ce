"""docs/dialects.md: what it shows is what there is, and every command in it is one that `aimo` takes."""

from __future__ import annotations

import json
import os
import re
import shlex

import pytest

from aimo_host import cli, completion, dialects
from aimo_host.dialects import statusline
from tests.dialects.snapshots import by_name
from tests.gauge.builders import NOW

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
with open(os.path.join(ROOT, "docs", "dialects.md"), encoding="utf-8") as _file:
    TEXT = _file.read()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"aimo (?:show|line|watch)(?: --[a-z]+ (?:'[^']*'|[a-z]+))?", "".join(block for _, block in BLOCKS))


def test_every_dialect_is_documented() -> None:
    assert [name for name in dialects.NAMES if f"--as {name}" not in TEXT] == []


def test_every_field_of_a_template_is_documented() -> None:
    assert [name for name in statusline.FIELDS if f"`{{{name}}}`" not in TEXT] == []


def test_every_metric_is_documented() -> None:
    shown = dialects.render("prometheus", by_name()["samples"], NOW)
    assert {f"| `{name}` |" for name in re.findall(r"^# TYPE (\w+)", shown, re.MULTILINE)} <= set(
        re.findall(r"^\| `\w+` \|", TEXT, re.MULTILINE)
    )


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_every_command_has_options_that_exist(command: str) -> None:
    _, name, *rest = shlex.split(command)
    assert name in cli._OTHER_ENTRANCES
    assert set(rest[::2]) <= set(completion.OPTIONS[name])


def test_the_commands_were_found() -> None:
    assert len(set(COMMANDS)) >= 7


def test_every_snippet_of_json_can_be_pasted() -> None:
    for kind, block in BLOCKS:
        if kind == "json":
            json.loads(block if block.startswith("{") else f"{{{block}}}")

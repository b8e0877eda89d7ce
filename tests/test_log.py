"""`aimo log`: what was asked of whom, by whom and when, in columns or as JSON; and aimo's own faults below."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host import cli
from aimo_host.state import ledger, log, paths

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1795341600.0


@pytest.fixture
def found(aimo_home: Path) -> paths.Paths:
    return paths.find({"AIMO_HOME": str(aimo_home)})


def note(where: paths.Paths, **fields: Any) -> None:
    request = {"provider": "claude", "route": "browser", "source": "claude.usage", "trigger": "popup", "status": 200}
    ledger.write(where, request | fields, at=NOW, milliseconds=123.4)


def test_before_the_first_request_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["log"]) == 0
    assert capsys.readouterr().out == "No request to a provider was made yet.\n"


def test_each_request_is_a_line(found: paths.Paths, capsys: pytest.CaptureFixture[str]) -> None:
    note(found)
    note(found, provider="zai", trigger="cli", status="timeout")
    assert cli.main(["log"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["at", "provider", "route", "source", "trigger", "status", "ms"]
    assert [re.split(r" {2,}", line)[1:] for line in lines] == [
        ["claude", "browser", "claude.usage", "popup", "200", "123"],
        ["zai", "browser", "claude.usage", "cli", "timeout", "123"],
    ]


def test_the_newest_come_last_and_no_more_than_asked_for(found: paths.Paths, capsys: pytest.CaptureFixture[str]) -> None:
    for status in (200, 401, 429):
        note(found, status=status)
    assert cli.main(["log", "--json", "-n", "2"]) == 0
    assert [record["status"] for record in json.loads(capsys.readouterr().out)] == [401, 429]


def test_own_faults_stand_below(found: paths.Paths, capsys: pytest.CaptureFixture[str]) -> None:
    log.write(found, "zai_api_key: KeyError")
    assert cli.main(["log"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:][0] == "aimo's own faults:"


@pytest.mark.parametrize("lines", ["0", "-1", "x", "1.5", "²"])
def test_a_number_of_lines_that_is_none_is_refused(lines: str) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(["log", "-n", lines])
    assert refused.value.code == 2


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[]\n1\n{}\n", b'{"at": 5}\n', b'{"at": "x", "status": {"a": "\\u0007"}}\n']
)
def test_a_damaged_ledger_is_shown_as_far_as_it_goes(content: bytes, aimo_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (aimo_home / "state").mkdir(parents=True)
    (aimo_home / "state" / "ledger.jsonl").write_bytes(content)
    assert cli.main(["log"]) == 0
    assert "\x07" not in capsys.readouterr().out

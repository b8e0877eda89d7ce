"""A made-up machine for the routes that use other people's files and programs: a home, a PATH with stand-ins, a clock at hand."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from aimo_host.gauge.model import Usage
from aimo_host.gauge.problems import Problem
from aimo_host.routes import Context
from aimo_host.state import ledger
from aimo_host.state import paths as places

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

    import pytest

    from aimo_host.routes import Outcome

NOW = 1795190400.0
STANDINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standins")


class Program:
    """A stand-in on the PATH of the stage, and what became of it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        with open(os.path.join(STANDINS, f"{name}.py"), encoding="utf-8") as source:
            (folder / name).write_text(f"#!{sys.executable} -S\n{source.read()}")
        (folder / name).chmod(0o755)

    def will(self, **plan: Any) -> None:
        (self.folder / "plan.json").write_text(json.dumps(plan))

    def records(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def calls(self) -> list[dict[str, Any]]:
        return self.records("calls.jsonl")


class Stage:
    """`environ` and `now` are the test's to change."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.now = NOW
        self.environ: dict[str, str] = {"HOME": str(home), "PATH": str(home.parent / "b"), "AIMO_HOME": str(home.parent / "aimo")}

    @property
    def context(self) -> Context:
        return Context(places.find(self.environ), self.environ, lambda: self.now).asking("route", "popup")

    def program(self, name: str, **plan: Any) -> Program:
        """Puts the stand-in on the PATH."""
        program = Program(self.home.parent / "b", name)
        program.will(**plan)
        return program

    def file(self, name: str, content: object) -> Path:
        """A file below the home, in JSON unless it is text."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def asked(self) -> list[tuple[str, int | str]]:
        """Source and status of what the ledger holds."""
        return [(line["source"], line["status"]) for line in ledger.read(self.context.paths, 100)]

    def kept(self) -> str:
        """All that is in files of ours."""
        found = [path.read_bytes() for path in (self.home.parent / "aimo").rglob("*") if path.is_file()]
        return b"\n".join(found).decode(errors="replace")


def problem(outcome: Outcome) -> str:
    """Code and variant of what must be a problem."""
    assert isinstance(outcome, Problem)
    variant = outcome.params.get("variant")
    return f"{outcome.code}.{variant}" if variant else outcome.code


def usage(outcome: Outcome) -> Usage:
    """What must be a usage."""
    assert isinstance(outcome, Usage), outcome
    return outcome


def used(outcome: Outcome) -> Mapping[str, float | None]:
    """Label -> percent used."""
    return {window.label: window.used_pct for window in usage(outcome).windows}


def recorded(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[str]:
    """From now on, the first argument of every call of that function, which goes on doing its work."""
    calls: list[str] = []
    genuine = getattr(module, name)

    def record(first: str, *more: Any) -> Any:
        calls.append(first)
        return genuine(first, *more)

    monkeypatch.setattr(module, name, record)
    return calls

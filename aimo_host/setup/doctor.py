"""`aimo doctor`: looks at everything that a reading needs, and says in one line each what is wrong and what helps.

What it prints can be pasted into an issue (see `checks`). It asks no provider and mends nothing; only Bitwarden, once it has
failed, may be asked again by the next refresh.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aimo_host import __version__
from aimo_host.setup.checks import PROBLEM, Case, browser, environment, files, folders, host, problem, routes, shapes, shim, tilde
from aimo_host.setup.install import complain
from aimo_host.setup.system import System
from aimo_host.state.paths import HomeNotAbsoluteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimo_host.setup.checks import Check, Finding

    Report = list[tuple[str, list[Finding]]]

#: Heading -> what is looked at, in the order in which one thing stands on another.
CHECKS: dict[str, tuple[Check, ...]] = {
    "Program": (environment.versions, environment.variables, environment.of_this_shell),
    "Files": (folders.writable, files.permissions, files.readable, files.stray_env, files.protected),
    "Browsers": (browser.registrations,),
    "Extension": (browser.extension, browser.profiles),
    "Host": (host.start,),
    "Server": (shim.shim,),
    "Providers": (routes.providers,),
    "Unknown answers": (shapes.shapes,),
}
_WIDEST = 110
_MARK_CELLS = 10


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Look, and print what was found. Returns 0 if nothing needs attention, 1 if something does, 2 for bad arguments."""
    parser = argparse.ArgumentParser(prog="aimo doctor", description="Find out why something cannot be read, and what helps.")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    options = parser.parse_args(argv)
    try:
        case = Case(System.of(environ), time.time())
    except HomeNotAbsoluteError as error:
        return complain(str(error), 2)
    report = examine(case)
    routes.let_the_vault_be_asked(case)
    count = sum(finding.level == PROBLEM for _, findings in report for finding in findings)
    text = as_json(report) if options.json else as_text(report, min(_WIDEST, shutil.get_terminal_size().columns))
    sys.stdout.write(text)
    return 1 if count else 0


def examine(case: Case) -> Report:
    """The findings under each heading. A check that fails is a finding itself, and the others go on."""
    return [(title, [finding for check in checks for finding in _look(check, case)]) for title, checks in CHECKS.items()]


def _look(check: Check, case: Case) -> list[Finding]:
    try:
        return [replace(finding, **_tilded(case, finding)) for finding in check(case)]
    except Exception as error:  # noqa: BLE001 - its text may hold what came from outside; its kind cannot
        name = f"{check.__module__.rpartition('.')[2]}.{check.__name__}"
        return [problem(f"The check {name} failed with {type(error).__name__}.", "Please report this line.")]


def _tilded(case: Case, finding: Finding) -> dict[str, Any]:
    return {name: tilde(case, text) for name, text in (("text", finding.text), ("remedy", finding.remedy)) if text is not None}


def as_json(report: Report) -> str:
    """`{"aimo", "ok", "checks": [{"name", "findings": [{"level", "text", "remedy", "detail", "codes"}]}]}`."""
    checks: list[dict[str, Any]] = [
        {"name": title, "findings": [vars(finding) for finding in findings]} for title, findings in report
    ]
    is_fine = all(finding.level != PROBLEM for _, findings in report for finding in findings)
    return json.dumps({"aimo": __version__, "ok": is_fine, "checks": checks}, indent=1) + "\n"


def as_text(report: Report, width: int) -> str:
    """The findings for a person: headings, marks, wrapped sentences; what is to be pasted stays in one line."""
    lines: list[str] = []
    for title, findings in report:
        lines.append(title)
        for finding in findings:
            lines += _lines(finding, width)
    count = sum(finding.level == PROBLEM for _, findings in report for finding in findings)
    end = (
        "Nothing needs attention." if not count else f"{count} problem{'s' if count > 1 else ''}: see the lines marked `problem`."
    )
    return "\n".join([*lines, "", end]) + "\n"


def _lines(finding: Finding, width: int) -> list[str]:
    mark, indent = f"  {finding.level}".ljust(_MARK_CELLS), " " * _MARK_CELLS

    def wrapped(text: str, first: str, further: str) -> list[str]:
        return textwrap.wrap(
            text, width, initial_indent=first, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
        )

    lines = wrapped(finding.text, mark, indent)
    if finding.remedy is not None:
        lines += wrapped(finding.remedy, f"{indent}-> ", f"{indent}   ")
    return lines + ([finding.detail] if finding.detail is not None else [])

"""Answers that no parser understood, as `state.drift` kept them: keys and types, ready for a bug report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aimo_host.gauge.times import parse_iso
from aimo_host.setup.checks import NOTE, PROBLEM, Finding, ok
from aimo_host.state import attempts, drift

if TYPE_CHECKING:
    from aimo_host.setup.checks import Case

#: Whatever is asked and has an answer that may be misunderstood; a test holds it to those who ask.
SOURCES = frozenset(
    (
        *("claude.organizations", "claude.usage", "claude.prepaid_credits", "claude.oauth_usage"),
        *("codex.usage", "codex.cli_usage", "codex.app_server", "zai.quota", "zai.key_quota"),
        *("ollama.settings", "ollama.balance", "ollama.me", "ollama.local_balance", "ollama.local_me"),
    )
)
_REMEDY = "Update aimo; if that does not help, paste the next line into a bug report."


def shapes(case: Case) -> list[Finding]:
    """One finding per source; no problem any more where its provider was read since."""
    known = [report for report in drift.read(case.system.paths) if report["source"] in SOURCES]
    return [_finding(case, report) for report in known] or [ok("Every answer was understood.")]


def _finding(case: Case, report: dict[str, Any]) -> Finding:
    source, at = report["source"], parse_iso(report["at"]) or 0.0
    tried = attempts.read(case.system.paths, case.now)
    provider = source.partition(".")[0]
    is_over = any(one.code is None and one.asked > at for name, one in tried.items() if name.startswith(f"{provider}/"))
    text = f"An answer of {source} at {report['at']} was not understood{', and has been since' if is_over else ''}."
    return Finding(NOTE if is_over else PROBLEM, text, _REMEDY, json.dumps(report, separators=(",", ":")))

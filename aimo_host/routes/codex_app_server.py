"""Codex through `codex app-server`, where the CLI is installed: the CLI uses and renews its own token, we only ask it.

Newline-delimited JSON-RPC over its pipes. Notifications come in between and are passed over; the child is killed at the deadline.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

from aimo_host import __version__
from aimo_host.gauge.model import Answer
from aimo_host.gauge.problems import Problem
from aimo_host.providers import codex, fields
from aimo_host.routes import children, codex_files
from aimo_host.state import drift

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen
    from typing import Any

    from aimo_host.gauge.model import Usage
    from aimo_host.routes import Context, Outcome

    Messages = dict[int, dict[str, Any]]

_SECONDS = 9.0
_LONGEST_LINE = 1024 * 1024
_INITIALIZE, _ACCOUNT, _LIMITS = 0, 1, 2


def read(context: Context) -> Outcome:
    """The rate limits; None where no CLI is installed, or where it would have to renew its token for us."""
    program = shutil.which("codex", path=context.environ.get("PATH", ""))
    record = codex_files.sign_in(context.environ) or {}
    if program is None or codex_files.is_due_for_renewal(record, context.clock()):
        return None
    began = context.begins_to_ask()
    try:
        with children.started([program, "app-server"], context.environ, seconds=_SECONDS, keep=("CODEX_HOME",)) as child:
            said = _converse(child)
    except OSError:
        return Problem("codex", "unreachable", "cli", program="codex app-server")
    context.asked("codex", "codex.app_server", "answer" if _last(said) else "no answer", began=began)
    outcome = _outcome(said, context.clock())
    if not isinstance(outcome, Problem):
        return replace(outcome, account=codex_files.account(record))
    if outcome == Problem("codex", "unexpected_answer"):
        drift.write(context.paths, "codex.app_server", Answer(body=json.dumps(_last(said))), context.clock())
    return outcome


def _converse(child: Popen[bytes]) -> Messages:
    """Its answers by their numbers, up to the one that matters or to where it falls silent."""
    said: Messages = {}
    info = {"name": "aimo", "title": "aimo", "version": __version__}
    try:
        _say(child, {"id": _INITIALIZE, "method": "initialize", "params": {"clientInfo": info}})
        _hear(child, said, _INITIALIZE)
        if "result" in said.get(_INITIALIZE, {}):
            _say(child, {"method": "initialized"})
            _say(child, {"id": _ACCOUNT, "method": "account/read", "params": {"refreshToken": False}})
            _say(child, {"id": _LIMITS, "method": "account/rateLimits/read"})
            _hear(child, said, _LIMITS)
    except OSError:
        pass  # it died; what it had said by then counts
    return said


def _say(child: Popen[bytes], message: dict[str, Any]) -> None:
    assert child.stdin is not None  # noqa: S101 - for the type checker: it was started with pipes
    child.stdin.write(json.dumps(message).encode() + b"\n")
    child.stdin.flush()


def _hear(child: Popen[bytes], said: Messages, number: int) -> None:
    """Listen until `number` is answered, or to the end of what the child has to say."""
    assert child.stdout is not None  # noqa: S101 - as above
    unfinished = False
    while number not in said and (line := child.stdout.readline(_LONGEST_LINE)):
        continued, unfinished = unfinished, not line.endswith(b"\n")
        if continued:
            continue  # the rest of a line that is too long for us
        message = fields.mapping(fields.load(line.decode("utf-8", errors="replace")))
        identifier = message.get("id")
        if type(identifier) is int and _INITIALIZE <= identifier <= _LIMITS and ("result" in message or "error" in message):
            said[identifier] = message


def _last(said: Messages) -> dict[str, Any] | None:
    """The answer about the limits, or the error that came before it; None if it did not come to either."""
    first = said.get(_INITIALIZE, {})
    return said.get(_LIMITS) or (first if "error" in first else None)


def _outcome(said: Messages, now: float) -> Usage | Problem:
    last = _last(said)
    if last is None:
        return Problem("codex", "unreachable", "cli", program="codex app-server")
    if "error" not in last:
        return codex.parse_app_server(last["result"], now)
    account = fields.mapping(fields.mapping(said.get(_ACCOUNT)).get("result")).get("account")
    if fields.mapping(account).get("type") == "apiKey":
        return Problem("codex", "no_credential", "api_key_login", program="Codex", command="codex login")
    return _refused(fields.mapping(last["error"]).get("message"), now)


def _refused(message: Any, now: float) -> Problem:
    """What an error of the CLI means. Where it embeds OpenAI's answer, that answer; nothing of the text is kept."""
    text = message if isinstance(message, str) else ""
    status = re.search(r"\b[45]\d\d\b", text[:300])
    if status:
        kind = re.search(r"content-type=([^;\s]+)", text)
        answer = Answer(int(status[0]), text.partition("body=")[2], {"content-type": kind[1]} if kind else {})
        problem = codex.parse_usage(answer, now, "oauth")
        if isinstance(problem, Problem):
            return problem
    if "authentication required" in text.lower() or "not logged in" in text.lower():
        return Problem("codex", "no_credential", "cli", program="Codex", command="codex login")
    return Problem("codex", "unreachable") if "error sending request" in text else Problem("codex", "unexpected_answer")

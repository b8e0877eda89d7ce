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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen
    from typing import Any

    from aimo_host.gauge.model import Usage
    from aimo_host.routes import Context, Outcome

    Messages = dict[Any, dict[str, Any]]

_SECONDS = 9.0
_LONGEST_LINE = 1024 * 1024
#: The CLI renews a token that has less than this left, and we are not to be the cause of that.
_RENEWED_BEFORE = 300.0
_INITIALIZE, _ACCOUNT, _LIMITS = 0, 1, 2


def read(context: Context) -> Outcome:
    """The rate limits; None where no CLI is installed, or its token has expired (asking would make it renew the token)."""
    program = shutil.which("codex", path=context.environ.get("PATH", ""))
    record = codex_files.sign_in(context.environ) or {}
    if program is None or codex_files.has_expired(record, context.clock() + _RENEWED_BEFORE):
        return None
    began = context.clock()
    said: Messages = {}
    try:
        with children.started([program, "app-server"], context.environ, seconds=_SECONDS, keep=("CODEX_HOME",)) as child:
            _converse(child, said)
    except OSError:
        pass  # not started, or dead in the middle of it: what it had said by then counts
    answered = _LIMITS in said or "error" in said.get(_INITIALIZE, {})
    context.asked("codex", "codex.app_server", "answer" if answered else "no answer", began=began)
    outcome = _outcome(said, context.clock())
    return outcome if isinstance(outcome, Problem) else replace(outcome, account=codex_files.account(record))


def _converse(child: Popen[bytes], said: Messages) -> None:
    """Carry the conversation to its end, or to where the child falls silent; its answers are in `said` by their numbers."""
    info = {"name": "aimo", "title": "aimo", "version": __version__}
    _say(child, {"id": _INITIALIZE, "method": "initialize", "params": {"clientInfo": info}})
    _hear(child, said, _INITIALIZE)
    if "result" not in said.get(_INITIALIZE, {}):
        return
    _say(child, {"method": "initialized"})
    _say(child, {"id": _ACCOUNT, "method": "account/read", "params": {"refreshToken": False}})
    _say(child, {"id": _LIMITS, "method": "account/rateLimits/read"})
    _hear(child, said, _LIMITS)


def _say(child: Popen[bytes], message: dict[str, Any]) -> None:
    assert child.stdin is not None  # noqa: S101 - for the type checker: it was started with pipes
    child.stdin.write(json.dumps(message).encode() + b"\n")
    child.stdin.flush()


def _hear(child: Popen[bytes], said: Messages, number: int) -> None:
    """Listen until `number` is answered, or to the end of what the child has to say."""
    assert child.stdout is not None  # noqa: S101 - as above
    while number not in said and (line := child.stdout.readline(_LONGEST_LINE)):
        message = fields.mapping(fields.load(line.decode("utf-8", errors="replace")))
        if type(message.get("id")) is int and ("result" in message or "error" in message):
            said[message["id"]] = message


def _outcome(said: Messages, now: float) -> Usage | Problem:
    last = said.get(_LIMITS) or said.get(_INITIALIZE, {})
    if "error" in last:
        account = fields.mapping(fields.mapping(said.get(_ACCOUNT)).get("result")).get("account")
        if fields.mapping(account).get("type") == "apiKey":
            return Problem("codex", "no_credential", "api_key_login", program="Codex", command="codex login")
        return _refused(fields.mapping(last["error"]).get("message"), now)
    if _LIMITS not in said:
        return Problem("codex", "unreachable", "cli", program="codex app-server")
    return codex.parse_app_server(last["result"], now)


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

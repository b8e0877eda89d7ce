"""Codex with the access token that the Codex CLI keeps in `auth.json`: read, used once, never refreshed, copied or stored.

Refreshing would break the CLI: its refresh tokens are single-use. So an expired token is a sentence, not a request.
"""

from __future__ import annotations

from aimo_host.gauge.problems import Problem
from aimo_host.providers import codex
from aimo_host.routes import client, codex_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.routes import Context, Outcome

_URL = "https://chatgpt.com/backend-api/wham/usage"


def read(context: Context) -> Outcome:
    """The usage of the workspace that the CLI works in; None where it never signed in."""
    record = codex_files.sign_in(context.environ)
    if record is None:
        # A missing file is no sign-out where the CLI keeps its sign-in in the keyring: then the CLI itself may be asked.
        kept = codex_files.keeps_it_in_keyring(context.environ)
        return Problem("codex", "no_credential", "keyring", program="Codex", command="codex") if kept else None
    token = codex_files.token(record)
    if token is None:
        return _without_token(record)
    if codex_files.has_expired(record, context.clock()):
        return Problem("codex", "sign_in_expired", "cli", program="Codex", command="codex")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    account = codex_files.account(record)
    if account is not None:
        headers["ChatGPT-Account-Id"] = account
    answer = client.fetch(context, "codex", "codex.cli_usage", _URL, headers)
    if isinstance(answer, Problem):
        return answer
    return codex.parse_usage(answer, context.clock(), auth_source="oauth", account=account)


def _without_token(record: dict[str, Any]) -> Problem:
    if record.get("auth_mode") == "apikey" or (record.get("OPENAI_API_KEY") and not record.get("auth_mode")):
        return Problem("codex", "no_credential", "api_key_login", program="Codex", command="codex login")
    return Problem("codex", "no_credential", "cli", program="Codex", command="codex login")

"""Codex with the access token that the Codex CLI keeps in `auth.json`: read, used once, never refreshed, copied or stored.

Refreshing would break the CLI: its refresh tokens are single-use. So an expired token is a sentence, not a request.
"""

from __future__ import annotations

import base64
import binascii
import os
import time

from aimo_host.gauge.problems import Problem
from aimo_host.providers import codex, fields
from aimo_host.routes import client
from aimo_host.state import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from aimo_host.routes import Context, Outcome

NAME = "auth_json"

_URL = "https://chatgpt.com/backend-api/wham/usage"
#: The CLI truncates and rewrites the file in place; a half-written read is over a moment later.
_REWRITE_SECONDS = 0.1


def read(context: Context) -> Outcome:
    """The usage of the account that the CLI is signed in to; None where it never was."""
    folder = context.environ.get("CODEX_HOME") or os.path.join(_home(context.environ), ".codex")
    record = _load(os.path.join(folder, "auth.json"))
    if record is None:
        return _kept_elsewhere(folder)
    tokens = fields.mapping(record.get("tokens"))
    token = fields.text_whole(tokens.get("access_token")) or fields.text_whole(record.get("personal_access_token"))
    if token is None:
        return _without_token(record)
    claims = jwt_claims(token)
    expires = fields.number(claims.get("exp"))
    if expires is not None and expires <= context.clock():
        return Problem("codex", "sign_in_expired", "cli", program="Codex", command="codex")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    account = _account(tokens, claims)
    if account is not None:
        headers["ChatGPT-Account-Id"] = account
    answer = client.fetch("codex", _URL, headers)
    return answer if isinstance(answer, Problem) else codex.parse_usage(answer, context.clock(), auth_source="oauth")


def _home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")


def _load(path: str) -> dict[str, Any] | None:
    """The file's object; an empty one if it stays unreadable, None if it is not there."""
    for attempt in range(2):
        try:
            content = atomic.read(path, follow=True)
        except OSError:
            return {}
        if content is None:
            return None
        found = fields.load(content.decode("utf-8", errors="replace"))
        if isinstance(found, dict):
            return found
        if attempt == 0:
            time.sleep(_REWRITE_SECONDS)
    return {}


def _without_token(record: dict[str, Any]) -> Outcome:
    if record.get("auth_mode") == "apikey" or (record.get("OPENAI_API_KEY") and not record.get("auth_mode")):
        return Problem("codex", "no_credential", "api_key_login", program="Codex", command="codex login")
    return Problem("codex", "no_credential", "cli", program="Codex", command="codex login")


def _kept_elsewhere(folder: str) -> Outcome:
    """A missing file is not a sign-out where the CLI was told to use the system's keyring, which saving there deletes it."""
    import tomllib

    try:
        content = atomic.read(os.path.join(folder, "config.toml"), follow=True)
        config = tomllib.loads((content or b"").decode("utf-8"))
    except (OSError, ValueError):
        return None
    if config.get("cli_auth_credentials_store") in {"keyring", "auto"}:
        return Problem("codex", "no_credential", "keyring", program="Codex", command="codex")
    return None


def _account(tokens: dict[str, Any], claims: dict[str, Any]) -> str | None:
    """The workspace the CLI works in: written beside the token, else claimed by one of the tokens."""
    id_claims = jwt_claims(fields.text_whole(tokens.get("id_token")) or "")
    found = (
        tokens.get("account_id"),
        _auth_claim(id_claims).get("chatgpt_account_id"),
        _auth_claim(claims).get("chatgpt_account_id"),
    )
    return next((text for text in map(fields.text_whole, found) if text), None)


def _auth_claim(claims: dict[str, Any]) -> dict[str, Any]:
    return fields.mapping(claims.get("https://api.openai.com/auth"))


def jwt_claims(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified: we only look when it expires and whose it is. Empty if it is not one."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return {}
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (ValueError, binascii.Error):
        return {}
    return fields.mapping(fields.load(payload.decode("utf-8", errors="replace")))

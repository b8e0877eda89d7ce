"""Where the Codex CLI keeps its files, and what its sign-in says about itself: whose it is and until when. Read-only.

The access token is handed to one request and goes nowhere else. It is never refreshed: the CLI's refresh tokens are single-use,
and a second user of one would sign the CLI out.
"""

from __future__ import annotations

import base64
import binascii
import os
import time

from aimo_host.gauge.times import parse_iso
from aimo_host.providers import fields
from aimo_host.state import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: The CLI truncates and rewrites the file in place; a half-written read is over a moment later.
_REWRITE_SECONDS = 0.1
#: The CLI renews a token that has less than this left, or that says nothing and is this old.
_RENEWED_BEFORE = 300.0
_RENEWED_AFTER = 8 * 86400.0


def folder(environ: Mapping[str, str]) -> str:
    """`CODEX_HOME`, or `.codex` in the home folder."""
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    return environ.get("CODEX_HOME") or os.path.join(home, ".codex")


def sign_in(environ: Mapping[str, str]) -> dict[str, Any] | None:
    """The object in `auth.json`; an empty one if it stays unreadable, None if it is not there."""
    for attempt in range(2):
        try:
            content = atomic.read(os.path.join(folder(environ), "auth.json"), follow=True)
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


def token(record: dict[str, Any]) -> str | None:
    """The access token of a sign-in, or its personal access token."""
    tokens = fields.mapping(record.get("tokens"))
    return fields.text_whole(tokens.get("access_token")) or fields.text_whole(record.get("personal_access_token"))


def has_expired(record: dict[str, Any], now: float) -> bool:
    """Whether the access token says that its time is over; False where it does not say."""
    expires = fields.number(claims(token(record) or "").get("exp"))
    return expires is not None and expires <= now


def is_due_for_renewal(record: dict[str, Any], now: float) -> bool:
    """Whether the CLI would renew its token if it were asked anything: we are not to be the cause of that."""
    if fields.number(claims(token(record) or "").get("exp")) is not None:
        return has_expired(record, now + _RENEWED_BEFORE)
    renewed_at = parse_iso(record.get("last_refresh"))
    return renewed_at is not None and renewed_at + _RENEWED_AFTER <= now


def account(record: dict[str, Any]) -> str | None:
    """The raw identifier of the workspace the CLI works in: written beside the tokens, else claimed by one of them."""
    tokens = fields.mapping(record.get("tokens"))
    found = [tokens.get("account_id")]
    for name in ("id_token", "access_token"):
        said = claims(fields.text_whole(tokens.get(name)) or "")
        found.append(fields.mapping(said.get("https://api.openai.com/auth")).get("chatgpt_account_id"))
    return next((text for text in map(fields.text_whole, found) if text), None)


def claims(jwt: str) -> dict[str, Any]:
    """The claims of a JWT, unverified: we only look when it expires and whose it is. Empty if it is not one."""
    parts = jwt.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return {}
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (ValueError, binascii.Error):
        return {}
    return fields.mapping(fields.load(payload.decode("utf-8", errors="replace")))


def keeps_it_in_keyring(environ: Mapping[str, str]) -> bool:
    """Whether the CLI was told to use the system's keyring: then saving there deletes `auth.json`, which is no sign-out."""
    import tomllib

    try:
        content = atomic.read(os.path.join(folder(environ), "config.toml"), follow=True)
        config = tomllib.loads((content or b"").decode("utf-8"))
    except (OSError, ValueError):
        return False
    return config.get("cli_auth_credentials_store") in {"keyring", "auto"}

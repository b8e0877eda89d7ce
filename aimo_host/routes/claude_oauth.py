"""Claude with the token in Claude Code's credentials *file*: read, used once, never refreshed; the keychain is never opened.

The endpoint has a small budget of its own, shared by every tool on the account: at least 300 s lie between two requests of ours
(`routes.LEAST_APART`), over all processes and restarts. The User-Agent is our own.
"""

from __future__ import annotations

import sys

from aimo_host.gauge.problems import Problem
from aimo_host.gauge.times import instant
from aimo_host.providers import claude, fields
from aimo_host.routes import claude_files, client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aimo_host.routes import Context, Outcome

_URL = "https://api.anthropic.com/api/oauth/usage"


def read(context: Context) -> Outcome:
    """The usage of the account that Claude Code is signed in to; None where it never was, or keeps its token elsewhere."""
    found = claude_files.credentials(context.environ)
    token = fields.text_whole(found.get("accessToken"))
    if token is None:
        return None
    expires_at = instant(found.get("expiresAt"))
    if expires_at is not None and expires_at <= context.clock():
        if sys.platform == "darwin":
            return None  # the keychain has the living one; this file was left behind, and running `claude` would not mend it
        return Problem("claude", "sign_in_expired", "cli", program="Claude Code", command="claude")
    # Missing or empty says nothing, so it is tried.
    scopes = [text for scope in fields.items(found.get("scopes")) if (text := fields.text(scope))]
    if scopes and "user:profile" not in scopes:
        return Problem("claude", "scope_missing", command="claude")
    headers = {"Authorization": f"Bearer {token}", "anthropic-beta": "oauth-2025-04-20", "Accept": "application/json"}
    answer = client.fetch(context, "claude", "claude.oauth_usage", _URL, headers)
    if isinstance(answer, Problem):
        return answer
    # Written at sign-in and not updated later, but the usage endpoint names no plan at all.
    plan = claude.plan_of(subscription=fields.text(found.get("subscriptionType")), tier=fields.text(found.get("rateLimitTier")))
    return claude.parse_usage(answer, context.clock(), auth_source="oauth", plan=plan)

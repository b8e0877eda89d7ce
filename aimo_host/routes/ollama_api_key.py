"""Ollama Cloud with an API key from the environment or `.env`: the official balance API, and the plan's name if it can be had."""

from __future__ import annotations

from aimo_host.gauge.model import Usage
from aimo_host.gauge.problems import Problem
from aimo_host.providers import ollama
from aimo_host.routes import client
from aimo_host.state import secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aimo_host.routes import Context, Outcome

#: The plan's name must not cost the reading its ten seconds.
_BONUS_SECONDS = 2.0


def read(context: Context) -> Outcome:
    """The balance; the plan is best effort and never fails the reading."""
    unusable = secrets.unusable(context.paths, context.environ, "OLLAMA_API_KEY")
    if unusable is not None:
        return Problem("ollama", "bad_credential", "malformed", variable=unusable)
    key = secrets.load(context.paths, context.environ, "OLLAMA_API_KEY")
    if key is None:
        return None
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    answer = client.fetch(context, "ollama", "ollama.balance", "https://ollama.com/api/balance", headers)
    if isinstance(answer, Problem):
        return answer
    usage = ollama.parse_balance(answer, context.clock(), auth_source="api_key")
    if not isinstance(usage, Usage):
        return usage
    url = "https://ollama.com/api/me"
    me = client.fetch(context, "ollama", "ollama.me", url, headers, method="POST", patience=_BONUS_SECONDS)
    return usage if isinstance(me, Problem) else ollama.with_me(usage, me)

"""What every source answers when a test has not programmed it: a healthy account, from the samples that `aimo demo` shows too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimo_host.gauge.times import iso
from aimo_host.samples import claude, codex, json_answer, ollama, zai
from tests.simulator import canaries

if TYPE_CHECKING:
    from aimo_host.gauge.model import Answer

#: A server-side source -> the browser's source with the same body.
_SAME_BODY = {
    "claude.oauth_usage": "claude.usage",
    "codex.cli_usage": "codex.usage",
    "zai.key_quota": "zai.quota",
    "zai.china_key_quota": "zai.quota",
}


def answer(source: str, now: float, chatgpt_token: str) -> Answer:
    """The healthy answer of one source at `now`."""
    match source:
        case "codex.session":
            return json_answer(session(now, chatgpt_token))
        case "ollama.me":
            return json_answer(ollama.me())
        case "ollama.balance":
            return json_answer(ollama.credits_plan(now))
    healthy = claude.answers(now) | codex.answers(now) | zai.answers(now) | ollama.answers(now)
    return healthy[_SAME_BODY.get(source, source)]


def session(now: float, token: str) -> dict[str, object]:
    """`/api/auth/session` of a signed-in visitor."""
    return {
        "WARNING_BANNER": "do not share",
        "user": {"id": "user-SYNTHETIC", "name": canaries.NAME, "email": canaries.EMAIL, "mfa": False},
        "expires": iso(now + 90 * 86400),
        "account": {"id": codex.ACCOUNT, "planType": "plus", "structure": "personal"},
        "accessToken": token,
        "authProvider": "openai",
    }

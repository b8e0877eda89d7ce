"""What every source answers when a test has not programmed it: a healthy account, from the samples that `aimo demo` shows too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimo_host.gauge.times import iso
from aimo_host.samples import json_answer, ollama
from tests.simulator import canaries
from tests.simulator.people import ADA

if TYPE_CHECKING:
    from aimo_host.gauge.model import Answer
    from tests.simulator.people import Person

#: A server-side source -> the browser's source with the same body.
_SAME_BODY = {
    "claude.oauth_usage": "claude.usage",
    "codex.cli_usage": "codex.usage",
    "zai.key_quota": "zai.quota",
    "zai.china_key_quota": "zai.quota",
}


def answer(source: str, now: float, chatgpt_token: str, person: Person = ADA) -> Answer:
    """The healthy answer of one source at `now`, to this person."""
    match source:
        case "codex.session":
            return json_answer(session(now, chatgpt_token, person))
        case "ollama.me":
            return json_answer(ollama.me())
        case "ollama.balance":
            return json_answer(ollama.credits_plan(now))
    return person.answers(now)[_SAME_BODY.get(source, source)]


def session(now: float, token: str, person: Person = ADA) -> dict[str, object]:
    """`/api/auth/session` of a signed-in visitor."""
    return {
        "WARNING_BANNER": "do not share",
        "user": {"id": "user-SYNTHETIC", "name": canaries.NAME, "email": canaries.EMAIL, "mfa": False},
        "expires": iso(now + 90 * 86400),
        "account": {"id": person.chatgpt_account, "planType": "plus", "structure": "personal"},
        "accessToken": token,
        "authProvider": "openai",
    }

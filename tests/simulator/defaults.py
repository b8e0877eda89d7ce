"""What every source answers when a test has not programmed it: a healthy account, from the samples that `aimo demo` shows too."""

from __future__ import annotations

import json

from aimo_host.gauge.model import Answer
from aimo_host.gauge.times import iso
from tests.simulator import canaries


def answer(source: str, now: float, chatgpt_token: str) -> Answer:
    """The healthy answer of one source at `now`."""
    if source == "codex.session":
        return _json(session(now, chatgpt_token))
    if source == "ollama.me":
        return _json({"ID": "user-SYNTHETIC", "Email": canaries.PRIVATE[0], "Name": canaries.PRIVATE[1], "Plan": "pro"})
    return _json({})


def session(now: float, token: str) -> dict[str, object]:
    """`/api/auth/session` of a signed-in visitor."""
    return {
        "WARNING_BANNER": "do not share",
        "user": {"id": "user-SYNTHETIC", "name": canaries.PRIVATE[1], "email": canaries.PRIVATE[0], "mfa": False},
        "expires": iso(now + 90 * 86400),
        "account": {"id": canaries.CHATGPT_ACCOUNT, "planType": "plus", "structure": "personal"},
        "accessToken": token,
        "authProvider": "openai",
    }


def _json(body: object) -> Answer:
    return Answer(200, json.dumps(body), {"content-type": "application/json"})

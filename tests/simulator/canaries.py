"""The made-up secrets that the simulator hands out and insists on, each with a part that can be searched for.

Wherever one of `SECRETS` turns up outside the browser (a frame, a file of ours, a log, an HTTP answer), a promise is broken;
`PRIVATE` says who a person is: a provider's answer carries it, and nothing that we keep, log or show may.
Nothing here is, or was ever, a real credential.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from aimo_host.samples import claude, codex
from tests.simulator.people import BOB

if TYPE_CHECKING:
    from collections.abc import Mapping

CLAUDE_SESSION = "sk-ant-sid01-CANARYclaudecookie"
CLEARANCE = "CANARYclearancecookie"
CHATGPT_SESSION = "CANARYchatgptcookie"
CHATGPT_SIGNATURE = "CANARYchatgpttoken"
ZAI_SIGNATURE = "CANARYzaijwt"
OLLAMA_SESSION = "CANARYollamacookie"

CLAUDE_OAUTH_TOKEN = "sk-ant-oat01-CANARYclaudeoauth"
CODEX_CLI_SIGNATURE = "CANARYcodexclitoken"
CODEX_REFRESH_TOKEN = "rt.CANARYcodexrefresh"
ZAI_API_KEY = "0123456789abcdef.CANARYzaiapikey"
ZAI_CHINA_API_KEY = "fedcba9876543210.CANARYzaichinakey"
OLLAMA_API_KEY = "CANARYollamaapikey.key"

#: What never leaves the browser, by any way.
BROWSER_SECRETS = (CLAUDE_SESSION, CLEARANCE, CHATGPT_SESSION, CHATGPT_SIGNATURE, ZAI_SIGNATURE, OLLAMA_SESSION)
#: The same, and what server-side routes read and use but never pass on.
SECRETS = (
    *BROWSER_SECRETS,
    CLAUDE_OAUTH_TOKEN,
    CODEX_CLI_SIGNATURE,
    CODEX_REFRESH_TOKEN,
    ZAI_API_KEY,
    ZAI_CHINA_API_KEY,
    OLLAMA_API_KEY,
)
EMAIL = "ada@example.test"
NAME = "Ada Canary"
_BOB = (BOB.address, BOB.organization, BOB.chatgpt_account)
PRIVATE = (EMAIL, NAME, "someone@example.com", claude.PERSONAL, claude.ACCOUNT, codex.ACCOUNT, *_BOB)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def jwt(claims: Mapping[str, object], signature: str) -> str:
    """A token with the three segments of a JWT; the signature is the canary as it stands."""
    head = {"alg": "RS256", "typ": "JWT"}
    return ".".join((_base64url(json.dumps(head).encode()), _base64url(json.dumps(claims).encode()), signature))


def chatgpt_claims(expires_at: float, account: str = codex.ACCOUNT) -> dict[str, object]:
    """The claims of an OpenAI access token that anybody reads: its end, the account, the person."""
    return {
        "exp": int(expires_at),
        "https://api.openai.com/auth": {"chatgpt_account_id": account, "chatgpt_plan_type": "plus"},
        "https://api.openai.com/profile": {"email": EMAIL},
    }

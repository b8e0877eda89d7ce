"""Z.ai with an API key from the environment or `.env`. The key goes to the host of its own region and to no other."""

from __future__ import annotations

from aimo_host.gauge.problems import Problem
from aimo_host.providers import zai
from aimo_host.routes import client
from aimo_host.state import secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aimo_host.routes import Context, Outcome

_VARIABLES = ("ZAI_API_KEY", "Z_AI_API_KEY")
_HOSTS = {"global": "api.z.ai", "china": "open.bigmodel.cn"}
_PATH = "/api/monitor/usage/quota/limit"


def read(context: Context) -> Outcome:
    """The quota by the key that is set; None where none is."""
    unusable = secrets.unusable(context.paths, context.environ, *_VARIABLES)
    if unusable is not None:
        return Problem("zai", "bad_credential", "malformed", variable=unusable)
    found = key(context)
    return None if found is None else read_with(context, found)


def key(context: Context) -> str | None:
    """The key in the environment or in `.env`."""
    return secrets.load(context.paths, context.environ, *_VARIABLES)


def read_with(context: Context, credential: str) -> Outcome:
    """The quota, with `Bearer` first and the bare key once after an authentication failure: both forms are in use."""
    region = (secrets.load(context.paths, context.environ, "ZAI_REGION") or "global").lower()
    if region not in _HOSTS:
        return Problem("zai", "unreachable", "variable", variable="ZAI_REGION")
    url = f"https://{_HOSTS[region]}{_PATH}"
    answer = client.fetch(context, "zai", "zai.key_quota", url, _headers(f"Bearer {credential}"))
    if not isinstance(answer, Problem) and zai.is_auth_failure(answer):
        answer = client.fetch(context, "zai", "zai.key_quota", url, _headers(credential))
    return answer if isinstance(answer, Problem) else zai.parse_quota(answer, context.clock(), auth_source="api_key")


def _headers(authorization: str) -> dict[str, str]:
    # Accept-Language makes the global host's messages English, as the vendor's own plugin does.
    return {"Authorization": authorization, "Accept": "application/json", "Accept-Language": "en-US,en"}

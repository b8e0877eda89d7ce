"""Ollama Cloud through the user's own Ollama, which signs the request with its own key: no credential passes through us.

Only a loopback address is asked, never through a proxy. Where no Ollama answers there is simply nothing to try.
"""

from __future__ import annotations

import re

from aimo_host.gauge.model import Usage
from aimo_host.providers import ollama
from aimo_host.routes import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aimo_host.routes import Context, Outcome

_DEFAULT_PORT = 11434
#: Where a scheme is written, Ollama takes that scheme's port.
_PORTS = {"http": 80, "https": 443}
#: A server that listens everywhere listens here too.
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not bound
_BARE_IPV6 = re.compile(r"[0-9a-fA-F:.]+")
_PATH = re.compile(r"[A-Za-z0-9/._~-]{0,200}")


def read(context: Context) -> Outcome:
    """The balance that it relays, and the plan's name if it can be had."""
    base = base_url(context.environ.get("OLLAMA_HOST", ""))
    if base is None:
        return None
    answer = client.fetch_local(context, "ollama", "ollama.local_balance", f"{base}/api/balance")
    if answer.failed == "network":
        return None
    usage = ollama.parse_local_balance(answer, context.clock())
    if not isinstance(usage, Usage):
        return usage
    me = client.fetch_local(context, "ollama", "ollama.local_me", f"{base}/api/me", method="POST")
    return ollama.with_me(usage, me)


def base_url(host: str) -> str | None:
    """`http://127.0.0.1:11434` for OLLAMA_HOST as its users write it; None if that is not this machine.

    It may lack a scheme or a port, and may carry quotes and a path.
    """
    from urllib.parse import urlsplit

    text = host.strip().strip("\"'")
    scheme, separator, address = text.rpartition("://")
    if address.count(":") > 1 and _BARE_IPV6.fullmatch(address):
        address = f"[{address}]"
    try:
        parts = urlsplit(f"{scheme.lower() or 'http'}://{address}")
        name, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError:
        return None
    name = _HERE.get(name, name)
    if name not in client.LOOPBACK or parts.scheme not in _PORTS or not _PATH.fullmatch(parts.path):
        return None
    port = port or (_PORTS[parts.scheme] if separator else _DEFAULT_PORT)
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{port}{parts.path.rstrip('/')}"

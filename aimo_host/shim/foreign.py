"""What other people's tools read over HTTP, in their dialects: CodexBar's `/usage` and Prometheus' `/metrics`.

They ask on a timer, so they get the cache and never cause a refresh. The guard treats them as it treats the routes under /api/.
"""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qsl

from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.shim.guard import FOREIGN as PATHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aimo_host.shim.api import Api

__all__ = ["PATHS", "NotHereError", "answer"]

#: CodexBar's words for more than one provider.
_GROUPS: dict[str, tuple[str, ...]] = {"all": tuple(PROVIDERS), "both": ("codex", "claude")}


class NotHereError(Exception):
    """This installation cannot answer that; the text says why."""


def answer(api: Api, path: str, parameters: str) -> tuple[str, bytes]:
    """The content type and the body.

    Raises:
        ValueError: the parameters make no sense; the text says why.
        NotHereError: see there.
    """
    given = parse_qsl(parameters, keep_blank_values=True, max_num_fields=20) if parameters else []
    return _usage(api, given) if path == "/usage" else _metrics(api, given)


def _usage(api: Api, given: list[tuple[str, str]]) -> tuple[str, bytes]:
    """An array, or the object itself where one provider is asked for that has one account."""
    from aimo_host.dialects import codexbar

    if given and (len(given) > 1 or given[0][0] != "provider"):
        raise ValueError("The only parameter here is provider, once.")
    name = given[0][1] if given else "all"
    if name not in _GROUPS and name not in PROVIDERS:
        raise ValueError(f"provider must be one of {', '.join([*PROVIDERS, *_GROUPS])}.")
    wanted = _GROUPS.get(name, (name,))
    found = [one for one in codexbar.payloads(api.cached(), time.time()) if one["provider"] in wanted]
    is_single = name in PROVIDERS and len(found) == 1
    return "application/json", json.dumps(found[0] if is_single else found).encode()


def _metrics(api: Api, given: list[tuple[str, str]]) -> tuple[str, bytes]:
    from aimo_host import dialects
    from aimo_host.dialects import prometheus

    if given:
        raise ValueError("There are no parameters here.")
    try:
        seen = {"entries": api.cached(), "requests": api.requests_made()}
        return prometheus.CONTENT_TYPE, prometheus.render(seen, time.time()).encode()
    except dialects.MissingExtraError as error:
        raise NotHereError(str(error)) from None

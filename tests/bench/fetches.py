"""The yardstick of a refresh: a plain fetch from the simulator, and how many of them in a row a provider's conversation took."""

from __future__ import annotations

import http.client
import ssl
import time
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.bench.ground import check
from tests.simulator import canaries, defaults

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aimo_host.gauge.model import Answer
    from tests.simulator.simulator import Seen, Simulator

_SOURCE, _HOST, _PATH = "zai.key_quota", "api.z.ai", "/api/monitor/usage/quota/limit"


def slow(simulator: Simulator, sources: Iterable[str], delay: float) -> None:
    """From now on each of `sources` and the plain fetch are answered healthily after `delay` seconds."""
    for source in (*sources, _SOURCE):
        simulator.set(source, partial(_healthy, simulator, source), delay)


def _healthy(simulator: Simulator, source: str, now: float) -> Answer:
    return defaults.answer(source, now, simulator.chatgpt_token)


class Plain:
    """One connection to the simulator, kept; each fetch takes what one answer of a provider takes at least."""

    def __init__(self, simulator: Simulator) -> None:
        environ = simulator.environment()
        proxy = urlsplit(environ["HTTPS_PROXY"])
        trust = ssl.create_default_context(cafile=environ["SSL_CERT_FILE"])
        self._connection = http.client.HTTPSConnection(str(proxy.hostname), proxy.port, context=trust, timeout=30)
        self._connection.set_tunnel(_HOST, 443)
        self._connection.connect()

    def fetch(self) -> float:
        """Milliseconds of one answer."""
        began = time.perf_counter()
        self._connection.request("GET", _PATH, headers={"Authorization": f"Bearer {canaries.ZAI_API_KEY}"})
        with self._connection.getresponse() as response:
            body = response.read()
        took = (time.perf_counter() - began) * 1000
        check(response.status == 200 and body.startswith(b"{"), "the plain fetch is answered")
        return took

    def close(self) -> None:
        self._connection.close()


def longest_chain(seen: Iterable[Seen]) -> int:
    """How many requests of the slowest provider had to be answered one after the other."""
    by_provider: dict[str, list[Seen]] = {}
    for one in seen:
        by_provider.setdefault(one.provider, []).append(one)
    return max(map(_chain, by_provider.values()), default=0)


def _chain(requests: list[Seen]) -> int:
    """The most requests of which none begins before another ends."""
    count, free_at = 0, 0.0
    for one in sorted(requests, key=lambda one: one.answered_at or float("inf")):
        if one.answered_at is not None and one.at >= free_at:
            count, free_at = count + 1, one.answered_at
    return count

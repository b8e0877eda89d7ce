"""Four providers on one TLS port, and a proxy in front of it: what the browser and the server-side routes talk to in tests.

    with Simulator() as sim:
        sim.set("claude.usage", Answer(429, "", {"retry-after": "60"}))
        ...                                  # a browser with sim.resolver_rules, or a child with sim.environment()
        assert sim.seen(provider="claude")[-1].status == 429

It never touches the real network, and never answers a request that lacks the sign-in. Times are epoch seconds.
"""

from __future__ import annotations

import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeAlias

from aimo_host.gauge.model import Answer
from tests.simulator import canaries, certificates, defaults, proxy
from tests.simulator.http import serve
from tests.simulator.listener import Listener
from tests.simulator.people import ADA, PEOPLE, Person
from tests.simulator.sites import HOSTS, Page, Request, Source, World, respond

if TYPE_CHECKING:
    from types import TracebackType

Programme: TypeAlias = Answer | Callable[[float], Answer]

#: What the browser asks; `codex.session` feeds `codex.usage` inside it.
BROWSER_SOURCES = (
    "claude.organizations",
    "claude.usage",
    "claude.prepaid_credits",
    "codex.session",
    "codex.usage",
    "zai.quota",
    "ollama.settings",
)
SOURCES = (
    *BROWSER_SOURCES,
    "claude.oauth_usage",
    "codex.cli_usage",
    "zai.key_quota",
    "zai.china_key_quota",
    "ollama.balance",
    "ollama.me",
)
_CHECKED = frozenset({"claude", "codex", "ollama"})


@dataclass(slots=True)
class Seen:
    """One request that arrived. `status` is 0 until it is answered, and stays 0 if it never is."""

    at: float
    host: str
    provider: str
    method: str
    path: str  # with the query
    headers: dict[str, str] = field(repr=False)
    proxied: bool  # it came through the proxy: a server-side route, not the browser
    source: str | None = None
    person: str | None = None  # who is signed in, where it is a source
    status: int = 0
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One request to the proxy."""

    target: str
    allowed: bool


class Simulator:
    """See the module. Everything that changes is guarded by one lock; `wait_for` sleeps on it until a request is answered."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.tunnels: list[Tunnel] = []
        end = time.time() + 8 * 86400
        self._chatgpt_tokens = {
            person.name: canaries.jwt(
                canaries.chatgpt_claims(end, person.chatgpt_account), person.own(canaries.CHATGPT_SIGNATURE)
            )
            for person in PEOPLE.values()
        }
        self._zai_jwts = {
            person.name: canaries.jwt({"id": f"user-{person.name}"}, person.own(canaries.ZAI_SIGNATURE))
            for person in PEOPLE.values()
        }
        self.chatgpt_token, self.zai_jwt = self._chatgpt_tokens["ada"], self._zai_jwts["ada"]
        self.codex_cli_token = canaries.jwt(canaries.chatgpt_claims(end), canaries.CODEX_CLI_SIGNATURE)
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._programmes: dict[tuple[str, str | None], tuple[Programme, float]] = {}
        self._clearance: frozenset[str] = frozenset()
        self._proxied_ports: set[int] = set()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="aimo-simulator-")
        self.ca_file = os.path.join(self._folder.name, "ca.pem")
        context = certificates.issue(self.ca_file, HOSTS)
        self._tls = Listener(lambda connection: serve(context.wrap_socket(connection, server_side=True), self._handle))
        self._proxy = Listener(lambda client: proxy.serve(client, self._tunnel, self._connect))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping.set()
        self._proxy.stop()
        self._tls.stop()
        self._folder.cleanup()

    # -- how to get here

    @property
    def resolver_rules(self) -> str:
        """For Chromium's --host-resolver-rules: our hosts come here, every other name does not exist."""
        ours = ", ".join(f"MAP {host}:443 127.0.0.1:{self._tls.port}" for host in HOSTS)
        return f"{ours}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"

    def environment(self) -> dict[str, str]:
        """The variables that lead a child's HTTP client here, and nowhere else."""
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{self._proxy.port}",
            "SSL_CERT_FILE": self.ca_file,
            "NO_PROXY": "localhost,127.0.0.1,::1",
        }

    # -- what it answers

    def set(self, source: str, programme: Programme, delay: float = 0.0, *, person: str | None = None) -> None:
        """From now on `source` answers so, after `delay` seconds; to everybody, or only to one person, which goes first.

        `Answer(failed="network")` cuts the connection, `failed="timeout"` never answers, `redirected=True` sends to /signin.
        """
        if source not in SOURCES:
            raise ValueError(f"unknown source {source!r}")
        with self._changed:
            self._programmes[source, person] = (programme, delay)

    def reset(self) -> None:
        """Healthy answers for all sources, no clearance demanded, nothing seen yet."""
        with self._changed:
            self._programmes.clear()
            self._clearance = frozenset()
        self.clear()

    def demand_clearance(self, *providers: str) -> None:
        """From now on these sites demand `cf_clearance`, a partitioned cookie that a visit sets, or answer with a bot check."""
        if not _CHECKED.issuperset(providers):
            raise ValueError(f"a clearance cookie can be demanded of {sorted(_CHECKED)} only")
        with self._changed:
            self._clearance = frozenset(providers)

    # -- what it saw

    def clear(self) -> None:
        """Forgets all requests and tunnels."""
        with self._changed:
            self.requests.clear()
            self.tunnels.clear()

    def seen(
        self, *, provider: str | None = None, source: str | None = None, host: str | None = None, path: str | None = None
    ) -> list[Seen]:
        """The requests so far, oldest first, that match all that is given; `path` without the query."""
        with self._changed:
            return [
                one
                for one in self.requests
                if provider in {None, one.provider}
                and source in {None, one.source}
                and host in {None, one.host}
                and path in {None, one.path.partition("?")[0]}
            ]

    def wait_for(self, *, count: int = 1, within: float = 15.0, source: str | None = None, path: str | None = None) -> list[Seen]:
        """Returns the matching requests as soon as `count` of them are answered.

        Raises:
            AssertionError: they were not, `within` seconds; it tells what was seen instead.
        """
        found: list[Seen] = []

        def enough() -> bool:
            found[:] = [one for one in self.seen(source=source, path=path) if one.answered_at is not None]
            return len(found) >= count

        with self._changed:
            if not self._changed.wait_for(enough, within):
                raise AssertionError(f"waited for {count} x {source or path}; seen: {self.requests}")
            return found

    # -- inside

    def _tunnel(self, method: str, target: str) -> bool:
        host, _, port = target.rpartition(":")
        tunnel = Tunnel(target, allowed=method == "CONNECT" and port == "443" and host in HOSTS)
        with self._changed:
            self.tunnels.append(tunnel)
        return tunnel.allowed

    @contextmanager
    def _connect(self) -> Iterator[socket.socket]:
        """A connection to the TLS port, known to be the proxy's before it is accepted."""
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            port = server.getsockname()[1]
            self._proxied_ports.add(port)
            try:
                server.connect(("127.0.0.1", self._tls.port))
                yield server
            finally:
                self._proxied_ports.discard(port)

    def _handle(self, request: Request, peer_port: int) -> Page | None:
        """The page for one request, recorded; None cuts the connection."""
        query = f"?{request.query}" if request.query else ""
        proxied = peer_port in self._proxied_ports
        provider = HOSTS.get(request.host, "unknown")
        seen = Seen(time.time(), request.host, provider, request.method, request.path + query, dict(request.headers), proxied)
        with self._changed:
            self.requests.append(seen)
        page = self._page(request, seen)
        with self._changed:
            seen.status = page.status if page else 0
            seen.answered_at = time.time()
            self._changed.notify_all()
        return page

    def _page(self, request: Request, seen: Seen) -> Page | None:
        if request.host not in HOSTS:
            return Page(421, "not a host of the simulator")
        outcome = respond(request, self._world())
        if isinstance(outcome, Page):
            return outcome
        seen.source = outcome.name
        seen.person = outcome.person.name
        programme, delay = self._programme(outcome.name, outcome.person)
        if delay and self._stopping.wait(delay):
            return None
        answer = programme(time.time()) if callable(programme) else programme
        if answer.failed == "timeout":
            self._stopping.wait()
        return None if answer.failed else _on_the_wire(answer, outcome)

    def _programme(self, source: str, person: Person = ADA) -> tuple[Programme, float]:
        token = self._chatgpt_tokens[person.name]
        with self._changed:
            for key in ((source, person.name), (source, None)):
                if key in self._programmes:
                    return self._programmes[key]
        return lambda now: defaults.answer(source, now, token, person), 0.0

    def _world(self) -> World:
        return World(
            chatgpt_tokens=self._chatgpt_tokens,
            codex_cli_token=self.codex_cli_token,
            zai_jwts=self._zai_jwts,
            clearance=self._clearance,
            organizations={person.name: self._organizations(person) for person in PEOPLE.values()},
        )

    def _organizations(self, person: Person) -> frozenset[str] | None:
        """What Claude lists for this person; None if it does not say just now."""
        listed, _ = self._programme("claude.organizations", person)
        answer = listed(time.time()) if callable(listed) else listed
        known = frozenset(re.findall(r'"uuid": ?"([^"]+)"', answer.body)) if answer.status == 200 else None
        return known or None


def _on_the_wire(answer: Answer, source: Source) -> Page:
    """The programmed answer as HTTP. Lone surrogates in the body stand for bytes that are no UTF-8."""
    if answer.redirected:
        return Page(303, "", (("location", "/signin"), *source.headers))
    headers = dict(answer.headers)
    headers.setdefault("content-type", "application/json" if answer.body[:1] in {"{", "["} else "text/html; charset=utf-8")
    return Page(answer.status, answer.body, (*headers.items(), *source.headers))

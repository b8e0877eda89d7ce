"""`GET /api/usage` of the shim beside a bare `http.server`, for one client and for fifty, each of which asks again and again."""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.bench import bare
from tests.bench.ground import Ground, Home, check
from tests.bench.table import Figure, median, percentile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.browser.stage import Shim

_TURNS = 9
_TURN_SECONDS = 1.0
_LEAST_RATE, _MOST_P99 = 0.7, 2.0


class Client:
    """One client that asks, reads the whole answer, and asks again on a new connection, as `curl` in a loop does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.request = f"GET /api/usage HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
        self.began = 0.0
        self.answer = bytearray()
        self.socket = socket.socket()

    def ask(self) -> None:
        self.answer.clear()
        self.began = time.perf_counter()
        self.socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        self.socket.sendall(self.request)

    def read(self) -> bool:
        """Whether the answer has come to its end."""
        piece = self.socket.recv(262144)
        self.answer += piece
        if not piece:
            self.socket.close()
        return not piece

    @property
    def body(self) -> bytes:
        head, _, body = bytes(self.answer).partition(b"\r\n\r\n")
        check(head.startswith(b"HTTP/1.1 200 "), f"200: {head[:40]!r}")
        return body


class Load:
    """Answers per second of each turn, and every answer's milliseconds."""

    def __init__(self, port: int, clients: int) -> None:
        self._clients = [Client(port) for _ in range(clients)]
        self.rates: list[float] = []
        self.times: list[float] = []

    def turn(self, seconds: float, body: bytes) -> None:
        """All clients at it for so many seconds, and until each has its last answer; every one of them must be `body`."""
        began = time.perf_counter()
        times = self._one(began + seconds) if len(self._clients) == 1 else self._many(began + seconds)
        count = 0
        for took, answer in times:
            count += 1
            self.times.append(took * 1000)
            check(answer == body, f"the entries as they are, not {answer[:200]!r}")
        self.rates.append(count / (time.perf_counter() - began))

    def _one(self, until: float) -> Iterator[tuple[float, bytes]]:
        [client] = self._clients
        while time.perf_counter() < until:
            client.ask()
            while not client.read():
                pass
            yield time.perf_counter() - client.began, client.body

    def _many(self, until: float) -> Iterator[tuple[float, bytes]]:
        with selectors.DefaultSelector() as ready:
            for client in self._clients:
                client.ask()
                ready.register(client.socket, selectors.EVENT_READ, client)
            while ready.get_map():
                for key, _ in ready.select(10):
                    client, asked = key.data, key.fileobj
                    if not client.read():
                        continue
                    ready.unregister(asked)
                    yield time.perf_counter() - client.began, client.body
                    if time.perf_counter() < until:
                        client.ask()
                        ready.register(client.socket, selectors.EVENT_READ, client)


@contextmanager
def _yardstick(body: bytes) -> Iterator[int]:
    """The port of a bare server that answers `body`."""
    with subprocess.Popen([sys.executable, "-I", bare.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            server.stdin.write(body)
            server.stdin.close()
            yield int(server.stdout.readline())
        finally:
            server.kill()


def usage(ground: Ground) -> dict[str, Sequence[Figure]]:
    """Everything is fresh: nobody is asked, and the answer is what the cache says."""
    with ground.installed() as home:
        shim = home.serve()
        found = [figure for clients in (1, 50) for figure in _beside(ground, home, shim, clients)]
        check(not home.simulator.seen(), "nobody was asked")
    return {"usage": found}


def _beside(ground: Ground, home: Home, shim: Shim, clients: int) -> list[Figure]:
    home.fill()  # fresh for a minute, which is longer than all turns
    body = shim.get("/api/usage").text.encode()
    check(json.loads(body) == home.expected(time.time()), "the entries are those of the cache")
    with _yardstick(body) as port:
        mine, theirs = Load(urlsplit(shim.url).port or 0, clients), Load(port, clients)
        for _ in range(ground.runs(_TURNS)):
            mine.turn(_TURN_SECONDS, body)
            theirs.turn(_TURN_SECONDS, body)
    label = "1 client" if clients == 1 else f"{clients} clients"
    rate = median(mine.rates) / median(theirs.rates)
    rates = {"subject": median(mine.rates), "yardstick": median(theirs.rates)}
    tails = {"subject": percentile(mine.times, 99), "yardstick": percentile(theirs.times, 99)}
    tail = tails["subject"] / tails["yardstick"]
    return [
        Figure(label, f"{rate:.2f} ×", rate, rate >= _LEAST_RATE, rates, "requests/s", len(mine.rates)),
        Figure(f"{label}, p99", f"{tail:.2f} ×", tail, tail <= _MOST_P99, tails, "ms", len(mine.times)),
    ]

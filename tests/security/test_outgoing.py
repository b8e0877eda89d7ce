"""Promise 14 where it crosses rooms: what a hostile provider sends cannot fill the memory, nor hold a refresh beyond its time."""

from __future__ import annotations

import gzip
import os
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from aimo_host.collect import conductor
from aimo_host.gauge.model import Answer
from aimo_host.gauge.problems import Problem
from aimo_host.routes import Context, client, read
from aimo_host.state import paths
from tests.simulator import canaries, certificates
from tests.simulator.listener import Listener

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from tests.simulator.simulator import Simulator

MEBIBYTE = 1024 * 1024


@pytest.fixture
def context(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Context:
    simulator.reset()
    for name, value in (simulator.environment() | {"ZAI_API_KEY": canaries.ZAI_API_KEY}).items():
        monkeypatch.setenv(name, value)
    return Context(paths.find(os.environ), os.environ, time.time)


_BOMB = gzip.compress(bytes(64 * MEBIBYTE))


@pytest.mark.parametrize(
    ("packing", "body"),
    [("gzip", _BOMB), ("gzip, gzip", gzip.compress(_BOMB)), ("deflate", _BOMB), ("br", _BOMB), ("gzip", gzip.compress(_BOMB))],
    ids=["once", "twice", "otherwise", "unknown", "inside"],
)
def test_a_packed_answer_never_becomes_more_than_is_taken(
    context: Context, simulator: Simulator, packing: str, body: bytes
) -> None:
    simulator.set("zai.key_quota", Answer(200, body.decode("utf-8", "surrogateescape"), {"content-encoding": packing}))
    read("zai_api_key", context)  # what is imported on the way is not the answer's
    tracemalloc.start()
    try:
        outcome = read("zai_api_key", context)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(outcome, Problem)
    assert peak < 6 * MEBIBYTE  # the simulator is in this process too


def test_an_answer_that_is_packed_as_asked_is_read(context: Context, simulator: Simulator) -> None:
    plain = simulator._programme("zai.key_quota")[0]
    assert callable(plain)
    packed = gzip.compress(plain(time.time()).body.encode()).decode("utf-8", "surrogateescape")
    simulator.set("zai.key_quota", Answer(200, packed, {"content-encoding": "gzip", "content-type": "application/json"}))
    assert not isinstance(read("zai_api_key", context), Problem)


@pytest.fixture(params=["the head", "the status line", "nothing", "the handshake"])
def slow(request: pytest.FixtureRequest, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """The way to a provider that drips up to here, always just quickly enough that no single wait is long."""
    tls = certificates.issue(str(tmp_path / "ca.pem"), ["api.z.ai"])
    over = False

    def drip(connection: socket.socket, text: bytes) -> None:
        for byte in text * 100:
            if over:
                return
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if request.param == "the handshake":
            connection.recv(4096)
            drip(connection, b"\x16\x03\x03\x40\x00" + bytes(200))
            return
        with tls.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(4096)
            if request.param == "the status line":
                drip(wrapped, b"H")
            elif request.param == "the head":
                wrapped.sendall(b"HTTP/1.1 200 OK\r\n")
                drip(wrapped, b"X: y\r\n")
            while not over:
                time.sleep(0.05)

    listener = Listener(serve)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    yield context
    over = True
    listener.stop()


def test_a_provider_that_drips_before_its_answer_is_given_up_in_time(slow: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_PHASE_SECONDS", 0.4)
    monkeypatch.setattr(client, "_EXCHANGE_SECONDS", 0.8)
    monkeypatch.setattr(conductor, "_ROUTE_SECONDS", 1.0)
    began = time.monotonic()
    outcome = conductor._within_deadline(slow, "zai", "zai_api_key", began + 20)
    assert time.monotonic() - began < 3
    assert isinstance(outcome, Problem)
    assert (outcome.code, outcome.params.get("variant")) == ("unreachable", "timeout")

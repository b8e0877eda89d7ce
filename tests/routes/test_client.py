"""Our own HTTP client: whom it may ask, what it believes, how long it waits; and what it says when the way there is broken.

Most of it is tried through a route, Z.ai's, since that is the way it is used.
"""

from __future__ import annotations

import gzip
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from aimo_host import __version__
from aimo_host.gauge.model import Answer, Usage
from aimo_host.gauge.problems import Problem
from aimo_host.routes import client, read
from aimo_host.samples import json_answer
from aimo_host.state import drift
from tests.simulator import canaries
from tests.simulator.simulator import Simulator
from tests.state.children import in_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aimo_host.routes import Context

MEBIBYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAI_API_KEY", canaries.ZAI_API_KEY)


def problem_of(context: Context) -> Problem:
    """The problem that reading comes to."""
    outcome = in_time(lambda: read("zai_api_key", context))
    assert isinstance(outcome, Problem), outcome
    assert canaries.ZAI_API_KEY not in repr(outcome) + outcome.sentence
    return outcome


def spelled(problem: Problem) -> str:
    return ".".join(filter(None, (problem.code, problem.params.get("variant"))))


# -- whom it asks, and as whom


@pytest.mark.parametrize(
    "url",
    [
        "http://api.z.ai/x",
        "https://evil.example/x",
        "https://api.z.ai.evil.example/x",
        "https://evil.example#api.z.ai",
        "https://evil.example/api.z.ai",
        "https://api.z.ai@evil.example/x",
        "https://user:pass@api.z.ai/x",
        "https://chatgpt.com/x",
        "https://ollama.com/x",
        "https://127.0.0.1/x",
        "ftp://api.z.ai/x",
        "file:///etc/passwd",
        "api.z.ai/x",
        "",
    ],
)
def test_nobody_outside_the_provider_s_list_is_asked(context: Context, simulator: Simulator, url: str) -> None:
    with pytest.raises(ValueError, match=r"^not a place to ask for zai"):
        client.fetch(context, "zai", "zai.key_quota", url, {"Authorization": f"Bearer {canaries.ZAI_API_KEY}"})
    assert simulator.tunnels == []


def test_the_list_is_the_reviewed_one() -> None:
    reviewed = {
        "claude": {"api.anthropic.com"},
        "codex": {"chatgpt.com"},
        "zai": {"api.z.ai", "open.bigmodel.cn"},
        "ollama": {"ollama.com"},
    }
    assert reviewed == client.HOSTS


def test_it_says_who_it_is_and_carries_no_cookie(context: Context, simulator: Simulator) -> None:
    simulator.set("zai.key_quota", json_answer({"code": 500, "success": False}, headers={"set-cookie": "a=b; Path=/"}))
    read("zai_api_key", context)
    read("zai_api_key", context)
    assert {seen.headers["user-agent"] for seen in simulator.requests} == {f"aimo/{__version__}"}
    assert all("cookie" not in seen.headers for seen in simulator.requests)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["https://ollama.com/steal", "/elsewhere", "http://api.z.ai/api/monitor/usage/quota/limit"])
def test_no_redirect_is_followed(context: Context, simulator: Simulator, status: int, location: str) -> None:
    simulator.set("zai.key_quota", Answer(status, "", {"location": location}))
    problem_of(context)
    assert [tunnel.target for tunnel in simulator.tunnels] == ["api.z.ai:443"]
    assert len(simulator.requests) == 1


# -- what it takes


def test_an_answer_over_a_mebibyte_is_not_read(context: Context, simulator: Simulator) -> None:
    simulator.set("zai.key_quota", Answer(200, "{" + " " * MEBIBYTE))
    assert spelled(problem_of(context)) == "unexpected_answer.too_large"


def test_an_answer_that_unpacks_to_more_is_not_read_either(context: Context, simulator: Simulator) -> None:
    packed = gzip.compress(b"{" + b" " * (8 * MEBIBYTE)).decode("utf-8", "surrogateescape")
    simulator.set("zai.key_quota", Answer(200, packed, {"content-encoding": "gzip", "content-type": "application/json"}))
    assert spelled(problem_of(context)) in {"unexpected_answer", "unexpected_answer.too_large"}


def test_bytes_that_are_no_text_are_an_answer_that_nobody_knows(context: Context, simulator: Simulator) -> None:
    simulator.set("zai.key_quota", Answer(200, b"\xff\xfe{\x80".decode("utf-8", "surrogateescape")))
    assert spelled(problem_of(context)) == "unexpected_answer"


def test_packing_that_is_broken_is_no_crash(context: Context, simulator: Simulator) -> None:
    simulator.set("zai.key_quota", Answer(200, "not gzip", {"content-encoding": "gzip"}))
    assert problem_of(context).code in {"unreachable", "unexpected_answer"}


# -- how long it waits


def test_a_provider_that_says_nothing_is_given_up(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_PHASE_SECONDS", 0.2)
    simulator.set("zai.key_quota", Answer(failed="timeout"))
    before = time.monotonic()
    assert spelled(problem_of(context)) == "unreachable.timeout"
    assert time.monotonic() - before < 3


def test_a_connection_that_is_cut_is_unreachable(context: Context, simulator: Simulator) -> None:
    simulator.set("zai.key_quota", Answer(failed="network"))
    assert spelled(problem_of(context)) == "unreachable"


def test_an_answer_that_drips_is_given_up(context: Context, dripping: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in dripping.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(client, "_EXCHANGE_SECONDS", 0.5)
    before = time.monotonic()
    assert spelled(problem_of(context)) == "unreachable.timeout"
    assert time.monotonic() - before < 3


@pytest.fixture
def dripping(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment that leads to a provider which answers at once, a byte at a time, for ever."""
    from tests.simulator import certificates
    from tests.simulator.listener import Listener

    context = certificates.issue(str(tmp_path / "ca.pem"), ["api.z.ai"])
    stop = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(4096)
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{")
            while not stop.wait(0.02):
                tls.sendall(b" ")

    listener = Listener(serve)
    yield {"HTTPS_PROXY": f"http://127.0.0.1:{listener.port}", "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    stop.set()
    listener.stop()


# -- the way there


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "socks9://127.0.0.1:1"),
        ("HTTPS_PROXY", "ftp://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://[::1"),
        ("HTTPS_PROXY", "http://127.0.0.1:port"),
        ("HTTPS_PROXY", "http://user:CANARYpassword@127.0.0.1:99999"),
        ("https_proxy", "socks9://127.0.0.1:1"),
        ("ALL_PROXY", "socks9://127.0.0.1:1"),
        ("HTTP_PROXY", "socks9://127.0.0.1:1"),
        ("NO_PROXY", "[::1"),
    ],
)
def test_a_proxy_variable_that_makes_no_sense_is_named(
    context: Context, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    if name.lower() == "https_proxy":
        monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv(name, value)
    problem = problem_of(context)
    assert (spelled(problem), problem.params["variable"]) == ("unreachable.variable", name)
    assert name in problem.sentence
    assert "CANARY" not in repr(problem) + problem.sentence


@pytest.mark.parametrize(
    "form", ["http://127.0.0.1:{}", "127.0.0.1:{}", "socks5://127.0.0.1:{}", "http://user:CANARYpw@localhost:{}"]
)
def test_a_proxy_that_is_not_there_is_named_by_its_variable(
    context: Context, monkeypatch: pytest.MonkeyPatch, closed_port: int, form: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", form.format(closed_port))
    problem = problem_of(context)
    assert (spelled(problem), problem.params["variable"]) == ("unreachable.variable", "HTTPS_PROXY")
    assert "CANARY" not in repr(problem)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "unreachable.variable"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "unreachable.variable"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 504 Gateway Timeout\r\n\r\n", "unreachable"),
    ],
    ids=lambda value: str(value)[9:21],
)
def test_a_proxy_that_refuses_is_named_and_one_that_gets_no_further_is_not(
    context: Context, monkeypatch: pytest.MonkeyPatch, answer: bytes, problem: str
) -> None:
    from tests.simulator.listener import Listener

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    listener = Listener(serve)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.port}")
    assert spelled(problem_of(context)) == problem
    listener.stop()


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_certificate_file_that_is_none_is_named(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    for path in (tmp_path / "ca.pem", tmp_path):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        problem = problem_of(context)
        assert (spelled(problem), problem.params["variable"]) == ("unreachable.variable", "SSL_CERT_FILE")
    assert simulator.requests == []


def test_a_certificate_of_somebody_else_is_not_believed(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator() as stranger:
        monkeypatch.setenv("SSL_CERT_FILE", stranger.ca_file)
        assert spelled(problem_of(context)) == "unreachable.certificate"
    monkeypatch.delenv("SSL_CERT_FILE")
    assert spelled(problem_of(context)) == "unreachable.certificate"
    assert simulator.requests == []


def test_a_host_that_shows_another_s_certificate_is_not_believed(
    context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tests.simulator import certificates
    from tests.simulator.listener import Listener

    tls = certificates.issue(str(tmp_path / "ca.pem"), ["evil.example"])
    served = []

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with tls.wrap_socket(connection, server_side=True) as wrapped:
            served.append(wrapped.recv(4096))

    listener = Listener(serve)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert spelled(problem_of(context)) == "unreachable.certificate"
    listener.stop()
    assert b"".join(served) == b""


def test_a_company_s_variables_work_in_small_letters_too(
    context: Context, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", simulator.environment()["HTTPS_PROXY"])
    monkeypatch.delenv("HTTPS_PROXY")
    assert isinstance(read("zai_api_key", context), Usage)


# -- what is kept for a bug report


@pytest.mark.parametrize(("percentage", "is_kept"), [(None, True), (10, False)])
def test_the_shape_of_an_answer_with_a_window_of_no_known_fill_is_kept(
    context: Context, simulator: Simulator, percentage: int | None, *, is_kept: bool
) -> None:
    limits = [{"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": percentage}]
    simulator.set("zai.key_quota", json_answer({"code": 200, "success": True, "data": {"limits": limits}}))
    context.report_drift(read("zai_api_key", context))
    assert [report["source"] for report in drift.read(context.paths)] == (["zai.key_quota"] if is_kept else [])

"""The user's own Ollama, on this machine only: no credential, no proxy, and a sentence for every way it can say no."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge.model import Answer
from aimo_host.gauge.problems import Problem
from aimo_host.routes import client, ollama_local
from aimo_host.samples import json_answer, ollama
from tests.routes.stage import NOW, Stage, problem, usage, used

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Ollama:
    """A small server on loopback in Ollama's place; `answers` is the test's to change."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        ours = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _any(self) -> None:
                ours.requests.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
                answer = ours.answers.get(self.path, Answer(404, "404 page not found", {"content-type": "text/plain"}))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body.encode())

            do_GET = do_POST = _any  # noqa: N815 - the base class's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def _server() -> Iterator[Ollama]:
    running = Ollama()
    yield running
    running.close()


@pytest.fixture
def server(_server: Ollama) -> Ollama:
    _server.requests.clear()
    _server.answers = {"/api/balance": json_answer(ollama.legacy(NOW)), "/api/me": json_answer(ollama.me())}
    return _server


@pytest.fixture
def stage(home: Path, server: Ollama) -> Stage:
    made = Stage(home)
    made.environ["OLLAMA_HOST"] = f"127.0.0.1:{server.port}"
    return made


def test_the_balance_and_the_plan_are_read(stage: Stage, server: Ollama) -> None:
    outcome = usage(ollama_local.read(stage.context))
    assert used(outcome) == {"session": 16.5, "weekly": 71.0}
    assert (outcome.auth_source, outcome.plan) == ("local", "pro")
    assert [(method, path) for method, path, _ in server.requests] == [("GET", "/api/balance"), ("POST", "/api/me")]


def test_no_credential_and_no_origin_is_sent(stage: Stage, server: Ollama) -> None:
    stage.environ["OLLAMA_API_KEY"] = "CANARY"
    stage.environ["OLLAMA_HOST"] = f"http://user:CANARY@127.0.0.1:{server.port}"
    usage(ollama_local.read(stage.context))
    assert len(server.requests) == 2
    assert [name for _, _, headers in server.requests for name in headers if name in {"authorization", "cookie", "origin"}] == []
    assert "CANARY" not in str(server.requests)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"])
def test_no_proxy_comes_between(stage: Stage, server: Ollama, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    usage(ollama_local.read(stage.context))
    assert len(server.requests) == 2


def test_a_netrc_is_not_looked_at(stage: Stage, server: Ollama) -> None:
    stage.file(".netrc", "default login ada password CANARY\n").chmod(0o600)
    usage(ollama_local.read(stage.context))
    assert all("authorization" not in headers for _, _, headers in server.requests)


@pytest.mark.parametrize(
    "me", [Answer(404, "404 page not found"), Answer(503, '{"error":"account unavailable"}'), Answer(200, "{")]
)
def test_a_plan_that_cannot_be_had_does_not_fail_the_reading(stage: Stage, server: Ollama, me: Answer) -> None:
    server.answers["/api/me"] = me
    assert usage(ollama_local.read(stage.context)).plan is None


ANSWERED = {name: row for name, row in ollama.LOCAL_FAILURES.items() if row.answer.failed is None}


@pytest.mark.parametrize("name", ANSWERED)
def test_every_way_to_say_no_has_its_meaning(stage: Stage, server: Ollama, name: str) -> None:
    answer, code, variant = ANSWERED[name]
    server.answers["/api/balance"] = answer
    assert problem(ollama_local.read(stage.context)) == (f"{code}.{variant}" if variant else code)
    assert [path for _, path, _ in server.requests] == ["/api/balance"]


def test_the_sign_in_address_is_shown_nowhere(stage: Stage, server: Ollama) -> None:
    server.answers["/api/balance"] = ANSWERED["not_signed_in"].answer
    outcome = ollama_local.read(stage.context)
    assert isinstance(outcome, Problem)
    assert "key=" not in f"{outcome!r} {outcome.url} {outcome.sentence} {stage.kept()}"


def test_a_redirect_is_not_followed(stage: Stage, server: Ollama) -> None:
    server.answers["/api/balance"] = Answer(307, "", {"location": "https://elsewhere.test/api/balance"})
    problem(ollama_local.read(stage.context))
    assert len(server.requests) == 1


def test_where_no_ollama_runs_there_is_nothing_to_try(stage: Stage) -> None:
    stage.environ["OLLAMA_HOST"] = "127.0.0.1:9"
    assert ollama_local.read(stage.context) is None
    assert stage.asked() == []


def test_one_that_hangs_is_said_not_to_run(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "fetch_local", lambda *_: Answer(failed="timeout"))
    assert problem(ollama_local.read(stage.context)) == "unreachable.local"


def test_the_requests_are_in_the_ledger(stage: Stage) -> None:
    ollama_local.read(stage.context)
    assert stage.asked() == [("ollama.local_balance", 200), ("ollama.local_me", 200)]


HOSTS: dict[str, str | None] = {
    "": "http://127.0.0.1:11434",
    "   ": "http://127.0.0.1:11434",
    "127.0.0.1": "http://127.0.0.1:11434",
    "localhost": "http://localhost:11434",
    "LocalHost:5000": "http://localhost:5000",
    "127.0.0.1:5000": "http://127.0.0.1:5000",
    ":5000": "http://127.0.0.1:5000",
    "127.0.0.1:": "http://127.0.0.1:11434",
    "127.0.0.1:0": "http://127.0.0.1:11434",
    "0.0.0.0": "http://127.0.0.1:11434",
    "0.0.0.0:5000": "http://127.0.0.1:5000",
    "http://0.0.0.0:11434": "http://127.0.0.1:11434",
    "[::]": "http://[::1]:11434",
    "[::]:5000": "http://[::1]:5000",
    "::": "http://[::1]:11434",
    "::1": "http://[::1]:11434",
    "[::1]": "http://[::1]:11434",
    "http://[::1]:5000/": "http://[::1]:5000",
    "http://127.0.0.1": "http://127.0.0.1:80",
    "https://localhost": "https://localhost:443",
    "HTTPS://localhost:8443": "https://localhost:8443",
    '"127.0.0.1:5000"': "http://127.0.0.1:5000",
    " '127.0.0.1:5000' ": "http://127.0.0.1:5000",
    "http://localhost:5000/ollama/": "http://localhost:5000/ollama",
    "localhost/ollama": "http://localhost:11434/ollama",
    "http://localhost:5000/?a=b#c": "http://localhost:5000",
    "192.168.1.20": None,
    "192.168.1.20:11434": None,
    "http://ollama.internal:11434": None,
    "https://ollama.com": None,
    "10.0.0.0": None,
    "0.0.0.0.example.test": None,
    "127.0.0.1.example.test": None,
    "localhost.example.test": None,
    "http://127.0.0.1@example.test": None,
    "http://example.test#@127.0.0.1": None,
    "http://example.test\\@127.0.0.1": "http://127.0.0.1:80",
    "[fe80::1]": None,
    "2001:db8::1": None,
    "ftp://127.0.0.1": None,
    "unix:///run/ollama.sock": None,
    "http://localhost/a\x08b": None,
    "http://localhost/a b": None,
    "127.0.0.1:99999": None,
    "127.0.0.1:port": None,
    "http://[::1": None,
}


@pytest.mark.parametrize(("host", "base"), HOSTS.items(), ids=[repr(host) for host in HOSTS])
def test_ollama_host_is_read_as_ollama_reads_it_and_never_leaves_the_machine(host: str, base: str | None) -> None:
    assert ollama_local.base_url(host) == base


@pytest.mark.parametrize("host", [host for host, base in HOSTS.items() if base is None])
def test_a_host_that_is_not_here_is_not_asked(stage: Stage, server: Ollama, host: str) -> None:
    stage.environ["OLLAMA_HOST"] = host
    assert ollama_local.read(stage.context) is None
    assert (server.requests, stage.asked()) == ([], [])


_PARTS = st.sampled_from(
    ["http://", "https://", "127.0.0.1", "localhost", "[::1]", ":", "/", "@", "#", "?", "\\", "0.0.0.0", "\t", "%"]
)


@given(st.one_of(st.text(max_size=30), st.lists(st.one_of(_PARTS, st.text(max_size=3)), max_size=7).map("".join)))
def test_any_text_is_an_address_on_this_machine_or_none(host: str) -> None:
    import httpx

    base = ollama_local.base_url(host)
    assert base is None or httpx.URL(f"{base}/api/balance").host in client.LOOPBACK


def test_the_answer_s_body_goes_into_no_file_of_ours(stage: Stage, server: Ollama) -> None:
    canary: dict[str, Any] = {"error": "CANARY", "signin_url": "CANARY"}
    server.answers["/api/balance"] = Answer(200, json.dumps(canary), {"content-type": "application/json"})
    context = stage.context
    context.report_drift(ollama_local.read(context))
    assert "CANARY" not in stage.kept()

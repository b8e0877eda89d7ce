"""An agent beside a browser that nobody looks at: no debugger, an idle worker, and readings the moment they are asked for.

The tests run from top to bottom: the browser is signed in and idle, then it is asked, at the end it is gone.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import playwright
import pytest

from aimo_host.gauge.times import parse_iso
from tests.browser import processes
from tests.reliability import figures
from tests.simulator import canaries, defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.browser.chromium import Unwatched
    from tests.browser.stage import Shim, Stage
    from tests.simulator.simulator import Simulator

pytestmark = pytest.mark.browser

IDLE_SECONDS = 60 if figures.IS_DEEP else 10
NODE = os.path.join(os.path.dirname(playwright.__file__), "driver", "node")
#: What the clients of the ancestor of this project do.
CLIENT = """
const entries = await (await fetch(process.argv[1] + "/api/usage")).json();
const left = ({ windows }) => 100 - Math.max(...windows.map((window) => window.used_pct ?? 0));
const usable = entries.filter((entry) => entry.ok).sort((one, other) => left(other) - left(one));
console.log(JSON.stringify(usable.map((entry) => [entry.provider, left(entry)])));
"""


@pytest.fixture(scope="module")
def shim(stage: Stage) -> Shim:
    return stage.serve()


@pytest.fixture(scope="module")
def browser(stage: Stage, shim: Shim) -> Iterator[Unwatched]:
    """A browser that was signed in to all four sites yesterday, and has just been opened on an empty page."""
    stage.sign_in()
    with stage.unwatched() as running:
        processes.until(lambda: shim.get("/api/ping").json["browser"] == "connected", "the browser's host is there")
        yield running


@pytest.fixture
def idle(stage: Stage, simulator: Simulator, shim: Shim, browser: Unwatched) -> Simulator:  # noqa: ARG001 - it idles
    """Everything was read once, healthily, a while ago; nothing is under way."""
    simulator.reset()
    stage.forget_attempts()
    shim.get("/api/refresh?wait=75", "POST")
    stage.forget_attempts()
    simulator.clear()
    return simulator


def _slow(simulator: Simulator, source: str, delay: float) -> None:
    simulator.set(source, lambda now: defaults.answer(source, now, simulator.chatgpt_token), delay)


def test_nothing_polls(stage: Stage, shim: Shim, idle: Simulator, record_figure: Callable[..., None]) -> None:
    [host] = stage.hosts()
    processes.until(lambda: _is_still(host) and _is_still(shim.pid), "the last refresh is over")
    before = {pid: processes.context_switches(pid) for pid in (host, shim.pid)}
    assert all(before.values())
    time.sleep(IDLE_SECONDS)  # not to wait for something: nothing may happen in this time
    woken = sum(processes.context_switches(pid) - count for pid, count in before.items())
    words = f"{len(idle.requests)} requests, {woken} context switches in {IDLE_SECONDS} s"
    record_figure("idle", words, is_reached=not woken and not idle.requests)
    assert woken == 0
    assert idle.requests == []
    assert stage.hosts() == [host]


def _older_than(moment: float, entries: Iterable[dict[str, Any]]) -> list[str]:
    """The providers whose windows were read before `moment`, to the whole second that entries carry."""
    return [entry["provider"] for entry in entries if (parse_iso(entry["observed_at"]) or 0) < int(moment)]


def _is_still(pid: int) -> bool:
    before = processes.context_switches(pid)
    time.sleep(0.3)
    return processes.context_switches(pid) == before


def test_an_agent_s_refresh_waits_for_the_slowest_provider_and_for_none_after_another(shim: Shim, idle: Simulator) -> None:
    _slow(idle, "ollama.settings", 1.0)
    asked = time.time()
    entries = shim.get("/api/refresh?wait=75", "POST").json
    [slowest] = idle.seen(source="ollama.settings")
    assert slowest.answered_at is not None
    assert [one.source for one in idle.requests if one.at > slowest.answered_at] == []
    assert _older_than(asked, entries) == []
    assert [entry["provider"] for entry in entries if entry["stale"] or not entry["windows"]] == []


def test_without_wait_a_refresh_returns_at_once_and_goes_on(stage: Stage, shim: Shim, idle: Simulator) -> None:
    stage.let_pass(600)
    cached = stage.cache()
    _slow(idle, "ollama.settings", 1.0)
    asked = time.time()
    entries = shim.get("/api/refresh", "POST").json
    assert [one.source for one in idle.requests if one.answered_at and one.source == "ollama.settings"] == []
    assert entries[3]["observed_at"] == cached["ollama"]["observed_at"]
    processes.until(lambda: _older_than(asked, stage.cache().values()) == [], "the refresh goes on")


def test_a_read_after_more_than_a_minute_is_fresh(stage: Stage, shim: Shim, idle: Simulator) -> None:
    stage.let_pass(90)
    asked = time.time()
    entries = shim.get("/api/usage").json
    assert _older_than(asked, entries) == []
    assert {seen.provider for seen in idle.requests} == {"claude", "codex", "zai", "ollama"}


def test_a_read_within_a_minute_is_as_cached(shim: Shim, idle: Simulator) -> None:
    shim.get("/api/usage")
    assert idle.requests == []


def test_many_agents_at_once_are_one_request(shim: Shim, idle: Simulator) -> None:
    asked = time.time()
    with ThreadPoolExecutor(16) as agents:
        answers = list(agents.map(lambda _: shim.get("/api/refresh?wait=75", "POST").status, range(16)))
    assert answers == [200] * 16
    assert time.time() - asked < 5
    assert len(idle.seen(source="ollama.settings")) == 1
    assert len(idle.seen(source="claude.usage")) == 1


def test_the_ancestor_s_clients_rank_the_usable_providers(shim: Shim, idle: Simulator) -> None:  # noqa: ARG001 - read before
    entries = {entry["provider"]: entry for entry in shim.get("/api/usage").json}
    node = [NODE, "--input-type=module", "--eval", CLIENT, shim.url.rstrip("/")]
    done = subprocess.run(node, capture_output=True, text=True, timeout=30, check=True)
    ranked = dict(json.loads(done.stdout))
    assert list(ranked.values()) == sorted(ranked.values(), reverse=True)
    assert ranked == {
        provider: 100 - max(window["used_pct"] or 0 for window in entry["windows"])
        for provider, entry in entries.items()
        if entry["ok"]
    }
    assert len(ranked) == 4


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/", "text/html"),
        ("GET", "/api/usage", "application/json"),
        ("POST", "/api/refresh", "application/json"),
        ("GET", "/api/ping", "application/json"),
    ],
)
def test_plain_curl_needs_no_header_and_no_body(shim: Shim, idle: Simulator, method: str, path: str, kind: str) -> None:  # noqa: ARG001
    status, headers, body = _curl(shim, method, path)
    assert status == "HTTP/1.1 200 OK"
    assert kind in headers.lower()
    assert body


def _curl(shim: Shim, method: str, path: str) -> tuple[str, str, str]:
    """What `curl [-X POST] URL` sends, byte for byte, and the answer's status line, headers and body."""
    host = shim.url.removeprefix("http://").rstrip("/")
    name, _, port = host.rpartition(":")
    request = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"
    with socket.create_connection((name, int(port)), timeout=10) as connection:
        connection.sendall(request.encode())
        with connection.makefile("rb") as stream:
            status = stream.readline().decode().strip()
            headers = ""
            while (line := stream.readline().decode()).strip():
                headers += line
            length = int(headers.lower().partition("content-length:")[2].split()[0])
            return status, headers, stream.read(length).decode()


def test_without_a_browser_the_rows_keep_their_last_reading(
    stage: Stage, shim: Shim, idle: Simulator, browser: Unwatched
) -> None:
    stage.let_pass(60)
    before = {entry["provider"]: entry for entry in shim.get("/api/usage?cached=1").json}
    browser.close()
    processes.until(lambda: shim.get("/api/ping").json["browser"] == "absent", "the browser's host is gone")
    stage.write_env(ZAI_API_KEY=canaries.ZAI_API_KEY)
    asked = time.time()
    entries: dict[str, dict[str, Any]] = {entry["provider"]: entry for entry in shim.get("/api/refresh?wait=75", "POST").json}
    assert time.time() - asked < 5
    for provider in ("claude", "ollama"):
        after = entries[provider]
        assert (after["stale"], after["problem"]["code"]) == (True, "no_browser")
        assert (after["windows"], after["observed_at"]) == (before[provider]["windows"], before[provider]["observed_at"])
    assert (entries["zai"]["stale"], entries["zai"]["_source"], entries["zai"]["auth_source"]) == (False, "server", "api_key")
    assert {seen.source for seen in idle.requests} == {"zai.key_quota"}
    assert all(seen.proxied for seen in idle.requests)

"""What an agent gets: cached rows, fresh rows, rows within the time it is ready to wait; with and without a browser."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge.times import parse_iso
from tests.host.peer import PROVIDERS, Peer, healthy, silent
from tests.shim.wire import Shim, elapsed
from tests.simulator import canaries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.host.peer import Answers
    from tests.simulator.simulator import Simulator

#: What our own processes may add on a machine that others keep busy: far less than what they were told to wait.
SLACK = 5.0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Shim]:
    """A shim of this test alone, with no browser and no credential."""
    with Shim(str(tmp_path)) as running:
        yield running


@pytest.fixture
def idle(shim: Shim) -> Iterator[Shim]:
    """The shim of all, which must be asked for nothing here but what is cached; whatever lay in its cache is gone afterwards."""
    yield shim
    shutil.rmtree(os.path.join(shim.home, "cache"), ignore_errors=True)


def browser(shim: Shim, answers: Answers = healthy) -> Peer:
    """A browser beside the shim."""
    return Peer(answers, environ=shim.environ)


def rows(shim: Shim, method: str, target: str) -> dict[str, dict[str, Any]]:
    """The entries of an answer, by provider."""
    reply = shim.ask(method, target)
    assert reply.status == 200
    return {entry["provider"]: entry for entry in reply.json}


def as_if_long_ago(shim: Shim) -> None:
    """Everything so far was read, asked and settled an hour ago."""
    for name in ("attempts.json", "refresh.json"):
        os.remove(os.path.join(shim.home, "state", name))
    path = os.path.join(shim.home, "cache", "usage.json")
    with open(path, encoding="utf-8") as file:
        cache = json.load(file)
    for entry in cache["entries"]:
        entry.update({moment: entry[moment] - 3600 for moment in ("_at", "_tried") if moment in entry})
        entry["attempted_at"] = "2026-01-01T00:00:00Z"
        entry["observed_at"] = entry["observed_at"] and entry["attempted_at"]
    for feed in cache["_feeds"].values():
        feed["at"] -= 3600
    with open(path, "w", encoding="utf-8") as file:
        json.dump(cache, file)


def asked(peer: Peer) -> int:
    return peer.kinds().count("ask")


def is_fresh(entry: dict[str, Any], since: float) -> bool:
    """Read after the moment `since`, to the whole second that entries carry."""
    return (parse_iso(entry["observed_at"]) or 0) >= int(since)


# -- nobody there


def test_an_array_of_all_four_comes_even_if_nothing_was_ever_read(idle: Shim) -> None:
    entries = idle.ask("GET", "/api/usage?cached=1").json
    assert [(entry["provider"], entry["ok"], entry["windows"], entry["observed_at"]) for entry in entries] == [
        (provider, False, [], None) for provider in PROVIDERS
    ]
    assert [entry["problem"]["code"] for entry in entries] == ["no_browser", "no_credential", "no_credential", "no_browser"]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/api/usage?cached=1"),
        ("GET", "/api/usage?wait=x"),
        ("POST", "/api/refresh?wait=76"),
        ("GET", "/api/usage?a=1&wait=0"),
    ],
)
def test_a_cached_read_and_a_bad_query_ask_nobody(idle: Shim, method: str, target: str) -> None:
    idle.ask(method, target)
    assert not os.path.exists(os.path.join(idle.home, "state", "refresh.json"))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xff", b'{"entries": 7}', b'{"entries": [7, {}, {"provider": "claude"}]}']
)
def test_a_broken_cache_is_an_answer_all_the_same(idle: Shim, content: bytes) -> None:
    os.makedirs(os.path.join(idle.home, "cache"), exist_ok=True)
    with open(os.path.join(idle.home, "cache", "usage.json"), "wb") as file:
        file.write(content)
    entries = idle.ask("GET", "/api/usage?cached=1").json
    assert [entry["provider"] for entry in entries] == PROVIDERS
    assert all(set(entry) == set(entries[-1]) for entry in entries)


def test_without_anybody_a_refresh_returns_as_soon_as_that_is_clear(own: Shim) -> None:
    before = time.monotonic()
    found = rows(own, "POST", "/api/refresh?wait=75")
    assert elapsed(before) < 15  # one that nobody carries out ends after 20
    assert [entry["observed_at"] for entry in found.values()] == [None] * 4


def test_without_a_browser_the_server_side_routes_answer_within_the_response(tmp_path: Path, simulator: Simulator) -> None:
    keys = {"ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}
    with Shim(str(tmp_path), **simulator.environment(), **keys) as shim:
        since, before = time.time(), time.monotonic()
        found = rows(shim, "POST", "/api/refresh?wait=75")
        assert elapsed(before) < SLACK
        assert [name for name, entry in found.items() if entry["ok"] and is_fresh(entry, since)] == ["zai", "ollama"]
        assert {seen.source for seen in simulator.requests} == {"zai.key_quota", "ollama.balance", "ollama.me"}


def test_a_read_refreshes_what_is_too_old_and_only_that(tmp_path: Path, simulator: Simulator) -> None:
    with Shim(str(tmp_path), **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY) as shim:
        assert rows(shim, "GET", "/api/usage?wait=20")["zai"]["ok"]
        assert rows(shim, "GET", "/api/usage?wait=20")["zai"]["ok"]
        assert len(simulator.requests) == 1
        as_if_long_ago(shim)
        since = time.time()
        assert is_fresh(rows(shim, "GET", "/api/usage?max_age=600&wait=20")["zai"], since)
        assert len(simulator.requests) == 2


def test_a_patient_client_is_not_asked_for(tmp_path: Path, simulator: Simulator) -> None:
    with Shim(str(tmp_path), **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY) as shim:
        rows(shim, "GET", "/api/usage?wait=20")
        as_if_long_ago(shim)
        rows(shim, "GET", "/api/usage?max_age=315360000")
        assert len(simulator.requests) == 1


def test_a_provider_by_name_is_the_only_one_asked_and_shown(tmp_path: Path, simulator: Simulator) -> None:
    keys = {"ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}
    with Shim(str(tmp_path), **simulator.environment(), **keys) as shim:
        assert list(rows(shim, "POST", "/api/refresh?wait=20&provider=zai")) == ["zai"]
        assert list(rows(shim, "GET", "/api/usage?provider=zai")) == ["zai"]
        assert {seen.provider for seen in simulator.requests} == {"zai"}


def test_a_provider_that_is_switched_off_is_neither_asked_nor_shown(tmp_path: Path, simulator: Simulator) -> None:
    (tmp_path / "aimo" / "config").mkdir(parents=True)
    (tmp_path / "aimo" / "config" / "settings.json").write_text('{"providers": {"zai": "off"}}')
    with Shim(str(tmp_path), **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY) as shim:
        assert list(rows(shim, "POST", "/api/refresh?wait=20")) == ["claude", "codex", "ollama"]
        assert rows(shim, "POST", "/api/refresh?wait=20&provider=zai") == {}
        assert rows(shim, "GET", "/api/usage?max_age=0&provider=zai") == {}
        assert simulator.requests == []


def test_no_answer_names_a_key_or_a_person(tmp_path: Path, simulator: Simulator) -> None:
    keys = {"ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}
    with Shim(str(tmp_path), **simulator.environment(), **keys) as shim:
        body = shim.ask("POST", "/api/refresh?wait=20").body.decode()
    assert [secret for secret in (*canaries.SECRETS, *canaries.PRIVATE) if secret in body] == []


# -- with a browser


def test_ping_tells_whether_a_browser_is_connected(own: Shim) -> None:
    with browser(own) as peer:
        peer.hello()
        assert own.ask("GET", "/api/ping").json["browser"] == "connected"
        peer.hang_up()
        peer.exit_code()
        assert own.ask("GET", "/api/ping").json["browser"] == "absent"


def test_a_refresh_returns_readings_that_the_browser_made_after_it(own: Shim) -> None:
    with browser(own) as peer:
        peer.hello()
        since, before = time.time(), time.monotonic()
        found = rows(own, "POST", "/api/refresh?wait=75")
        assert elapsed(before) < SLACK
        assert all(entry["ok"] and is_fresh(entry, since) for entry in found.values())


def test_a_read_is_fresh_through_the_browser_and_then_cached(own: Shim) -> None:
    with browser(own) as peer:
        peer.hello()
        assert all(entry["ok"] for entry in rows(own, "GET", "/api/usage").values())
        count = asked(peer)
        assert all(entry["ok"] for entry in rows(own, "GET", "/api/usage").values())
        assert asked(peer) == count


def test_wait_is_honoured_when_the_browser_hangs(own: Shim) -> None:
    with browser(own, silent) as peer:
        peer.hello()
        before = time.monotonic()
        found = rows(own, "POST", "/api/refresh?wait=0.7")
        assert 0.7 <= elapsed(before) < 0.7 + SLACK
        assert [entry["observed_at"] for entry in found.values()] == [None] * 4


def test_without_wait_a_refresh_returns_at_once_and_goes_on(own: Shim) -> None:
    returned = threading.Event()

    def patient(source: str, params: dict[str, str]) -> dict[str, Any] | None:
        returned.wait(20)
        return healthy(source, params)

    with browser(own, patient) as peer:
        peer.hello()
        assert rows(own, "POST", "/api/refresh?provider=zai")["zai"]["observed_at"] is None
        returned.set()
        peer.expect("entry", lambda m: m["entry"]["provider"] == "zai" and m["entry"]["ok"])
        peer.settled()


def test_many_agents_at_once_are_one_question(own: Shim) -> None:
    with browser(own) as peer, ThreadPoolExecutor(12) as agents:
        peer.hello()
        found = list(agents.map(lambda _: rows(own, "POST", "/api/refresh?wait=20&provider=zai"), range(24)))
        assert all(one["zai"]["ok"] for one in found)
        assert asked(peer) == 1


def test_rows_that_only_the_browser_reads_stay_and_are_marked_when_it_is_gone(tmp_path: Path, simulator: Simulator) -> None:
    with Shim(str(tmp_path), **simulator.environment(), ZAI_API_KEY=canaries.ZAI_API_KEY) as shim:
        with browser(shim) as peer:
            peer.hello()
            before = rows(shim, "POST", "/api/refresh?wait=20")
            peer.hang_up()
            peer.exit_code()
        as_if_long_ago(shim)
        since = time.time()
        after = rows(shim, "POST", "/api/refresh?wait=75")
        for provider in ("claude", "ollama"):
            assert (after[provider]["stale"], after[provider]["problem"]["code"]) == (True, "no_browser")
            assert [w["label"] for w in after[provider]["windows"]] == [w["label"] for w in before[provider]["windows"]]
            assert not is_fresh(after[provider], since)
        assert (after["zai"]["stale"], after["zai"]["_source"]) == (False, "server")


def test_a_host_that_dies_with_the_request_in_its_hands_holds_nobody_up(own: Shim) -> None:
    with browser(own, silent) as peer:
        peer.hello()
        with ThreadPoolExecutor(1) as agent:
            waiting = agent.submit(rows, own, "POST", "/api/refresh?wait=20&provider=zai")
            peer.expect("ask")
            peer.process.kill()
            before = time.monotonic()
            assert waiting.result()["zai"]["problem"]["code"] == "no_credential"
            assert elapsed(before) < 1 + SLACK


def test_a_browser_that_comes_later_still_serves_the_request(own: Shim) -> None:
    rows(own, "POST", "/api/refresh?wait=20&provider=claude")
    with browser(own) as peer:
        peer.hello()
        peer.expect("entry", lambda m: m["entry"]["ok"])
        assert rows(own, "GET", "/api/usage?cached=1")["claude"]["ok"]


def test_a_disk_that_is_lost_while_it_runs_is_answered_from_what_is_left(own: Shim) -> None:
    rows(own, "GET", "/api/usage?cached=1")
    state = os.path.join(own.home, "state")
    os.rename(state, state + ".moved")
    with open(state, "w", encoding="utf-8"):
        pass
    for target in ("/api/refresh?wait=5", "/api/refresh"):
        assert own.ask("POST", target).status == 200
    os.remove(state)
    os.rename(state + ".moved", state)

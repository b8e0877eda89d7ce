"""`serve`: the popup's dashboard button never opens a dead tab. The shim is found, or started, and outlives the host."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.host.peer import Peer, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _ping(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}api/ping", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _port(listening: socket.socket) -> str:
    return str(listening.getsockname()[1])


@pytest.fixture(autouse=True)
def no_shim_stays(aimo_home: Path) -> Iterator[None]:
    """Ends the shims that a test's host started."""
    yield
    folder = aimo_home / "state" / "presence"
    for sign in folder.iterdir() if folder.is_dir() else ():
        facts = json.loads(sign.read_text())
        if facts["kind"] == "shim":
            os.kill(facts["pid"], signal.SIGTERM)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer(environ=environment(AIMO_PORT="0")) as running:
        yield running


def test_the_dashboard_is_started_and_its_url_answers(peer: Peer) -> None:
    peer.send({"type": "serve"})  # before hello: nothing of ours is on the disk yet
    served = peer.expect("served")
    assert set(served) == {"type", "url"}
    assert _ping(served["url"])["name"] == "aimo"


def test_the_welcome_says_where_it_is(peer: Peer) -> None:
    peer.send({"type": "serve"})
    url = peer.expect("served")["url"]
    assert peer.hello()["shim"] == {"running": True, "url": url}


def test_one_that_runs_is_not_started_again(peer: Peer) -> None:
    peer.send({"type": "serve"})
    peer.expect("served")
    peer.send({"type": "serve"})
    first, second = peer.expect("served"), peer.expect("served", after=1)
    assert first == second
    assert _ping(first["url"])["pid"] == _ping(second["url"])["pid"]


def test_two_clicks_at_once_start_one(peer: Peer, aimo_home: Path) -> None:
    peer.send({"type": "serve"})
    peer.send({"type": "serve"})
    first = peer.expect("served")
    assert peer.expect("served", after=peer.messages.index(first) + 1)["url"] == first["url"]
    time.sleep(0.3)  # not to wait for something: no second one may come
    assert len(list((aimo_home / "state" / "presence").iterdir())) == 1


def test_it_outlives_the_host(peer: Peer) -> None:
    peer.send({"type": "serve"})
    url = peer.expect("served")["url"]
    peer.hang_up()
    assert peer.exit_code() == 0
    assert _ping(url)["ok"] is True


def test_a_port_that_somebody_else_has_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, Peer(environ=environment(AIMO_PORT=_port(taken))) as peer:
        peer.send({"type": "serve"})
        served = peer.expect("served")
    assert set(served) == {"type", "error"}
    assert "aimo serve" in served["error"]


def test_a_disk_that_cannot_be_written_is_a_sentence_too(peer: Peer, aimo_home: Path) -> None:
    aimo_home.mkdir()
    (aimo_home / "state").write_text("a file where a folder should be")
    peer.send({"type": "serve"})
    assert "aimo serve" in peer.expect("served")["error"]


def test_it_can_be_stopped_again_and_the_welcome_says_so(peer: Peer) -> None:
    peer.send({"type": "serve"})
    url = peer.expect("served")["url"]
    peer.send({"type": "serve", "stop": True})
    assert peer.expect("welcome")["shim"] == {"running": False, "url": None}
    with pytest.raises(urllib.error.URLError):
        _ping(url)


def test_where_none_runs_stopping_changes_nothing(peer: Peer) -> None:
    peer.send({"type": "serve", "stop": True})
    assert peer.expect("welcome")["shim"] == {"running": False, "url": None}


@pytest.mark.parametrize("stop", [False, None, 1, "yes"])
def test_only_a_true_stop_stops(peer: Peer, stop: object) -> None:
    peer.send({"type": "serve", "stop": stop})
    assert _ping(peer.expect("served")["url"])["ok"] is True

"""The end of input is the end of the host: exit 0, at once, whatever is under way. The browser kills it after two seconds."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from aimo_host.host import __main__ as host
from aimo_host.state import cache, paths
from tests.host.peer import COMMAND, ORIGIN, REPOSITORY, Peer, environment, frame, silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: The promise is 500 ms on a machine of its own; this one may be busy with a browser.
AT_ONCE = 1.5


def _seconds_to_end(peer: Peer) -> float:
    before = time.monotonic()
    peer.hang_up()
    assert peer.exit_code() == 0
    return time.monotonic() - before


def _nothing(_peer: Peer) -> None:
    pass


def _hello(peer: Peer) -> None:
    peer.hello()


def _half_a_length(peer: Peer) -> None:
    peer.hello()
    peer.write(frame({"type": "get"})[:2])


def _half_a_frame(peer: Peer) -> None:
    peer.hello()
    peer.write(frame({"type": "get"})[:-1])


def _hanging_asks(peer: Peer) -> None:
    peer.hello()
    peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
    for source in ("claude.organizations", "codex.usage", "zai.quota", "ollama.settings"):
        peer.expect("ask", lambda m, source=source: m["source"] == source)  # type: ignore[misc]


@pytest.mark.parametrize("until", [_nothing, _hello, _half_a_length, _half_a_frame, _hanging_asks], ids=lambda f: f.__name__)
def test_the_end_of_input_is_exit_0_at_once(until: Callable[[Peer], None]) -> None:
    with Peer(silent) as peer:
        until(peer)
        assert _seconds_to_end(peer) < AT_ONCE
        assert peer.stderr == ""


def test_a_route_that_hangs_does_not_hold_the_host() -> None:
    # A proxy that takes connections and never says a word.
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        mute = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.getsockname()[1]}", "ZAI_API_KEY": "hangs.hangs"}
        with Peer(lambda _s, _p: {"failed": "signed_out"}, environ=environment(**mute)) as peer:
            peer.hello()
            peer.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
            with proxy.accept()[0]:
                assert _seconds_to_end(peer) < AT_ONCE


def test_a_browser_that_reads_nothing_more_does_not_hold_the_host() -> None:
    with Peer(silent, reads=False) as peer:
        peer.send({"type": "hello", "protocol": 1, "extension": "0.1.0", "profile": peer.profile})
        folder = os.path.join(os.environ["AIMO_HOME"], "state", "bells")
        deadline = time.monotonic() + 20
        while not (os.path.isdir(folder) and os.listdir(folder)) and time.monotonic() < deadline:
            time.sleep(0.01)
        # News of more than a pipe holds: the bell's thread is in the middle of a write when the input ends.
        big = {"provider": "claude", "account": "a", "observed_at": None, "attempted_at": None, "error": "x" * 300_000}
        cache.update(paths.find(os.environ), lambda before: {**before, "entries": [big]})
        time.sleep(0.2)
        before = time.monotonic()
        peer.hang_up()
        assert peer.process.wait(20) == 0
        assert time.monotonic() - before < AT_ONCE


def test_a_browser_that_is_gone_is_the_end_and_no_error(tmp_path: Path) -> None:
    said = tmp_path / "stderr"
    with said.open("wb") as stderr:
        host = subprocess.Popen(
            [*COMMAND, ORIGIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment(), cwd=REPOSITORY
        )
        assert host.stdin is not None
        assert host.stdout is not None
        host.stdout.close()
        host.stdin.write(frame({"type": "get"}))
        host.stdin.flush()  # and its stdin stays open: the broken stdout alone must end it
        assert host.wait(20) == 0
        host.stdin.close()
    assert said.read_bytes() == b""


def test_a_module_that_another_thread_is_still_importing_is_no_fault_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aimo_host.routes.children", ModuleType("children"))
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit) as caught:
        host._end()
    assert caught.value.code == 0

"""A host that a newer aimo replaces on the disk: finishes what it has begun, ends by itself, leaves the rest to its successor."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import aimo_host
from aimo_host.host.replaced import Share, Work
from aimo_host.state import bell, cache, paths, presence, requests
from aimo_host.state.installation import Installation
from tests.browser.processes import until
from tests.host.peer import Peer, healthy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.host.peer import Message


@pytest.fixture
def launcher(aimo_home: Path) -> Path:
    """What browsers start, as some `aimo install` wrote it."""
    path = aimo_home / "data/bin/aimo-host"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\nexec /env-0.1.0/bin/python -I -m aimo_host.host\n")
    return path


def upgrade(launcher: Path) -> None:
    part = launcher.with_suffix(".part")
    part.write_text("#!/bin/sh\nexec /env-0.2.0/bin/python -I -m aimo_host.host\n")
    part.replace(launcher)


def places() -> paths.Paths:
    return paths.find(os.environ)


def hosts() -> list[dict[str, object]]:
    return [facts for facts in presence.present(places().presence_dir) if facts["kind"] == "host"]


# -- what counts as another aimo


def test_nothing_was_replaced_where_nothing_changed(launcher: Path) -> None:
    assert launcher.exists()
    assert not Installation(places()).was_replaced()


def test_the_same_bytes_written_again_are_the_same_aimo(launcher: Path) -> None:
    installation = Installation(places())
    launcher.write_bytes(launcher.read_bytes())
    os.utime(launcher, (1, 1))
    assert not installation.was_replaced()


CHANGES: dict[str, Callable[[Path], object]] = {"switched": upgrade, "removed": Path.unlink}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_launcher_or_none_is_another_aimo(launcher: Path, change: Callable[[Path], object]) -> None:
    installation = Installation(places())
    change(launcher)
    assert installation.was_replaced()


def test_a_package_exchanged_in_place_is_another_aimo(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = home / "__init__.py"
    package.write_text('__version__ = "0.1.0"\n')
    monkeypatch.setattr(aimo_host, "__file__", str(package))
    installation = Installation(places())
    package.write_text('__version__ = "0.2.0"\n')
    assert installation.was_replaced()


def test_work_is_over_when_its_last_thread_has_ended(launcher: Path) -> None:
    over: list[bool] = []
    work = Work(Installation(places()), lambda: over.append(work.is_over()))
    go_on = threading.Event()
    work.begin(go_on.wait, 10)
    assert not work.is_over()
    upgrade(launcher)
    assert not work.is_over()
    go_on.set()
    until(lambda: over == [True], "the end of a thread")


def test_who_is_ending_takes_nothing_more_on_and_sees_to_what_it_took(launcher: Path) -> None:
    share = Share(Work(Installation(places()), lambda: None))
    assert share.takes("claude")
    assert share.of(["claude", "codex"]) == ["claude", "codex"]
    upgrade(launcher)
    assert not share.takes("codex")
    assert share.of(["claude", "codex"]) == ["claude"]


# -- real hosts


def test_a_host_ends_when_it_is_rung_after_an_upgrade(launcher: Path) -> None:
    with Peer() as peer:
        peer.hello()
        upgrade(launcher)
        bell.ring(places().bells_dir)
        assert peer.exit_code() == 0
        assert hosts() == []


def test_a_host_that_nobody_rings_ends_at_the_next_frame_and_answers_it_first(launcher: Path) -> None:
    with Peer() as peer:
        peer.hello()
        peer.process.send_signal(signal.SIGSTOP)  # it may still be busy with the hello, and would end behind it
        upgrade(launcher)
        peer.send({"type": "get"})
        peer.process.send_signal(signal.SIGCONT)
        assert peer.exit_code() == 0
        assert peer.kinds() == ["welcome", "welcome"]


def test_a_ring_without_an_upgrade_ends_nobody(launcher: Path) -> None:
    with Peer() as peer:
        peer.hello()
        os.utime(launcher, (1, 1))
        bell.ring(places().bells_dir)
        peer.send({"type": "get"})
        peer.expect("welcome", after=1)
        assert peer.process.poll() is None


class Slow:
    """A browser that answers everything but Claude's usage, which it holds back."""

    def __init__(self) -> None:
        self.held: list[str] = []

    def __call__(self, source: str, params: dict[str, str]) -> Message | None:
        return None if source == "claude.usage" else healthy(source, params)


def ask_for(provider: str) -> None:
    requests.ask(places(), [provider], trigger="agent", named=True, now=time.time())


@pytest.mark.usefixtures("launcher")
def test_a_host_finishes_what_it_has_begun_and_keeps_it(launcher: Path) -> None:
    with Peer(Slow()) as peer:
        peer.hello()
        ask_for("claude")
        held = peer.expect("ask", lambda m: m["source"] == "claude.usage")
        upgrade(launcher)
        bell.ring(places().bells_dir)
        peer.send({"type": "no such thing"})
        peer.expect("error")
        assert peer.process.poll() is None
        peer.send({"type": "answer", "id": held["id"], **(healthy("claude.usage") or {})})
        assert peer.exit_code() == 0
    [entry] = cache.read(places())["entries"]
    assert (entry["provider"], bool(entry["windows"])) == ("claude", True)


def test_what_is_asked_for_meanwhile_is_left_to_its_successor(launcher: Path) -> None:
    with Peer(Slow()) as old:
        old.hello()
        ask_for("claude")
        held = old.expect("ask", lambda m: m["source"] == "claude.usage")
        upgrade(launcher)
        ask_for("codex")
        old.send({"type": "answer", "id": held["id"], **(healthy("claude.usage") or {})})
        assert old.exit_code() == 0
        assert "codex.usage" not in {message.get("source") for message in old.messages}
    with Peer() as new:
        assert new.hello()["refresh_pending"] is True
        new.expect("ask", lambda m: m["source"] == "codex.usage")


@pytest.mark.parametrize("_run", range(5))
def test_a_message_that_comes_together_with_the_ring_is_not_lost(launcher: Path, _run: int) -> None:
    with Peer() as peer:
        peer.hello()
        peer.process.send_signal(signal.SIGSTOP)
        upgrade(launcher)
        bell.ring(places().bells_dir)
        peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
        peer.process.send_signal(signal.SIGCONT)
        assert peer.exit_code() == 0
    assert set(requests.read(places(), time.time()).standing(time.time())) == {"claude", "codex", "zai", "ollama"}


def test_who_waits_for_a_browser_is_rung_when_its_host_arrives() -> None:
    waiting = bell.Bell(places().bells_dir, ())
    with Peer() as peer:
        peer.hello()
        assert waiting.wait(5)
        assert len(hosts()) == 1
    waiting.close()


@pytest.mark.parametrize("said", ["0.1.0", "x" * 31, 7, None], ids=str)
def test_a_host_tells_which_extension_it_serves_if_that_can_be_said(said: object) -> None:
    with Peer() as peer:
        peer.send({"type": "hello", "protocol": 1, "extension": said, "profile": peer.profile})
        peer.expect("welcome")
        (facts,) = hosts()
        assert facts.get("extension") == (said if said == "0.1.0" else None)

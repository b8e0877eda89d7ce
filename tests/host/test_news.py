"""What a session sends when somebody rang: in which order, and what it says to be still under way."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge import merge
from aimo_host.host.session import Session
from aimo_host.routes import Context
from aimo_host.state import cache, paths, requests, settings
from tests.gauge.builders import reading
from tests.host.peer import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterable


class Stage:
    """A session that has said everything once, and what happens around it. Nobody answers its asks."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.welcomed = threading.Event()
        self.paths = paths.find(os.environ)
        self.session = Session(Context(self.paths, os.environ, time.time), self._heard)
        self.session.handle({"type": "get"})
        self.welcomed.clear()

    def _heard(self, message: dict[str, Any]) -> None:
        self.said.append(message)
        if message["type"] == "welcome":
            self.welcomed.set()

    def rings(self) -> list[dict[str, Any]]:
        """Somebody rang: what is said of it."""
        before = len(self.said)
        self.session._on_ring()
        return self.said[before:]

    def ask(self, *providers: str) -> None:
        requests.ask(self.paths, list(providers), trigger="popup", named=False, now=time.time())

    def read(self, provider: str, account: str | None) -> None:
        """Every account has its browser."""
        found, via = reading(provider, account=account, at=time.time()), f"{provider}/browser/{account or '-'}"
        cache.update(self.paths, lambda before: merge.merge_reading(before, found, via=via, now=time.time()))

    def settle(self, providers: Iterable[str]) -> None:
        for provider in providers:
            requests.settle(self.paths, provider, time.time() + 1, served=True, now=time.time())


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("accounts", [("a", "b", "c", "d"), (None, None, None, None)], ids=["named", "nameless"])
def test_a_provider_is_being_refreshed_until_its_entry_is_out(stage: Stage, accounts: tuple[str | None, ...]) -> None:
    stage.ask(*PROVIDERS)
    assert [message["refreshing"] for message in stage.rings()] == [PROVIDERS] * 4
    for provider, account in zip(PROVIDERS, accounts, strict=True):
        stage.read(provider, account)
    stage.settle(PROVIDERS)
    entries = [message for message in stage.rings() if message["type"] == "entry"]
    assert [message["refreshing"] for message in entries] == [PROVIDERS[1:], PROVIDERS[2:], PROVIDERS[3:], []]
    assert [message["entry"]["ok"] for message in entries] == [True] * 4


def test_a_provider_of_two_accounts_is_being_refreshed_until_both_are_out(stage: Stage) -> None:
    stage.read("claude", "a")
    stage.read("claude", "b")
    stage.ask("claude", "zai")
    stage.rings()
    stage.settle(["claude"])
    entries = [message for message in stage.rings() if message["type"] == "entry"]
    assert [message["refreshing"] for message in entries] == [["claude", "zai"], ["zai"]]


def test_a_row_whose_account_becomes_known_is_never_there_twice(stage: Stage) -> None:
    stage.read("claude", None)
    stage.rings()
    stage.read("claude", "a")
    said = stage.rings()
    assert [message["type"] for message in said] == ["welcome", "entry"]
    shown = [entry["account"] for entry in said[0]["snapshot"]["entries"] if entry["provider"] == "claude"]
    assert shown == [said[1]["entry"]["account"]] == ["a"]


def test_a_provider_that_is_switched_off_while_news_are_sent_does_not_come_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.read("claude", "a")
    was, reading_settings = settings.read, threading.Event()

    def slowly(where: paths.Paths) -> dict[str, Any]:
        record = was(where)
        if threading.current_thread() is ringing:
            reading_settings.set()
            stage.welcomed.wait(0.3)  # it does not come before the news are out
        return record

    monkeypatch.setattr(settings, "read", slowly)
    ringing = threading.Thread(target=stage.session._on_ring)
    ringing.start()
    assert reading_settings.wait(10)
    stage.session.handle({"type": "settings", "changed": {"providers": {"claude": "off"}}})
    ringing.join()
    assert stage.said[-1]["type"] == "welcome"
    assert "claude" not in {entry["provider"] for entry in stage.said[-1]["snapshot"]["entries"]}


def test_what_is_sent_once_is_not_sent_again(stage: Stage) -> None:
    stage.read("zai", "a")
    assert [message["type"] for message in stage.rings()] == ["welcome", "entry"]
    assert stage.rings() == []

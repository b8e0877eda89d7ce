"""`GET /api/events`: every change as it happens, to a bounded number of clients, with nothing asked and nothing polled."""

from __future__ import annotations

import json
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge import merge
from aimo_host.gauge.times import iso
from aimo_host.shim.events import MOST_CLIENTS
from aimo_host.state import cache, paths, settings
from tests.gauge.builders import NOW, reading
from tests.shim.wire import PATIENCE, Shim

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stream:
    """One client that listens."""

    def __init__(self, port: int) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.connection.sendall(f"GET /api/events HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        self._file = self.connection.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.headers = dict(line.decode().strip().split(": ", 1) for line in iter(self._file.readline, b"\r\n"))

    def next(self) -> tuple[str, Any]:
        """The next event's name and data."""
        name = self._file.readline().decode().strip().removeprefix("event: ")
        data = json.loads(self._file.readline().decode().removeprefix("data: "))
        assert self._file.readline() == b"\n"
        return name, data

    def close(self) -> None:
        self._file.close()
        self.connection.close()


@pytest.fixture
def shim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    with Shim(str(tmp_path_factory.mktemp("e"))) as running:
        yield running


@pytest.fixture
def found(shim: Shim) -> paths.Paths:
    return paths.find({"AIMO_HOME": shim.home})


@pytest.fixture
def stream(shim: Shim) -> Iterator[Stream]:
    client = Stream(shim.port)
    for _ in range(5):
        client.next()
    yield client
    client.close()


def read(where: paths.Paths, used: float = 40.0) -> None:
    cache.update(
        where, lambda before: merge.merge_reading(before, reading(used=used, at=NOW + used), via="claude/browser/p", now=NOW)
    )


def test_who_comes_is_told_everything_first(shim: Shim) -> None:
    client = Stream(shim.port)
    events = [client.next() for _ in range(5)]
    client.close()
    assert [(name, data.get("provider")) for name, data in events] == [
        *(("entry", provider) for provider in ("claude", "codex", "zai", "ollama")),
        ("answer", None),
    ]
    assert (client.status, client.headers["Content-Type"], client.headers["Cache-Control"]) == (
        200,
        "text/event-stream",
        "no-store",
    )


def test_a_change_arrives_as_it_happens_and_only_what_changed(stream: Stream, found: paths.Paths) -> None:
    read(found)
    gone, (name, entry) = stream.next(), stream.next()
    assert gone == ("gone", {"provider": "claude", "account": None})
    assert (name, entry["provider"], entry["account"], entry["windows"][0]["used_pct"]) == ("entry", "claude", "a", 40.0)
    assert stream.next()[0] == "answer"
    read(found, 50.0)
    assert stream.next()[1]["windows"][0]["used_pct"] == 50.0


def test_a_provider_that_is_switched_off_is_gone(stream: Stream, found: paths.Paths) -> None:
    settings.change(found, {"providers": {"zai": "off"}})
    assert stream.next() == ("gone", {"provider": "zai", "account": None})


def test_one_client_too_many_is_told_to_come_back_and_a_place_is_free_again_at_once(shim: Shim) -> None:
    clients = [Stream(shim.port) for _ in range(MOST_CLIENTS)]
    refused = Stream(shim.port)
    assert [client.status for client in clients] == [200] * MOST_CLIENTS
    assert refused.status == 503
    for client in (*clients, refused):
        client.close()
    patience = time.monotonic() + PATIENCE
    while (late := Stream(shim.port)).status != 200:
        late.close()
        assert time.monotonic() < patience
    late.close()


def test_a_client_that_hangs_up_leaves_no_bell_behind(shim: Shim, found: paths.Paths) -> None:
    client = Stream(shim.port)
    client.next()
    assert len(os.listdir(found.bells_dir)) == 2
    client.close()
    patience = time.monotonic() + PATIENCE
    while len(os.listdir(found.bells_dir)) > 1:
        time.sleep(0.01)
        assert time.monotonic() < patience


@pytest.mark.parametrize(("target", "status"), [("/api/events?since=1", 400), ("/api/answer?x=1", 400)])
def test_parameters_are_refused(shim: Shim, target: str, status: int) -> None:
    assert shim.ask("GET", target).status == status


def test_the_answer_is_there_for_who_asks(shim: Shim) -> None:
    assert shim.ask("GET", "/api/answer").json["use"]["code"] == "unknown"


def test_the_answer_says_how_the_person_wants_to_see_it(shim: Shim, found: paths.Paths) -> None:
    settings.change(found, {"order": ["zai", "claude", "codex", "ollama"], "language": "ja", "providers": {"codex": "off"}})
    wishes = shim.ask("GET", "/api/answer").json["faces"]
    assert (wishes["order"][0], wishes["language"], wishes["providers"]["codex"]) == ("zai", "ja", "off")


@pytest.mark.parametrize("by_words", [False, True], ids=["by time", "by words"])
def test_a_window_that_resets_while_a_client_listens_loses_its_number(
    stream: Stream,
    found: paths.Paths,
    by_words: bool,
) -> None:
    now = time.time()
    entry = reading(used=95.0, at=now - 58)
    ends = {"resets_at": None, "resets_in": "1 minute"} if by_words else {"resets_at": iso(now + 2)}
    entry["windows"][0].update(ends)
    cache.update(found, lambda before: merge.merge_reading(before, entry, via="claude/browser/p", now=now))
    stream.next()
    numbers = [stream.next()[1]["windows"][0]["used_pct"]]
    while len(numbers) < 2:
        name, data = stream.next()
        if name == "entry":
            numbers.append(data["windows"][0]["used_pct"])
    assert numbers == [95.0, None]

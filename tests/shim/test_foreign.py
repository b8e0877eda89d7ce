"""What other people's tools get over HTTP: their own shapes, from the cache, behind the same guard."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aimo_host.demo import sample_cache
from aimo_host.shim import foreign, guard
from aimo_host.state import ledger
from aimo_host.state.paths import find
from tests.shim.wire import Shim

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where data lies that is not under /api/.
DATA = ["/usage", "/metrics"]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    """A shim on the samples, read long ago, so that anything that refreshes would."""
    folder = str(tmp_path_factory.mktemp("s"))
    os.makedirs(os.path.join(folder, "aimo", "cache"))
    with open(os.path.join(folder, "aimo", "cache", "usage.json"), "w", encoding="utf-8") as file:
        json.dump(sample_cache(time.time() - 3600), file)
    with Shim(folder) as running:
        yield running


def test_codexbar_s_widgets_get_every_provider(read: Shim) -> None:
    reply = read.ask("GET", "/usage")
    assert (reply.status, reply.header("content-type")) == (200, "application/json")
    assert [one["provider"] for one in reply.json] == ["claude", "codex", "zai", "ollama"]


@pytest.mark.parametrize(("asked", "got"), [("all", 4), ("both", 2)])
def test_codexbar_s_words_for_several_are_understood(asked: str, got: int, read: Shim) -> None:
    assert len(read.ask("GET", f"/usage?provider={asked}").json) == got


def test_one_provider_is_an_object_of_its_own(read: Shim) -> None:
    assert read.ask("GET", "/usage?provider=zai").json["provider"] == "zai"


def test_prometheus_can_scrape_it(read: Shim) -> None:
    reply = read.ask("GET", "/metrics")
    assert (reply.status, reply.header("content-type")) == (200, "text/plain; version=0.0.4; charset=utf-8")
    names = {family.name for family in text_string_to_metric_families(reply.body.decode())}
    assert {"aimo_limit_used_ratio", "aimo_provider_up", "aimo_build_info"} <= names


def test_prometheus_is_told_of_the_requests_that_were_made(read: Shim) -> None:
    made = {"provider": "zai", "route": "r", "source": "s", "trigger": "cli", "status": 200}
    ledger.write(find({"AIMO_HOME": read.home}), made, at=0.0, milliseconds=1)
    assert b'aimo_provider_requests_total{provider="zai",result="200",trigger="cli"} ' in read.ask("GET", "/metrics").body


@pytest.mark.parametrize("path", DATA)
def test_who_asks_on_a_timer_causes_no_refresh(path: str, read: Shim) -> None:
    assert read.ask("GET", path).status == 200
    assert not os.path.exists(os.path.join(read.home, "state", "refresh.json"))


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/usage?provider=gemini", 400),
        ("/usage?provider=zai&provider=zai", 400),
        ("/usage?max_age=0", 400),
        ("/metrics?x=1", 400),
        ("/usage/", 404),
        ("/metrics/x", 404),
    ],
)
def test_what_makes_no_sense_is_refused(target: str, status: int, read: Shim) -> None:
    assert read.ask("GET", target).status == status


@pytest.mark.parametrize("path", DATA)
def test_only_get_is_answered(path: str, read: Shim) -> None:
    assert read.ask("POST", path).status == 405


def test_every_address_of_data_is_known_to_the_guard() -> None:
    assert sorted(guard.FOREIGN) == sorted(DATA)


@pytest.mark.parametrize("path", DATA)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Host", "evil.example:3030")], 421),
        ([("Origin", "https://evil.example")], 403),
        ([("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")], 403),
        ([("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")], 403),
    ],
)
def test_web_pages_get_nothing(path: str, headers: list[tuple[str, str]], status: int, read: Shim) -> None:
    assert read.ask("GET", path, headers).status == status


@pytest.mark.parametrize(("headers", "status"), [([], 401), ([("Authorization", "Bearer s3cret")], 200)])
def test_the_token_is_wanted_here_too(
    headers: list[tuple[str, str]], status: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Shim(str(tmp_path_factory.mktemp("s")), AIMO_TOKEN="s3cret") as shim:
        assert [shim.ask("GET", path, headers).status for path in DATA] == [status, status]


def test_without_the_library_metrics_are_not_here_and_the_reason_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        def cached(self) -> list[object]:
            return []

        def requests_made(self) -> dict[object, int]:
            return {}

    api: Any = Nothing()
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(foreign.NotHereError, match="pip install"):
        foreign.answer(api, "/metrics", "")

"""Promises 8 and 12: a canary wherever a secret is kept, all routes and faces used in each mood of the providers; none shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.security.canary_world import MOODS, VAULT_SESSION, World, leaks
from tests.simulator import canaries
from tests.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=MOODS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Simulator() as simulator:
        played = World(tmp_path_factory.mktemp("w"), simulator)
        played.play(request.param)
        yield played


#: What the places of texts begin with.
PLACES = ("file", "frames", "stderr", "aimo", "GET", "POST", "process", "given")


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_and_no_person_appears(world: World, place: str) -> None:
    texts = {where: text for where, text in world.texts.items() if where.startswith(place)}
    assert texts
    assert leaks(texts) == []


def test_the_secrets_were_in_play(world: World) -> None:
    """Else the tests above would say nothing."""
    used = {canaries.CLAUDE_OAUTH_TOKEN, canaries.CODEX_CLI_SIGNATURE, canaries.ZAI_API_KEY, canaries.OLLAMA_API_KEY}
    assert world.in_play() >= {*used, VAULT_SESSION}
    assert world.routes() >= {"browser", "claude_oauth", "codex_auth_json", "zai_bitwarden", "ollama_api_key"}
    assert bool(world.codex.calls) == ("codex_app_server" in world.routes())


def test_a_canary_in_the_open_would_be_found() -> None:
    assert [mark for _, mark, _ in leaks({"x": f"so-called {canaries.OLLAMA_API_KEY}"})] == ["CANARY", canaries.OLLAMA_API_KEY]

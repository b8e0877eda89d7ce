"""One played host and one browser for each module: a browser takes seconds to start. Each test sets its own scene.

Not one for all: Playwright can be started only once at a time in a process, and other modules start it too.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.faces import scenes
from tests.faces.theatre import Theatre, theatre

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def house(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    with theatre(str(tmp_path_factory.mktemp("f")), chromium) as ours:
        yield ours


@pytest.fixture
def stage(house: Theatre) -> Iterator[Theatre]:
    """The theatre with the full scene set and no face open."""
    house.play(scenes.full(time.time()))
    yield house
    house.clear()

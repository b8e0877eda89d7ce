"""One played host and one browser for all tests of the faces: a browser takes seconds to start. Each test sets its own scene."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.faces import scenes
from tests.faces.theatre import Theatre, theatre

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def _theatre(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    with theatre(str(tmp_path_factory.mktemp("f")), chromium) as ours:
        yield ours


@pytest.fixture
def stage(_theatre: Theatre) -> Iterator[Theatre]:
    """The theatre with the full scene set and no face open."""
    _theatre.play(scenes.full(time.time()))
    yield _theatre
    for page in _theatre.context.pages[1:]:
        page.close()

"""One simulator and one stage for each module of browser tests: a browser takes seconds to start, so its tests share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.stage import Stage
from tests.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def stage(simulator: Simulator, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A machine with the host registered; no browser runs yet."""
    with Stage(str(tmp_path_factory.mktemp("s")), simulator, chromium) as ours:
        ours.install()
        yield ours

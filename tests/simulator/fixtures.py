"""The pytest fixture `simulator`, one per test. A conftest.py imports it for its folder, so that nobody else pays for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running

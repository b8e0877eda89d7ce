"""One shim for all tests that only talk to it; whoever changes its world starts one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.shim.wire import Shim
from tests.simulator.fixtures import simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["simulator"]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    """Never read anything yet, and no provider within reach."""
    with Shim(str(tmp_path_factory.mktemp("s"))) as running:
        yield running

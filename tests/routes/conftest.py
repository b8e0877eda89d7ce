"""The `simulator` for this folder, and a context whose requests end there."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from aimo_host.routes import Context
from aimo_host.state import paths
from tests.simulator.fixtures import simulator

if TYPE_CHECKING:
    from tests.simulator.simulator import Simulator

__all__ = ["simulator"]


@pytest.fixture
def context(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Context:
    """The environment of the moment: what a test sets afterwards counts as well."""
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    return Context(paths.find(os.environ), os.environ, time.time)

"""One `simulator` for each module of this folder, reset for each test, and what stands before it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from aimo_host.routes import Context
from aimo_host.state import paths
from tests.routes.stage import Stage
from tests.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def _running() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def simulator(_running: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """The four providers, and the environment by which every request ends there."""
    _running.reset()
    for name, value in _running.environment().items():
        monkeypatch.setenv(name, value)
    return _running


@pytest.fixture
def stage(home: Path) -> Stage:
    """A person's home and the context of a route."""
    return Stage(home)


@pytest.fixture
def context(simulator: Simulator) -> Context:
    """The environment of the moment: what a test sets afterwards counts as well."""
    del simulator
    return Context(paths.find(os.environ), os.environ, time.time)

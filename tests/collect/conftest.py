"""An empty installation whose clock stands still."""

from __future__ import annotations

import os

import pytest

from aimo_host.state import paths
from tests.collect.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage(paths.find(os.environ))

"""The paths of a made-up installation, none of which exists yet."""

from __future__ import annotations

import os

import pytest

from aimo_host.state import paths as places


@pytest.fixture
def paths() -> places.Paths:
    return places.find(os.environ)

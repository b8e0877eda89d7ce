"""What crosses rooms stands on what they stand on: the simulator and the stage of the browser tests, one for each module."""

from __future__ import annotations

from tests.browser.conftest import simulator, stage

__all__ = ["simulator", "stage"]

"""Gives this folder the `simulator`."""

from __future__ import annotations

from tests.simulator.fixtures import simulator

__all__ = ["simulator"]

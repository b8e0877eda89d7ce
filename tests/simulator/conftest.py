"""Gives this folder the `simulator`; a folder that wants it too imports it the same way."""

from __future__ import annotations

from tests.simulator.fixtures import simulator

__all__ = ["simulator"]

"""Gives this folder the `simulator`, and the `machine` with several browser profiles."""

from __future__ import annotations

from tests.host.machine import machine
from tests.simulator.fixtures import simulator

__all__ = ["machine", "simulator"]

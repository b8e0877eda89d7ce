"""The machine as the installer sees it: one record, so that a test can plan for any operating system on made-up ground.

Reads the real machine in `System.of`, nowhere else. The registry is a mapping from key to default value, empty where
there is none.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimo_host.setup.registry import WindowsRegistry
from aimo_host.state import paths

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping


@dataclass(frozen=True)
class System:
    """Where an installation takes place and on whose behalf."""

    platform: str  # as sys.platform says
    environ: Mapping[str, str]
    home: str
    paths: paths.Paths
    registry: MutableMapping[str, str]
    interpreter: str  # absolute; not resolved, since a virtual environment is known by its own path
    prefix: str  # the environment of that interpreter

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> System:
        """This machine.

        Raises:
            HomeNotAbsoluteError: `AIMO_HOME` is relative.
        """
        return cls(
            platform=sys.platform,
            environ=environ,
            home=environ.get("HOME") or os.path.expanduser("~"),
            paths=paths.find(environ),
            registry=WindowsRegistry() if sys.platform == "win32" else {},
            interpreter=os.path.abspath(sys.executable),
            prefix=sys.prefix,
        )

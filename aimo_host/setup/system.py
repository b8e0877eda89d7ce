"""The machine as the installer sees it: one record, so that a test can plan for any operating system on made-up ground.

Reads the real machine in `System.of`, nowhere else.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimo_host.setup.registry import Registry
from aimo_host.state import paths

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class System:
    """Where an installation takes place and on whose behalf."""

    platform: str  # as sys.platform says
    environ: Mapping[str, str]
    home: str
    paths: paths.Paths
    registry: Registry  # of no use but on Windows
    interpreter: str  # absolute; not resolved, since a virtual environment is known by its own path
    prefix: str  # the environment of that interpreter
    root: str = os.sep  # what absolute paths of our tables begin at
    kernel: str = ""  # its release

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> System:
        """This machine.

        Raises:
            HomeNotAbsoluteError: `AIMO_HOME` is relative, or the home folder is or is not known.
        """
        return cls(
            platform=sys.platform,
            environ=environ,
            home=paths.home_folder(environ),
            paths=paths.find(environ),
            registry=Registry(importlib.import_module("winreg") if sys.platform == "win32" else None),
            interpreter=os.path.abspath(sys.executable),
            prefix=sys.prefix,
            kernel=platform.release(),
        )

    @property
    def is_wsl(self) -> bool:
        """Whether this is Linux inside Windows."""
        return self.platform == "linux" and "microsoft" in self.kernel.lower()

    def below_root(self, path: str) -> str:
        """A path from our tables on this machine: absolute, or from the home folder on."""
        return os.path.join(self.root, path.lstrip("/")) if path.startswith("/") else os.path.join(self.home, path)

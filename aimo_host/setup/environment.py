"""Whether the Python that runs `aimo install` may be what browsers start from now on."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import aimo_host
from aimo_host.setup import SetupError, browsers

if TYPE_CHECKING:
    from aimo_host.setup.system import System

#: uv keeps `uvx` environments in its cache (archive-v0, environments-v2, builds-v0), pipx those of `pipx run` in its own.
_THROW_AWAY = re.compile(
    r"[/\\](?:(?:archive|environments|builds)-v\d+|pipx[/\\]\.?cache|\.?caches?[/\\]pipx)(?:[/\\]|$)", re.IGNORECASE
)
_ELSEWHERE = "run `python3 install.py` in the clone, which puts aimo into your Library folder"


def check(system: System) -> None:
    """Return if a browser can rely on this environment.

    Raises:
        SetupError: it will be thrown away, the operating system keeps browsers away from it, or aimo is not installed in it.
    """
    _check_folders(system)
    if _THROW_AWAY.search(system.prefix):
        raise SetupError(
            "This is a throw-away environment (uvx, pipx run), which a browser could not rely on: "
            "run `python3 install.py` in the clone, or `uv tool install` or `pipx install` the wheel, then `aimo install`."
        )
    tried = subprocess.run([system.interpreter, "-I", "-c", "import aimo_host"], capture_output=True, check=False)
    if tried.returncode != 0:
        raise SetupError(
            f"aimo is not installed in the environment of {system.interpreter}: run `python3 install.py` in the checkout instead."
        )


def _check_folders(system: System) -> None:
    for path, help_ in (
        (system.paths.data_dir, "choose an AIMO_HOME elsewhere, or none"),
        (system.prefix, _ELSEWHERE),
        (os.path.dirname(os.path.abspath(str(aimo_host.__file__))), _ELSEWHERE),
    ):
        folder = browsers.protected_folder(system, path)
        if folder is not None:
            raise SetupError(f"macOS lets no browser start a program that lies in {folder}, as {path} does: {help_}.")

"""Whether the Python that runs `aimo install` may be what browsers start from now on."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from aimo_host.setup import SetupError

if TYPE_CHECKING:
    from aimo_host.setup.system import System

#: uv keeps `uvx` environments in its cache (archive-v0, environments-v2, builds-v0), pipx those of `pipx run` in its own.
_THROW_AWAY = re.compile(
    r"[/\\](?:(?:archive|environments|builds)-v\d+|pipx[/\\]\.?cache|\.?caches?[/\\]pipx)(?:[/\\]|$)", re.IGNORECASE
)


def check(system: System) -> None:
    """Return if a browser can rely on this environment.

    Raises:
        SetupError: it will be thrown away, or aimo is not installed in it.
    """
    if _THROW_AWAY.search(system.prefix):
        raise SetupError(
            "This is a throw-away environment (uvx, pipx run), which a browser could not rely on: "
            "run `uv tool install aimo` or `pipx install aimo`, then `aimo install`."
        )
    tried = subprocess.run([system.interpreter, "-I", "-c", "import aimo_host"], capture_output=True, check=False)
    if tried.returncode != 0:
        raise SetupError(
            f"aimo is not installed in the environment of {system.interpreter}: run `python3 install.py` in the checkout instead."
        )

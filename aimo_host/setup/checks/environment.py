"""Which program runs here, where its files lie, and which variables of the environment have a say. Names, never values."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from aimo_host import __version__
from aimo_host.routes import network
from aimo_host.setup.checks import ok, problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimo_host.setup.checks import Case, Finding

_OURS = (
    *("AIMO_HOME", "AIMO_PORT", "AIMO_TOKEN", "AIMO_BITWARDEN_ITEM"),
    *(
        "ZAI_API_KEY",
        "Z_AI_API_KEY",
        "ZAI_REGION",
        "OLLAMA_API_KEY",
        "OLLAMA_HOST",
        "CODEX_HOME",
        "CLAUDE_CONFIG_DIR",
        "BW_SESSION",
    ),
)


def versions(_case: Case) -> list[Finding]:
    """Of aimo, Python and the operating system."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return [ok(f"aimo {__version__}, {python}, {platform.system()} {platform.release()} {platform.machine()}")]


def variables(case: Case) -> list[Finding]:
    """Folders, and the variables that are set; those of no use are named."""
    environ, where = case.system.environ, case.system.paths
    folders = dict.fromkeys((where.config_dir, where.cache_dir, where.state_dir, where.data_dir))
    place = f"AIMO_HOME: {where.home}" if environ.get("AIMO_HOME") else f"Folders: {', '.join(folders)}"
    known = [name for name in (*network.VARIABLES, *_OURS) if environ.get(name)]
    return [ok(place), ok(f"Variables set: {', '.join(known) or 'none that matter'}"), *_unusable(environ)]


def _unusable(environ: Mapping[str, str]) -> list[Finding]:
    return [
        problem(f"The value of {name} is not usable, so requests of our own fail.", f"Correct or unset {name}.")
        for name in network.unusable_variables(environ)
    ]

"""Which program runs here, where its files lie, and which variables of the environment have a say. Names, never values."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from aimo_host import __version__
from aimo_host.routes import network
from aimo_host.setup.checks import note, ok, problem
from aimo_host.state import secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimo_host.setup.checks import Case, Finding

_VAULT_ITEM, _TOKEN = "AIMO_BITWARDEN_ITEM", "AIMO_TOKEN"
#: What `.env` may say as well.
_OF_DOTENV = (_VAULT_ITEM, "ZAI_API_KEY", "Z_AI_API_KEY", "ZAI_REGION", "OLLAMA_API_KEY")
#: What the environment alone says, and a host that a browser starts goes by.
_OF_SESSION = (*network.VARIABLES, "OLLAMA_HOST", "CODEX_HOME", "CLAUDE_CONFIG_DIR")
_KNOWN = (*_OF_SESSION, *_OF_DOTENV, "AIMO_HOME", "AIMO_PORT", _TOKEN, "BW_SESSION")


def versions(_case: Case) -> list[Finding]:
    """Of aimo, Python and the operating system."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return [ok(f"aimo {__version__}, {python}, {platform.system()} {platform.release()} {platform.machine()}")]


def variables(case: Case) -> list[Finding]:
    """Folders, and the variables that are set; those of no use are named."""
    environ, where = case.system.environ, case.system.paths
    folders = dict.fromkeys((where.config_dir, where.cache_dir, where.state_dir, where.data_dir))
    place = f"AIMO_HOME: {where.home}" if environ.get("AIMO_HOME") else f"Folders: {', '.join(folders)}"
    known = [name for name in _KNOWN if environ.get(name)]
    return [ok(place), ok(f"Variables set: {', '.join(known) or 'none that matter'}"), *_unusable(environ)]


def of_this_shell(case: Case) -> list[Finding]:
    """What a browser started from the desktop may lack: its host does the reading, and the launcher carries folders and PATH."""
    environ, where = case.system.environ, case.system.paths
    is_set = {name for name in _KNOWN if environ.get(name)} | {_VAULT_ITEM} & environ.keys()  # empty, it switches Bitwarden off
    for_dotenv = [name for name in _OF_DOTENV if name in is_set and secrets.get(where, {}, name) != environ[name]]
    for_session = [name for name in (*_OF_SESSION, _TOKEN) if name in is_set]
    if not for_dotenv + for_session:
        return []
    remedies = [f"Put {', '.join(for_dotenv)} into {where.env}."] if for_dotenv else []
    remedies += [f"Set {', '.join(for_session)} for the whole session."] if for_session else []
    remedies += ["Without AIMO_TOKEN there, a server that the popup starts has no token."] if _TOKEN in is_set else []
    return [note(f"Set here, but perhaps not for the browser: {', '.join(for_dotenv + for_session)}.", " ".join(remedies))]


def _unusable(environ: Mapping[str, str]) -> list[Finding]:
    return [
        problem(f"The value of {name} is not usable, so requests of our own fail.", f"Correct or unset {name}.")
        for name in network.unusable_variables(environ)
    ]

"""What an installation brought to this machine, so that it can be taken away again and nothing else.

Written before the first step is taken: a receipt may name something that was never made, never the other way round.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from aimo_host.state import atomic

if TYPE_CHECKING:
    from aimo_host.setup.system import System

_SCHEMA = 1
#: What install.py writes into an environment (see there).
ENVIRONMENT_MARKER = "aimo-env.json"


@dataclass
class Receipt:
    """Absolute paths and registry keys."""

    places: list[str] = field(default_factory=list)  # manifests, registry keys and links
    folders: list[str] = field(default_factory=list)  # did not exist before; go when they are empty
    keys: list[str] = field(default_factory=list)  # registry keys above ours that did not exist before
    leftovers: list[str] = field(default_factory=list)  # folders of ours that come into being by use; go as a whole
    own: list[str] = field(default_factory=list)  # what is ours in the data folder whatever is in it (see own.py)
    named: list[str] = field(default_factory=list)  # browsers that the person named, there or not

    def add(self, other: Receipt) -> None:
        """Note what came on top; each thing is noted once."""
        for mine, more in zip(vars(self).values(), vars(other).values(), strict=True):
            mine.extend(item for item in more if item not in mine)


def path(system: System) -> str:
    """Where the receipt of this installation lies."""
    return os.path.join(system.paths.data_dir, "installed.json")


def read(system: System) -> Receipt:
    """The receipt; an empty one if there is none or it cannot be read."""
    try:
        record = json.loads(atomic.read(path(system)) or b"{}")
    except (OSError, ValueError, RecursionError):
        return Receipt()
    fields = Receipt()
    for name in vars(fields):
        getattr(fields, name).extend(_texts(record, name))
    return fields


def write(system: System, receipt: Receipt) -> None:
    """Put the receipt in place, unless it says the same already."""
    if receipt != read(system):
        atomic.replace(path(system), json.dumps({"schema": _SCHEMA, **asdict(receipt)}, indent=2).encode())


def made_for_environment(system: System) -> list[str]:
    """The folders that install.py made to put this environment into; empty for an environment of another origin."""
    try:
        record = json.loads(atomic.read(os.path.join(system.prefix, ENVIRONMENT_MARKER)) or b"{}")
    except (OSError, ValueError, RecursionError):
        return []
    return _texts(record, "created")


def _texts(record: Any, name: str) -> list[str]:
    value = record.get(name) if isinstance(record, dict) else None
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

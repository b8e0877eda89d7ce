"""What each Claude Code session said last, `{session: {kind: [used_pct, resets_at]}}`: who repeats itself has no news.

Percentages and reset times only. Of so many sessions that changed last; whoever is forgotten is heard like a new one.
"""

from __future__ import annotations

import os

from aimo_host.state import jsonfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.state.paths import Paths

SCHEMA = 1
MOST = 100


def last(paths: Paths, name: str) -> dict[str, Any] | None:
    """What the session of this name said; None if it is not known. Never raises."""
    return _sessions(jsonfile.load_or_empty(paths.sessions)).get(name)


def remember(paths: Paths, name: str, said: dict[str, Any]) -> None:
    """Note what the session says now.

    Raises:
        OSError: it cannot be noted.
    """
    from aimo_host.state.lock import FileLock  # only where something changed

    with FileLock(os.path.join(paths.locks_dir, "sessions")).required():
        others = _sessions(jsonfile.load_or_set_aside(paths.sessions))
        others.pop(name, None)
        newest = [*others.items(), (name, said)][-MOST:]
        jsonfile.save(paths.sessions, {"schema": SCHEMA, "sessions": dict(newest)}, durable=False)


def _sessions(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = content.get("sessions")
    return {name: one for name, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}

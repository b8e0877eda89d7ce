"""Keys that the user gave us: from the environment, or from `.env` in our config folder. The environment wins.

They are read when a route needs one and go nowhere but into that route's request: not into a file of ours, a frame, a log, a
message or the environment of a child. Storing one is write-only.
"""

from __future__ import annotations

import os
import re

from aimo_host.state import atomic
from aimo_host.state.lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimo_host.state.paths import Paths

#: What the extension may store. Everything else in the file is the user's own and is left as it stands.
STORABLE = ("ZAI_API_KEY", "OLLAMA_API_KEY")

_LONGEST = 4096
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def load(paths: Paths, environ: Mapping[str, str], *names: str) -> str | None:
    """The first of `names` that is set, in the environment or in `.env`; None if none is, or it could be no header's value."""
    _, value = _first_set(paths, environ, names)
    return value if is_plain(value) else None


def unusable(paths: Paths, environ: Mapping[str, str], *names: str) -> str | None:
    """Which of `names` `load` would have taken, had its value not been one that no header can carry."""
    name, value = _first_set(paths, environ, names)
    return name if value and not is_plain(value) else None


def _first_set(paths: Paths, environ: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    """Name and value, both empty where none is set."""
    stored = _dotenv(paths)
    values = ((name, (source.get(name) or "").strip()) for source in (environ, stored) for name in names)
    return next((found for found in values if found[1]), ("", ""))


def get(paths: Paths, environ: Mapping[str, str], name: str) -> str | None:
    """One variable as it is, even if it is set to nothing; None if it is not set."""
    return environ[name] if name in environ else _dotenv(paths).get(name)


def _dotenv(paths: Paths) -> dict[str, str]:
    try:
        content = atomic.read(paths.env)
    except OSError:
        return {}
    if content is None:
        return {}
    import io

    from dotenv import dotenv_values

    text = content.decode("utf-8-sig", errors="replace")  # Notepad's mark; python-dotenv 1.0 leaves it in a name
    return {
        name: value for name, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items() if value is not None
    }


def is_plain(value: str) -> bool:
    """Whether it can be the value of a header: printable ASCII of a sensible length."""
    return bool(value) and value.isascii() and value.isprintable() and len(value) <= _LONGEST


def storable(name: object, value: object) -> bool:
    """Whether `store` would take them: a name on the list, and a value that is one word, or empty to forget it."""
    return name in STORABLE and isinstance(value, str) and (not value or is_plain(value)) and not set(value) & set(" '\"\\#$`")


def store(paths: Paths, name: str, value: str) -> None:
    """Put a `storable` key into `.env`, mode 0600, leaving every other line as it is; an empty value removes it.

    Raises:
        OSError: the file cannot be read or written, or another process keeps the lock.
    """
    with FileLock(os.path.join(paths.locks_dir, "env")).required():
        content = (atomic.read(paths.env) or b"").decode("utf-8", errors="surrogateescape")
        text = "".join(line for line in _LINE.findall(content) if _assigned(line) != name)
        if value:
            text += ("" if not text or text.endswith("\n") else "\n") + f"{name}={value}\n"
        atomic.replace(paths.env, text.encode("utf-8", errors="surrogateescape"))


def _assigned(line: str) -> str | None:
    """The variable that a line of `.env` sets, in any spelling that python-dotenv reads."""
    words = line.lstrip("\ufeff").partition("=")[0].split()
    return words[-1].strip("'") if words and words[:-1] in ([], ["export"]) else None

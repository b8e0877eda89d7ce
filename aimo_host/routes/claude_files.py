"""Where Claude Code keeps its files, found the way it finds them. Read-only, and never the keychain."""

from __future__ import annotations

import json
import os
import re

from aimo_host.providers import fields
from aimo_host.state import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_CACHED = re.compile(r'"cachedUsageUtilization"\s*:\s*')


def credentials(environ: Mapping[str, str]) -> dict[str, Any]:
    """The `claudeAiOauth` object of the credentials file; empty if there is none (`mcpOAuth` alone is no sign-in)."""
    folder = environ.get("CLAUDE_CONFIG_DIR") or os.path.join(_home(environ), ".claude")
    return fields.mapping(fields.mapping(fields.load(_text(os.path.join(folder, ".credentials.json")))).get("claudeAiOauth"))


def cached_usage(environ: Mapping[str, str]) -> dict[str, Any]:
    """The `cachedUsageUtilization` object. The rest of that file is private, and large: it is not even parsed."""
    text = _text(os.path.join(environ.get("CLAUDE_CONFIG_DIR") or _home(environ), ".claude.json"))
    # Inside a text of somebody's the quotes would be escaped, so this is the key itself.
    key = _CACHED.search(text)
    if key is None:
        return {}
    try:
        _, end = json.JSONDecoder().raw_decode(text, key.end())
    except (ValueError, RecursionError):
        return {}
    return fields.mapping(fields.load(text[key.end() : end]))


def _home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")


def _text(path: str) -> str:
    """The file's text; empty if there is none that can be read."""
    try:
        return (atomic.read(path, follow=True) or b"").decode("utf-8", errors="replace")
    except OSError:
        return ""

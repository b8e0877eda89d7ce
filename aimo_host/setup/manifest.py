"""The host manifest: made from the template in `manifests/`, and recognised again later.

A manifest is ours exactly if it names our launcher. Anything else in its place belongs to a stranger.
"""

from __future__ import annotations

import json
import os

from aimo_host.state import atomic, identity, paths


def content(launcher: str) -> bytes:
    """The manifest that lets our extension, and nothing else, start `launcher`."""
    with open(os.path.join(paths.bundled("manifests"), "host.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    manifest.update(name=paths.HOST_NAME, path=launcher, allowed_origins=[identity.ORIGIN])
    return (json.dumps(manifest, indent=2) + "\n").encode()


def owner(path: str) -> str | None:
    """The launcher that the manifest at `path` names; None where there is no manifest, a remark if it cannot be read."""
    try:
        body = atomic.read(path)
        return None if body is None else str(json.loads(body)["path"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "(unreadable)"

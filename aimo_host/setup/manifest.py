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


def objection(path: str, launcher: str) -> str | None:
    """Why no manifest of ours may be put at `path`, in words after "since"; None if it may, or lies there already."""
    if (blocked := not_a_folder(path)) is not None:
        return f"{blocked} is not a folder"
    try:
        body = atomic.read(path)
        named = launcher if body is None else str(json.loads(body)["path"])
    except OSError as error:
        return f"it cannot be read ({error.strerror or 'not a plain file'})"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it is not a manifest of aimo's"
    return None if named == launcher else f"it names another program ({named})"


def is_ours(path: str, launcher: str) -> bool:
    """Whether our manifest lies there."""
    return os.path.lexists(path) and objection(path, launcher) is None


def not_a_folder(path: str) -> str | None:
    """What stands above `path` and is no folder, so that nothing can be there; None if all is well."""
    parent = os.path.dirname(path)
    while not os.path.lexists(parent) and os.path.dirname(parent) != parent:
        parent = os.path.dirname(parent)
    return None if os.path.isdir(parent) else parent

"""The dashboard's files: a closed table made at start from the extension's folder. No path of a request ever reaches the disk."""

from __future__ import annotations

import os

from aimo_host.state.paths import bundled

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
#: What the popup and the dashboard share, and the dashboard's own.
_FOLDERS = ("dashboard", "view", "_locales", "icons")
_INDEX = "/dashboard/index.html"


def table() -> dict[str, tuple[str, str]]:
    """Path of the address -> (file, content type)."""
    root = bundled("extension")
    found: dict[str, tuple[str, str]] = {}
    for folder in _FOLDERS:
        for place, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                kind = _TYPES.get(os.path.splitext(name)[1])
                if kind is not None:
                    file = os.path.join(place, name)
                    found["/" + os.path.relpath(file, root).replace(os.sep, "/")] = (file, kind)
    if _INDEX in found:
        found["/"] = found[_INDEX]
    if "/icons/icon.svg" in found:
        found["/favicon.ico"] = found["/icons/icon.svg"]
    return found

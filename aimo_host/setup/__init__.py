"""The entrance for setting up: registers the native host with browsers, lays the extension out, and undoes both.

Everything is planned before anything is written, written only for browsers that exist or were named, and noted in a receipt,
so that `aimo uninstall` takes away exactly what `aimo install` brought. Files of others are never touched.
"""

from __future__ import annotations


class SetupError(Exception):
    """What stops an installation: one sentence for the person, and the exit code of design §10."""

    def __init__(self, sentence: str, *, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code

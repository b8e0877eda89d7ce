"""The snapshot in other people's formats: one pure function in one file each, and this table of them.

`render(snapshot, now) -> str`, where `snapshot` is what `gauge.snapshot.snapshot_at` gives and `now` is epoch seconds. A dialect
asks nobody, reads no clock and no file, and takes every text in the snapshot for hostile: it escapes what its reader would obey.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Name -> what it is for. Each is a module of this package, imported when used.
DIALECTS: dict[str, str] = {
    "waybar": "Waybar, a custom module with return-type json",
    "swiftbar": "SwiftBar, xbar and Argos",
    "tmux": "tmux's status line",
    "codexbar": "the JSON of CodexBar's `GET /usage`",
    "prometheus": "Prometheus text format; needs its client library",
    "statusline": "one line for a prompt or a status line",
}
NAMES: tuple[str, ...] = tuple(DIALECTS)
#: Those that also tell of the requests that were made: their snapshot carries `requests` (see `state.ledger.totals`).
OF_REQUESTS = frozenset({"prometheus"})
#: Those that make sense as a stream, one text at every change.
STREAMS = ("waybar", "swiftbar", "tmux")


class MissingExtraError(Exception):
    """The dialect needs a library that is not installed. `requirement` is what to tell pip."""

    def __init__(self, library: str, requirement: str) -> None:
        super().__init__(f"This needs {library}: pip install '{requirement}' into the environment that runs aimo.")
        self.requirement = requirement


def render(name: str, snapshot: dict[str, Any], now: float) -> str:
    """The snapshot in the dialect `name`, ending with one line break.

    Raises:
        MissingExtraError: see there.
    """
    import importlib

    text: str = importlib.import_module(f"{__name__}.{name}").render(snapshot, now)
    return text.rstrip("\n") + "\n"

"""The gauge as text, for a person at a terminal and for pipes. Says the same as the other faces; asks nobody."""

from aimo_host.terminal.requests import show_requests
from aimo_host.terminal.rows import busy, show

__all__ = ["busy", "show", "show_requests"]

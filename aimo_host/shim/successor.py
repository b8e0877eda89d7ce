"""Makes way for a newer aimo: whoever installs one rings, and the shim goes on as that one, in its process and at its port.

Without this, a shim would lose the files it serves and the modules it has not imported yet, with the environment it came from.
"""

from __future__ import annotations

from aimo_host.state.installation import Installation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aimo_host.state.paths import Paths


class Successor:
    """Looks, at every ring, whether there is one; `on_arrival` is called in the bell's thread, once."""

    def __init__(self, paths: Paths, on_arrival: Callable[[], None]) -> None:
        self._installation = Installation(paths)
        self._on_arrival = on_arrival
        self.is_here = False

    def look(self) -> None:
        """At the disk: two files, of which a look says whether they are the same."""
        if not self.is_here and self._installation.is_over():
            self.is_here = True
            self._on_arrival()

    def take_over(self, port: int, environ: Mapping[str, str]) -> None:
        """Become the aimo that is installed now, serving at `port`; returns where there is none any more.

        Raises:
            OSError: it cannot be started.
        """
        self._installation.become(environ, "serve", "--port", str(port))

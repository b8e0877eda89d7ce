"""Claude from the answer that Claude Code itself keeps: no request, as old as it says.

The file names a person, not an organisation, so it cannot say for certain which row it belongs to: the reading is `borrowed`, and
joins a row only if both agree about when the week ends.
"""

from __future__ import annotations

from dataclasses import replace

from aimo_host.gauge.times import CLOCK_AHEAD
from aimo_host.providers import claude
from aimo_host.routes import claude_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aimo_host.routes import Context, Outcome


#: By then every window has reset, and what has no reset of its own (money spent this month) may be of another month.
_OLDEST = 7 * 86400.0


def read(context: Context) -> Outcome:
    """The windows that have not reset since; None if the file has none, is too old, or says that it was written tomorrow."""
    now = context.clock()
    found = claude.parse_cached(claude_files.cached_usage(context.environ), now)
    if found is None or not now - _OLDEST < found[1] <= now + CLOCK_AHEAD:
        return None
    usage, fetched_at = found
    return replace(usage, at=fetched_at, borrowed=True)

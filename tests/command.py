"""The command line as a person runs it: a real process in the made-up person's environment, run to its end."""

from __future__ import annotations

import subprocess
import sys

from tests.host.peer import REPOSITORY, environment

COMMAND = (sys.executable, "-m", "aimo_host")
#: Nothing may take longer; a test fails then, and never waits for it otherwise.
PATIENCE = 60.0


def aimo(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """What came of `aimo ARGUMENTS`, whatever its exit code."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**environ),
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )

"""The command line as a person runs it: a real process in the made-up person's environment, run to its end.

`here` is the same entrance without a process of its own.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from aimo_host import cli
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


def here(*arguments: str) -> subprocess.CompletedProcess[str]:
    """For tables of arguments of which some are run by `aimo` too: starting Python takes ten times as long as the answer."""
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ, environment()), redirect_stdout(out), redirect_stderr(err):
        try:
            code = cli.main(list(arguments))
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else -1  # bad arguments, else a sentence that nobody may exit with
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

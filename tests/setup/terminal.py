"""A person's terminal: a program runs in it, what it writes is read, keys are pressed. Linux and macOS."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

CTRL_C = b"\x03"
#: Makes the terminal its own, so that Ctrl-C reaches it, and becomes the program.
_BEGIN = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """Runs `command` with standard input, output and errors in a terminal of 80 columns; ends it on leaving."""

    def __init__(self, command: list[str], environ: Mapping[str, str], cwd: str | None = None) -> None:
        self._keyboard, screen = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BEGIN, *command],
            stdin=screen,
            stdout=screen,
            stderr=screen,
            env={"TERM": "xterm", **environ, "COLUMNS": "80", "LINES": "50"},
            cwd=cwd,
        )
        os.close(screen)
        self._written = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._keyboard)

    @property
    def text(self) -> str:
        """What was written so far, without colours and movements of the cursor."""
        return _CONTROL.sub("", self._written.decode("utf-8", "replace"))

    def press(self, keys: bytes) -> None:
        os.write(self._keyboard, keys)

    def reads(self, words: str, within: float = 30.0) -> None:
        """Returns as soon as these words were written.

        Raises:
            AssertionError: they were not.
        """
        deadline = time.monotonic() + within
        while words not in self.text:
            left = deadline - time.monotonic()
            assert left > 0, f"not written: {words!r} in {self.text!r}"
            if not self._read(left):
                break
        assert words in self.text

    def exit_code(self, within: float = 30.0) -> int:
        """The program's exit code; everything that it wrote is in `text` then."""
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0 and self._read(left):
            pass
        return self.process.wait(max(1.0, deadline - time.monotonic()))

    def _read(self, within: float) -> bool:
        """One piece; False at the end, or if none came."""
        if not select.select([self._keyboard], [], [], within)[0]:
            return False
        try:
            piece = os.read(self._keyboard, 65536)
        except OSError:  # nobody holds the other end any more
            return False
        self._written += piece
        return bool(piece)

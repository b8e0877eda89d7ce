"""Listens on the pipe between browser and host: a program to be started in the host's place, and the frames it heard.

    python tap.py LAUNCHER RECORDING ORIGIN     runs the launcher, passes every byte on, and keeps a copy of both directions

Standard library only and importing nothing of ours: it must be as quick and as dull as a pipe.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from typing import Any

TO_HOST, TO_BROWSER = ".to-host", ".to-browser"


def frames(recording: str, direction: str) -> list[dict[str, Any]]:
    """The messages of one direction so far."""
    data, found = heard(recording, direction), []
    while len(data) >= 4:
        (length,) = struct.unpack("=I", data[:4])
        if len(data) < 4 + length:
            break
        found.append(json.loads(data[4 : 4 + length]))
        data = data[4 + length :]
    return found


def heard(recording: str, direction: str) -> bytes:
    """Every byte of one direction so far."""
    with open(recording + direction, "rb") as file:
        return file.read()


def _carry(source: int, target: int, recording: str) -> None:
    with open(recording, "ab", buffering=0) as copy:
        while piece := os.read(source, 65536):
            copy.write(piece)
            view = memoryview(piece)
            while view:
                view = view[os.write(target, view) :]
    os.close(target)


def main(launcher: str, recording: str, *arguments: str) -> int:
    """The host's exit code."""
    with subprocess.Popen([launcher, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        towards = (0, os.dup(host.stdin.fileno()), recording + TO_HOST)
        host.stdin.close()
        threading.Thread(target=_carry, args=towards, daemon=True).start()
        _carry(host.stdout.fileno(), 1, recording + TO_BROWSER)
        return host.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

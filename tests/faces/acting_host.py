"""Plays the native host for a browser: says what a test wants said, and writes down what the extension says.

    python acting_host.py FOLDER     beside FOLDER/scene.json, with the socket FOLDER/cue and the record FOLDER/heard

The scene is `{"welcome": …}`, with `"exit": N` for a host that ends after it; `{"exit": N}` for one that ends at once;
`{"raw": text}` for one that says this instead of a frame. When it started is written to FOLDER/starts. Each line that arrives at
the socket is one more message for the extension, or `{"type": "exit"}`. It asks nobody and keeps nothing.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
import time
from typing import Any


def _say(message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    os.write(1, struct.pack("=I", len(body)) + body)


def _take_cues(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile(encoding="utf-8") as lines:
            for line in lines:
                message = json.loads(line)
                if message["type"] == "exit":
                    os._exit(0)
                _say(message)


def main(folder: str) -> int:
    """The exit code that the scene wants, 0 at the end of the conversation."""
    with open(os.path.join(folder, "scene.json"), encoding="utf-8") as file:
        scene: dict[str, Any] = json.load(file)
    with open(os.path.join(folder, "starts"), "a", encoding="ascii") as starts:
        starts.write(f"{time.monotonic()}\n")
    if "welcome" not in scene:
        os.write(1, scene.get("raw", "").encode("latin-1"))
        return int(scene.get("exit", 0))
    cue = os.path.join(folder, "cue")
    if os.path.exists(cue):
        os.remove(cue)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(cue)
    listener.listen()
    threading.Thread(target=_take_cues, args=(listener,), daemon=True).start()
    while len(head := sys.stdin.buffer.read(4)) == 4:
        message = json.loads(sys.stdin.buffer.read(struct.unpack("=I", head)[0]))
        if message["type"] == "hello":
            _say(scene["welcome"])
            if "exit" in scene:
                return int(scene["exit"])
        with open(os.path.join(folder, "heard"), "a", encoding="utf-8") as record:
            record.write(json.dumps(message) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

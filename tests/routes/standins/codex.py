"""Stands in for `codex app-server`: newline-delimited JSON-RPC on stdio, with the noise and the faults that `plan.json` asks for.

The plan: `answers` (method -> `result` or `error` member), `noise` (lines before every answer, "HUGE" being one of 3 MiB), and a
method each for `hangs_at`, `dies_at` and `forks_at` (which first starts a child of its own that holds on to our stdout).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

FOLDER = os.path.dirname(os.path.abspath(__file__))
#: Lives until it is killed; whoever listens on the socket learns of its end.
ORPHAN = "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); time.sleep(60)"


def note(name: str, record: Any) -> None:
    with open(os.path.join(FOLDER, name), "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def misbehave(plan: dict[str, Any], method: str) -> None:
    if plan.get("forks_at") == method:
        subprocess.Popen([sys.executable, "-S", "-c", ORPHAN, os.path.join(FOLDER, "s")])
    if plan.get("hangs_at") == method:
        time.sleep(600)
    if plan.get("dies_at") == method:
        os._exit(3)


def main() -> None:
    with open(os.path.join(FOLDER, "plan.json"), encoding="utf-8") as file:
        plan = json.load(file)
    note("calls.jsonl", {"argv": sys.argv[1:], "environ": dict(os.environ)})
    misbehave(plan, "start")
    for text in sys.stdin:
        message = json.loads(text)
        note("heard.jsonl", message)
        misbehave(plan, message["method"])
        for line in plan.get("noise", []):
            say("x" * (3 << 20) if line == "HUGE" else line)
        answer = plan["answers"].get(message["method"])
        if "id" in message and answer is not None:
            say(json.dumps({"id": message["id"], **answer}))


main()

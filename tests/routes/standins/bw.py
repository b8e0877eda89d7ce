"""Stands in for the Bitwarden CLI: notes how it was called, then does what `plan.json` beside it says. Never asks anybody."""

from __future__ import annotations

import json
import os
import sys
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))


def main() -> int:
    with open(os.path.join(FOLDER, "plan.json"), encoding="utf-8") as file:
        plan = json.load(file)
    with open(os.path.join(FOLDER, "calls.jsonl"), "a", encoding="utf-8") as calls:
        seen = {"argv": sys.argv[1:], "environ": dict(os.environ), "stdin": sys.stdin.read(), "tty": sys.stdin.isatty()}
        calls.write(json.dumps(seen) + "\n")
    sys.stdout.write(plan.get("stdout", ""))
    sys.stdout.flush()
    sys.stderr.write(plan.get("stderr", ""))
    sys.stderr.flush()
    time.sleep(plan.get("sleeps", 0))
    return int(plan.get("code", 0))


sys.exit(main())

"""`python3 tests --bench`: measures what the table names, prints it with the raw medians, and writes it as JSON.

    python -m tests.bench [--quick] [--peers] [--json FILE] [ROW ...]

No figure is a test: the exit code is 0 whatever was measured, and 1 where a measured path gave a wrong answer.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys

from tests.bench import browsers, growth, idle, peers, reads, starts, waits
from tests.bench.ground import Ground, WrongAnswerError
from tests.bench.table import ROWS, as_json, printed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.bench.table import Figure

    Measure = Callable[[Ground], dict[str, Sequence[Figure]]]

#: What measures which rows.
MEASURES: dict[tuple[str, ...], Measure] = {
    ("cached",): starts.cached,
    ("line",): starts.line,
    ("welcome",): starts.welcome,
    ("popup",): browsers.popup,
    ("refresh",): browsers.refresh,
    ("doorbell",): waits.doorbell,
    ("routes",): waits.routes,
    ("usage",): reads.usage,
    ("host", "shim"): idle.idle,
    ("growth",): growth.growth,
}
_NEEDS_BROWSER = {"popup", "refresh", "host", "shim"}
DEFAULT_FILE = os.path.join(".tests-env", "bench.json")


def machine(chromium: str | None) -> dict[str, str]:
    """The machine in general words."""
    browser = "none"
    if chromium is not None:
        browser = subprocess.run([chromium, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout.strip()
    return {
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "browser": browser,
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def measured(ground: Ground, wanted: Sequence[str]) -> tuple[dict[str, Sequence[Figure]], list[str]]:
    """The figures of the wanted rows, and what went wrong."""
    found: dict[str, Sequence[Figure]] = {}
    wrong = []
    for rows, measure in MEASURES.items():
        if not set(rows) & set(wanted):
            continue
        if ground.chromium is None and set(rows) & _NEEDS_BROWSER:
            sys.stderr.write(f"{' and '.join(rows)}: left out, Chromium is not installed.\n")
            continue
        sys.stderr.write(f"measuring: {' and '.join(rows)} ...\n")
        try:
            found |= measure(ground)
        except (WrongAnswerError, AssertionError) as error:
            wrong.append(f"{' and '.join(rows)}: WRONG ANSWER: {error}")
    return found, wrong


def main(arguments: list[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="tests --bench", description="Measure aimo side by side with its yardsticks.")
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], metavar="ROW", help=f"only these: {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="few runs: shows that it works, measures nothing")
    parser.add_argument("--peers", action="store_true", help="the status lines of other programs too; installs them")
    parser.add_argument("--json", metavar="FILE", default=DEFAULT_FILE, help=f"where to write it (default: {DEFAULT_FILE})")
    options = parser.parse_args(arguments)
    chromium = shutil.which("chromium")
    ground = Ground(is_quick=options.quick, chromium=chromium)
    about = machine(chromium)
    found, wrong = measured(ground, options.rows or list(ROWS))
    report = as_json(found, about)
    print(printed(found))
    if options.peers:
        beside = peers.measure(ground)
        report["peers"] = peers.as_json(beside)
        print("\n" + peers.printed(beside))
    print("\n" + ", ".join(f"{name}: {value}" for name, value in about.items()))
    os.makedirs(os.path.dirname(os.path.abspath(options.json)), exist_ok=True)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, ensure_ascii=False)
    for sentence in wrong:
        print(sentence)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python3 tests`: runs every test this machine can run, Python and JavaScript, and says what was skipped and why.

Needs nothing but Python: it makes its own environment (`.tests-env`, once; a rerun needs no network) and uses the node that
Playwright brings. Arguments go to pytest (`python3 tests -k guard`) and leave the JavaScript tests out. `--deep` measures the
reliability figures in full, prints their table and fails where one is missed; `--coverage` does so with the branches that the
tests reach; `--bench` runs no test and measures the speed (docs/performance.md). With AIMO_TESTS_NO_SKIP=1 a skipped test is a
failed run. Parses on Python 3.8, to say so in a sentence when that is too old.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

import install  # noqa: E402 - the folder above is on the path only now
from tests.reliability import figures  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ENV = os.path.join(ROOT, ".tests-env")
#: What pytest says where the arguments chose no test.
NO_TESTS = 5
_MEMORY, _ROOM_BYTES = "/dev/shm", 2 * 1024**3
#: What must be reached in every branch.
_WHOLE = "aimo_host/gauge/*,aimo_host/providers/*,aimo_host/host/frames.py"
_SKIPPED = re.compile(r"^\s*(?:not )?ok \d+ - (?P<name>.*?) # (?:SKIP|TODO)\b ?(?P<why>.*)$", re.MULTILINE)


def prepare() -> None:
    """Makes the environment, unless it is complete: this checkout, editable, and what the tests need."""
    digest = install.digest_of(("pyproject.toml",))
    if not install.is_complete(ENV, digest):
        print("Preparing .tests-env (once; this needs the network) ...", flush=True)
        install.build(ENV, digest, ["-e", ROOT + "[test]"])


def node() -> str:
    """The node that came with Playwright."""
    program = "import os, playwright; print(os.path.join(os.path.dirname(playwright.__file__), 'driver', 'node'))"
    return install.run([install.python_in(ENV), "-I", "-c", program])[1].strip()


def run_javascript() -> tuple[int, list[str]]:
    """Exit code, and a line for each test that was skipped."""
    files = sorted(glob.glob(os.path.join(ROOT, "tests", "extension", "**", "*.test.js"), recursive=True))
    with tempfile.TemporaryDirectory() as folder:
        tap = os.path.join(folder, "tap")
        reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout"]
        reporters += ["--test-reporter=tap", "--test-reporter-destination=" + tap]
        code = subprocess.call([node(), "--test", *reporters, *files], cwd=ROOT, stdin=subprocess.DEVNULL)
        with open(tap, encoding="utf-8") as report:
            skipped = [f"{found['name']}: {found['why']}" for found in _SKIPPED.finditer(report.read())]
    return code, skipped


def run_python(arguments: list[str], *, is_measured: bool = False) -> int:
    """The exit code of pytest, which says itself what it skipped and why."""
    together = any(argument.startswith(("-n", "-p", "--pdb")) for argument in arguments)
    workers = min(2 * (os.cpu_count() or 1), 8)  # a part of a run is waiting
    # A module shares one browser; the order is that of tests/conftest.py.
    parallel = [] if together else ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    measuring = ["-m", "coverage", "run"] if is_measured else []
    with tempfile.TemporaryDirectory(prefix="aimo-", dir=in_memory(), ignore_cleanup_errors=True) as folder:
        command = [install.python_in(ENV), *measuring, "-m", "pytest", *parallel, "--basetemp", os.path.join(folder, "t")]
        return subprocess.call([*command, *arguments], cwd=ROOT, env=compiling())


def compiling() -> dict[str, str]:
    """This process's environment, in which what is compiled is kept: each worker and each child would do it again."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextlib.contextmanager
def reading_ahead() -> Iterator[None]:
    """Meanwhile all tests are read and compiled: in a new checkout each worker would take seconds of a processor for it."""
    command = [install.python_in(ENV), "-m", "pytest", "--collect-only", "--quiet"]
    nothing = subprocess.DEVNULL  # what is wrong with them is said when they are run
    with subprocess.Popen(command, cwd=ROOT, env=compiling(), stdin=nothing, stdout=nothing, stderr=nothing) as reader:
        try:
            yield
            reader.wait()
        finally:
            reader.kill()


def in_memory() -> str | None:
    """Linux's folder in memory, if there is room: on a disk each of a hundred thousand removed files can cost milliseconds."""
    if not os.path.isdir(_MEMORY) or not os.access(_MEMORY, os.W_OK):
        return None
    found = os.statvfs(_MEMORY)
    is_fit = found.f_bavail * found.f_frsize >= _ROOM_BYTES and not found.f_flag & os.ST_NOEXEC  # tests start programs there
    return _MEMORY if is_fit else None


def run_deep(arguments: list[str]) -> tuple[int, bool]:
    """The exit code of pytest, and whether every figure was reached; prints the table of what was measured."""
    os.environ["AIMO_TESTS_DEEP"] = "1"
    if any(os.path.exists(argument.partition("::")[0]) for argument in arguments):
        parts = [arguments]
    else:  # what is timed has the machine for itself
        parts = [["-n0", figures.ROOM, *arguments], [f"--ignore={figures.ROOM}", *arguments]]
    with tempfile.TemporaryDirectory() as folder:
        os.environ[figures.FOLDER] = folder
        codes = [run_python(part) for part in parts]
        rows, are_reached = figures.table(folder, is_whole=not arguments)
    print("\n| figure | to reach | measured here | where |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    return min(codes) if NO_TESTS in codes and arguments else max(codes), are_reached


def run_measured(arguments: list[str]) -> tuple[int, bool]:
    """The exit code of pytest, and whether it reached enough of the code; prints which branches it did not."""
    program = [install.python_in(ENV), "-m", "coverage"]
    with tempfile.TemporaryDirectory(prefix="aimo-") as folder:
        os.environ["COVERAGE_FILE"] = os.path.join(folder, "coverage")
        # Measuring would change what these say: files that are open, processes that sleep, modules that were imported, SIGTERM.
        spared = [f"--ignore={place}" for place in (figures.ROOM, "tests/test_hot_paths.py", "tests/test_stop.py")]
        code = run_python(arguments or spared, is_measured=True)
        subprocess.call([*program, "combine", "--quiet"], cwd=ROOT)
        print("\nEvery branch:", flush=True)
        whole = subprocess.call([*program, "report", "--include", _WHOLE, "--fail-under=100"], cwd=ROOT)
        print("\nThe rest:", flush=True)
        rest = subprocess.call([*program, "report", "--omit", _WHOLE, "--fail-under=95"], cwd=ROOT)
    return code, whole == rest == 0


def run_bench(arguments: list[str]) -> int:
    """The exit code of the bench, which is about right answers and not about speed."""
    prepare()
    return subprocess.call([install.python_in(ENV), "-m", "tests.bench", *arguments], cwd=ROOT)


def main(arguments: list[str]) -> int:
    """The exit code: 0 only if everything passed, nothing was skipped where that is forbidden, and no figure was missed."""
    install.require_python(dict(os.environ))
    if "--bench" in arguments:
        return run_bench([argument for argument in arguments if argument != "--bench"])
    is_deep, is_measured = "--deep" in arguments, "--coverage" in arguments
    arguments = [argument for argument in arguments if argument not in {"--deep", "--coverage"}]
    are_reached = True
    prepare()
    codes: dict[str, int] = {}
    skipped: list[str] = []
    if arguments:
        print("JavaScript tests: left out, since the arguments are for pytest.", flush=True)
    else:
        with reading_ahead():
            codes["JavaScript"], skipped = run_javascript()
    if is_deep:
        codes["Python"], are_reached = run_deep(arguments)
    elif is_measured:
        codes["Python"], are_reached = run_measured(arguments)
    else:
        codes["Python"] = run_python(arguments)
    for line in skipped:
        print("JavaScript test skipped: " + line)
    for language, code in codes.items():
        print(f"{language} tests: {'passed' if code == 0 else f'failed (exit code {code})'}")
    forbidden = bool(skipped) and os.environ.get("AIMO_TESTS_NO_SKIP") == "1"
    if forbidden:
        print("Failed: nothing may be skipped here.")
    if not are_reached:
        print("Failed: a figure was missed.")
    return 1 if forbidden or not are_reached or any(codes.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except install.InstallError as error:
        print(error, file=sys.stderr)
        sys.exit(error.code)
    except KeyboardInterrupt:
        sys.exit(130)

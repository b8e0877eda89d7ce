"""How install.py ends: interrupted it leaves nobody behind, and it clears away what is ours and no longer used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import install
from tests.setup.terminal import CTRL_C, Terminal

INTERRUPTED = """
import os, signal, subprocess, sys
root, note, when, number = sys.argv[1:]
sys.path.insert(0, root)
import install
signal.signal(signal.SIGINT, signal.default_int_handler)
install.heed_ending(lambda number, _: sys.exit(128 + number))
class Slow(subprocess.Popen):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        while not os.path.exists(note): pass
        if when == "starts":
            signal.raise_signal(int(number))
subprocess.Popen = Slow
install.run(["/bin/sh", "-c", 'sleep 600 & echo $! >"$0.part"; mv "$0.part" "$0"; wait', note])
"""


@pytest.mark.parametrize("when", ["starts", "runs"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_the_childrens_children_too(home: Path, when: str, number: signal.Signals) -> None:
    note = home / "pid"
    command = [sys.executable, "-c", INTERRUPTED, install.ROOT, str(note), when, str(int(number))]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        try:
            while not note.exists():
                assert running.poll() is None or note.exists()
            if when == "runs":
                running.send_signal(number)
            assert running.wait(timeout=10) != 0
        finally:
            running.kill()
    patience = time.monotonic() + 10
    while _is_alive(note.read_text().strip()):  # a kill that was sent takes effect a moment later
        assert time.monotonic() < patience
        time.sleep(0.01)


def test_an_interrupt_just_before_it_sleeps_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "LOOK_SECONDS", 0.05)
    looked: list[float | None] = []

    class Deaf(subprocess.Popen[str]):
        def communicate(self, *arguments: Any, **named: Any) -> tuple[str, str]:
            looked.append(named.get("timeout"))
            if len(looked) > 1:
                signal.raise_signal(signal.SIGINT)
            return super().communicate(*arguments, **named)

    monkeypatch.setattr(subprocess, "Popen", Deaf)
    with pytest.raises(KeyboardInterrupt):
        install.run(["/bin/sh", "-c", "sleep 5"])


#: install.py with an environment in which `aimo install` waits for the extension, and leaves well when it is interrupted.
WAITING = """
import os, sys
root, env = sys.argv[1:]
sys.path.insert(0, root)
import install
install.environment = lambda data, dry_run: env
install.remove_unused = lambda data: print("cleared away")
sys.argv[1:] = []
sys.exit(install.main())
"""
PATIENT = """#!/bin/sh
trap 'echo later; exit 0' INT
echo waiting
while :; do sleep 0.1; done
"""


def test_ctrl_c_behind_the_registration_is_answered_by_aimo_install(home: Path) -> None:
    python = Path(install.python_in(str(home)))
    python.parent.mkdir()
    python.write_text(PATIENT)
    python.chmod(0o755)
    with Terminal([sys.executable, "-c", WAITING, install.ROOT, str(home)], dict(os.environ)) as terminal:
        terminal.reads("waiting")
        terminal.press(CTRL_C)
        assert terminal.exit_code() == 0
    assert "later" in terminal.text
    assert "cleared away" in terminal.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_to_end_while_aimo_install_runs_lets_it_undo_what_it_has_begun(home: Path, number: signal.Signals) -> None:
    python = Path(install.python_in(str(home)))
    python.parent.mkdir()
    python.write_text(PATIENT.replace("trap 'echo later; exit 0' INT", f"trap 'echo undone; exit {128 + number}' {int(number)}"))
    python.chmod(0o755)
    with subprocess.Popen([sys.executable, "-c", WAITING, install.ROOT, str(home)], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "waiting\n"
        running.send_signal(number)
        assert running.communicate(timeout=30)[0] == "undone\ncleared away\n"
    assert running.returncode == 128 + number


def _is_alive(pid: str) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("name", ["mine.txt", "work/mine.txt"])
def test_a_folder_of_the_persons_that_is_named_like_one_of_ours_is_left_alone(home: Path, name: str) -> None:
    env = home / "env-0.1.0"
    (env / name).parent.mkdir(parents=True)
    (env / name).write_text("")
    with pytest.raises(install.InstallError, match=f"^{env} is none of aimo's environments: move it away"):
        install.make_folder(str(env))
    assert (env / name).exists()


@pytest.mark.parametrize("left", [[], ["lib", "pyvenv.cfg"], [install.MARKER, "whatever"]], ids=len)
def test_what_a_killed_run_left_of_an_environment_is_made_anew(home: Path, left: list[str]) -> None:
    env = home / "env-0.1.0"
    env.mkdir()
    for name in left:
        (env / name).write_text("{}")
    install.make_folder(str(env))
    assert os.listdir(env) == [install.MARKER]


@pytest.fixture
def environments(home: Path) -> Path:
    """Three environments of ours, and a folder of the person's that is named like one."""
    for name in ("env-0.1.0", "env-0.2.0", "env-0.2.0-abc"):
        (home / name).mkdir()
        (home / name / install.MARKER).write_text("{}")
    for name in ("env-2024", "bin"):
        (home / name).mkdir()
    return home


@pytest.mark.parametrize(
    ("launcher", "kept"), [("exec '/x/env-0.2.0/bin/python' -I", ["env-0.2.0"]), ("exec /usr/bin/python3", [])]
)
def test_environments_of_ours_that_the_launcher_does_not_name_are_removed(
    environments: Path, launcher: str, kept: list[str]
) -> None:
    (environments / "bin" / "aimo-host").write_text(f"#!/bin/sh\n{launcher}\n")
    install.remove_unused(str(environments))
    assert sorted(os.listdir(environments)) == sorted(["bin", "env-2024", *kept])


def test_a_link_in_the_place_of_an_environment_is_not_followed(environments: Path) -> None:
    (environments / "env-3").symlink_to("env-0.1.0")
    (environments / "bin" / "aimo-host").write_text("exec '/x/env-0.1.0/bin/python' -I")
    install.remove_unused(str(environments))
    assert (environments / "env-0.1.0" / install.MARKER).exists()


@pytest.mark.parametrize(("arguments", "said"), [(["--dry-run"], ""), ([], "cleared away\n")], ids=["dry run", "run"])
def test_only_a_run_that_is_no_dry_one_removes_anything(home: Path, arguments: list[str], said: str) -> None:
    python = Path(install.python_in(str(home)))
    python.parent.mkdir()
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    command = [sys.executable, "-c", WAITING.replace("sys.argv[1:] = []", f"sys.argv[1:] = {arguments}"), install.ROOT, str(home)]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout == said

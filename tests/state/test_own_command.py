"""How a process of ours starts another: the same code, and nothing of the folder or the environment in between."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aimo_host import __version__
from aimo_host.state.installation import own_command
from tests.host.peer import environment

if TYPE_CHECKING:
    from pathlib import Path


def test_a_module_of_our_name_in_the_folder_or_the_environment_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "aimo_host.py").write_text("raise SystemExit('a stranger')")
    environ = environment(PYTHONPATH=str(tmp_path))
    done = subprocess.run(
        own_command("--version"), cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, ["aimo", __version__])


@pytest.mark.parametrize("is_left_out", [True, False])
def test_who_leaves_nothing_compiled_behind_starts_nobody_who_does(is_left_out: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", is_left_out)
    assert ("-B" in own_command("serve")) is is_left_out

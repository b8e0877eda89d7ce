"""Other programs get none of our keys, have no terminal to ask at, and are gone when their time is over."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.routes import children
from tests.state.children import in_time

if TYPE_CHECKING:
    from pathlib import Path

_ENVIRON = {"PATH": os.environ.get("PATH", ""), "HOME": "/nowhere"}
#: Started by a child; connects to the socket and stays until it is killed.
_ORPHAN = "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); time.sleep(60)"


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-S", "-c", code, *arguments]


@pytest.mark.parametrize(
    "name",
    [
        *("ZAI_API_KEY", "Z_AI_API_KEY", "ZAI_REGION", "OLLAMA_API_KEY", "OLLAMA_HOST"),
        *("AIMO_TOKEN", "AIMO_HOME", "AIMO_PORT", "AIMO_BITWARDEN_ITEM", "BW_SESSION", "CODEX_HOME", "CLAUDE_CONFIG_DIR"),
        *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "GITHUB_TOKEN"),
        *("LD_PRELOAD", "PYTHONPATH", "NODE_OPTIONS", "GLM_API_KEY", "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_a_child_is_given_nothing_of_ours(name: str) -> None:
    assert children.environment({name: "CANARY", **_ENVIRON}) == _ENVIRON


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=5)))
def test_a_child_is_given_names_of_the_closed_list_only(environ: dict[str, str]) -> None:
    assert children.environment(environ).keys() <= set(children._KEPT)


def test_what_its_own_program_needs_is_added_by_name() -> None:
    environ = {"CODEX_HOME": "/c", "BW_SESSION": "s", **_ENVIRON}
    assert children.environment(environ, ("CODEX_HOME", "MISSING")) == {"CODEX_HOME": "/c", **_ENVIRON}


def test_a_real_child_sees_that_environment_and_no_more() -> None:
    done = children.run(python("import json, os; print(json.dumps(dict(os.environ)))"), _ENVIRON, seconds=20)
    assert {name for name in json.loads(done.output) if name not in _ENVIRON} <= {"LC_CTYPE"}  # Python's own


def test_how_it_ended_and_both_of_its_outputs_are_returned() -> None:
    done = children.run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"), _ENVIRON, seconds=20)
    assert (done.code, done.output, done.complaint) == (7, b"out\n", b"err\n")


def test_what_it_printed_is_not_in_its_repr() -> None:
    assert "CANARY" not in repr(children.Finished(0, b"CANARY", b"CANARY"))


def test_it_has_no_terminal_and_nothing_to_read() -> None:
    code = "import os, sys; print(sys.stdin.read() == '', os.getsid(0) == os.getpid(), sys.stdin.isatty())"
    assert children.run(python(code), _ENVIRON, seconds=20).output.split() == [b"True", b"True", b"False"]


def test_one_that_fills_its_stderr_first_ends_all_the_same() -> None:
    code = "import sys; sys.stderr.write('x' * 500000); sys.stderr.flush(); print('done')"
    done = children.run(python(code), _ENVIRON, seconds=20)
    assert (done.output, len(done.complaint)) == (b"done\n", 500000)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_one_that_prints_without_end_is_given_up(stream: str) -> None:
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 65536)"
    with pytest.raises((OSError, subprocess.TimeoutExpired)):
        children.run(python(code), _ENVIRON, seconds=1.0)


@pytest.mark.parametrize("program", ["/nowhere/bw", "/etc/passwd", "/"])
def test_what_cannot_be_started_is_an_oserror(program: str) -> None:
    with pytest.raises(OSError, match=r"No such file|Permission"):
        children.run([program], _ENVIRON, seconds=1)


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(600)",
        "import os, time; os.close(1); os.close(2); time.sleep(600)",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('half', flush=True); time.sleep(600)",
    ],
)
def test_a_slow_one_is_over_at_its_deadline(code: str) -> None:
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        children.run(python(code), _ENVIRON, seconds=0.4)
    assert time.monotonic() - began < 3


def test_the_time_out_does_not_carry_what_was_printed() -> None:
    with pytest.raises(subprocess.TimeoutExpired) as raised:
        children.run(python("import time; print('CANARY', flush=True); time.sleep(600)"), _ENVIRON, seconds=0.4)
    assert "CANARY" not in f"{raised.value.output!r} {raised.value.stderr!r}"


def _dies(listener: socket.socket) -> bool:
    """Whether whoever connects to the listener loses its connection, which it only does by dying."""
    listener.settimeout(20)
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(20)
        return connection.recv(1) == b""


@pytest.fixture
def listener(home: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(home.parent / "s"))
    made.listen()
    return made


@pytest.mark.parametrize("afterwards", ["time.sleep(600)", "sys.exit()"])
def test_what_a_child_started_dies_with_it(listener: socket.socket, afterwards: str) -> None:
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-S', '-c', sys.argv[1], sys.argv[2]]); {afterwards}"
    with listener:
        with pytest.raises(subprocess.TimeoutExpired):
            in_time(lambda: children.run(python(code, _ORPHAN, listener.getsockname()), _ENVIRON, seconds=1.5))
        assert _dies(listener)


def test_a_conversation_that_is_left_ends_the_child(listener: socket.socket) -> None:
    with listener:
        with children.started(python(_ORPHAN, listener.getsockname()), _ENVIRON, seconds=20) as child:
            assert child.stdin is not None
            connection, _ = listener.accept()
        with connection:
            connection.settimeout(20)
            assert connection.recv(1) == b""
    assert child.returncode is not None


def test_a_read_of_a_silent_child_ends_at_the_deadline() -> None:
    began = time.monotonic()
    with children.started(python("import time; time.sleep(600)"), _ENVIRON, seconds=0.4) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b""
    assert 0.3 < time.monotonic() - began < 3


def test_a_child_that_ended_long_ago_is_no_trouble() -> None:
    with children.started(python("pass"), _ENVIRON, seconds=20) as child:
        child.wait()
    assert child.returncode == 0

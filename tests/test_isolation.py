"""The ground under the tests is firm: the real home and the real network are out of reach."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from aimo_host.state import paths
from tests import conftest

if TYPE_CHECKING:
    from pathlib import Path


def test_the_real_home_is_out_of_reach(home: Path) -> None:
    assert os.path.expanduser("~") == str(home)
    assert str(home) != conftest.REAL_HOME


def test_a_child_process_sees_the_made_up_home_too(home: Path) -> None:
    program = "import os; print(os.path.expanduser('~'))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == str(home)


@pytest.mark.parametrize("with_aimo_home", [True, False])
def test_every_path_of_ours_lies_in_the_made_up_world(home: Path, monkeypatch: pytest.MonkeyPatch, with_aimo_home: bool) -> None:
    if not with_aimo_home:
        monkeypatch.delenv("AIMO_HOME")
    for path in paths.find(os.environ).public().values():
        assert path.startswith(str(home.parent) + os.sep)


@pytest.mark.parametrize("name", ["ZAI_API_KEY", "OLLAMA_API_KEY", "CODEX_HOME", "HTTPS_PROXY", "SSL_CERT_FILE", "AIMO_TOKEN"])
def test_no_personal_setting_reaches_a_test(name: str) -> None:
    assert name not in os.environ


def _connect(address: tuple[str, int]) -> None:
    with socket.socket() as sock:
        sock.connect(address)


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "2001:db8::1"])
def test_a_connection_to_the_network_is_refused_and_noted(host: str) -> None:
    with pytest.raises(PermissionError):
        socket.create_connection((host, 443), timeout=1)
    assert conftest._strayed
    conftest._strayed.clear()


def test_a_connection_in_a_thread_is_noted_too() -> None:
    def swallow() -> None:
        with pytest.raises(PermissionError):
            _connect(("192.0.2.1", 443))

    thread = threading.Thread(target=swallow)
    thread.start()
    thread.join()
    assert conftest._strayed == ["socket.connect ('192.0.2.1', 443)"]
    conftest._strayed.clear()


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()

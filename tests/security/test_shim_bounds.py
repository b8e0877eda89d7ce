"""Promises 1 and 7 as they look from outside: no name is looked up, the port is ours alone, and threads have an end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.shim import serve
from tests.browser.processes import until
from tests.host.peer import REPOSITORY, environment
from tests.shim.wire import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOKUPS = {"socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo", "socket.getaddrinfo", "socket.gethostname"}
#: `aimo serve` with at most four connections at once, which ends where somebody asks for a name.
_SMALL = f"""
import sys
def refuse(event, args):
    if event in {_LOOKUPS!r}:
        sys.stderr.write("looked up " + event); sys.stderr.flush()
        import os; os._exit(7)
sys.addaudithook(refuse)
import os
from aimo_host.shim import serve
serve._MOST_CONNECTIONS = 4
sys.exit(serve.main(["--port", "0"], os.environ))
"""


@pytest.fixture
def small() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A running shim, and its port."""
    command = [sys.executable, "-c", _SMALL]
    with subprocess.Popen(
        command, env=environment(), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            assert line.startswith("listening"), child.communicate()
            yield child, int(line.rpartition(":")[2])
        finally:
            child.kill()


def _threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def test_it_starts_and_answers_without_looking_up_a_name(small: tuple[subprocess.Popen[str], int]) -> None:
    child, port = small
    for address in ("127.0.0.1", "::1"):
        with Connection((address, port)) as connection:
            connection.send(b"GET /api/ping HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % port)
            reply = connection.reply()
            assert reply is not None
            assert reply.status == 200
    assert child.poll() is None


def test_more_clients_than_places_wait_their_turn_and_cost_no_thread(small: tuple[subprocess.Popen[str], int]) -> None:
    child, port = small
    before = _threads(child.pid)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(12)]
    until(lambda: _threads(child.pid) == before + 4, "four are served")
    with Connection(("127.0.0.1", port)) as connection:
        connection.send(b"GET /api/ping HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n" % port)
        assert _threads(child.pid) <= before + 4
        for one in silent:
            one.close()
        reply = connection.reply()
        assert reply is not None
        assert reply.status == 200


def test_on_windows_nobody_else_can_have_the_port_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """There, SO_REUSEADDR would let any program take a port that is in use."""
    set_: list[tuple[int, int, int]] = []

    class Noting(socket.socket):
        def setsockopt(self, *option: Any) -> None:
            set_.append(option)

    exclusive = -5
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", exclusive, raising=False)
    monkeypatch.setattr(socket, "socket", Noting)
    monkeypatch.setattr(sys, "platform", "win32")
    ours = serve.listen(0)
    for one in ours:
        one.close()
    assert set_.count((socket.SOL_SOCKET, exclusive, 1)) == len(ours)
    assert [option for option in set_ if option[1] == socket.SO_REUSEADDR] == []

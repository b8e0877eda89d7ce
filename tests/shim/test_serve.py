"""Which addresses the shim owns, when it refuses to start, and how it goes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from aimo_host.shim import serve
from tests.host.peer import REPOSITORY, environment
from tests.shim.wire import COMMAND, Shim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def start(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A shim that must not come up."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**environ),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is free on ::1 only."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def taken_ipv6() -> Iterator[int]:
    """A port that is free on 127.0.0.1 only."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
        yield listening.getsockname()[1]


def _is_free(port: int, address: str = "127.0.0.1") -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.create_server((address, port), family=family):
            return True
    except OSError:
        return False


def test_no_address_but_the_two_is_bound(shim: Shim) -> None:
    with pytest.raises(OSError, match="refused"):  # it belongs to this machine too, and to whoever binds all addresses
        shim.connect("127.0.0.2")


@pytest.mark.parametrize("arguments", [("--host", "0.0.0.0"), ("--bind", "::"), ("0.0.0.0",), ("--port", "0.0.0.0:80")])
def test_no_argument_names_another_address(arguments: tuple[str, ...]) -> None:
    done = start(*arguments)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("port", ["", "x", "-1", "65536", "99999999999999999999", "3030.0", "0x10", "٣"])
def test_a_port_that_is_none_is_exit_2_and_a_sentence(port: str) -> None:
    for done in (start("--port", port), start(AIMO_PORT=port or "?")):
        assert (done.returncode, done.stdout) == (2, "")
        assert "Traceback" not in done.stderr
        assert done.stderr


def test_a_second_shim_on_the_port_says_so_and_changes_nothing(tmp_path: Path) -> None:
    with Shim(str(tmp_path)) as first:
        presence = os.path.join(first.home, "state", "presence")
        before = os.listdir(presence)
        second = start("--port", str(first.port), AIMO_HOME=first.home)
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr == f"aimo serve: port {first.port} of 127.0.0.1 is taken. Is `aimo serve` running already?\n"
        assert os.listdir(presence) == before
        assert first.ask("GET", "/api/ping").json["pid"] == first.process.pid


def test_a_port_that_somebody_has_on_ipv6_alone_is_taken_too(taken_ipv6: int) -> None:
    done = start("--port", str(taken_ipv6))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {taken_ipv6} of ::1 is taken" in done.stderr
    assert _is_free(taken_ipv6)


def test_the_port_is_the_argument_s_then_the_environment_s(taken: int, tmp_path: Path) -> None:
    assert f"port {taken} " in start(AIMO_PORT=str(taken)).stderr
    with Shim(str(tmp_path), "--port", "0", AIMO_PORT=str(taken)) as shim:
        assert shim.port not in {0, taken}


def test_without_either_it_is_3030(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def listen(port: int) -> list[socket.socket]:
        asked.append(port)
        raise serve.PortTakenError(98, "taken")

    monkeypatch.setattr(serve, "listen", listen)
    assert serve.main([], {"AIMO_HOME": os.environ["AIMO_HOME"]}) == 1
    assert asked == [3030]


def test_any_free_port_is_free_on_both_addresses() -> None:
    one, two = serve.listen(0)
    with one, two:
        assert one.getsockname()[:2] == ("127.0.0.1", two.getsockname()[1])
        assert two.getsockname()[0] == "::1"


@pytest.mark.parametrize("fault", ["no socket", "no address"])
def test_a_machine_without_ipv6_is_served_on_ipv4(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    class WithoutIpv6(socket.socket):
        def __init__(self, family: int = socket.AF_INET) -> None:
            if family == socket.AF_INET6 and fault == "no socket":
                raise OSError(97, "Address family not supported by protocol")
            super().__init__(family)

        def bind(self, address: object) -> None:
            if self.family == socket.AF_INET6:
                raise OSError(99, "Cannot assign requested address")
            super().bind(address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "socket", WithoutIpv6)
    [only] = serve.listen(0)
    with only:
        assert only.getsockname()[0] == "127.0.0.1"


def test_a_relative_aimo_home_is_exit_2() -> None:
    done = start(AIMO_HOME="here")
    assert (done.returncode, done.stdout) == (2, "")
    assert "absolute" in done.stderr


def test_an_interrupt_takes_everything_down(tmp_path: Path) -> None:
    with Shim(str(tmp_path)) as shim:
        shim.ask("GET", "/api/ping")
        shim.process.send_signal(signal.SIGINT)
        assert shim.process.wait(20) == 130
        assert os.listdir(os.path.join(shim.home, "state", "presence")) == []
        assert os.listdir(os.path.join(shim.home, "state", "bells")) == []


def test_a_disk_that_cannot_be_written_is_served_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "aimo").mkdir()
    (tmp_path / "aimo" / "state").write_text("a file where a folder should be")
    with Shim(str(tmp_path)) as shim:
        for method, target in (("GET", "/api/usage"), ("POST", "/api/refresh?wait=5"), ("GET", "/api/ping")):
            assert shim.ask(method, target).status == 200


def test_with_a_token_only_its_owner_is_answered(tmp_path: Path) -> None:
    with Shim(str(tmp_path), AIMO_TOKEN="CANARYtoken") as shim:
        refused = shim.ask("GET", "/api/usage?cached=1")
        assert (refused.status, refused.code) == (401, "unauthorized")
        assert shim.ask("GET", "/api/usage?cached=1", [("Authorization", "Bearer CANARYtoken")]).status == 200
        in_query = shim.ask("GET", "/api/usage?token=CANARYtoken")
        assert (in_query.status, in_query.code) == (400, "token_in_query")
        assert b"CANARYtoken" not in refused.body + in_query.body
        assert shim.ask("GET", "/").status == 200
        for folder, _, names in os.walk(shim.home):
            for name in names:
                if os.path.isfile(os.path.join(folder, name)):
                    with open(os.path.join(folder, name), "rb") as file:
                        assert b"CANARYtoken" not in file.read()


def test_a_token_that_nobody_could_send_is_a_sentence_and_no_server() -> None:
    done = start("--port", "0", AIMO_TOKEN="CANARYtoken\n")
    sentence = "AIMO_TOKEN begins or ends with a blank or has a line end in it; no request could send it."
    assert (done.returncode, done.stderr) == (2, f"aimo serve: {sentence}\n")

"""Company networks: every broken value of a variable about proxies or certificates is a sentence that names it, never its value.

The table goes through the command line as a person meets it. What stands at a proxy's address is played on loopback ports.
"""

from __future__ import annotations

import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host import cli
from aimo_host.gauge.model import Usage
from aimo_host.gauge.problems import Problem
from aimo_host.routes import client, network, read
from tests.host.peer import REPOSITORY, environment
from tests.routes.test_company_certificates import strict
from tests.simulator import canaries, certificates, proxy
from tests.simulator.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aimo_host.routes import Context

KEYS = {"ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}
CLOSED = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two keys, and no way out but what a test sets."""
    for name, value in environment(**KEYS).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HTTPS_PROXY")


# -- broken values, through the command line

_EMPTY = (
    " ",
    "\t",
    "http://",
    "://",
    "https://",
    "socks5://",
    "socks5://CANARY@",
    "http:///CANARY",
    "file:///CANARY",
    "\udcffCANARY",
)
_SCHEMES = ("ftp", "socks4", "socks9", "quic", "HTTPX", "http", "https", "socks5", "socks5h", "SOCKS5", "HTTP")
_PORTS = ("0", "-1", "65536", "9" * 30, "x", "9 CANARY/")
_ADDRESSES = ("[::1]:9", "[::1", "::1", "::1:9", "[]:9", "[v1.x]:9", "[::1%25lo]:9", "999.1.1.1")
_NAMES = ("exa mple", ".", "-", "*", "%31", "a..b", "a" * 300, "a\u202eb", "ü..x", "xn--", "\uff10.1")
_PEOPLE = ("me:CAN@ARY", "m e:CANARY ", "%zz:%CANARY", "ü:パCANARY", "a#CANARY", "a/CANARY", "a?CANARY", "a:1#CANARY")
#: Each holds a secret where a value has room for one. Nothing listens on port 9.
BROKEN_PROXIES = (
    *_EMPTY,
    *(f"{scheme}://me:CANARY@{CLOSED}" for scheme in _SCHEMES),
    *(f"http://me:CANARY@127.0.0.1:{port}" for port in _PORTS),
    *(f"http://me:CANARY@{address}" for address in _ADDRESSES),
    *(f"http://{name}:9/CANARY" for name in _NAMES),
    *(f"http://{person}@{CLOSED}" for person in _PEOPLE),
    *(f"socks5://{'u' * 300}:CANARY@{CLOSED}", f"{CLOSED} ", f" http://{CLOSED}", f"http://{CLOSED}\r\nX: CANARY"),
    *(f"http://{CLOSED},http://CANARY", "http:\\\\CANARY", "x" * 100_000),
)
BROKEN_EXCEPTIONS = ("[::1", "a,b:xx", "http://CANARY:x", "\udcff", "x" * 100_000, "http://u:p#CANARY@h", "a\u202eb")
BROKEN = (
    *(("HTTPS_PROXY", value) for value in BROKEN_PROXIES),
    *((name, value) for name in ("https_proxy", "all_proxy", "ALL_PROXY") for value in BROKEN_PROXIES[::7]),
    *((name, "socks9://me:CANARY@h") for name in ("http_proxy", "HTTP_PROXY", "Https_Proxy", "All_proxy")),
    *(("NO_PROXY", value) for value in BROKEN_EXCEPTIONS),
    ("no_proxy", "[::1"),
)


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """What `aimo --json` says, by provider, having said nothing else and no secret."""
    code = cli.main(["--json"])
    out, err = capsys.readouterr()
    assert (code, err, "CANARY" in out, "Traceback" in out) == (4, "", False, False)
    return {entry["provider"]: entry for entry in json.loads(out)}


def is_named(row: dict[str, Any], name: str) -> bool:
    said = (row["problem"]["code"], row["problem"]["params"], row["problem"]["action"])
    is_coded = said == ("unreachable", {"variant": "variable", "variable": name}, "check_settings")
    return is_coded and name in row["error"]


@pytest.mark.parametrize(("name", "value"), BROKEN, ids=lambda text: ascii(text)[:40])
def test_a_broken_variable_is_named(context: Context, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    if name.lower() != "no_proxy":
        monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv(name, value)
    assert outcome(context) == name


IN_ROWS = (
    *BROKEN[::6],
    ("SSL_CERT_FILE", "/nowhere/CANARY"),
    ("SSL_CERT_FILE", "/dev/zero"),
    ("SSL_CERT_DIR", "/nowhere/CANARY"),
    ("SSLKEYLOGFILE", "/nowhere/CANARY"),
    ("SSLKEYLOGFILE", "/"),
)


@pytest.mark.parametrize(("name", "value"), IN_ROWS, ids=lambda text: ascii(text)[:40])
def test_the_command_line_names_it_in_every_row_that_needs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    found = rows(capsys)
    assert [is_named(found[provider], name) for provider in ("zai", "ollama")] == [True, True]


def unusable_file(shape: str, folder: Path) -> str:
    """The path of something that SSL_CERT_FILE cannot mean."""
    path = folder / "CANARY.pem"
    contents = {
        "empty": b"",
        "text": b"no certificate",
        "binary": bytes(range(256)) * 99,
        "torn": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "der": ssl.PEM_cert_to_DER_cert(_authority(folder)),
    }
    if shape in contents:
        path.write_bytes(contents[shape])
    elif shape == "huge":
        with path.open("wb") as file:
            file.truncate(2**40)
    elif shape == "folder":
        path.mkdir()
    elif shape == "pipe":
        os.mkfifo(path)
    elif shape == "unreadable":  # to the administrator as well
        path.symlink_to(path)
    return {"device": "/dev/zero", "odd": f"{folder}/\udcff\u202e"}.get(shape, str(path))


def _authority(folder: Path) -> str:
    certificates.issue(str(folder / "other.pem"), ["nobody.example"])
    return (folder / "other.pem").read_text()


FILES = ("missing", "empty", "text", "binary", "torn", "der", "huge", "folder", "pipe", "unreadable", "device", "odd")


@pytest.mark.parametrize("shape", FILES)
def test_a_file_of_certificates_that_is_none_is_named(
    context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shape: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", unusable_file(shape, tmp_path))
    assert outcome(context) == "SSL_CERT_FILE"


@pytest.mark.parametrize("value", ["{}/missing", "{}/file", "{}/empty", "{}/missing:{}/empty", ":", "\udcff", "{}/unhashed"])
def test_a_folder_of_certificates_that_is_none_is_named(
    context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    for folder in ("empty", "unhashed"):
        (tmp_path / folder).mkdir()
    for file in ("file", "unhashed/company.pem"):
        (tmp_path / file).write_text(_authority(tmp_path))
    monkeypatch.setenv("SSL_CERT_DIR", value.replace("{}", str(tmp_path)))
    assert outcome(context) == "SSL_CERT_DIR"


def test_a_process_of_its_own_says_the_same_without_a_traceback() -> None:
    environ = environment(**KEYS, HTTPS_PROXY="socks9://me:CANARYsecret@h", SSL_CERT_FILE="")
    command = [sys.executable, "-m", "aimo_host"]
    done = subprocess.run(command, env=environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert "the value of HTTPS_PROXY is not usable" in " ".join(done.stdout.split())
    assert (done.returncode, "Traceback" in done.stdout + done.stderr, "CANARY" in done.stdout + done.stderr) == (4, False, False)


@given(value=st.text(st.characters(exclude_characters="\0")), name=st.sampled_from(network.VARIABLES))
def test_any_value_is_either_usable_or_not(value: str, name: str) -> None:
    assert network.unusable_variables({name: value}) in ([], [name])


@given(user=st.text(), host=st.text(max_size=8), port=st.integers())
def test_any_address_of_a_proxy_is_either_usable_or_not(user: str, host: str, port: int) -> None:
    value = f"http://{user}@{host}:{port}"
    assert network.unusable_variables({"HTTPS_PROXY": value}) in ([], ["HTTPS_PROXY"])


# -- values that serve


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "proxy:8080"}, "proxy"),
        ({"HTTPS_PROXY": "http://[::1]:8080/"}, "::1"),
        ({"HTTPS_PROXY": "a", "https_proxy": "b"}, "b"),
        ({"HTTPS_PROXY": "[", "https_proxy": "b"}, "b"),
        ({"HTTPS_PROXY": "a", "https_proxy": ""}, None),
        ({"HTTPS_PROXY": ""}, None),
        ({"ALL_PROXY": "socks5://a:1"}, "a"),
        ({"ALL_PROXY": "a", "HTTPS_PROXY": "b"}, "b"),
        ({"HTTP_PROXY": "a"}, None),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "x.example, .z.ai"}, None),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "API.Z.AI:443"}, None),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "api.z.ai:80,pi.z.ai"}, "a"),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "localhost,10.0.0.0/8,[::1],::1,<local>,,"}, "a"),
        ({"HTTPS_PROXY": "[", "NO_PROXY": "z.ai"}, None),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "bücher.example,*.bücher.example,[::1]:8080,*.x,*"}, "a"),
        ({"Https_Proxy": "a"}, "a"),
    ],
    ids=str,
)
def test_the_proxy_is_the_one_that_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], host: str | None
) -> None:
    for name in network.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = network.proxy_to("api.z.ai", ssl.create_default_context())
    assert (None if found is None else found.url.host) == host


def test_a_key_log_that_can_be_written_is_in_order(home: Path) -> None:
    assert network.unusable_variables({"SSLKEYLOGFILE": str(home / "keys")}) == []


def test_a_setting_of_the_operating_system_that_serves_nobody_is_no_network(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": "socks4://127.0.0.1:9"})
    assert outcome(context) == "unreachable"


def test_socks_without_its_library_is_a_sentence_too(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("HTTPS_PROXY", f"socks5://{CLOSED}")
    assert outcome(context) == "HTTPS_PROXY"


@pytest.fixture
def standing() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Starts what stands at a proxy's address; its port."""
    listeners: list[Listener] = []

    def stand(serve: Callable[[socket.socket], None]) -> int:
        listeners.append(Listener(serve))
        return listeners[-1].port

    yield stand
    for listener in listeners:
        listener.stop()


def outcome(context: Context) -> str | None:
    """The variable that the problem names, or its variant, or None for a reading."""
    found = read("zai_api_key", context)
    if isinstance(found, Usage):
        return None
    assert isinstance(found, Problem)
    assert found.code == "unreachable"
    assert "CANARY" not in repr(found) + found.sentence
    return str(found.params.get("variable") or found.params.get("variant") or found.code)


def saying(*answers: bytes) -> Callable[[socket.socket], None]:
    """A server with one answer after another, whatever it is told."""

    def serve(connection: socket.socket) -> None:
        for answer in answers:
            connection.recv(4096)
            connection.sendall(answer)

    return serve


@pytest.mark.parametrize(
    ("form", "answers", "what"),
    [
        ("http://127.0.0.1:{}", [b"SSH-2.0-OpenSSH_9.9\r\n"], "HTTPS_PROXY"),
        ("http://127.0.0.1:{}", [b"\x15\x03\x01\x00\x02\x02\x46"], "HTTPS_PROXY"),
        ("http://127.0.0.1:{}", [b""], "HTTPS_PROXY"),
        ("https://127.0.0.1:{}", [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "HTTPS_PROXY"),
        ("http://127.0.0.1:{}", [b"HTTP/1.1 407 Who?\r\n\r\n"], "HTTPS_PROXY"),
        ("http://127.0.0.1:{}", [b"HTTP/1.1 503 Off\r\n\r\n"], "unreachable"),
        ("http://127.0.0.1:{}", [b"HTTP/1.1 200 OK\r\n\r\n", b"no TLS here"], "unreachable"),
        ("socks5://127.0.0.1:{}", [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "HTTPS_PROXY"),
        ("socks5://127.0.0.1:{}", [b""], "HTTPS_PROXY"),
        ("socks5://127.0.0.1:{}", [b"\x05"], "HTTPS_PROXY"),
        ("socks5://127.0.0.1:{}", [b"\x05\xff"], "HTTPS_PROXY"),
        ("socks5://127.0.0.1:{}", [b"\x05\x77"], "HTTPS_PROXY"),
        ("socks5://me:CANARY@127.0.0.1:{}", [b"\x05\x02", b"\x01\x01"], "HTTPS_PROXY"),
        ("socks5://me:CANARY@127.0.0.1:{}", [b"\x05\x02", b"\x09"], "HTTPS_PROXY"),
        (f"socks5://{'u' * 300}:CANARY@127.0.0.1:{{}}", [b"\x05\x02", b"\x01\x00"], "HTTPS_PROXY"),
        ("socks5://127.0.0.1:{}", [b"\x05\x00", b"\x05\x04\x00\x01\0\0\0\0\0\0"], "unreachable"),
        ("socks5://127.0.0.1:{}", [b"\x05\x00", b"\x05\x04\x00\x09"], "HTTPS_PROXY"),
        ("socks5://127.0.0.1:{}", [b"\x05\x00", b"\x05\x00\x00\x01\0\0\0\0\0\0", b"no TLS here"], "unreachable"),
    ],
    ids=lambda value: ascii(value)[:44],
)
def test_what_is_no_proxy_is_named_and_one_that_gets_no_further_is_not(
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
    standing: Callable[[Callable[[socket.socket], None]], int],
    form: str,
    answers: list[bytes],
    what: str,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", form.format(standing(saying(*answers))))
    assert outcome(context) == what


@pytest.mark.parametrize(("scheme", "what"), [("https", "HTTPS_PROXY"), ("http", "timeout"), ("socks5", "timeout")])
def test_a_proxy_that_never_says_a_word_is_given_up(
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
    standing: Callable[[Callable[[socket.socket], None]], int],
    scheme: str,
    what: str,
) -> None:
    monkeypatch.setattr(client, "_PHASE_SECONDS", 0.2)

    def hold(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://127.0.0.1:{standing(hold)}")
    assert outcome(context) == what


def test_a_name_that_leads_nowhere_is_named(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.company.example:8080")
    assert outcome(context) == "HTTPS_PROXY"


def test_credentials_reach_the_proxy_as_they_are_meant(
    context: Context, monkeypatch: pytest.MonkeyPatch, standing: Callable[[Callable[[socket.socket], None]], int]
) -> None:
    import base64

    heads: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        heads.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 407 Who?\r\n\r\n")

    monkeypatch.setenv("HTTPS_PROXY", f"http://m%40e:p%3Aß @127.0.0.1:{standing(listen)}")
    outcome(context)
    assert base64.b64encode("m@e:p:ß ".encode()) in heads[0]


@pytest.mark.parametrize(("is_trusted", "what"), [(True, None), (False, "HTTPS_PROXY")])
def test_a_proxy_with_a_certificate_of_its_own_is_believed_like_a_provider(
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    standing: Callable[[Callable[[socket.socket], None]], int],
    *,
    is_trusted: bool,
    what: str | None,
) -> None:
    monkeypatch.setattr(ssl, "create_default_context", strict)  # which httpcore would take by itself
    served = certificates.issue_bare(str(tmp_path / "proxy.pem"), ["localhost"])
    behind = ("127.0.0.1", int(os.environ["HTTPS_PROXY"].rpartition(":")[2]))

    def serve(connection: socket.socket) -> None:
        with served.wrap_socket(connection, server_side=True) as taken, socket.create_connection(behind) as onward:
            proxy._pump(taken, onward)

    known = [pathlib.Path(os.environ["SSL_CERT_FILE"]), *([tmp_path / "proxy.pem"] if is_trusted else [])]
    (tmp_path / "all.pem").write_text("".join(path.read_text() for path in known))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "all.pem"))
    monkeypatch.setenv("HTTPS_PROXY", f"https://localhost:{standing(serve)}")
    assert outcome(context) == what


def test_a_proxy_of_the_system_s_settings_is_no_fault_of_a_variable(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": f"http://{CLOSED}"})
    assert outcome(context) == "unreachable"


def test_a_fault_of_ours_is_not_taken_for_one_of_the_network(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise LookupError

    monkeypatch.setattr(client, "_read", fail)
    with pytest.raises(LookupError):
        read("zai_api_key", context)


def test_cutting_what_has_just_ended_is_no_fault() -> None:
    way = client._Way(1.0)
    with socket.socket() as ended:
        pass
    way._cut(ended)
    assert way.is_cut

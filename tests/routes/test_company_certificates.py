"""Certificates of companies: an authority made by hand is believed under the rules of every Python, and nobody else is.

Python 3.13 refuses authorities without key identifiers unless told otherwise; its rules are played on whichever Python this is.
"""

from __future__ import annotations

import json
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host import cli
from aimo_host.routes import network
from tests.host.peer import environment
from tests.simulator import canaries, certificates
from tests.simulator.simulator import Simulator
from tests.simulator.sites import HOSTS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _nothing_is_trusted_yet() -> None:
    network._trusted.clear()


def strict(*_: Any, **__: Any) -> ssl.SSLContext:
    """The default context of Python 3.13 and newer, on whichever Python this is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_default_certs()
    return context


def shaken_hands(client_side: ssl.SSLContext, server_side: ssl.SSLContext, host: str) -> ssl.SSLObject:
    """The client's end of a TLS connection, made in memory.

    Raises:
        ssl.SSLError: they did not come together.
    """
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client_side.wrap_bio(to_client, to_server, server_hostname=host)
    theirs = server_side.wrap_bio(to_server, to_client, server_side=True)
    for side in (ours, theirs, ours, theirs):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return ours


def test_the_simulator_s_certificates_satisfy_the_strictest_python(tmp_path: Path) -> None:
    served = certificates.issue(str(tmp_path / "ca.pem"), HOSTS)
    trusting = strict()
    trusting.load_verify_locations(tmp_path / "ca.pem")
    for host in HOSTS:
        assert shaken_hands(trusting, served, host).version() == "TLSv1.3"


def test_the_simulator_s_certificates_carry_proper_extensions(tmp_path: Path) -> None:
    from cryptography import x509

    served = certificates.issue(str(tmp_path / "ca.pem"), HOSTS)
    root = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    trusting = strict()
    trusting.load_verify_locations(tmp_path / "ca.pem")
    shown = shaken_hands(trusting, served, "chatgpt.com").getpeercert(binary_form=True)
    assert shown is not None
    leaf = x509.load_der_x509_certificate(shown)
    names = [{extension.oid._name for extension in one.extensions} for one in (root, leaf)]
    assert names[0] >= {"subjectKeyIdentifier", "basicConstraints", "keyUsage"}
    needed = {"subjectKeyIdentifier", "authorityKeyIdentifier", "basicConstraints", "keyUsage", "extendedKeyUsage"}
    assert names[1] >= {*needed, "subjectAltName"}


def test_the_strictest_python_refuses_a_bare_authority(tmp_path: Path) -> None:
    served = certificates.issue_bare(str(tmp_path / "ca.pem"), HOSTS)
    trusting = strict()
    trusting.load_verify_locations(tmp_path / "ca.pem")
    with pytest.raises(ssl.SSLCertVerificationError, match="Key Identifier"):
        shaken_hands(trusting, served, "chatgpt.com")


@pytest.mark.parametrize("is_strict", [False, True])
def test_a_company_s_bare_authority_is_believed_by_us(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_strict: bool
) -> None:
    served = certificates.issue_bare(str(tmp_path / "ca.pem"), HOSTS)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    if is_strict:
        monkeypatch.setattr(ssl, "create_default_context", strict)
    trusting = network.trust()
    assert not trusting.verify_flags & ssl.VERIFY_X509_STRICT
    assert (trusting.verify_mode, trusting.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert shaken_hands(trusting, served, "chatgpt.com").version() == "TLSv1.3"


def test_a_bare_authority_may_stand_in_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served = certificates.issue_bare(str(tmp_path / "ca.pem"), HOSTS)
    hashed = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", tmp_path / "ca.pem"], capture_output=True, text=True, check=True
    )
    (tmp_path / "certs").mkdir()
    (tmp_path / "ca.pem").rename(tmp_path / "certs" / f"{hashed.stdout.strip()}.0")
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}/missing:{tmp_path}/certs")
    assert shaken_hands(network.trust(), served, "chatgpt.com").version() == "TLSv1.3"


def test_the_store_is_read_once_for_all_who_ask() -> None:
    assert network.trust() is network.trust()


def test_another_authority_in_the_same_file_counts_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    certificates.issue(str(tmp_path / "ca.pem"), HOSTS)
    network.trust()
    served = certificates.issue(str(tmp_path / "ca.pem"), HOSTS)
    assert shaken_hands(network.trust(), served, "chatgpt.com").version() == "TLSv1.3"


def test_an_authority_that_is_gone_counts_no_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    certificates.issue(str(tmp_path / "ca.pem"), HOSTS)
    network.trust()
    (tmp_path / "ca.pem").unlink()
    with pytest.raises(network.UnusableError):
        network.trust()


@pytest.mark.parametrize("is_named", [False, True])
def test_certifi_s_authorities_count_only_where_nobody_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_named: bool
) -> None:
    monkeypatch.setattr(ssl, "create_default_context", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))  # a system without any
    monkeypatch.setattr(network, "_has_roots", lambda _: False)
    (tmp_path / "01234567.0").touch()
    if is_named:
        monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}/missing:{tmp_path}")
    assert (network.trust().cert_store_stats()["x509_ca"] > 50) == (not is_named)


def test_a_reading_comes_through_a_network_with_a_bare_authority(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(certificates, "issue", certificates.issue_bare)
    monkeypatch.setattr(ssl, "create_default_context", strict)
    with Simulator() as company:
        keys = {"ZAI_API_KEY": canaries.ZAI_API_KEY, "OLLAMA_API_KEY": canaries.OLLAMA_API_KEY}
        for name, value in environment(**company.environment(), **keys).items():
            monkeypatch.setenv(name, value)
        assert cli.main(["--json"]) == 0
    found = {entry["provider"]: entry["ok"] for entry in json.loads(capsys.readouterr().out)}
    assert found == {"claude": False, "codex": False, "zai": True, "ollama": True}

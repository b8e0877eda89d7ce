"""A throw-away certificate authority and one certificate for every host that the simulator plays.

Made anew for each simulator and valid for nobody else; the private keys never leave the process and its temporary folder.
"""

from __future__ import annotations

import datetime as dt
import ssl
import tempfile
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


def issue(ca_file: str, hosts: Iterable[str]) -> ssl.SSLContext:
    """A server context for `hosts`; the authority's certificate is written to `ca_file` (PEM)."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(context)
    return context


def issue_bare(ca_file: str, hosts: Iterable[str]) -> ssl.SSLContext:
    """The same by an authority such as companies make by hand: no key identifiers, no key usage anywhere."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    with open(ca_file, "wb") as file:
        file.write(_certificate("Company Root", authority, authority, x509.BasicConstraints(ca=True, path_length=None)))
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as chain:
        chain.write(_certificate("Company Site", key, authority, names))
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        chain.write(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
        chain.flush()
        context.load_cert_chain(chain.name)
    return context


def _certificate(
    subject: str, key: EllipticCurvePrivateKey, authority: EllipticCurvePrivateKey, extension: x509.ExtensionType
) -> bytes:
    """PEM of a certificate by "Company Root" with one extension only, valid from yesterday until tomorrow."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    issuer, name = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in ("Company Root", subject))
    builder = x509.CertificateBuilder(issuer, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    signed = builder.add_extension(extension, critical=False).sign(authority, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)

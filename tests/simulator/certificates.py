"""A throw-away certificate authority and one certificate for every host that the simulator plays.

Made anew for each simulator and valid for nobody else; the private keys never leave the process and its temporary folder.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterable


def issue(ca_file: str, hosts: Iterable[str]) -> ssl.SSLContext:
    """A server context for `hosts`; the authority's certificate is written to `ca_file` (PEM)."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(context)
    return context

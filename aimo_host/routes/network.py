"""The way out of this machine as its owner describes it in the environment: through which proxy, and whose certificates count.

A value that leads nowhere stops the request before anything is sent, and only its variable is ever named: the value may hold a
password. Where the environment says nothing about a proxy, the operating system's settings do.
"""

from __future__ import annotations

import os
import re
import ssl
import sys
import threading
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import httpx

#: What leads to a proxy for https, in the order in which it is believed; and what is looked at as well. Each in either spelling.
_PROXIES = ("https_proxy", "all_proxy")
_OTHER_PROXIES = ("http_proxy",)
_EXCEPTIONS = "no_proxy"
_FILE, _FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"
#: Where OpenSSL writes down the keys of each connection; one that it cannot open stops every one.
_KEY_LOG = "SSLKEYLOGFILE"
#: Every variable that has a say in how a request leaves this machine.
VARIABLES = (
    *(spelled for name in (*_PROXIES, *_OTHER_PROXIES, _EXCEPTIONS) for spelled in (name.upper(), name)),
    *(_FILE, _FOLDER),
)

#: A bundle of all the world's authorities is a quarter of a megabyte; what is larger is none, and OpenSSL would read it all.
_LARGEST_BUNDLE = 16 * 1024 * 1024
_LABEL = rb"[0-9A-Za-z_](?:[0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?"
_HOST = re.compile(rb"(?:%s\.)*%s\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*" % (_LABEL, _LABEL))
_LONGEST_HOST = 253
_HIGHEST_PORT = 65535
#: How OpenSSL wants the files of a folder to be called: by the hash of whom they are about.
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")

#: The trust that was read last, and what it was made of.
_trusted: dict[str, Any] = {}
_trusting = threading.Lock()


class UnusableError(Exception):
    """A value leads nowhere; `variable` is whose, None for the operating system's settings. The value is nobody's business."""

    def __init__(self, variable: str | None) -> None:
        super().__init__(variable)
        self.variable = variable


def trust() -> ssl.SSLContext:
    """The system's trust store and what the variables name; certifi's only where nothing is named and the system has none.

    Raises:
        UnusableError: SSL_CERT_FILE or SSL_CERT_DIR names no certificates, or SSLKEYLOGFILE no file.
    """
    key = _sources()
    with _trusting:  # four providers are asked at once, and a store takes twenty milliseconds of the processor to read
        if _trusted.get("key") != key:
            _trusted.update(key=key, context=_read_trust())
        context: ssl.SSLContext = _trusted["context"]
        return context


def _sources() -> list[object]:
    """What the trust is made of, and how that lies on the disk."""
    named = [os.environ.get(name) for name in (_FILE, _FOLDER, _KEY_LOG)]
    system = ssl.get_default_verify_paths()
    places = [*named[:2], system.cafile, system.capath]
    return [*named, *(_looks(place) for place in places if place)]


def _looks(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read_trust() -> ssl.SSLContext:
    unusable = _unusable_trust(os.environ) or _unusable_key_log(os.environ)
    if unusable is not None:
        raise UnusableError(unusable)
    context = ssl.create_default_context()
    # Company authorities without a key identifier are common; Python 3.13 began to refuse them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    named = os.environ.get(_FILE)
    if named:
        context.load_verify_locations(cafile=named)
    elif not os.environ.get(_FOLDER) and not _has_roots(context):
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context


def proxy_to(host: str, trusted: ssl.SSLContext) -> httpx.Proxy | None:
    """The proxy that leads to `host`, whose own certificate, if it has one, is believed as `trusted` says; None if none does.

    Raises:
        UnusableError: one of the variables about proxies, or the operating system's setting, makes no sense.
    """
    from urllib.request import getproxies

    import httpx

    if _is_excepted(host):
        return None
    for name in unusable_variables(os.environ):
        if name not in {_FILE, _FOLDER}:
            raise UnusableError(name)
    found = getproxies()
    address = found.get("https") or found.get("all")
    if not address:
        return None
    if not _is_proxy(address):
        raise UnusableError(proxy_variable())
    proxy = httpx.Proxy(_with_scheme(address))
    if proxy.url.scheme == "https":
        proxy.ssl_context = trusted
    return proxy


def proxy_variable() -> str | None:
    """The variable that the way to a proxy is taken from; None if it is the operating system's settings."""
    return next((name for name in map(partial(_believed, os.environ), _PROXIES) if name is not None), None)


def unusable_variables(environ: Mapping[str, str]) -> list[str]:
    """The variables whose values lead no request anywhere, whatever the network is like."""
    believed = map(partial(_believed, environ), (*_PROXIES, *_OTHER_PROXIES))
    found = [name for name in believed if name is not None and not _is_proxy(environ[name])]
    exceptions = _believed(environ, _EXCEPTIONS)
    if exceptions is not None and not all(map(_is_host, environ[exceptions].split(","))):
        found.append(exceptions)
    of_certificates = (_unusable_trust(environ), _unusable_key_log(environ))
    return [*found, *(name for name in of_certificates if name is not None)]


def _believed(environ: Mapping[str, str], name: str) -> str | None:
    """Which spelling of a variable counts, if any, as urllib has it: in small letters, even set to nothing, else the last."""
    if name in environ:
        return name if environ[name] else None
    spelled = [other for other, value in environ.items() if value and other.lower() == name]
    return spelled[-1] if spelled else None


def _is_excepted(host: str) -> bool:
    from urllib.request import proxy_bypass

    # With the port, since NO_PROXY may name a host with or without one.
    return bool(proxy_bypass(f"{host}:443"))


def _with_scheme(address: str) -> str:
    return address if "://" in address else f"http://{address}"


def _is_proxy(value: str) -> bool:
    import httpx

    try:
        address = httpx.Proxy(_with_scheme(value)).url
    except (ValueError, httpx.InvalidURL):
        return False
    if "@" in f"{address.path}{address.query!r}{address.fragment}":
        return False  # a password with a `#`, `?` or `/` of its own: what stands before it is not the host
    is_host = len(address.raw_host) <= _LONGEST_HOST and _HOST.fullmatch(address.raw_host) is not None
    return is_host and (address.port is None or 0 < address.port <= _HIGHEST_PORT)


def _is_host(item: str) -> bool:
    """Whether an item of NO_PROXY can be looked at: a host, a part of one, an address or a network."""
    import ipaddress

    import httpx

    item = item.strip()
    try:
        ipaddress.ip_interface(item[1:-1] if item.startswith("[") and item.endswith("]") else item)
    except ValueError:
        pass
    else:
        return True
    try:
        httpx.URL(item if "://" in item else f"all://{item.lstrip('*.')}")
    except (ValueError, httpx.InvalidURL):
        return False
    return True


def _unusable_trust(environ: Mapping[str, str]) -> str | None:
    """The variable that names no certificates; a folder matters only where no file is named."""
    if environ.get(_FILE):
        return None if _holds_certificates(environ[_FILE]) else _FILE
    folders = environ.get(_FOLDER)
    return _FOLDER if folders and not any(map(_holds_hashed, folders.split(os.pathsep))) else None


def _unusable_key_log(environ: Mapping[str, str]) -> str | None:
    """The variable that names a file which cannot be written; Python heeds it unless it was told to ignore the environment."""
    path = environ.get(_KEY_LOG)
    if not path or sys.flags.ignore_environment:
        return None
    try:
        with open(path, "ab"):  # as OpenSSL does
            return None
    except (OSError, ValueError):
        return _KEY_LOG


def _holds_certificates(path: str) -> bool:
    # A device or a pipe would be read for ever.
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > _LARGEST_BUNDLE:
            return False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=path)
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        return False
    return bool(context.cert_store_stats()["x509"])


def _holds_hashed(folder: str) -> bool:
    try:
        return any(map(_HASHED.fullmatch, os.listdir(folder)))
    except (OSError, ValueError):
        return False


def _has_roots(context: ssl.SSLContext) -> bool:
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath  # read by OpenSSL when needed, so not in the count
    return folder is not None and os.path.isdir(folder) and bool(os.listdir(folder))

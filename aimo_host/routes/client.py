"""Our own HTTP client: TLS verified, no redirects, a closed list of hosts, time-outs on every phase, 1 MiB of answer.

It honours HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE as people behind a company proxy need; a value of these that cannot be used
is named in the problem. It sends what the provider's own usage page or CLI would send, under our own name.
"""

from __future__ import annotations

import os
import ssl
import time

from aimo_host import __version__
from aimo_host.gauge.model import Answer
from aimo_host.gauge.problems import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from aimo_host.routes import Context

#: Who may be asked on behalf of whom.
HOSTS: dict[str, frozenset[str]] = {
    "claude": frozenset({"api.anthropic.com"}),
    "codex": frozenset({"chatgpt.com"}),
    "zai": frozenset({"api.z.ai", "open.bigmodel.cn"}),
    "ollama": frozenset({"ollama.com"}),
}
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
USER_AGENT = f"aimo/{__version__}"

_LARGEST_BODY = 1024 * 1024
_PHASE_SECONDS = 8.0
#: A route is given up after 10 s; the whole exchange stays within that.
_EXCHANGE_SECONDS = 9.5
_KEPT_HEADERS = ("retry-after", "content-type", "date", "cf-mitigated")
#: The variables that lead to a proxy for https, in the order in which they are believed; then those that are only read as well.
_PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_OTHER_PROXY_VARIABLES = ("http_proxy", "HTTP_PROXY")
_EXCEPTION_VARIABLES = ("no_proxy", "NO_PROXY")
_HIGHEST_PORT = 65535
#: How a proxy's answer begins that got no further itself: that is not the fault of its variable.
_NO_FURTHER = "5"


def fetch(
    context: Context,
    provider: str,
    source: str,
    url: str,
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    patience: float | None = None,
) -> Answer | Problem:
    """The answer to one request, or why there is none. `source` is its name in the ledger, `patience` seconds per phase.

    Raises:
        ValueError: the URL is not https on one of the provider's hosts; a fault of ours, never sent.
    """
    import httpx

    target = httpx.URL(url)
    if target.scheme != "https" or target.host not in HOSTS[provider] or target.userinfo:
        raise ValueError(f"not a place to ask for {provider}: {target.host}")
    trust = _trust()
    if trust is None:
        return Problem(provider, "unreachable", "variable", variable="SSL_CERT_FILE")
    try:
        client = httpx.Client(
            verify=trust, follow_redirects=False, timeout=patience or _PHASE_SECONDS, headers={"User-Agent": USER_AGENT}
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        return Problem(provider, "unreachable", "variable", variable=_senseless_variable())
    began = context.begins_to_ask()
    answer = _exchange(provider, client, method, target, headers)
    context.asked(provider, source, answer.code if isinstance(answer, Problem) else answer, began=began)
    return answer


def fetch_local(context: Context, provider: str, source: str, url: str, *, method: str = "GET") -> Answer:
    """The answer of a program on this machine: never through a proxy, and without any credential.

    Raises:
        ValueError: the URL is not on a loopback address; a fault of ours, never sent.
    """
    import httpx

    target = httpx.URL(url)
    if target.host not in LOOPBACK:
        raise ValueError(f"not this machine: {target.host}")
    client = httpx.Client(follow_redirects=False, timeout=_PHASE_SECONDS, headers={"User-Agent": USER_AGENT}, trust_env=False)
    began = context.begins_to_ask()
    answer = _exchange(provider, client, method, target, {"Accept": "application/json"})
    answer = Answer(failed="network") if isinstance(answer, Problem) else answer
    if answer.failed != "network":  # nobody was there to be asked
        context.asked(provider, source, answer, began=began)
    return answer


def _exchange(
    provider: str, client: httpx.Client, method: str, target: httpx.URL, headers: Mapping[str, str]
) -> Answer | Problem:
    import httpx

    deadline = time.monotonic() + _EXCHANGE_SECONDS
    try:
        with client, client.stream(method, target, headers=dict(headers)) as response:
            return _read(response, deadline)
    except httpx.TimeoutException:
        return Answer(failed="timeout")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return _why_not(provider, client, target, error)


def _why_not(provider: str, client: httpx.Client, target: httpx.URL, error: Exception) -> Answer | Problem:
    """What a broken exchange is: a certificate, a variable, or just no network."""
    import httpx

    if _is_caused_by(error, ssl.SSLCertVerificationError):
        return Problem(provider, "unreachable", "certificate")
    variable = _proxy_variable(target.host) if client.trust_env else None
    refused = isinstance(error, httpx.ProxyError) and not str(error).startswith(_NO_FURTHER)
    # Behind a proxy the only connection that can be refused is the one to it; TLS begins beyond it.
    absent = isinstance(error, httpx.ConnectError) and not _is_caused_by(error, ssl.SSLError)
    if variable is not None and (refused or absent):
        return Problem(provider, "unreachable", "variable", variable=variable)
    return Answer(failed="network")


def _read(response: httpx.Response, deadline: float) -> Answer:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _LARGEST_BODY:
            return Answer(failed="too_large")
        if time.monotonic() > deadline:
            return Answer(failed="timeout")
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return Answer(status=response.status_code, body=body.decode("utf-8", errors="replace"), headers=headers)


def _trust() -> ssl.SSLContext | None:
    """The system's trust store; certifi's only where that is empty. None if SSL_CERT_FILE names something unusable."""
    named = os.environ.get("SSL_CERT_FILE")
    context = ssl.create_default_context()
    # Company CAs without a key identifier are common; Python 3.13 began to refuse them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if named:
        try:
            context.load_verify_locations(cafile=named)
        except (OSError, ValueError):  # ssl.SSLError is an OSError
            return None
    elif not _has_roots(context):
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context


def _has_roots(context: ssl.SSLContext) -> bool:
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath  # read by OpenSSL when needed, so not in the count
    return folder is not None and os.path.isdir(folder) and bool(os.listdir(folder))


def _proxy_variable(host: str) -> str | None:
    """The variable that leads the way to `host` through a proxy; None if none does."""
    # Undocumented, so unknown to typeshed; what NO_PROXY means to most of Python all the same.
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    if proxy_bypass_environment(host):
        return None
    return next((name for name in _PROXY_VARIABLES if os.environ.get(name)), None)


def unusable_variables(environ: Mapping[str, str]) -> list[str]:
    """The variables about proxies whose values lead no request anywhere, whatever the network is like."""
    names = (*_PROXY_VARIABLES, *_OTHER_PROXY_VARIABLES)
    found = [name for name in names if environ.get(name) and not _is_proxy(environ[name])]
    return found + [name for name in _EXCEPTION_VARIABLES if not all(map(_is_host, environ.get(name, "").split(",")))]


def _is_proxy(value: str) -> bool:
    import httpx

    try:
        address = httpx.Proxy(value if "://" in value else f"http://{value}").url
    except (ValueError, httpx.InvalidURL):
        return False
    return bool(address.host) and (address.port or 1) <= _HIGHEST_PORT


def _is_host(item: str) -> bool:
    """Whether an item of NO_PROXY can be looked at: a host, a part of one, an address or a network."""
    import ipaddress

    import httpx

    item = item.strip()
    try:
        ipaddress.ip_interface(item)
    except ValueError:
        pass
    else:
        return True
    try:
        httpx.URL(item if "://" in item else f"all://*{item}")
    except httpx.InvalidURL:
        return False
    return True


def _senseless_variable() -> str:
    """The variable that no client can be made with."""
    return next(iter(unusable_variables(os.environ)), "HTTPS_PROXY")


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False

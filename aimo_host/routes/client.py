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
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


def fetch(
    context: Context, provider: str, source: str, url: str, headers: Mapping[str, str], *, method: str = "GET"
) -> Answer | Problem:
    """The answer to one request, or why there is none. `source` is its name in the ledger.

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
        client = httpx.Client(verify=trust, follow_redirects=False, timeout=_PHASE_SECONDS, headers={"User-Agent": USER_AGENT})
    except (ValueError, ImportError, httpx.InvalidURL):
        return Problem(provider, "unreachable", "variable", variable=_proxy_variable())
    began = context.clock()
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
    began = context.clock()
    answer = _exchange(provider, client, method, target, {"Accept": "application/json"})
    answer = Answer(failed="network") if isinstance(answer, Problem) else answer
    if answer.failed != "network":  # nobody was there to be asked
        context.asked(provider, source, answer, began=began)
    return answer


def _exchange(
    provider: str, client: httpx.Client, method: str, target: httpx.URL, headers: Mapping[str, str]
) -> Answer | Problem:
    import httpx

    try:
        with client, client.stream(method, target, headers=dict(headers)) as response:
            return _read(response)
    except httpx.TimeoutException:
        return Answer(failed="timeout")
    except httpx.ProxyError:
        return Problem(provider, "unreachable", "variable", variable=_proxy_variable())
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        if _is_distrust(error):
            return Problem(provider, "unreachable", "certificate")
        return Answer(failed="network")


def _read(response: httpx.Response) -> Answer:
    deadline = time.monotonic() + _EXCHANGE_SECONDS
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


def _proxy_variable() -> str:
    return next((name for name in _PROXY_VARIABLES if os.environ.get(name)), "HTTPS_PROXY")


def _is_distrust(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False

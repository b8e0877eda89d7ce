"""Our own HTTP client: TLS verified, no redirects, a closed list of hosts, time-outs on every phase, 1 MiB of answer.

It honours HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE as people behind a company proxy need (`network.py`); one that cannot be used
is named in the problem. It sends what the provider's own usage page or CLI would send, under our own name.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import zlib

from aimo_host import __version__
from aimo_host.gauge.model import Answer
from aimo_host.gauge.problems import Problem
from aimo_host.routes import network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    import httpcore
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
#: zlib's word for gzip, with its header.
_GZIP = 31
_PHASE_SECONDS = 8.0
#: A route is given up after 10 s; the whole exchange stays within that.
_EXCHANGE_SECONDS = 9.5
_KEPT_HEADERS = ("retry-after", "content-type", "date", "cf-mitigated")
#: How the complaint of a proxy begins that let us in and got no further itself: that is not the fault of its variable.
_NO_FURTHER = ("5", "Proxy Server could not connect")
#: What httpcore says it does once a proxy has let us through.
_BEYOND_PROXY = frozenset({"proxy.start_tls.started", "socks.start_tls.started"})
#: And while it speaks with a SOCKS proxy: it waits without end, and leaves one that failed open (httpcore 1.0.9, 2026-11).
_AT_SOCKS = "socks.setup_socks5_connection"


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
    try:
        trust = network.trust()
        proxy = network.proxy_to(target.host, trust)
        client = _client(verify=trust, proxy=proxy, timeout=patience or _PHASE_SECONDS)
    except network.UnusableError as error:
        return _of_variable(provider, error.variable)
    except ImportError:  # SOCKS without its library
        return Problem(provider, "unreachable", "variable", variable=network.proxy_variable() or "HTTPS_PROXY")
    began = context.begins_to_ask()
    answer = _exchange(provider, client, method, target, headers, is_proxied=proxy is not None)
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
    client = _client(verify=target.scheme != "http", proxy=None, timeout=_PHASE_SECONDS)  # reads the world's authorities
    began = context.begins_to_ask()
    answer = _exchange(provider, client, method, target, {"Accept": "application/json"})
    answer = Answer(failed="network") if isinstance(answer, Problem) else answer
    if answer.failed != "network":  # nobody was there to be asked
        context.asked(provider, source, answer, began=began)
    return answer


def _client(*, verify: ssl.SSLContext | bool, proxy: httpx.Proxy | None, timeout: float) -> httpx.Client:
    """It sees nothing of the environment: what counts of that has been looked at."""
    import logging

    import httpx

    for name in ("httpx", "httpcore"):  # they tell a talkative log every address, and all headers of an answer, cookies included
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(
        verify=verify,
        proxy=proxy,
        timeout=timeout,
        trust_env=False,
        follow_redirects=False,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
    )


def _exchange(
    provider: str,
    client: httpx.Client,
    method: str,
    target: httpx.URL,
    headers: Mapping[str, str],
    *,
    is_proxied: bool = False,
) -> Answer | Problem:
    import httpx

    deadline = time.monotonic() + _EXCHANGE_SECONDS
    way = _Way(client.timeout.read or _PHASE_SECONDS)
    try:
        with client, client.stream(method, target, headers=dict(headers), extensions={"trace": way}) as response:
            return _read(response, deadline)
    except Exception as error:
        if way.is_cut:
            return Answer(failed="timeout")
        if is_proxied and not way.is_beyond_proxy and not _gets_no_further(error):
            # Whatever stands there, a proxy that serves us it is not; the SOCKS library fails at strangers in many ways.
            return _of_variable(provider, network.proxy_variable())
        if isinstance(error, httpx.TimeoutException):
            return Answer(failed="timeout")
        if _is_caused_by(error, ssl.SSLCertVerificationError):
            return Problem(provider, "unreachable", "certificate")
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL | OSError):
            return Answer(failed="network")
        raise


def _of_variable(provider: str, name: str | None) -> Answer | Problem:
    """What is said where the way out does not serve us; the operating system's settings have no name to be told."""
    return Problem(provider, "unreachable", "variable", variable=name) if name else Answer(failed="network")


class _Way:
    """How far a request has come, as httpcore tells it; a SOCKS proxy that says nothing for `seconds` is cut off."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._undo: list[Callable[[], None]] = []
        self.is_beyond_proxy = False
        self.is_cut = False

    def __call__(self, step: str, details: dict[str, Any]) -> None:
        self.is_beyond_proxy = self.is_beyond_proxy or step in _BEYOND_PROXY
        if step == f"{_AT_SOCKS}.started":
            self._watch(details["stream"])
        elif step == f"{_AT_SOCKS}.complete":
            self._undo.pop()()
        elif step == f"{_AT_SOCKS}.failed":
            for undo in self._undo:
                undo()

    def _watch(self, stream: httpcore.NetworkStream) -> None:
        timer = threading.Timer(self._seconds, self._cut, (stream.get_extra_info("socket"),))
        timer.daemon = True
        timer.start()
        self._undo = [stream.close, timer.cancel]

    def _cut(self, connection: socket.socket) -> None:
        self.is_cut = True
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:  # it ended by itself, just now
            pass


def _gets_no_further(error: Exception) -> bool:
    """Whether a proxy took us in and then failed at, or still waits for, what lies behind it."""
    import httpx

    return isinstance(error, httpx.ReadTimeout) or (isinstance(error, httpx.ProxyError) and str(error).startswith(_NO_FURTHER))


def _read(response: httpx.Response, deadline: float) -> Answer:
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    # Unpacked by ourselves: httpx unpacks whatever has come at once, however much it becomes, and a thing packed twice twice.
    unpacker = zlib.decompressobj(_GZIP) if packing == "gzip" else None
    body = bytearray()
    for chunk in response.iter_raw():
        try:
            body += chunk if unpacker is None else unpacker.decompress(chunk, _LARGEST_BODY + 1 - len(body))
        except zlib.error:
            return Answer(failed="network")
        if len(body) > _LARGEST_BODY:
            return Answer(failed="too_large")
        if time.monotonic() > deadline:
            return Answer(failed="timeout")
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return Answer(status=response.status_code, body=body.decode("utf-8", errors="replace"), headers=headers)


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False

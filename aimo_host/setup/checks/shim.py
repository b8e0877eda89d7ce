"""Whether the shim runs, where, and who may read it. Speaks to loopback only, without the token; repeats nothing it is told."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import sys
from typing import TYPE_CHECKING

from aimo_host import __version__
from aimo_host.setup.checks import note, ok, problem
from aimo_host.state import presence

if TYPE_CHECKING:
    from aimo_host.setup.checks import Case, Finding

#: A test holds it to the shim's own.
DEFAULT_PORT = 3030
_HIGHEST_PORT = 65535
_SECONDS = 2.0
_OPEN, _CLOSED = 200, 401


def shim(case: Case) -> list[Finding]:
    """The shims that are here, each asked who it is; where there is none, whether its port is free."""
    signs = presence.present(case.system.paths.presence_dir)
    ports = [facts["port"] for facts in signs if facts.get("kind") == "shim" and _is_port(facts.get("port"))]
    findings = [finding for port in ports for finding in _running(port)]
    if any(facts.get("version", __version__) != __version__ for facts in signs if facts.get("kind") == "shim"):
        findings.append(
            problem(f"The `aimo serve` that runs is not the one of aimo {__version__}.", "Stop it, and start `aimo serve` again.")
        )
    return findings + _next_port(case.system.environ.get("AIMO_PORT") or str(DEFAULT_PORT), runs=bool(ports))


def _is_port(value: object) -> bool:
    return type(value) is int and 0 < value <= _HIGHEST_PORT


def _running(port: int) -> list[Finding]:
    url = f"http://localhost:{port}/"
    match _ping(port):
        case int(status) if status == _CLOSED:
            return [ok(f"`aimo serve` runs at {url}, closed by AIMO_TOKEN.")]
        case int(status) if status == _OPEN:
            who = "any user of this machine can read the gauge there and start requests"
            return [
                note(
                    f"`aimo serve` runs at {url}, without a token: {who}.",
                    "If others use this machine, start `aimo serve` with AIMO_TOKEN set.",
                )
            ]
    return [problem(f"`aimo serve` runs at {url} and does not answer.", "Stop it, and start `aimo serve` again.")]


def _ping(port: int) -> int | None:
    """The status of its answer to who knows no token; None if that is not an answer of aimo's."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", "/api/ping")
        answer = connection.getresponse()
        body = json.loads(answer.read(65536))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    is_ours = isinstance(body, dict) and (body.get("name") == "aimo" or answer.status == _CLOSED)
    return answer.status if is_ours else None


def _next_port(text: str, *, runs: bool) -> list[Finding]:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_HIGHEST_PORT)) and int(text) <= _HIGHEST_PORT):
        return [problem(f"AIMO_PORT is not a number from 0 to {_HIGHEST_PORT}.", "Correct or unset AIMO_PORT.")]
    if runs:
        return []
    if _is_taken(int(text)):
        return [
            note(
                f"`aimo serve` does not run, and port {int(text)} is taken by another program.",
                "Set AIMO_PORT, or `aimo serve --port`.",
            )
        ]
    return [ok("`aimo serve` does not run; the popup's button for the dashboard starts it too.")]


def _is_taken(port: int) -> bool:
    """Whether somebody listens there on either loopback address; found out without a word to them."""
    return _is_taken_on(socket.AF_INET, "127.0.0.1", port) or _is_taken_on(socket.AF_INET6, "::1", port)


def _is_taken_on(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        probe = socket.socket(family)
    except OSError:
        return False  # a machine without IPv6
    with probe:
        # As the shim does: what is only fading away is not in its way.
        if sys.platform == "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno in {errno.EADDRINUSE, errno.EACCES}
    return False

"""The CONNECT proxy: the only way from a server-side route to the simulator, as `HTTPS_PROXY` gives it.

It tunnels to the simulator's TLS port for the hosts that the simulator plays and refuses everybody else, so that no test
reaches the real network through it. It never looks into a tunnel.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from contextlib import AbstractContextManager

_HEAD_LIMIT = 16 * 1024
_OK = b"HTTP/1.1 200 Connection established\r\n\r\n"
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def serve(
    client: socket.socket, allowed: Callable[[str, str], bool], connect: Callable[[], AbstractContextManager[socket.socket]]
) -> None:
    """Answers one client. `allowed` is asked with the method and the target, and keeps its own record."""
    head, rest = _read_head(client)
    method, target = (*head.split(b"\r\n", 1)[0].decode("latin-1").split(" "), "", "")[:2]
    if not allowed(method, target):
        client.sendall(_REFUSED)
        return
    with connect() as server:
        client.sendall(_OK)
        server.sendall(rest)
        _pump(client, server)


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """The request's head, and what came after it."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) < _HEAD_LIMIT:
        piece = client.recv(4096)
        if not piece:
            break
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until either side has ended."""
    towards = {one: other, other: one}
    while True:
        readable, _, _ = select.select(list(towards), [], [])
        for source in readable:
            piece = source.recv(65536)
            if not piece:
                return
            towards[source].sendall(piece)

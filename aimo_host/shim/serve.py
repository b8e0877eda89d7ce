"""`aimo serve`: the two loopback sockets, and a thread per connection. Idle, it sleeps in one `select` and does nothing."""

from __future__ import annotations

import argparse
import errno
import os
import select
import socket
import sys
import threading

from aimo_host import __version__, stop
from aimo_host.shim import guard, static
from aimo_host.shim.api import Api, SampleApi
from aimo_host.shim.handler import Handler, Site
from aimo_host.shim.successor import Successor
from aimo_host.state import paths as state_paths
from aimo_host.state import presence
from aimo_host.state.bell import Bell, Listener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

DEFAULT_PORT = 3030
_HIGHEST_PORT = 65535
_MOST_DIGITS = 5
#: Connections served at once; more wait in the backlog. Each thread costs little and most only wait for a refresh.
_MOST_CONNECTIONS = 200
_BACKLOG = 128
_PORT_TRIES = 20


class PortTakenError(OSError):
    """Somebody else owns the port on one of our addresses, and with it the name localhost."""


def main(argv: list[str], environ: Mapping[str, str], samples: Callable[[float], dict[str, Any]] | None = None) -> int:
    """Serve until interrupted. Exit 1 if the port cannot be had, 2 for bad arguments.

    `samples` makes a cache for a moment: then that is served, and nobody is asked.
    """
    parser = argparse.ArgumentParser(prog="aimo serve", description="Answer agents and the dashboard on this machine.")
    parser.add_argument("--port", type=_port, default=None, help=f"default: AIMO_PORT, or {DEFAULT_PORT}; 0 for any free one")
    chosen = parser.parse_args(argv).port
    try:
        port = _port(environ.get("AIMO_PORT") or str(DEFAULT_PORT)) if chosen is None else chosen
        paths = state_paths.find(environ)
    except (argparse.ArgumentTypeError, state_paths.HomeNotAbsoluteError) as error:
        sys.stderr.write(f"aimo serve: {error}\n")
        return 2
    token = environ.get("AIMO_TOKEN") or None
    if token is not None and not guard.can_be_sent(token):
        sys.stderr.write(
            "aimo serve: AIMO_TOKEN begins or ends with a blank or has a line end in it; no request could send it.\n"
        )
        return 2
    try:
        sockets = listen(port)
    except PortTakenError as error:
        sys.stderr.write(f"aimo serve: {error.strerror or error}\n")
        return 1
    port = sockets[0].getsockname()[1]
    with stop.Waking() as waking:
        successor = Successor(paths, on_arrival=waking.wake)
        listener = Listener(Bell(paths.bells_dir, (paths.cache, paths.refresh, paths.attempts)), successor.look)
        api = Api(paths, environ, listener) if samples is None else SampleApi(paths, environ, listener, samples)
        try:
            serve(sockets, api, paths, token, waking, lambda: successor.is_here)
        finally:
            listener.close()
    successor.take_over(port, environ)
    return 0


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS or int(text) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {_HIGHEST_PORT}, not {text!r}")
    return int(text)


def listen(port: int) -> list[socket.socket]:
    """Own the port on 127.0.0.1 and, where IPv6 exists, on ::1, so that nobody else can own `localhost`.

    Raises:
        PortTakenError: one of them is taken.
    """
    for _ in range(_PORT_TRIES):
        first = _bind(socket.socket(socket.AF_INET), "127.0.0.1", port)
        try:
            second = _listen_ipv6(first.getsockname()[1])
        except PortTakenError:
            first.close()
            if port:
                raise
            continue  # any free port will do, and this one is not free on both
        return [first] if second is None else [first, second]
    raise PortTakenError("no port is free on both loopback addresses.")


def _listen_ipv6(port: int) -> socket.socket | None:
    try:
        fresh = socket.socket(socket.AF_INET6)
        fresh.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    except OSError:
        return None  # a machine without IPv6
    try:
        return _bind(fresh, "::1", port)
    except PortTakenError as error:
        if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            return None  # IPv6 is compiled in and switched off
        raise


def _bind(fresh: socket.socket, address: str, port: int) -> socket.socket:
    try:
        if sys.platform == "win32":
            fresh.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            fresh.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        fresh.bind((address, port))
        fresh.listen(_BACKLOG)
        fresh.setblocking(False)
    except OSError as error:
        fresh.close()
        raise PortTakenError(error.errno, f"port {port} of {address} is taken. Is `aimo serve` running already?") from None
    return fresh


def serve(
    sockets: list[socket.socket],
    api: Api,
    paths: state_paths.Paths,
    token: str | None,
    waking: stop.Waking,
    is_over: Callable[[], bool],
) -> None:
    """Accept connections until interrupted, or until it is over; whoever knows that it is calls `waking.wake`."""
    port = sockets[0].getsockname()[1]
    site = Site(api, static.table(), port=port, token=token)
    sign = _sign(paths, port)
    free = threading.BoundedSemaphore(_MOST_CONNECTIONS)
    try:
        _say(f"listening on http://localhost:{port}\n")
        while not is_over():
            for ready in select.select([*sockets, waking.woken], [], [])[0]:
                if ready is waking.woken:
                    waking.heed()
                    continue
                free.acquire()
                _accept(ready, site, free)
    finally:
        for one in sockets:
            one.close()
        if sign is not None:
            sign.leave()


def _say(line: str) -> None:
    try:
        sys.stdout.write(line)
        sys.stdout.flush()
    except OSError:  # nobody reads it, or its disk is full: no reason to fail now, nor at the end when the rest is flushed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _sign(paths: state_paths.Paths, port: int) -> presence.Presence | None:
    try:
        return presence.Presence(paths.presence_dir, {"kind": "shim", "port": port, "pid": os.getpid(), "version": __version__})
    except OSError:
        return None  # a disk that cannot be written: the popup will not find us, but who asks is answered


def _accept(listening: socket.socket, site: Site, free: threading.BoundedSemaphore) -> None:
    try:
        connection, address = listening.accept()
    except OSError:  # gone again
        free.release()
        return
    try:
        threading.Thread(target=_handle, args=(connection, address, site, free), daemon=True).start()
    except RuntimeError:  # no thread to be had: the next one may do better
        connection.close()
        free.release()


def _handle(connection: socket.socket, address: object, site: Site, free: threading.BoundedSemaphore) -> None:
    try:
        Handler(connection, address, site)
    except OSError:
        pass  # the client is gone
    finally:
        connection.close()
        free.release()

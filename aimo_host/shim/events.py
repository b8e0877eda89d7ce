"""Server-sent events: an entry when it changes, and the answer when it does. Nobody is asked, nothing is polled.

The bell tells, and at a known reset the clock. A client that hangs up is noticed at once, and one that does not read is cut off;
there are at most so many at a time.
"""

from __future__ import annotations

import json
import select
import threading
import time

from aimo_host.gauge import snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from typing import Any

    from aimo_host.shim.api import Api

    Sent = dict[tuple[str, str | None], dict[str, Any]]

#: Clients at once; one more is told to come back.
MOST_CLIENTS = 16

places = threading.BoundedSemaphore(MOST_CLIENTS)


def stream(api: Api, connection: socket.socket) -> None:
    """Write events to `connection` until the client hangs up or stops reading. The head is written already.

    Raises:
        OSError: the client is gone or does not read.
    """
    bell = api.bell()
    try:
        sent: Sent = {}
        answer: dict[str, Any] | None = None
        while True:
            now = time.time()  # before the look, so that no reset falls between the two
            entries = api.cached()
            changes = list(_changes(entries, sent))
            newest = api.answer()
            if newest != answer:
                answer = newest
                changes.append(_event("answer", newest))
            connection.sendall(b"".join(changes))
            # Whatever a client sends on this connection, it is not a request any more: it has hung up.
            if not bell.wait(snapshot.pause(entries, now), or_readable=connection) and select.select([connection], [], [], 0)[0]:
                return
    finally:
        bell.close()


def _changes(entries: list[dict[str, Any]], sent: Sent) -> Iterator[bytes]:
    """Events for what differs from what was sent, which is brought up to date. An account that is gone has an event too."""
    now = {(entry["provider"], entry["account"]): entry for entry in entries}
    for provider, account in sent.keys() - now.keys():
        del sent[provider, account]
        yield _event("gone", {"provider": provider, "account": account})
    for key, entry in now.items():
        if sent.get(key) != entry:
            sent[key] = entry
            yield _event("entry", entry)


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()

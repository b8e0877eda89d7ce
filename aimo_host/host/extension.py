"""The other end of the pipe as something that can be asked: named sources go out, their answers come back, side by side.

Everything that comes back is checked here; the parsers behind see only well-formed answers.
"""

from __future__ import annotations

import itertools
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aimo_host.gauge.model import Answer, Ask

#: The extension gives a source up after 15 s and says so; a little more, and it is not there.
_ASK_SECONDS = 16.0
_FAILURES = frozenset({"signed_out", "no_token", "network", "timeout", "too_large", "unknown_source"})
_HEADERS = ("retry-after", "content-type", "date", "cf-mitigated")
_LONGEST_HEADER = 1000
_LAST_STATUS = 599


class Extension:
    """Asks of this browser. `send` writes one message to it."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self._numbers = itertools.count(1)
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._arrived = threading.Condition()

    def ask(self, asks: tuple[Ask, ...]) -> tuple[Answer, ...]:
        """Ask for all of `asks` at once and wait for every answer; one that does not come is a time-out."""
        ids = [f"a{next(self._numbers)}" for _ in asks]
        with self._arrived:
            self._waiting.update({one: [] for one in ids})
        for one, ask in zip(ids, asks, strict=True):
            self._send({"type": "ask", "id": one, "source": ask.source, "params": dict(ask.params)})
        deadline = time.monotonic() + _ASK_SECONDS
        with self._arrived:
            while not all(self._waiting[one] for one in ids):
                left = deadline - time.monotonic()
                if left <= 0 or not self._arrived.wait(left):
                    break
            answers = [self._waiting.pop(one) for one in ids]
        return tuple(_answer(found[0] if found else {"failed": "timeout"}) for found in answers)

    def take(self, message: dict[str, Any]) -> bool:
        """An `answer` message; False if it is malformed. One that nobody waits for (any more) is dropped."""
        if not _is_sound(message):
            return False
        with self._arrived:
            found = self._waiting.get(message["id"])
            if found is not None and not found:
                found.append(message)
                self._arrived.notify_all()
        return True


def _is_sound(message: dict[str, Any]) -> bool:
    if not isinstance(message.get("id"), str):
        return False
    if "failed" in message:
        return isinstance(message["failed"], str) and message["failed"] in _FAILURES
    status, headers = message.get("status"), message.get("headers", {})
    return (
        isinstance(status, int)
        and not isinstance(status, bool)
        and 0 <= status <= _LAST_STATUS
        and isinstance(message.get("body", ""), str)
        and isinstance(headers, dict)
        and all(isinstance(value, str) for value in headers.values())
        and isinstance(message.get("redirected", False), bool)
    )


def _answer(message: dict[str, Any]) -> Answer:
    from aimo_host.gauge.model import Answer

    if "failed" in message:
        return Answer(failed=message["failed"])
    headers = message.get("headers", {})
    return Answer(
        status=message["status"],
        body=message.get("body", ""),
        headers={name: headers[name][:_LONGEST_HEADER] for name in _HEADERS if name in headers},
        redirected=message.get("redirected", False),
    )

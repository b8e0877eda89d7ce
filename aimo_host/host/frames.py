"""The framing of native messaging, without I/O: a 4-byte length in native byte order, then that many bytes of UTF-8 JSON.

At most 1 MiB each way, measured on the encoded frame. Bytes go in as they come; whole messages come out. What is not a message is
one of two faults: `BadFrameError` (this frame is skipped, the stream goes on) and `FrameTooLargeError` (the stream is lost).
"""

from __future__ import annotations

import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

LARGEST = 1024 * 1024
_LENGTH = struct.Struct("=I")


class BadFrameError(Exception):
    """The frame's content is not a JSON object in UTF-8."""


class FrameTooLargeError(Exception):
    """A frame of more than 1 MiB: announced by the other side, or asked of us."""


def encode(message: dict[str, Any]) -> bytes:
    """The frame of `message`.

    Raises:
        FrameTooLargeError: it would be longer than the browser accepts.
    """
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace")
    if len(body) > LARGEST:
        raise FrameTooLargeError
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Collects bytes and gives back messages; holds at most one frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes as they came from the pipe."""
        self._buffer += data

    def next(self) -> dict[str, Any] | None:
        """The next whole message; None means that more bytes are needed.

        Raises:
            BadFrameError: the frame was no JSON object; it is taken out, and `next` may be called again.
            FrameTooLargeError: nothing after this can be understood.
        """
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > LARGEST:
            raise FrameTooLargeError
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return _message(body)


def _message(body: bytes) -> dict[str, Any]:
    try:
        # Decoded here: json would take UTF-16 and surrogates too, and NaN, which no browser would take back.
        message = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadFrameError from None
    if not isinstance(message, dict):
        raise BadFrameError
    return message


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)

"""Frames without a pipe: any cut of the bytes gives the same messages, and no bytes give anything but messages and two faults."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.host.__main__ import _Pipe
from aimo_host.host.frames import LARGEST, BadFrameError, Decoder, FrameTooLargeError, encode
from tests.host.peer import frame, framed

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return LEAVES | st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)


#: Three deep, which hypothesis draws in half the time of any depth.
JSON = nested(nested(nested(LEAVES)))
MESSAGES = st.lists(st.dictionaries(st.text(), JSON, max_size=5), max_size=4)


def decoded(pieces: list[bytes]) -> list[Any]:
    """The messages of the pieces; a bad frame counts as the string "bad"."""
    decoder, found = Decoder(), list[Any]()
    for piece in pieces:
        decoder.feed(piece)
        while True:
            try:
                message = decoder.next()
            except BadFrameError:
                found.append("bad")
                continue
            if message is None:
                break
            found.append(message)
    return found


@given(messages=MESSAGES, data=st.data())
def test_messages_come_out_as_they_went_in_wherever_the_stream_is_cut(
    messages: list[dict[str, Any]], data: st.DataObject
) -> None:
    stream = b"".join(map(encode, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decoded(pieces) == messages


@given(data=st.binary(max_size=300))
def test_any_bytes_give_messages_or_one_of_the_two_faults(data: bytes) -> None:
    try:
        found = decoded([data])
    except FrameTooLargeError:
        return
    assert all(one == "bad" or isinstance(one, dict) for one in found)


@given(body=st.binary(max_size=200))
def test_any_bytes_in_a_frame_leave_the_next_frame_whole(body: bytes) -> None:
    assert decoded([framed(body) + frame({"type": "get"})])[-1] == {"type": "get"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"hello"',
        b"12",
        b'{"type": "get"',
        b'{"type": "get"}}',
        b'{"type": "\xff"}',
        b'{"n": NaN}',
        b'{"n": -Infinity}',
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"a":' * 20000 + b"1" + b"}" * 20000,
        b"\xef\xbb\xbf{}",
        '{"type": "get"}'.encode("utf-16"),
        '{"type": "get"}'.encode("utf-32-le"),
        b'{"type": "\xed\xa0\x80"}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_json_object_in_utf_8_is_a_bad_frame(body: bytes) -> None:
    assert decoded([framed(body)]) == ["bad"]


def test_a_frame_of_exactly_one_mebibyte_passes_both_ways() -> None:
    message = {"t": "x" * (LARGEST - len('{"t":""}'))}
    assert decoded([encode(message)]) == [message]


def test_a_byte_more_is_refused_before_it_is_collected() -> None:
    decoder = Decoder()
    decoder.feed(struct.pack("=I", LARGEST + 1))
    with pytest.raises(FrameTooLargeError):
        decoder.next()


def test_the_cap_counts_encoded_bytes_and_not_characters() -> None:
    with pytest.raises(FrameTooLargeError):
        encode({"t": "好" * (LARGEST // 3)})


def test_text_that_is_no_unicode_does_not_stop_a_frame() -> None:
    (length,) = struct.unpack("=I", encode({"t": "\ud800"})[:4])
    assert json.loads(encode({"t": "\ud800"})[4 : 4 + length]) == {"t": "?"}


def test_an_answer_of_ours_that_is_too_large_is_told_as_such() -> None:
    ours, theirs = os.pipe()
    _Pipe(theirs).send({"t": "x" * LARGEST})
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        [told] = decoded([pipe.read()])
    assert (told["type"], told["code"]) == ("error", "too_large")

"""What is read from a JSON file of ours can be written and sent again as it is, whatever happened to the file."""

from __future__ import annotations

import errno
import json
import math
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.state import atomic, jsonfile

if TYPE_CHECKING:
    from pathlib import Path

CORRUPT = [
    b"",
    b"[1]",
    b"null",
    b'"text"',
    b'{"a": 1',
    b'{"a": 1} x',
    b'{"a": "\xff"}',
    b'{"a": "\\ud800"}',
    b'{"\\udfff": 1}',
    b'{"a": ' + b"[" * 100_000,
    b'{"a": ' + b"9" * 5000 + b"}",
    '{"a": 1}'.encode("utf-16"),
    bytes(100),
]


def put(folder: Path, content: bytes) -> str:
    path = folder / "file.json"
    path.write_bytes(content)
    return str(path)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "file.json")
    jsonfile.save(path, {"name": "仕事", "at": 0.5, "n": None})
    assert jsonfile.load(path) == {"name": "仕事", "at": 0.5, "n": None}


def test_no_file_is_none_and_no_evidence(tmp_path: Path) -> None:
    path = str(tmp_path / "file.json")
    assert (jsonfile.load(path), jsonfile.load_or_empty(path), jsonfile.load_or_set_aside(path)) == (None, {}, {})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", CORRUPT, ids=range(len(CORRUPT)))
def test_what_is_no_json_object_is_corrupt(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(jsonfile.CorruptFileError):
        jsonfile.load(put(tmp_path, content))


@pytest.mark.parametrize("content", CORRUPT, ids=range(len(CORRUPT)))
def test_what_is_corrupt_is_empty_and_kept_as_evidence_before_it_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = put(tmp_path, content)
    assert jsonfile.load_or_empty(path) == {}
    assert jsonfile.load_or_set_aside(path) == {}
    assert (tmp_path / "file.json.bad-1").read_bytes() == content


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400, "-" + "9" * 400])
def test_a_number_that_no_float_can_hold_is_null(tmp_path: Path, text: str) -> None:
    assert jsonfile.load(put(tmp_path, f'{{"a": {text}}}'.encode())) == {"a": None}


def test_numbers_that_a_float_can_hold_stay_as_they_are(tmp_path: Path) -> None:
    assert jsonfile.load(put(tmp_path, b'{"a": [0, -5, 1.5, 1e30, 12345678901234567890]}')) == {
        "a": [0, -5, 1.5, 1e30, 12345678901234567890]
    }


def test_an_editors_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert jsonfile.load(put(tmp_path, b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


def test_whole_characters_may_be_escaped(tmp_path: Path) -> None:
    assert jsonfile.load(put(tmp_path, b'{"a": "\\ud83d\\ude00\\u4ed5"}')) == {"a": "😀仕"}


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO])
def test_a_file_that_cannot_be_read_just_now_is_not_taken_for_corrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_path: str) -> bytes:
        raise OSError(number, os.strerror(number))

    path = put(tmp_path, b'{"a": 1}')
    with monkeypatch.context() as patched:
        patched.setattr(atomic, "read", refuse)
        assert jsonfile.load_or_empty(path) == {}
        with pytest.raises(OSError, match="Errno"):
            jsonfile.load_or_set_aside(path)
    assert jsonfile.load(path) == {"a": 1}


_fragments = st.sampled_from(
    [b'{"a":', b"[", b"]", b"}", b'"', b"\\ud800", b"1e999", b"-", b"NaN", b"\xff", b"\xed\xa0\x80", b",", b" "]
)


@given(content=st.one_of(st.binary(max_size=40), st.lists(_fragments, max_size=12).map(b"".join)))
def test_any_bytes_give_an_object_or_are_corrupt(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = put(tmp_path_factory.getbasetemp(), content)
    try:
        value: Any = jsonfile.load(path)
    except jsonfile.CorruptFileError:
        return
    assert isinstance(value, dict)
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    assert all(math.isfinite(one) for one in value.values() if isinstance(one, float))

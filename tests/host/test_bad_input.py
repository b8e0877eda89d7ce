"""Whatever comes in on stdin: a reply, a coded error or a clean end; never a traceback, never a byte that is no frame."""

from __future__ import annotations

import json
import struct
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host.peer import PROFILE, Peer, environment, frame, framed
from tests.reliability import figures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEBIBYTE = 1024 * 1024
HELLO = {"type": "hello", "protocol": 1, "extension": "0.1.0", "profile": PROFILE}

#: What the handlers look at, with values of every kind. Without `serve`: that starts a process which outlives the host.
KINDS = ["hello", "refresh", "answer", "settings", "secret", "get", "welcome", "ask", "", "HELLO", "__class__"]
ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return ODD | st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)


ODDER = nested(nested(ODD))
FIELDS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS) | ODDER},
    optional={
        "protocol": st.just(1) | ODDER,
        "profile": st.just(PROFILE) | ODDER,
        "id": st.sampled_from(["a1", "a2"]) | ODDER,
        "status": st.just(200) | ODDER,
        "headers": st.dictionaries(st.sampled_from(["date", "retry-after"]), ODDER, max_size=2) | ODDER,
        "body": ODDER,
        "failed": st.just("network") | ODDER,
        "redirected": ODDER,
        "trigger": st.just("popup") | ODDER,
        "providers": st.lists(st.just("zai") | ODDER, max_size=2) | ODDER,
        "changed": st.dictionaries(
            st.sampled_from(["providers", "order", "names", "claude_organization", "language", "badge", "wake"]) | st.text(),
            ODDER,
            max_size=3,
        )
        | ODDER,
        "name": st.just("ZAI_API_KEY") | ODDER,
        "value": ODDER,
    },
)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as running:
        yield running


@pytest.fixture
def quiet() -> Iterator[Peer]:
    """A peer that has introduced itself, whose asks nobody answers."""
    with Peer(lambda _source, _params: None) as running:
        running.hello()
        yield running


def is_alive(peer: Peer) -> bool:
    """It still answers, and all that it said were frames."""
    after = len(peer.messages)
    peer.send({"type": "hello", "protocol": -1})
    peer.expect("error", lambda m: m["code"] == "unsupported_protocol", after=after)
    return peer.broken is None


def test_a_frame_may_come_byte_by_byte(peer: Peer) -> None:
    for byte in frame(HELLO):
        peer.write(bytes([byte]))
    peer.expect("welcome")


@pytest.mark.parametrize("cut", [1, 3, 4, 5, len(frame(HELLO)), len(frame(HELLO)) + 2, 2 * len(frame(HELLO)) - 1])
def test_two_frames_are_two_messages_wherever_the_writes_are_cut(peer: Peer, cut: int) -> None:
    both = frame(HELLO) + frame(HELLO)
    peer.write(both[:cut])
    peer.write(both[cut:])
    peer.expect("welcome", after=1)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'"hello"', b"{", b"\xff\xfe\x00", b'{"type": "\xff"}', b"x" * MEBIBYTE, b"[" * 100_000],
    ids=lambda body: repr(body[:12]),
)
def test_a_frame_that_is_no_message_is_a_coded_error_and_the_next_one_counts(peer: Peer, body: bytes) -> None:
    peer.write(framed(body) + frame(HELLO))
    peer.expect("welcome")
    assert [message.get("code") for message in peer.messages] == ["bad_message", None]


@pytest.mark.parametrize("length", [MEBIBYTE + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_frame_over_the_cap_is_answered_and_ends_the_host(peer: Peer, length: int) -> None:
    peer.write(struct.pack("=I", length))
    assert peer.exit_code() == 0
    assert [message["code"] for message in peer.messages] == ["too_large"]


def test_a_message_of_exactly_the_cap_is_read(peer: Peer) -> None:
    filled = frame({**HELLO, "padding": ""})
    peer.write(frame({**HELLO, "padding": "x" * (MEBIBYTE + 4 - len(filled))}))
    peer.expect("welcome")


@pytest.mark.parametrize("message", [{}, {"type": None}, {"type": []}, {"type": {}}, {"type": "shutdown"}, {"type": "__init__"}])
def test_an_unknown_type_is_a_bad_message(peer: Peer, message: Any) -> None:
    peer.send({**message, "id": "x1"})
    error = peer.expect("error")
    assert (error["code"], error["id"]) == ("bad_message", "x1")


@pytest.mark.parametrize("odd", [7, None, [], {"a": 1}, "y" * 101])
def test_an_id_that_is_none_is_not_repeated(peer: Peer, odd: Any) -> None:
    peer.send({"type": "refresh", "id": odd})
    assert "id" not in peer.expect("error")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"id": 1, "status": 200},
        {"id": "a1"},
        {"id": "a1", "status": "200"},
        {"id": "a1", "status": True},
        {"id": "a1", "status": -1},
        {"id": "a1", "status": 1000},
        {"id": "a1", "status": 200, "body": None},
        {"id": "a1", "status": 200, "headers": []},
        {"id": "a1", "status": 200, "headers": {"date": 1}},
        {"id": "a1", "status": 200, "redirected": "no"},
        {"id": "a1", "failed": "boredom"},
        {"id": "a1", "failed": []},
        {"id": "a1", "failed": None},
    ],
    ids=json.dumps,
)
def test_a_malformed_answer_is_a_bad_message_and_does_not_count(quiet: Peer, answer: Any) -> None:
    quiet.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
    assert quiet.expect("ask")["id"] == "a1"
    quiet.send({"type": "answer", **answer})
    assert quiet.expect("error")["code"] == "bad_message"
    quiet.send({"type": "answer", "id": "a1", "failed": "network"})
    assert quiet.settled()[-1]["entry"]["problem"]["code"] == "unreachable"


def test_an_answer_that_nobody_waits_for_is_dropped(quiet: Peer) -> None:
    for one in ("a1", "a99", ""):
        quiet.send({"type": "answer", "id": one, "status": 200, "headers": {}, "body": "{}", "redirected": False})
    assert is_alive(quiet)
    assert quiet.kinds() == ["welcome", "error"]


def test_the_first_of_two_answers_counts(quiet: Peer) -> None:
    quiet.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
    ask = quiet.expect("ask")
    quiet.write(
        frame({"type": "answer", "id": ask["id"], "failed": "network"})
        + frame({"type": "answer", "id": ask["id"], "failed": "signed_out"})
    )
    assert quiet.settled()[-1]["entry"]["problem"]["code"] == "unreachable"


@pytest.fixture(scope="module")
def tireless() -> Iterator[Peer]:
    """One host for all examples of a property; it must survive every one."""
    with Peer(lambda _source, _params: None) as running:
        running.hello()
        yield running


@given(body=st.binary(max_size=400))
def test_any_bytes_in_a_frame_leave_the_host_alive_and_its_stdout_pure(tireless: Peer, body: bytes) -> None:
    tireless.write(framed(body))
    assert is_alive(tireless)


@given(message=FIELDS)
def test_any_json_object_leaves_the_host_alive_and_none_is_our_fault(tireless: Peer, message: dict[str, Any]) -> None:
    after = len(tireless.messages)
    tireless.write(framed(json.dumps(message).encode()))
    assert is_alive(tireless)
    assert [m for m in tireless.messages[after:] if m.get("code") == "internal"] == []


@settings(max_examples=figures.examples(is_costly=True))
@given(data=st.binary(min_size=1, max_size=2000))
def test_any_bytes_at_all_end_cleanly(data: bytes) -> None:
    with Peer() as peer:
        peer.write(data)
        peer.hang_up()
        assert peer.exit_code() == 0
        assert peer.stderr == ""


_NOISY = """
import sys
from aimo_host.providers import zai
parse = zai.parse_quota
def noisy(*arguments, **more):
    print("a library says hello")
    sys.stdout.flush()
    __import__("os").write(1, b"raw bytes too")
    __import__("subprocess").run([sys.executable, "-c", "print('and a child')"])
    return parse(*arguments, **more)
zai.parse_quota = noisy
from aimo_host.host.__main__ import main
main()
"""


def test_a_library_that_prints_does_not_break_a_frame(tmp_path: Path) -> None:
    program = tmp_path / "noisy.py"
    program.write_text(_NOISY)
    with Peer(command=(sys.executable, str(program)), environ=environment(PYTHONPATH=".")) as peer:
        peer.hello()
        peer.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
        assert peer.settled()[-1]["entry"]["ok"]
        assert "raw bytes too" in peer.stderr


def test_a_host_without_stderr_works_as_well(tmp_path: Path) -> None:
    program = tmp_path / "mute.py"
    program.write_text("import os\nos.close(2)\n" + _NOISY)
    with Peer(command=(sys.executable, str(program)), environ=environment(PYTHONPATH=".")) as peer:
        peer.hello()
        peer.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
        assert peer.settled()[-1]["entry"]["ok"]

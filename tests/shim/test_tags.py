"""ETag and If-None-Match: who asks again and again gets the bytes once, and hears at once when they are others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.shim import contract
from tests.gauge.builders import DAY
from tests.kept import keep, week
from tests.shim.wire import Shim

if TYPE_CHECKING:
    from pathlib import Path

    from tests.shim.wire import Reply

TAGGED = ["/api/usage?cached=1", "/api/answer"]
UNTAGGED = [("GET", "/api/ping"), ("GET", "/api/pick?max_age=600"), ("POST", "/api/refresh?provider=zai"), ("GET", "/usage")]
TAG = contract.tag_of(b"[]")


def tag(reply: Reply) -> str:
    found = reply.header("etag")
    assert found is not None
    return found


@pytest.mark.parametrize("target", TAGGED)
def test_the_tag_is_of_the_bytes_that_came(shim: Shim, target: str) -> None:
    reply = shim.ask("GET", target)
    assert tag(reply) == contract.tag_of(reply.body)


@pytest.mark.parametrize("target", TAGGED)
def test_who_has_it_gets_304_without_a_body_and_the_connection_stays_in_step(shim: Shim, target: str) -> None:
    known = tag(shim.ask("GET", target))
    with shim.connect() as connection:
        connection.send(shim.request("GET", target, [("If-None-Match", known)]) + shim.request("GET", "/api/ping"))
        first, second = connection.reply(), connection.reply()
    assert first is not None
    assert (first.status, first.body, tag(first), first.header("content-length")) == (304, b"", known, None)
    assert second is not None
    assert second.json["ok"] is True


@pytest.mark.parametrize("target", TAGGED)
def test_who_has_another_gets_all_of_it(shim: Shim, target: str) -> None:
    reply = shim.ask("GET", target, [("If-None-Match", TAG)])
    assert reply.status == 200
    assert reply.json


@pytest.mark.parametrize("target", TAGGED)
def test_news_is_another_tag(tmp_path: Path, target: str) -> None:
    with Shim(str(tmp_path)) as shim:
        before = tag(shim.ask("GET", target))
        keep("claude", week(50, DAY), home=shim.home)
        reply = shim.ask("GET", target, [("If-None-Match", before)])
    assert reply.status == 200
    assert tag(reply) != before


@pytest.mark.parametrize(("method", "target"), UNTAGGED)
def test_other_answers_have_no_tag_and_come_whole(shim: Shim, method: str, target: str) -> None:
    reply = shim.ask(method, target, [("If-None-Match", "*")])
    assert (reply.status, reply.header("etag")) == (200, None)


@pytest.mark.parametrize(
    "refused", [[("Host", "evil.example")], [("Sec-Fetch-Site", "cross-site")], [("Origin", "https://evil.example")]]
)
def test_a_stranger_does_not_learn_whether_something_changed(shim: Shim, refused: list[tuple[str, str]]) -> None:
    reply = shim.ask("GET", TAGGED[0], [*refused, ("If-None-Match", "*")])
    assert reply.status in {403, 421}
    assert reply.header("etag") is None


@pytest.mark.parametrize(
    ("lines", "known"),
    [
        ([TAG], True),
        ([f"W/{TAG}"], True),
        ([f'"a", {TAG}'], True),
        (['"a"', TAG], True),
        (["*"], True),
        ([" * "], True),
        ([], False),
        ([""], False),
        (['"a"'], False),
        ([TAG.strip('"')], False),
        ([TAG.upper()], False),
        (['"*"'], False),
        (['"a", *'], False),
        (["*", "*"], False),
        (["W/*"], False),
    ],
)
def test_a_tag_is_known_by_itself_or_by_the_star(lines: list[str], known: bool) -> None:
    assert contract.is_known(TAG, lines) is known


@given(lines=st.lists(st.text(), max_size=3))
def test_no_other_text_stands_for_a_tag(lines: list[str]) -> None:
    assert contract.is_known(TAG, lines) is ([line.strip() for line in lines if line.strip()] == ["*"] and len(lines) == 1)


@given(one=st.binary(), other=st.binary())
def test_two_answers_have_one_tag_only_if_they_are_the_same(one: bytes, other: bytes) -> None:
    assert (contract.tag_of(one) == contract.tag_of(other)) is (one == other)

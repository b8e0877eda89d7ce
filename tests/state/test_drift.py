"""Shape reports say how an answer was built, and nothing of what it said or whose it was."""

from __future__ import annotations

import errno
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimo_host.gauge.model import Answer
from aimo_host.samples import claude, codex, ollama, zai
from aimo_host.state import drift, jsonfile

if TYPE_CHECKING:
    from aimo_host.state.paths import Paths

NOW = 1795190400.0


def reported(paths: Paths, answer: Answer, source: str = "claude.usage") -> dict[str, Any]:
    drift.write(paths, source, answer, NOW)
    return jsonfile.load(os.path.join(paths.drift_dir, f"{source}.json")) or {}


SHAPES: dict[str, tuple[Any, Any]] = {
    "values": (
        {"a": "x", "b": 1, "c": 1.5, "d": True, "e": None},
        {"a": "string", "b": "number", "c": "number", "d": "boolean", "e": "null"},
    ),
    "nesting": ({"limits": [{"kind": "session"}]}, {"limits": [{"kind": "string"}]}),
    "an empty object": ({}, {}),
    "an empty list": ([], []),
    "a long list": (list(range(50)), ["number"] * 3),
    "a text": ("ada@example.test", "string"),
    "keys that are values": ({"ada@example.test": 1, "kind": 2}, {"kind": "number", "(other keys)": 1}),
}


@pytest.mark.parametrize(("value", "shape"), SHAPES.values(), ids=SHAPES)
def test_a_shape_is_keys_and_types(value: Any, shape: Any) -> None:
    assert drift.shape(value) == shape


@pytest.mark.parametrize(
    "body",
    [claude.usage(NOW), codex.team(NOW), codex.app_server(NOW), zai.quota(zai.tools(NOW)), ollama.legacy(NOW), ollama.me()],
)
def test_the_words_of_the_providers_are_kept(body: dict[str, Any]) -> None:
    body.pop("model_usage", None)  # its keys are models, which come and go
    assert "(other keys)" not in json.dumps(drift.shape(body))


@pytest.mark.parametrize(
    "key",
    [
        "ada@example.test",
        "Ada Lovelace",
        "0a1b2c3d-0000-4000-8000-000000000001",
        "user-1234567",
        "user_1234567",
        "org_aB3dE5fG7hJ9",
        "QwErTyUiOpAsDfGh",
        "deadbeefcafe",
        "deadbeef",
        "DEAD_BEEF_CAFE",
        "CANARY",
        "ADA_LOVELACE",
        "1795190400",
        "sk-ant-oat01-SYNTHETIC",
        "eyJhbGciOiJSUzI1NiJ9",
        "abcdefghijklmnopqrstuvwxyz",
        "名前",
        "a.b",
        "",
        " ",
        "kind\n",
        "x" * 49,
    ],
)
def test_a_key_that_may_be_somebody_s_identifier_is_not_kept(key: str) -> None:
    assert drift.shape({key: {"inner": 1}}) == {"(other keys)": 1}


@pytest.mark.parametrize(
    "key",
    [
        "five_hour",
        "resets_at",
        "resetsAt",
        "rateLimitsByLimitId",
        "planType",
        "HTTPStatus",
        "is_ok",
        "x",
        "ID",
        "window_7d",
        "_id",
        "v2",
    ],
)
def test_a_word_of_a_program_is_kept(key: str) -> None:
    assert drift.shape({key: None}) == {key: "null"}


_CANARY = "CANARY-"
_secret_texts = st.text(max_size=9).map(_CANARY.__add__)
_leaves = st.one_of(st.none(), st.booleans(), st.integers(10**6), st.floats(), _secret_texts)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        _leaves,
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["kind", "limits", "used_percent"]), inner, max_size=3),
        st.dictionaries(st.one_of(_secret_texts, st.uuids().map(str), st.emails()), inner, max_size=3),
    )


_values = _nested(_nested(_nested(_leaves)))
_ALLOWED = {"kind", "limits", "used_percent", "(other keys)"}
_TYPES = {"string", "boolean", "number", "null", "object", "…"}


def _words(shape: Any) -> tuple[set[str], set[Any]]:
    """All keys and all leaves of a shape; the count of other keys is no leaf."""
    if isinstance(shape, dict):
        below = [_words(value) for key, value in shape.items() if key != "(other keys)"]
        return set(shape).union(*(keys for keys, _ in below)), set().union(*(leaves for _, leaves in below))
    if isinstance(shape, list):
        below = [_words(value) for value in shape]
        return set().union(*(keys for keys, _ in below)), set().union(*(leaves for _, leaves in below))
    return set(), {shape}


@given(_values)
def test_no_value_and_no_key_like_an_identifier_ever_appears(value: Any) -> None:
    keys, leaves = _words(drift.shape(value))
    assert (keys - _ALLOWED, leaves - _TYPES) == (set(), set())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_values, st.text(max_size=20))
def test_nor_in_the_file(paths: Paths, value: Any, content_type: str) -> None:
    reported(paths, Answer(200, json.dumps(value), {"content-type": f"{content_type}{_CANARY}", "x-secret": _CANARY}))
    with open(os.path.join(paths.drift_dir, "claude.usage.json"), encoding="utf-8") as file:
        assert _CANARY not in file.read()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(), st.just("[" * 100000), st.just("9" * 5000), st.just('"\\ud800"')), st.text(max_size=20))
def test_any_body_and_any_type_can_be_reported(paths: Paths, body: str, content_type: str) -> None:
    assert reported(paths, Answer(200, body, {"content-type": content_type}))["length"] == len(body)


@given(_values)
def test_a_shape_that_was_kept_is_read_as_it_is(value: Any) -> None:
    assert drift.reshape(drift.shape(value)) == drift.shape(value)


@given(_values)
def test_what_was_put_in_place_of_a_shape_is_not_read(value: Any) -> None:
    keys, leaves = _words(drift.reshape(value))
    assert (keys - _ALLOWED, leaves - _TYPES) == (set(), set())


def test_a_kept_shape_is_no_deeper_than_a_fresh_one() -> None:
    kept: Any = {}
    for _ in range(50):
        kept = {"a": [kept]}
    assert len(json.dumps(drift.reshape(kept))) < 200


@pytest.mark.parametrize("forged", ["CANARY me@example.test", ["CANARY"], {"CANARY": "CANARY"}], ids=str)
def test_a_report_that_somebody_else_wrote_says_nothing_of_theirs(paths: Paths, forged: object) -> None:
    fields = ["at", "source", "status", "content_type", "length", "shape"]
    jsonfile.save(os.path.join(paths.drift_dir, "claude.usage.json"), dict.fromkeys([*fields, "CANARY"], forged))
    (report,) = drift.read(paths)
    assert ("CANARY" in json.dumps(report), report["source"], list(report)) == (False, "claude.usage", fields)


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ("", "empty"),
        ("<!doctype html><p>CANARY", "html"),
        ("\ufeff \n<html>", "html"),
        ("CANARY", "text"),
        ('{"a": ', "text"),
        ('"CANARY"', "string"),
        ("[" * 100000, "text"),
    ],
)
def test_a_body_that_is_no_json_is_named_by_its_kind(paths: Paths, body: str, shape: str) -> None:
    assert reported(paths, Answer(200, body))["shape"] == shape


def test_depth_and_breadth_are_bounded() -> None:
    value: Any = "CANARY"
    for _ in range(50):
        value = {"a": [value]}
    wide = {f"{'x' * (1 + index % 7)}_{'z' * (1 + index // 7)}": index for index in range(7 * 15)}
    assert len(json.dumps(drift.shape(value))) < 200
    assert drift.shape(wide)["(other keys)"] == 7 * 15 - 80


def test_a_report_says_where_when_and_of_what_kind(paths: Paths) -> None:
    answer = Answer(
        200, '{"fuel": "CANARY"}', {"content-type": "application/json; charset=utf-8; secret=CANARY", "date": "CANARY"}
    )
    assert reported(paths, answer) == {
        "at": "2026-11-20T16:00:00Z",
        "source": "claude.usage",
        "status": 200,
        "content_type": "application/json",
        "length": 18,
        "shape": {"fuel": "string"},
    }


def test_the_newest_report_of_a_source_wins_and_sources_keep_apart(paths: Paths) -> None:
    reported(paths, Answer(200, '{"old": 1}'))
    reported(paths, Answer(200, '{"new": 1}'))
    reported(paths, Answer(200, "{}"), "zai.quota")
    assert [(report["source"], report["shape"]) for report in drift.read(paths)] == [
        ("claude.usage", {"new": "number"}),
        ("zai.quota", {}),
    ]


def test_no_folder_is_no_report(paths: Paths) -> None:
    assert drift.read(paths) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_report_that_cannot_be_read_is_left_out(paths: Paths, content: str) -> None:
    reported(paths, Answer(200, "{}"), "zai.quota")
    with open(os.path.join(paths.drift_dir, "claude.usage.json"), "w", encoding="utf-8") as file:
        file.write(content)
    assert [report["source"] for report in drift.read(paths)] == ["zai.quota"]


def test_reports_are_private(paths: Paths) -> None:
    reported(paths, Answer(200, "{}"))
    assert stat.S_IMODE(os.stat(os.path.join(paths.drift_dir, "claude.usage.json")).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(paths.drift_dir).st_mode) == 0o700


def test_a_disk_that_is_full_stops_nothing(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "replace", refuse)
    drift.write(paths, "claude.usage", Answer(200, "{}"), NOW)
    assert drift.read(paths) == []

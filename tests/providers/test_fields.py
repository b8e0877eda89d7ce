"""Numbers, words and shapes in other people's JSON: the wanted type, or nothing."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given

from aimo_host.providers import fields
from tests.gauge.builders import json_values


@pytest.mark.parametrize(
    "value", ["1_000", "", "nan", "inf", "-inf", "1e999", "ten", "0x10", "1,5", True, False, None, [], {}, 10**400]
)
def test_what_is_no_number_is_none(value: Any) -> None:
    assert fields.number(value) is None


@pytest.mark.parametrize(("value", "number"), [("61", 61.0), (" 61.5 ", 61.5), (-1, -1.0), (0, 0.0), ("1e2", 100.0)])
def test_a_number_may_be_spelled_as_text(value: Any, number: float) -> None:
    assert fields.number(value) == number


@given(json_values)
def test_whatever_comes_is_a_finite_number_or_none(value: Any) -> None:
    found = fields.number(value)
    assert found is None or math.isfinite(found)


@pytest.mark.parametrize(("depth", "is_read"), [(64, True), (65, False), (100_000, False)])
def test_nesting_beyond_any_answer_s_is_no_json(depth: int, is_read: bool) -> None:
    assert (fields.load("[" * depth + "]" * depth) is not None) is is_read


@pytest.mark.parametrize("value", ["a b", "", " ", "é", "a\nb", None, 5])
def test_a_token_is_one_word_of_printable_ascii(value: Any) -> None:
    assert fields.text_whole(value) is None

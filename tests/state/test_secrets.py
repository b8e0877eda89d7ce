"""Keys that the user gave us: found where they may lie, stored without touching anything else."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimo_host.state import atomic, secrets
from tests.gauge.builders import json_values

if TYPE_CHECKING:
    from aimo_host.state.paths import Paths

KEY = "ZAI_API_KEY"


def put(paths: Paths, text: str | bytes) -> None:
    atomic.replace(paths.env, text if isinstance(text, bytes) else text.encode())


def text_of(paths: Paths) -> str:
    return (atomic.read(paths.env) or b"").decode()


def load(paths: Paths, environ: dict[str, str] | None = None) -> str | None:
    return secrets.load(paths, environ or {}, KEY, "Z_AI_API_KEY")


def test_where_nothing_is_set_there_is_no_key(paths: Paths) -> None:
    assert load(paths) is None


def test_the_environment_wins(paths: Paths) -> None:
    put(paths, f"{KEY}=stored\n")
    assert load(paths, {KEY: "given"}) == "given"


def test_a_second_name_in_the_environment_wins_over_the_first_one_in_the_file(paths: Paths) -> None:
    put(paths, f"{KEY}=stored\n")
    assert load(paths, {"Z_AI_API_KEY": "given"}) == "given"


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_is_not_set(paths: Paths, value: str) -> None:
    put(paths, f"{KEY}=stored\n")
    assert load(paths, {KEY: value}) == "stored"


@pytest.mark.parametrize(
    "line", [f"{KEY}=key", f"export {KEY}=key", f" {KEY} = 'key' # mine", f'{KEY}="key"', f"{KEY}=old\n{KEY}=key"]
)
def test_every_usual_spelling_of_the_file_is_read(paths: Paths, line: str) -> None:
    put(paths, f"# keys\n{line}\n")
    assert load(paths) == "key"


def test_the_file_is_not_expanded(paths: Paths) -> None:
    put(paths, f"OTHER=x\n{KEY}=a${{OTHER}}b\n")
    assert load(paths) == "a${OTHER}b"


@pytest.mark.parametrize("value", ["schlüssel", "a\nb", "k" * 4097, "a\x00b"])
def test_what_could_be_no_headers_value_is_no_key(paths: Paths, value: str) -> None:
    assert load(paths, {KEY: value}) is None


def test_a_file_that_is_not_text_holds_what_can_be_read_of_it(paths: Paths) -> None:
    put(paths, b"\xff\xfe=1\n" + f"{KEY}=key\n".encode())
    assert load(paths) == "key"


def test_one_variable_can_be_read_as_it_is_even_if_it_is_set_to_nothing(paths: Paths) -> None:
    put(paths, "AIMO_BITWARDEN_ITEM=item\n")
    assert secrets.get(paths, {}, "AIMO_BITWARDEN_ITEM") == "item"
    assert secrets.get(paths, {"AIMO_BITWARDEN_ITEM": ""}, "AIMO_BITWARDEN_ITEM") == ""
    assert secrets.get(paths, {}, "ELSE") is None


# Storing


@pytest.mark.parametrize(("name", "value"), [(KEY, "abc.DEF-123_="), ("OLLAMA_API_KEY", "k"), (KEY, "")])
def test_a_key_on_the_list_that_is_one_word_may_be_stored(name: str, value: str) -> None:
    assert secrets.storable(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "k"),
        ("zai_api_key", "k"),
        (None, "k"),
        ([], "k"),
        (KEY, None),
        (KEY, 1),
        (KEY, "two words"),
        (KEY, "a\nPATH=b"),
        (KEY, "a\rb"),
        (KEY, "a'b"),
        (KEY, 'a"b'),
        (KEY, "a\\b"),
        (KEY, "a#b"),
        (KEY, "$(b)"),
        (KEY, "`b`"),
        (KEY, "ß"),
        (KEY, "k" * 4097),
    ],
)
def test_nothing_else_may_be_stored(name: Any, value: Any) -> None:
    assert not secrets.storable(name, value)


@given(json_values, json_values)
def test_anything_may_be_stored_or_not(name: Any, value: Any) -> None:
    assert secrets.storable(name, value) in {True, False}


def test_a_stored_key_is_found(paths: Paths) -> None:
    secrets.store(paths, KEY, "abc")
    assert load(paths) == "abc"


def test_the_file_is_never_readable_for_others(paths: Paths) -> None:
    put(paths, "A=1\n")
    os.chmod(paths.env, 0o644)
    secrets.store(paths, KEY, "abc")
    assert stat.S_IMODE(os.stat(paths.env).st_mode) == 0o600


OTHERS = "# my keys\n\nexport PATH_TO=/x \nQUOTED='a b'\r\nFEED=a\x0cb\u2028c\n  NOT_ZAI_API_KEY=1\nZAI_API_KEY_OLD=2\n"


@pytest.mark.parametrize(
    "line", [f"{KEY}=old\n", f"export {KEY}=old\n", f"  export   {KEY} = old\n", f"{KEY}\n", f"'{KEY}'=old\n"]
)
@pytest.mark.parametrize("value", ["new", ""])
def test_storing_replaces_every_spelling_and_leaves_each_other_line_as_it_is(paths: Paths, line: str, value: str) -> None:
    put(paths, OTHERS + line)
    secrets.store(paths, KEY, value)
    assert text_of(paths) == OTHERS + (f"{KEY}={value}\n" if value else "")
    assert load(paths) == (value or None)


def test_a_last_line_without_an_end_stays_a_line_of_its_own(paths: Paths) -> None:
    put(paths, "A=1")
    secrets.store(paths, KEY, "abc")
    assert text_of(paths) == f"A=1\n{KEY}=abc\n"


def test_a_mark_that_an_editor_put_before_the_first_key_hides_it_from_nobody(paths: Paths) -> None:
    put(paths, f"\ufeff{KEY}=old\n")
    assert load(paths) == "old"
    secrets.store(paths, KEY, "")
    assert load(paths) is None


def test_bytes_that_are_no_text_are_left_as_they_are(paths: Paths) -> None:
    put(paths, b"A=\xff\xfe\n")
    secrets.store(paths, KEY, "abc")
    assert atomic.read(paths.env) == b"A=\xff\xfe\n" + f"{KEY}=abc\n".encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.text(alphabet="AB=#'\"\n\r \x0cZé", max_size=30), key=st.text(alphabet="abcXYZ019-_.=+/", min_size=1, max_size=20)
)
def test_whatever_the_file_holds_its_lines_stay_and_the_key_is_added(paths: Paths, content: str, key: str) -> None:
    put(paths, content)
    secrets.store(paths, KEY, key)
    assert text_of(paths).startswith(content)
    secrets.store(paths, KEY, "")
    assert text_of(paths).removesuffix("\n") == content.removesuffix("\n")


@pytest.mark.parametrize("value", ["a\nb", "clé", "鍵", "x" * 5000, "a\x00b", "a\u2028b"])
def test_a_key_that_no_header_can_carry_is_known_by_its_variable(paths: Paths, value: str) -> None:
    assert secrets.unusable(paths, {"Z_AI_API_KEY": value}, KEY, "Z_AI_API_KEY") == "Z_AI_API_KEY"
    assert secrets.load(paths, {"Z_AI_API_KEY": value}, KEY, "Z_AI_API_KEY") is None


@pytest.mark.parametrize("value", ["", "  ", "good.key", " good.key\n"])
def test_a_key_that_is_good_or_not_there_is_not_unusable(paths: Paths, value: str) -> None:
    assert secrets.unusable(paths, {KEY: value}, KEY) is None

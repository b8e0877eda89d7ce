"""SECURITY.md, docs/permissions.md, docs/protocol.md and the READMEs' "check it yourself": what they say is what there is.

Names are held against the code of both sides; the commands are run as they stand, save the one that would start this suite again.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.gauge.problems import CODES
from aimo_host.host import extension, session
from aimo_host.host.session import Session
from aimo_host.routes import Context, client
from aimo_host.state import paths, secrets, settings
from tests.host.peer import PATIENCE, REPOSITORY, environment
from tests.shim.wire import Shim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def text_of(*path: str) -> str:
    with open(os.path.join(REPOSITORY, *path), encoding="utf-8") as file:
        return file.read()


def first_column(text: str, heading: str) -> list[str]:
    """The names in the first column of the table under `| heading |`."""
    (table,) = re.findall(rf"^\| {heading} \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def code_of(*folder: str) -> str:
    """All programs of a folder in one text."""
    where = os.path.join(REPOSITORY, *folder)
    return "".join(text_of(*folder, name) for name in sorted(os.listdir(where)) if name.endswith((".py", ".js")))


PROTOCOL = text_of("docs", "protocol.md")
TO_HOST, TO_EXTENSION = (
    PROTOCOL.split(heading)[1].split("\n## ")[0]
    for heading in ("## From the extension to the host", "## From the host to the extension")
)
HOST, WORKER = code_of("aimo_host", "host"), code_of("extension", "background")


def examples(text: str) -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]


def fields_of(section: str) -> dict[str, set[str]]:
    """Message -> the fields that its row names outside brackets."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", fields))) for name, fields in rows}


# -- permissions


def test_the_permissions_are_those_of_the_manifest() -> None:
    manifest, page = json.loads(text_of("extension", "manifest.json")), text_of("docs", "permissions.md")
    kinds = {"permission": "permissions", "optional permission": "optional_permissions", "host permission": "host_permissions"}
    assert {key: first_column(page, heading) for heading, key in kinds.items()} == {key: manifest[key] for key in kinds.values()}
    assert set(first_column(page, "key")) < set(manifest)


def test_what_is_said_not_to_be_asked_for_is_not_asked_for() -> None:
    asked = text_of("extension", "manifest.json")
    absent = re.findall(r"`([^`]+)`", text_of("docs", "permissions.md").split("Not asked for:")[1])
    assert len(absent) > 5
    assert [name for name in absent if f'"{name}"' in asked] == []


@pytest.mark.parametrize("page", ["permissions.md", "protocol.md"])
def test_an_address_that_is_asked_and_is_no_source_is_named(page: str) -> None:
    outside = re.findall(r'^const \w+ = "(https://.*)";', text_of("extension", "background", "sources.js"), re.MULTILINE)
    assert outside
    assert [address for address in outside if f"`{address}`" not in text_of("docs", page)] == []


def test_what_the_worker_sees_of_tabs_is_said() -> None:
    seen = set(re.findall(r"chrome\.(tabs\.on\w+)", WORKER))
    assert seen
    assert [one for one in seen if f"`{one}`" not in text_of("docs", "permissions.md")] == []


def test_that_a_host_which_an_alarm_opened_carries_out_what_was_asked_is_said() -> None:
    (row,) = [line for line in text_of("docs", "permissions.md").splitlines() if line.startswith("| `alarms`")]
    assert "a refresh that you or an agent asked for meanwhile is carried out" in row


# -- protocol


def test_the_messages_to_the_host_are_those_of_both_sides() -> None:
    named = set(first_column(TO_HOST, "type"))
    assert named == set(session._HANDLERS)
    sent = set(re.findall(r'(?:send\(\{ type|hello: async \(\) => \(\{ type|frame = \{ type): "(\w+)"', WORKER))
    assert sent == named


def test_the_messages_to_the_extension_are_those_of_both_sides() -> None:
    named = set(first_column(TO_EXTENSION, "type"))
    assert set(re.findall(r'"type": "(\w+)"', HOST)) == named
    (handlers,) = re.findall(
        r"const fromHost = \{\n(.*?)^\};", text_of("extension", "background", "main.js"), re.DOTALL | re.MULTILINE
    )
    assert set(re.findall(r"^  (\w+): ", handlers, re.MULTILINE)) == named


def test_the_codes_are_all_there_are() -> None:
    assert set(first_column(PROTOCOL, "code")) == CODES
    (line,) = re.findall(r"^Only of an `error` message: (.*)$", PROTOCOL, re.MULTILINE)
    said = {
        *re.findall(r'RefusedError\("(\w+)"', HOST),
        *re.findall(r'"code": "(\w+)"', HOST),
        *re.findall(r'_refuse\("(\w+)"', HOST),
    }
    assert set(re.findall(r"`(\w+)`", line)) - {"error"} == said


def test_the_sources_and_their_parameters_are_those_of_the_extension() -> None:
    table = re.findall(
        r'^  "([\w.]+)": \{.*?params: \{(.*?)\}', text_of("extension", "background", "sources.js"), re.DOTALL | re.MULTILINE
    )
    rows = re.findall(r"^\| `(\w+\.\w+)` \| (.*?) \|", PROTOCOL, re.MULTILINE)
    assert [(name, re.findall(r"`(\w+)`", params)) for name, params in rows] == [
        (name, re.findall(r"(\w+):", params)) for name, params in table
    ]
    assert set(re.findall(r'Ask\("([\w.]+)"', code_of("aimo_host", "providers"))) == {name for name, _ in rows}


def test_the_words_and_keys_of_both_tables_are_those_of_the_code() -> None:
    assert set(first_column(PROTOCOL, "failed")) == extension._FAILURES
    assert set(first_column(PROTOCOL, "key")) == set(settings.defaults())
    assert all(f"`{name}`" in TO_HOST for name in (*extension._HEADERS, *secrets.STORABLE, *session._TRIGGERS))


@pytest.mark.parametrize("message", [one for one in examples(TO_HOST) if one != {"type": "serve"}], ids=lambda one: one["type"])
def test_the_host_takes_every_example(message: dict[str, Any]) -> None:
    said: list[dict[str, Any]] = []
    ours = Session(Context(paths.find(os.environ), os.environ, time.time), said.append)
    ours.handle(message)
    ours.close()
    assert [one for one in said if one["type"] == "error"] == []
    assert set(message) <= {"type", *fields_of(TO_HOST)[message["type"]]}


@pytest.mark.parametrize("message", examples(TO_EXTENSION), ids=lambda one: one["type"])
def test_an_example_of_the_host_has_the_fields_of_its_row(message: dict[str, Any]) -> None:
    assert set(message) <= {"type", *fields_of(TO_EXTENSION)[message["type"]]}


@pytest.mark.parametrize("section", [TO_HOST, TO_EXTENSION], ids=["to the host", "to the extension"])
def test_every_message_has_an_example(section: str) -> None:
    assert {one["type"] for one in examples(section)} == set(first_column(section, "type"))


def test_the_welcome_has_the_fields_that_it_is_said_to_have() -> None:
    said: list[dict[str, Any]] = []
    Session(Context(paths.find(os.environ), os.environ, time.time), said.append).handle({"type": "get"})
    (welcome,) = said
    (example,) = [one for one in examples(TO_EXTENSION) if one["type"] == "welcome"]
    assert set(welcome) == set(example)
    assert set(welcome["snapshot"]) == set(example["snapshot"])
    assert set(welcome["shim"]) == set(example["shim"])


# -- SECURITY.md


def test_the_promises_are_fifteen() -> None:
    assert re.findall(r"^(\d+)\. ", text_of("SECURITY.md"), re.MULTILINE) == [str(number) for number in range(1, 16)]


REFRESHES = {"SECURITY.md": "`POST /api/refresh`", "README.md": "have it refreshed", "README.ja.md": "更新させる"}


@pytest.mark.parametrize("page", REFRESHES)
def test_that_everybody_may_refresh_without_a_token_is_said(page: str) -> None:
    assert REFRESHES[page] in text_of(page)


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/permissions.md", "docs/protocol.md", "README.md", "README.ja.md"])
def test_every_link_and_every_room_that_a_page_names_exists(page: str) -> None:
    text, folder = text_of(page), os.path.dirname(page)
    linked = [target.partition("#")[0] for target in re.findall(r"\]\(([^)#:]+(?:#[^)]*)?)\)", text)]
    rooms = re.findall(r"`((?:aimo_host|extension|tests)/[\w./]*)`", text)
    assert [name for name in linked if not os.path.exists(os.path.join(REPOSITORY, folder, name))] == []
    assert [name for name in rooms if not os.path.exists(os.path.join(REPOSITORY, name))] == []


# -- what the READMEs say of messages


def messages(language: str) -> list[str]:
    """Every problem and every state of the host, as the faces say it of each provider."""
    texts = json.loads(text_of("extension", "_locales", language, "messages.json"))
    wanted = [row["message"] for key, row in texts.items() if key.startswith(("problem_", "host_"))]
    fields = {name: name for text in wanted for name in re.findall(r"\{(\w+)\}", text)} | {"program": "Codex"}
    return [text.format_map({**fields, **row}) for text in wanted for row in PROVIDERS.values()]


def quoted(page: str) -> list[str]:
    heading = {"README.md": "it says", "README.ja.md": "表示"}[page]
    (table,) = re.findall(rf"^\| {heading} \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", text_of(page), re.MULTILINE)
    return re.findall(r"^\| (.+?) \|", table, re.MULTILINE)


@pytest.mark.parametrize(("page", "language"), [("README.md", "en"), ("README.ja.md", "ja")])
def test_every_message_that_is_quoted_is_one(page: str, language: str) -> None:
    patterns = {cell: ".+".join(re.escape(part.strip()) for part in cell.split("…")) for cell in quoted(page)}
    said = messages(language)
    assert [cell for cell, pattern in patterns.items() if not any(re.search(pattern, text) for text in said)] == []


def test_both_languages_quote_as_many_messages() -> None:
    assert len(quoted("README.md")) == len(quoted("README.ja.md"))


# -- the commands of the READMEs


def commands(page: str) -> list[str]:
    section = re.split(r"^## ", text_of(page), flags=re.MULTILINE)
    (own,) = [part for part in section if "SECURITY.md" in part and "```sh" in part]
    return [line for block in re.findall(r"^```sh\n(.*?)^```", own, re.MULTILINE | re.DOTALL) for line in block.splitlines()]


LOG, PLACES, CANARY, UNREACHABLE, *CURLS, STRANGER, SUITE = commands("README.md")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with `aimo` and `python3` of this checkout."""
    for name, body in {"aimo": "-m aimo_host ", "python3": ""}.items():
        (tmp_path / name).write_text(f'#!/bin/sh\ncd "{REPOSITORY}" && exec "{sys.executable}" {body}"$@"\n')
        (tmp_path / name).chmod(0o755)
    return os.pathsep.join([str(tmp_path), os.environ["PATH"]])


def run(command: str, path: str) -> str:
    """What it prints, run as it stands; `mktemp` makes its folders below the test's own."""
    environ = environment(PATH=path, TMPDIR=path.split(os.pathsep, maxsplit=1)[0])
    done = subprocess.run(
        ["sh", "-c", command], env=environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def test_both_languages_have_the_same_commands() -> None:
    assert commands("README.ja.md") == commands("README.md")


def test_the_log_shows_every_request(path: str) -> None:
    assert run(LOG, path) == "No request to a provider was made yet.\n"
    run("ZAI_API_KEY=x aimo --json", path)
    assert "zai" in run(LOG, path)


def test_the_places_that_can_be_asked_are_printed_in_full(path: str) -> None:
    printed = run(PLACES, path)
    assert all(host in printed for hosts in client.HOSTS.values() for host in hosts)
    sites = {
        "https://claude.ai",
        "https://chatgpt.com",
        "https://api.z.ai",
        "https://z.ai",
        "https://chat.z.ai",
        "https://ollama.com",
    }
    assert {line for line in printed.splitlines() if line.startswith("https://")} == sites


def test_a_planted_key_is_found_nowhere(path: str) -> None:
    assert run(CANARY, path) == "nowhere\n"


def test_a_planted_key_would_be_found(path: str) -> None:
    assert "CANARY" in run(CANARY.replace("; grep", '; echo CANARY > "$AIMO_HOME/leak"; grep'), path)


def test_what_cannot_be_reached_has_no_number_and_a_reason(path: str) -> None:
    rows = json.loads(run(UNREACHABLE, path))
    assert len(rows) == 4
    for row in rows:
        assert (row["ok"], row["windows"], row["headroom_pct"], bool(row["error"])) == (False, [], None, True)


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    with Shim(str(tmp_path_factory.mktemp("s"))) as running:
        yield running


@pytest.mark.parametrize(
    ("command", "status"), list(zip(CURLS, (421, 403, 403, 405), strict=True)), ids=lambda one: str(one)[:40]
)
def test_a_guard_refuses_as_it_is_said_to(shim: Shim, path: str, command: str, status: int) -> None:
    there = command.replace("3030", str(shim.port)).replace("curl -s ", r"curl -s -w '\n%{http_code}' ")
    body, _, code = run(there, path).rpartition("\n")
    assert (int(code), set(json.loads(body))) == (status, {"error"})


def test_the_host_refuses_another_extension(path: str) -> None:
    assert run(STRANGER, path) == "2\n"


def test_the_tests_that_are_named_exist() -> None:
    words = shlex.split(SUITE)
    assert words[:3] == ["python3", "tests", "-k"]
    for room in words[3].split(" or "):
        found = [name for _, _, names in os.walk(os.path.join(REPOSITORY, "tests")) for name in names if room in name]
        assert found, room

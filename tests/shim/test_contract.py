"""The OpenAPI document against the shim itself: it names what is there, and what really comes is what it says.

Schemathesis makes requests out of the document, good and bad, and holds every answer against it.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, get_args

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from aimo_host.demo import sample_entries
from aimo_host.gauge import merge, model
from aimo_host.gauge.answer import answer_at
from aimo_host.gauge.choice import Question, choose
from aimo_host.gauge.entry import from_usage
from aimo_host.gauge.model import Balance, Blocked
from aimo_host.gauge.problems import CODES, Problem
from aimo_host.gauge.snapshot import entries_at
from aimo_host.gauge.sound import sound
from aimo_host.shim import contract, foreign, handler
from tests.gauge.builders import DAY, EMPTY, HOUR, NOW, SETTINGS, json_values, usage, window
from tests.host.peer import REPOSITORY, environment
from tests.reliability import figures
from tests.shim.wire import PATIENCE, Shim

if TYPE_CHECKING:
    from collections.abc import Iterator

    Cache = dict[str, Any]

DOCUMENT = contract.document()
#: Beside the table of routes.
MORE = {**dict.fromkeys(foreign.PATHS, "GET"), "/api/events": "GET"}
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]
#: A stream without an end is no answer to hold against anything.
ENDING = [one for one in OPERATIONS if one[0] != "/api/events"]


@functools.cache
def validator(name: str, *, formats: bool) -> jsonschema_rs.Draft202012Validator:
    """For one of the document's schemas."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=formats)


def faults(name: str, value: Any, *, formats: bool = True) -> list[str]:
    found = validator(name, formats=formats).iter_errors(value)
    return [f"{list(error.instance_path)}: {error.message}" for error in found]


# -- the document


def test_it_names_every_route_with_its_method_and_no_other() -> None:
    routes = {path: method for path, (method, _, _) in handler._ROUTES.items()} | MORE
    assert {(path, method.upper()) for path, method in OPERATIONS} == set(routes.items())


def resolved(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["components"]["parameters"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value
    return found


@pytest.mark.parametrize("path", handler._ROUTES)
def test_it_names_every_parameter_and_no_other(path: str) -> None:
    method, allowed, _ = handler._ROUTES[path]
    parameters = [resolved(one) for one in DOCUMENT["paths"][path][method.lower()].get("parameters", [])]
    assert {one["name"] for one in parameters if one["in"] == "query"} == set(allowed)


def test_its_schemas_are_schemas() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


@pytest.mark.parametrize(
    ("name", "key", "known"),
    [
        ("Window", "kind", set(get_args(model.Kind))),
        ("Window", "state", {*get_args(model.State), "reset_due"}),
        ("Entry", "auth_source", set(get_args(model.AuthSource))),
    ],
)
def test_its_words_are_the_model_s(name: str, key: str, known: set[str]) -> None:
    assert set(DOCUMENT["components"]["schemas"][name]["properties"][key]["examples"]) == known


def test_its_problem_codes_are_real() -> None:
    assert set(DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["examples"]) <= CODES


# -- entries


WEEK: dict[str, Any] = {"resets_at": NOW + 3 * DAY, "window_seconds": 604800}
VIA = "claude/browser/p"


def read(*readings: Any, at: float = NOW) -> Cache:
    entry = from_usage("claude", *readings, account="a", at=at, source="push")
    return merge.merge_reading(EMPTY, entry, via=VIA, now=at)


def stale() -> Cache:
    problem = Problem("claude", "rate_limited", retry_at=NOW + HOUR)
    return merge.merge_failure(read(usage()), problem, via=VIA, at=NOW + 60, now=NOW + 60)


def partly_renewed() -> Cache:
    scoped = window(14.0, label="weekly Fable", scope="Fable", binding=False, **WEEK)
    said = usage(window(50.0, **WEEK), auth_source="cli", borrowed=True, partial=True)
    part = from_usage("claude", said, account=None, at=NOW + HOUR, source="server")
    whole = read(usage(window(40.0, **WEEK), scoped))
    return merge.merge_reading(whole, part, via="claude/claude_status_line/-", now=NOW + HOUR)


CACHES = {
    "never read": EMPTY,
    "read": read(usage(window(40.0, **WEEK), plan="max", plan_label="Max")),
    "without a number": read(usage(window(None))),
    "not started": read(usage(window(0.0, state="not_started"))),
    "over the limit": read(usage(window(140.0, used=140, limit=100, remaining=0, unit="calls"))),
    "in words": read(usage(window(40.0, resets_in="2 hours"))),
    "blocked": read(usage(blocked=Blocked("workspace_paused", "The workspace is paused."))),
    "with money": read(usage(balances=(Balance(kind="purchased", label="credits", amount=10.5, unit="USD"),))),
    "stale": stale(),
    "partly renewed": partly_renewed(),
}


@pytest.mark.parametrize("later", [0.0, HOUR, 30 * DAY])
@pytest.mark.parametrize("name", CACHES)
def test_an_entry_is_as_described_and_every_key_of_it_is(name: str, later: float) -> None:
    entries = entries_at(sound(CACHES[name]), SETTINGS, NOW + HOUR + later)
    assert faults("Entries", entries) == []
    assert all(set(entry) - {"_borrowed", "_partial"} == set(properties("Entry")) for entry in entries)
    assert all(set(one) <= set(properties("Window")) for entry in entries for one in entry["windows"])


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][name]["properties"]
    return found


def test_a_window_read_earlier_than_the_rest_says_so_as_described() -> None:
    [entry] = partly_renewed()["entries"]
    assert [one.get("observed_at") for one in entry["windows"]] == [None, "2026-11-22T10:00:00Z"]


def test_the_samples_are_as_described() -> None:
    assert faults("Entries", sample_entries(NOW)) == []


def odd(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A cache in which anything may stand where an entry, a window or a value of one should."""
    described = {name: dict.fromkeys(set(properties(name)) - {"label", "observed_at"}, values) for name in ("Window", "Balance")}
    labelled = {name: st.fixed_dictionaries({"label": st.text(max_size=4)}, optional=keys) for name, keys in described.items()}
    lists = {"windows": st.lists(labelled["Window"], max_size=2), "balances": st.lists(labelled["Balance"], max_size=2)}
    keys = {**dict.fromkeys(set(properties("Entry")) - {"provider"}, values), **lists}
    entry = st.fixed_dictionaries({"provider": st.sampled_from(["claude", "zai"])}, optional=keys)
    return st.fixed_dictionaries({"entries": st.lists(entry | values, max_size=2)})


@given(cache=odd(json_values))
def test_whatever_stands_in_the_cache_what_is_served_has_the_described_types(cache: Any) -> None:
    entries = entries_at(sound({**EMPTY, **cache}), SETTINGS, NOW)
    known = [{key: value for key, value in entry.items() if key in properties("Entry")} for entry in entries]
    assume("\\ud" not in ascii(known))  # half a character is no text to any validator
    assert faults("Entries", known, formats=False) == []


@pytest.mark.parametrize("name", CACHES)
def test_picks_and_answers_are_as_described(name: str) -> None:
    entries = entries_at(sound(CACHES[name]), SETTINGS, NOW + HOUR)
    faces = {"order": ["claude"], "providers": {"claude": "auto"}, "language": "en"}
    assert faults("Answer", {**answer_at(entries, NOW), "faces": faces}) == []
    assert faults("Pick", choose(Question(need=20), entries, NOW)) == []


@pytest.mark.parametrize("wrong", [{"used_pct": "40"}, {"resets_at": 1795341600}, {"binding": None}, {"label": None}])
def test_what_is_not_as_described_is_noticed(wrong: dict[str, Any]) -> None:
    [entry] = read(usage())["entries"]
    assert faults("Entry", {**entry, "windows": [{**entry["windows"][0], **wrong}]}) != []


# -- the running shim


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document, as schemathesis reads it from a shim that serves the samples."""
    environ = environment(TMPDIR=str(tmp_path_factory.mktemp("d")))
    command = [sys.executable, "-m", "aimo_host", "demo", "--serve"]
    with subprocess.Popen(command, env=environ, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            address = child.stdout.readline().rpartition(" ")[2].strip()
            yield schemathesis.openapi.from_url(f"{address}/api/openapi.json")
        finally:
            child.terminate()
            child.wait(PATIENCE)


def is_plain(value: Any) -> bool:
    return not isinstance(value, float) or "e" not in str(value)


MODES = [(path, method, GenerationMode.POSITIVE) for path, method in ENDING] + [
    (path, method, GenerationMode.NEGATIVE)
    for path, method in ENDING
    if path in {"/api/usage", "/api/refresh", "/api/pick", "/usage"}
]


@pytest.mark.parametrize(("path", "method", "mode"), MODES)
def test_what_the_document_promises_is_what_comes(api: Any, path: str, method: str, mode: GenerationMode) -> None:
    @settings(
        max_examples=figures.examples(is_costly=True), derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=api[path][method].as_strategy(generation_mode=mode))
    def hold(case: Any) -> None:
        assume(all(is_plain(value) for value in case.query.values()))
        case.call_and_validate(timeout=PATIENCE)

    hold()


def test_events_carry_what_is_described(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Shim(str(tmp_path_factory.mktemp("s"))) as shim, shim.connect() as connection:
        connection.send(shim.request("GET", "/api/events"))
        assert connection.reply() is not None
        kinds = {"entry": "Entry", "answer": "Answer"}
        for _ in range(5):
            name, data, _ = (connection._stream.readline().decode().strip() for _ in range(3))
            assert faults(kinds[name.removeprefix("event: ")], json.loads(data.removeprefix("data: "))) == []


def test_the_document_is_what_is_served(shim: Shim) -> None:
    reply = shim.ask("GET", "/api/openapi.json")
    assert (reply.status, reply.header("content-type"), reply.json) == (200, "application/json", DOCUMENT)

"""The key from the person's vault: every way it can be kept from us has its sentence, and it goes to one place only."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host.gauge.model import Usage
from aimo_host.gauge.problems import Problem
from aimo_host.routes import zai_api_key, zai_bitwarden
from aimo_host.samples import json_answer, zai
from tests.routes.stage import NOW, Program, Stage, problem, usage
from tests.simulator.canaries import ZAI_API_KEY, ZAI_CHINA_API_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimo_host.routes import Context, Outcome
    from tests.simulator.simulator import Simulator

OTHER_KEY = "0123456789abcdef.CANARYother"


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    zai_bitwarden._kept.clear()
    yield
    zai_bitwarden._kept.clear()


@pytest.fixture
def keys_used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that Z.ai is asked with, in the place of asking it. `OTHER_KEY` is rejected."""
    used: list[str] = []

    def read_with(_context: Context, key: str) -> Outcome:
        used.append(key)
        return Problem("zai", "bad_credential", "region") if key == OTHER_KEY else Usage(auth_source="api_key")

    monkeypatch.setattr(zai_api_key, "read_with", read_with)
    return used


def test_the_key_that_is_found_reads_the_quota(stage: Stage, simulator: Simulator) -> None:
    simulator.set("zai.key_quota", json_answer(zai.quota(zai.session(NOW), level="pro")))
    stage.program("bw", stdout=ZAI_API_KEY)
    assert usage(zai_bitwarden.read(stage.context)).plan_label == "Pro"
    assert [seen.headers["authorization"] for seen in simulator.requests] == [f"Bearer {ZAI_API_KEY}"]


def test_the_key_goes_to_its_own_region_only(stage: Stage, simulator: Simulator) -> None:
    stage.environ["ZAI_REGION"] = "china"
    stage.program("bw", stdout=ZAI_CHINA_API_KEY)
    usage(zai_bitwarden.read(stage.context))
    assert {seen.host for seen in simulator.requests} == {"open.bigmodel.cn"}


@pytest.mark.parametrize("item", ["zai-api-key", "b1946ac9-0000-4000-8000-000000000001", "My Z.ai key; rm -rf $HOME"])
@pytest.mark.usefixtures("keys_used")
def test_bw_is_called_as_documented(stage: Stage, item: str) -> None:
    stage.environ["AIMO_BITWARDEN_ITEM"] = item
    program = stage.program("bw", stdout=ZAI_API_KEY)
    zai_bitwarden.read(stage.context)
    assert [call["argv"] for call in program.calls] == [["get", "password", item, "--nointeraction"]]


@pytest.mark.usefixtures("keys_used")
def test_the_item_is_called_zai_api_key_unless_told_otherwise(stage: Stage) -> None:
    program = stage.program("bw", stdout=ZAI_API_KEY)
    zai_bitwarden.read(stage.context)
    assert program.calls[0]["argv"][2] == "zai-api-key"


@pytest.mark.usefixtures("keys_used")
def test_the_item_may_be_named_in_our_env_file(stage: Stage) -> None:
    stage.file("../aimo/config/.env", "AIMO_BITWARDEN_ITEM=mine\n")
    program = stage.program("bw", stdout=ZAI_API_KEY)
    zai_bitwarden.read(stage.context)
    assert program.calls[0]["argv"][2] == "mine"


@pytest.mark.usefixtures("keys_used")
def test_bw_can_ask_nobody(stage: Stage) -> None:
    program = stage.program("bw", stdout=ZAI_API_KEY)
    zai_bitwarden.read(stage.context)
    assert (program.calls[0]["stdin"], program.calls[0]["tty"]) == ("", False)


@pytest.mark.usefixtures("keys_used")
def test_the_session_travels_by_environment_and_never_by_argument(stage: Stage) -> None:
    stage.environ["BW_SESSION"] = "CANARYsession"
    program = stage.program("bw", stdout=ZAI_API_KEY)
    zai_bitwarden.read(stage.context)
    assert program.calls[0]["environ"]["BW_SESSION"] == "CANARYsession"
    assert "CANARYsession" not in json.dumps(program.calls[0]["argv"])


@pytest.mark.usefixtures("keys_used")
def test_bw_is_given_none_of_our_keys(stage: Stage) -> None:
    ours = ("OLLAMA_API_KEY", "AIMO_TOKEN", "AIMO_BITWARDEN_ITEM", "OPENAI_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")
    stage.environ |= dict.fromkeys(ours, "CANARY")
    program = stage.program("bw", stdout=ZAI_API_KEY)
    zai_bitwarden.read(stage.context)
    assert [name for name in (*ours, "AIMO_HOME") if name in program.calls[0]["environ"]] == []


COMPLAINTS: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "locked": ({"code": 1, "stderr": "Vault is locked."}, {"BW_SESSION": "old"}, "vault_locked"),
    "locked, and no session": ({"code": 1, "stderr": "Vault is locked."}, {}, "vault_no_session"),
    "locked, and an empty session": ({"code": 1, "stderr": "Vault is locked."}, {"BW_SESSION": ""}, "vault_no_session"),
    "logged out": ({"code": 1, "stderr": "You are not logged in."}, {}, "vault_logged_out"),
    "logged out, with the first run's warning": (
        {"code": 1, "stderr": 'Could not find data file, "/x/data.json"; creating it instead.\nYou are not logged in.\n'},
        {},
        "vault_logged_out",
    ),
    "not found": ({"code": 1, "stderr": "Not found."}, {}, "vault_no_item"),
    "not found, after a warning of Node": (
        {"code": 1, "stderr": "(node:7) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.\nNot found.\n"},
        {},
        "vault_no_item",
    ),
    "no password": ({"code": 1, "stderr": "No password available for this login."}, {}, "vault_no_item"),
    "several": (
        {"code": 1, "stderr": "More than one result was found. Try getting a specific object by `id` instead.\nid-1\nid-2"},
        {},
        "vault_ambiguous",
    ),
    "an empty password": ({"stdout": ""}, {}, "vault_failed"),
    "several lines": ({"stdout": "one\ntwo"}, {}, "vault_failed"),
    "a sentence": ({"stdout": "Update available, see the site"}, {}, "vault_failed"),
    "no plain text": ({"stdout": "k\u00e9y"}, {}, "vault_failed"),
    "far too long": ({"stdout": "x" * 5000}, {}, "vault_failed"),
    "endless": ({"stdout": "x" * (2 << 20)}, {}, "vault_failed"),
    "a key, and a failure": ({"code": 1, "stdout": OTHER_KEY}, {}, "vault_failed"),
    "an interpreter that is missing": ({"code": 127, "stderr": "/usr/bin/bw: 1: exec: node: not found"}, {}, "vault_failed"),
    "a crash": ({"code": 1, "stderr": "TypeError: x is not a function\n    at not found (bw.js:1)"}, {}, "vault_failed"),
    "nothing": ({"code": 1}, {}, "vault_failed"),
}


@pytest.mark.parametrize(("plan", "environ", "variant"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_every_way_to_fail_has_its_sentence(
    stage: Stage, keys_used: list[str], plan: dict[str, Any], environ: dict[str, str], variant: str
) -> None:
    stage.environ |= environ
    stage.program("bw", **plan)
    outcome = zai_bitwarden.read(stage.context)
    assert problem(outcome) == f"no_credential.{variant}"
    assert keys_used == []


@pytest.mark.parametrize(("plan", "environ", "variant"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_a_sentence_repeats_nothing_that_bw_printed(
    stage: Stage, plan: dict[str, Any], environ: dict[str, str], variant: str
) -> None:
    stage.environ |= environ
    stage.program("bw", **{"stderr": ""} | plan | {"stdout": plan.get("stdout", "") and f"CANARY {plan['stdout']}"})
    outcome = zai_bitwarden.read(stage.context)
    assert isinstance(outcome, Problem)
    assert "CANARY" not in f"{outcome!r} {outcome.sentence} {stage.kept()}", variant


def test_who_names_an_item_is_told_that_the_program_is_missing(stage: Stage) -> None:
    stage.environ["AIMO_BITWARDEN_ITEM"] = "mine"
    assert problem(zai_bitwarden.read(stage.context)) == "no_credential.vault_missing"


def test_the_item_is_named_where_it_is_at_fault(stage: Stage) -> None:
    stage.environ["AIMO_BITWARDEN_ITEM"] = "mine"
    stage.program("bw", code=1, stderr="Not found.")
    outcome = zai_bitwarden.read(stage.context)
    assert isinstance(outcome, Problem)
    assert "`mine`" in outcome.sentence


def test_a_slow_one_is_killed_and_said_to_be_slow(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zai_bitwarden, "_SECONDS", 0.5)
    stage.program("bw", stdout=ZAI_API_KEY, sleeps=600)
    began = time.monotonic()
    assert problem(zai_bitwarden.read(stage.context)) == "no_credential.vault_slow"
    assert time.monotonic() - began < 3


def test_one_that_cannot_be_started_has_failed(stage: Stage) -> None:
    program = stage.program("bw")
    (program.folder / "bw").write_text("#!/nowhere/node\n")
    assert problem(zai_bitwarden.read(stage.context)) == "no_credential.vault_failed"


def _without_program(stage: Stage, program: Program) -> None:
    os.unlink(program.folder / "bw")
    del stage


def _without_path(stage: Stage, program: Program) -> None:
    del stage.environ["PATH"], program


@pytest.mark.parametrize("prepare", [_without_program, _without_path])
def test_without_bw_there_is_nothing_to_try(stage: Stage, prepare: Any) -> None:
    prepare(stage, stage.program("bw", stdout=ZAI_API_KEY))
    assert zai_bitwarden.read(stage.context) is None


@pytest.mark.parametrize(
    "environ",
    [
        {"AIMO_BITWARDEN_ITEM": ""},
        {"AIMO_BITWARDEN_ITEM": "  "},
        {"AIMO_BITWARDEN_ITEM": "--session"},
        {"ZAI_API_KEY": ZAI_API_KEY},
        {"Z_AI_API_KEY": ZAI_API_KEY},
    ],
)
def test_the_vault_is_left_alone_where_it_is_not_wanted(stage: Stage, environ: dict[str, str]) -> None:
    stage.environ |= environ
    program = stage.program("bw", stdout=ZAI_API_KEY)
    assert zai_bitwarden.read(stage.context) is None
    assert program.calls == []


@pytest.mark.parametrize("text", ["AIMO_BITWARDEN_ITEM=\n", f"ZAI_API_KEY={ZAI_API_KEY}\n"])
def test_the_same_may_be_said_in_our_env_file(stage: Stage, text: str) -> None:
    stage.file("../aimo/config/.env", text)
    program = stage.program("bw", stdout=ZAI_API_KEY)
    assert zai_bitwarden.read(stage.context) is None
    assert program.calls == []


@pytest.mark.parametrize(("later", "calls"), [(0, 1), (599, 1), (600, 2), (86400, 2), (-1, 2), (-86400, 2)])
def test_a_key_is_kept_for_ten_minutes_of_any_clock(stage: Stage, keys_used: list[str], later: float, calls: int) -> None:
    program = stage.program("bw", stdout=ZAI_API_KEY)
    zai_bitwarden.read(stage.context)
    stage.now += later
    zai_bitwarden.read(stage.context)
    assert (len(program.calls), keys_used) == (calls, [ZAI_API_KEY] * 2)


@pytest.mark.usefixtures("keys_used")
def test_using_a_key_does_not_make_it_stay_longer(stage: Stage) -> None:
    program = stage.program("bw", stdout=ZAI_API_KEY)
    for _ in range(4):
        zai_bitwarden.read(stage.context)
        stage.now += 300
    assert len(program.calls) == 2


def test_a_key_of_another_item_is_not_taken(stage: Stage, keys_used: list[str]) -> None:
    stage.program("bw", stdout=ZAI_API_KEY)
    zai_bitwarden.read(stage.context)
    stage.environ["AIMO_BITWARDEN_ITEM"] = "other"
    stage.program("bw", stdout="another.key")
    zai_bitwarden.read(stage.context)
    assert keys_used == [ZAI_API_KEY, "another.key"]


@pytest.mark.usefixtures("keys_used")
def test_a_rejected_key_is_not_kept(stage: Stage) -> None:
    stage.program("bw", stdout=OTHER_KEY)
    assert problem(zai_bitwarden.read(stage.context)) == "bad_credential.region"
    assert zai_bitwarden._kept == {}


def test_a_kept_key_that_was_replaced_in_the_vault_is_fetched_anew(stage: Stage, keys_used: list[str]) -> None:
    zai_bitwarden._kept["zai-api-key"] = (NOW, OTHER_KEY)
    stage.program("bw", stdout=ZAI_API_KEY)
    usage(zai_bitwarden.read(stage.context))
    assert keys_used == [OTHER_KEY, ZAI_API_KEY]


def test_a_kept_key_that_is_still_in_the_vault_is_rejected_once(stage: Stage, keys_used: list[str]) -> None:
    zai_bitwarden._kept["zai-api-key"] = (NOW, OTHER_KEY)
    stage.program("bw", stdout=OTHER_KEY)
    assert problem(zai_bitwarden.read(stage.context)) == "bad_credential.region"
    assert keys_used == [OTHER_KEY]


@pytest.mark.parametrize("status", [429, 500])
def test_trouble_at_the_provider_does_not_drop_the_key(stage: Stage, simulator: Simulator, status: int) -> None:
    simulator.set("zai.key_quota", json_answer({}, status))
    program = stage.program("bw", stdout=ZAI_API_KEY)
    problem(zai_bitwarden.read(stage.context))
    problem(zai_bitwarden.read(stage.context))
    assert len(program.calls) == 1


def test_the_key_is_in_no_file_of_ours(stage: Stage, simulator: Simulator) -> None:
    simulator.set("zai.key_quota", json_answer({"what": "is this"}))
    stage.environ["BW_SESSION"] = "CANARYsession"
    stage.program("bw", stdout=ZAI_API_KEY, stderr="CANARYwarning")
    outcome = zai_bitwarden.read(stage.context)
    assert "CANARY" not in f"{outcome!r} {stage.kept()}"
    assert stage.asked() == [("zai.key_quota", 200)]


@given(st.text(), st.sampled_from(list(COMPLAINTS)))
def test_any_complaint_means_something(before: str, name: str) -> None:
    plan, _, _ = COMPLAINTS[name]
    assert zai_bitwarden._meant(f"{before}\n{plan.get('stderr', '')}").startswith("vault_")

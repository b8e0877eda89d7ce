"""Several browser profiles on one machine: whose row is whose, and what is written down about who asked."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from aimo_host.gauge.times import iso
from aimo_host.samples import claude, codex, json_answer
from tests.host.machine import HOME, SIGNED_OUT, SPARE, WORK, Browser
from tests.host.peer import PROVIDERS
from tests.simulator import canaries
from tests.simulator.people import ADA, BOB, everywhere, numbers, whose

if TYPE_CHECKING:
    from aimo_host.gauge.model import Answer
    from tests.host.machine import Machine
    from tests.simulator.people import Person


# Whose row is whose


def test_two_profiles_with_different_accounts_are_two_rows_that_stay_apart(machine: Machine) -> None:
    with machine.browsers((HOME, Browser(ADA)), (WORK, Browser(BOB))) as (home, work):
        for peer in (home, work, home):
            machine.refresh(peer)
            assert whose(machine.entries()) == everywhere("ada", "bob")


def test_the_rows_stand_in_the_fixed_order_of_providers_and_then_accounts(machine: Machine) -> None:
    with machine.browsers((HOME, Browser(ADA)), (WORK, Browser(BOB))):
        entries = json.loads(machine.stage.aimo("--json").stdout)
    places = [(PROVIDERS.index(entry["provider"]), entry["account"] is None, entry["account"] or "") for entry in entries]
    assert len(places) == 8
    assert places == sorted(set(places))


@pytest.mark.parametrize(
    ("answer", "code"),
    [(SIGNED_OUT, "not_signed_in"), (json_answer({}, 429, {"retry-after": "60"}), "rate_limited")],
    ids=["signed out", "429"],
)
def test_what_fails_in_one_profile_leaves_the_rows_of_the_other_alone(machine: Machine, answer: Answer, code: str) -> None:
    bob = Browser(BOB)
    with machine.browsers((HOME, Browser(ADA)), (WORK, bob)) as (home, work):
        machine.refresh(home)
        bob.instead = dict.fromkeys(PROVIDERS, answer)
        machine.refresh(work)
        entries = machine.entries()
    assert whose(entries) == everywhere("ada", "bob")
    dark = [entry for entry in entries if entry["stale"]]
    assert whose(dark) == everywhere("bob")
    assert {entry["problem"]["code"] for entry in dark} == {code}


def test_a_profile_that_was_never_signed_in_adds_and_darkens_nothing(machine: Machine) -> None:
    nobody = Browser(BOB, signed_out_of=tuple(PROVIDERS))
    with machine.browsers((HOME, Browser(ADA)), (WORK, nobody)) as (home, work):
        for peer in (work, home):
            machine.refresh(peer)
        entries = machine.entries()
    assert whose(entries) == everywhere("ada")
    assert [entry for entry in entries if entry["error"]] == []


def test_the_same_account_in_two_profiles_is_one_row(machine: Machine) -> None:
    with machine.browsers((HOME, Browser(ADA)), (WORK, Browser(ADA))) as (home, work):
        for peer in (home, work):
            machine.refresh(peer)
        assert whose(machine.entries()) == everywhere("ada")


def test_another_account_in_the_only_profile_removes_the_row_it_left(machine: Machine) -> None:
    browser = Browser(ADA)
    with machine.browsers((HOME, browser)) as (home,):
        machine.refresh(home)
        browser.person = BOB
        machine.refresh(home)
        assert whose(machine.entries()) == everywhere("bob")


def test_a_profile_that_leaves_a_shared_account_gets_a_row_of_its_own(machine: Machine) -> None:
    leaver = Browser(ADA)
    with machine.browsers((HOME, Browser(ADA)), (WORK, leaver)) as (home, work):
        machine.refresh(home)
        leaver.person = BOB
        for peer in (work, home):
            machine.refresh(peer)
            assert whose(machine.entries()) == everywhere("ada", "bob")


def test_a_profile_that_joins_the_account_of_another_leaves_one_row(machine: Machine) -> None:
    joiner = Browser(BOB)
    with machine.browsers((HOME, Browser(ADA)), (WORK, joiner)) as (home, work):
        machine.refresh(home)
        joiner.person = ADA
        for peer in (work, home):
            machine.refresh(peer)
            assert whose(machine.entries()) == everywhere("ada")


@pytest.mark.parametrize("third", [ADA, BOB], ids=lambda person: person.name)
def test_a_third_profile_finds_the_row_of_its_account(machine: Machine, third: Person) -> None:
    with machine.browsers((HOME, Browser(ADA)), (WORK, Browser(BOB))) as (home, _):
        machine.refresh(home)
        with machine.browsers((SPARE, Browser(third))) as (spare,):
            machine.refresh(spare)
            assert whose(machine.entries()) == everywhere("ada", "bob")


def test_a_browser_that_is_closed_leaves_its_rows_to_say_so(machine: Machine) -> None:
    with machine.browsers((HOME, Browser(ADA))) as (home,):
        with machine.browsers((WORK, Browser(BOB))):
            machine.refresh(home)
        machine.refresh(home)
        entries = machine.entries()
    dark = [entry for entry in entries if entry["stale"]]
    assert whose(entries) == everywhere("ada", "bob")
    assert whose(dark) == everywhere("bob")
    assert {entry["problem"]["code"] for entry in dark} == {"no_browser"}


def test_an_account_carries_the_name_that_the_user_gave_it(machine: Machine) -> None:
    with machine.browsers((HOME, Browser(ADA)), (WORK, Browser(BOB))) as (home, _):
        machine.refresh(home)
        account = next(entry["account"] for entry in machine.rows("claude") if whose([entry])["claude"] == ["bob"])
        machine.tell(home, names={account: "work"})
        named = [entry for entry in machine.entries() if entry["account_name"]]
    assert [(entry["provider"], entry["account"], entry["account_name"]) for entry in named] == [("claude", account, "work")]


def test_of_several_organisations_the_pinned_one_is_read(machine: Machine) -> None:
    browser = Browser(ADA)
    paid = [claude.organization(), claude.organization(claude.TEAM, ("chat", "raven"), "default_raven", "team")]
    browser.instead["claude.organizations"] = json_answer(paid)
    with machine.browsers((HOME, browser)) as (home,):
        machine.refresh(home, "claude")
        assert machine.rows("claude")[0]["problem"]["params"] == {"variant": "choose"}
        machine.tell(home, claude_organization=claude.PERSONAL)
        machine.refresh(home, "claude")
        (row,) = machine.rows("claude")
        asks = [message["params"] for message in home.messages if message.get("source") == "claude.usage"]
    assert (whose([row])["claude"], row["plan_label"]) == (["ada"], "Max 20x")
    assert asks == [{"org": claude.PERSONAL}]


# The ledger


def test_every_request_is_in_the_ledger_with_who_wanted_it(machine: Machine) -> None:
    machine.stage.write_env(ZAI_API_KEY=canaries.ZAI_API_KEY)
    shim = machine.stage.serve()
    with machine.browsers((HOME, Browser(ADA, signed_out_of=("zai",)))) as (home,):
        machine.refresh(home)
        machine.refresh(home, trigger="options")
        machine.stage.let_pass(60)
        machine.stage.aimo("--json")
        machine.stage.let_pass(60)
        shim.get("/api/refresh?wait=20", "POST")
    lines = [(line["route"], line["source"], line["status"]) for line in machine.ledger() if line["trigger"] == "popup"]
    assert sorted(lines) == [
        ("browser", "claude.organizations", 200),
        ("browser", "claude.prepaid_credits", 200),
        ("browser", "claude.usage", 200),
        ("browser", "codex.usage", 200),
        ("browser", "ollama.settings", 200),
        ("browser", "zai.quota", "signed_out"),
        ("zai_api_key", "zai.key_quota", 200),
    ]
    quota = [line["trigger"] for line in machine.ledger() if line["source"] == "zai.key_quota"]
    usage = [line["trigger"] for line in machine.ledger() if line["source"] == "codex.usage"]
    assert (quota, usage) == (["popup", "options", "cli", "http"],) * 2


# Readings that other programs left in their files


@pytest.mark.parametrize(
    ("age", "apart", "counts"),
    [(60, 0, True), (1800, 0, False), (60, 2 * 86400, False)],
    ids=["newer", "older", "another account's"],
)
def test_a_reading_in_a_program_s_own_file_counts_where_it_is_newer_and_of_that_account(
    machine: Machine, age: float, apart: float, counts: bool
) -> None:
    with machine.browsers((HOME, Browser())) as (home,):
        machine.refresh(home)
    machine.stage.let_pass(600)
    leave_readings(machine, time.time() - age, apart)
    machine.stage.aimo("--json")
    shown = {entry["provider"]: (entry["auth_source"], numbers(entry)[-1]) for entry in machine.entries()}
    of_files, of_browser = ("file", 77.0), {"claude": ("session", 61.0), "codex": ("session", 16.0)}
    assert {p: shown[p] for p in of_browser} == (dict.fromkeys(of_browser, of_files) if counts else of_browser)


def leave_readings(machine: Machine, at: float, apart: float) -> None:
    """77 % of the week, written by Claude Code and Codex; the week ends `apart` seconds from that of Ada's accounts."""
    now = time.time()
    week = now + 3.4 * 86400 + apart
    usage = {"five_hour": claude.slot(9.0, now + 7200), "seven_day": claude.slot(77.0, week)}
    cached = {"fetchedAtMs": int(at * 1000), "accountUuid": claude.ACCOUNT, "utilization": usage}
    machine.put(".claude.json", json.dumps({"projects": {}, "cachedUsageUtilization": cached}))
    limits = codex.log_rate_limits(now)
    limits["secondary"] = {"used_percent": 77.0, "window_minutes": 10080, "resets_at": int(now + 5.6 * 86400 + apart)}
    line = {"timestamp": iso(at), "type": "event_msg", "payload": {"type": "token_count", "rate_limits": limits}}
    machine.put(".codex/sessions/2026/11/22/rollout-1.jsonl", json.dumps(line) + "\n")


# Drift


def test_an_answer_of_an_unknown_shape_keeps_the_reading_and_leaves_its_shape_but_no_value(machine: Machine) -> None:
    browser = Browser()
    sources = ("claude.usage", "codex.usage", "zai.quota", "ollama.settings")
    with machine.browsers((HOME, browser)) as (home,):
        machine.refresh(home)
        browser.instead = dict.fromkeys(sources, json_answer({"fuel": {"gallons": "CANARYvalue", "owner": 4711}}))
        machine.refresh(home)
        entries = machine.entries()
    assert whose(entries) == everywhere("ada")
    assert {(entry["stale"], entry["problem"]["code"]) for entry in entries} == {(True, "unexpected_answer")}
    reports = read_all(machine.paths.drift_dir)
    assert set(reports) >= {f"{source}.json" for source in sources}
    assert all("gallons" in reports[f"{source}.json"] for source in sources)
    assert [name for name, report in reports.items() if "CANARY" in report or "4711" in report] == []


def read_all(folder: str) -> dict[str, str]:
    found = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            found[name] = file.read()
    return found

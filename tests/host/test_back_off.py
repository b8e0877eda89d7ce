"""Who is asked, and how often: once however many ask, not before a demanded wait is over, and not at all where it is off."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aimo_host.gauge.model import Answer
from aimo_host.samples import json_answer
from tests.host.machine import HOME, WORK, Browser
from tests.host.peer import PROVIDERS, message_of
from tests.simulator import canaries
from tests.simulator.people import ADA, BOB, everywhere, whose

if TYPE_CHECKING:
    from tests.host.machine import Machine
    from tests.simulator.simulator import Simulator


# Once, however many ask


def test_fifty_askers_are_one_request_to_each_provider_and_profile(machine: Machine, simulator: Simulator) -> None:
    machine.stage.write_env(ZAI_API_KEY=canaries.ZAI_API_KEY)
    machine.sign_programs_in(simulator)
    shim = machine.stage.serve()
    ada, bob = (Browser(person, signed_out_of=("codex", "zai"), slow=0.05) for person in (ADA, BOB))
    paths_of = ["/api/refresh?wait=30"] * 40 + [f"/api/refresh?wait=30&provider={provider}" for provider in PROVIDERS]
    with machine.browsers((HOME, ada), (WORK, bob)) as (home, work), ThreadPoolExecutor(50) as askers:
        for peer in (home, work, home):
            peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
        runs = [askers.submit(machine.stage.aimo, "--json") for _ in range(3)]
        replies = list(askers.map(lambda path: shim.get(path, "POST").status, paths_of))
        assert [run.result().returncode for run in runs] == [0, 0, 0]
    once = ["claude.organizations", "claude.prepaid_credits", "claude.usage", "codex.usage", "ollama.settings", "zai.quota"]
    assert replies == [200] * 44
    assert (ada.count(), bob.count()) == (dict.fromkeys(ada.asked, 1), dict.fromkeys(bob.asked, 1))
    assert sorted(ada.asked) == sorted(bob.asked) == once
    assert sorted(str(seen.source) for seen in simulator.requests) == ["codex.cli_usage", "zai.key_quota"]


# Left in peace


def http_date(instant: float) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(instant))


@pytest.mark.parametrize("spelled", ["seconds", "a date"])
def test_a_demanded_wait_binds_the_host_the_command_line_and_the_shim(
    machine: Machine, simulator: Simulator, spelled: str
) -> None:
    demanded = "600" if spelled == "seconds" else http_date(time.time() + 600)
    simulator.set("zai.key_quota", json_answer({}, 429, {"retry-after": demanded, "date": http_date(time.time())}))
    machine.stage.write_env(ZAI_API_KEY=canaries.ZAI_API_KEY)
    everybody_by_name(machine)
    machine.stage.let_pass(500)
    everybody_by_name(machine)
    assert [seen.status for seen in simulator.seen(source="zai.key_quota")] == [429]
    (row,) = machine.rows("zai")
    assert (row["problem"]["code"], row["problem"]["retry_at"] is None) == ("rate_limited", False)
    simulator.reset()
    machine.stage.let_pass(150)
    machine.stage.aimo("--json")
    assert [seen.status for seen in simulator.seen(source="zai.key_quota")] == [200]
    assert machine.rows("zai")[0]["error"] is None


def everybody_by_name(machine: Machine) -> None:
    """A person asks for Z.ai by name in the browser, at the terminal and through the shim, with a minute in between."""
    with machine.browsers((HOME, Browser(signed_out_of=("zai",)))) as (home,):
        machine.refresh(home, "zai", later=11)
    machine.stage.let_pass(11)
    machine.stage.aimo("refresh", "--provider", "zai")
    machine.stage.let_pass(11)
    machine.stage.serve().get("/api/refresh?wait=20&provider=zai", "POST")


def test_a_demanded_wait_in_one_browser_outlives_its_host_and_does_not_bind_another(machine: Machine) -> None:
    limited, other = Browser(ADA), Browser(BOB)
    limited.instead["ollama"] = Answer(429, "", {"retry-after": "600"})
    for _ in range(2):
        with machine.browsers((HOME, limited), (WORK, other)) as (home, _):
            machine.refresh(home, "ollama")
    assert (limited.asked, other.asked) == (["ollama.settings"], ["ollama.settings"] * 2)


@pytest.mark.parametrize(("later", "times"), [(280, 1), (310, 2)])
def test_the_endpoint_of_claude_code_s_token_is_asked_at_most_every_five_minutes(
    machine: Machine, simulator: Simulator, later: float, times: int
) -> None:
    machine.sign_programs_in(simulator)
    machine.stage.aimo("--json")
    machine.stage.let_pass(later)
    with machine.browsers((HOME, Browser(signed_out_of=tuple(PROVIDERS)))) as (home,):
        machine.refresh(home, "claude", later=0)
    machine.stage.aimo("refresh", "--provider", "claude")
    (row,) = machine.rows("claude")
    assert len(simulator.seen(source="claude.oauth_usage")) == times
    assert (row["ok"], row["stale"], row["auth_source"]) == (True, False, "oauth")


def test_a_locked_vault_is_tried_once_a_day_or_when_it_is_asked_for(machine: Machine) -> None:
    del machine.stage.environ["AIMO_BITWARDEN_ITEM"]
    machine.put("bin/bw", '#!/bin/sh\necho x >> "$HOME/starts"\necho "Vault is locked." >&2\nexit 1\n', mode=0o700)

    def starts() -> int:
        with open(os.path.join(machine.stage.environ["HOME"], "starts"), encoding="utf-8") as file:
            return len(file.readlines())

    machine.stage.aimo("--json")
    assert (starts(), machine.rows("zai")[0]["problem"]["params"]["variant"]) == (1, "vault_no_session")
    machine.stage.let_pass(20 * 3600)
    with machine.browsers((HOME, Browser(signed_out_of=("zai",)))) as (home,):
        machine.refresh(home)
        machine.stage.aimo("--json")
        assert starts() == 1
        machine.refresh(home, "zai", trigger="options")
        assert starts() == 2
        machine.refresh(home, later=86500)
        assert starts() == 3


def test_a_provider_that_is_switched_off_is_asked_by_no_way_and_has_no_row(machine: Machine, simulator: Simulator) -> None:
    machine.stage.write_env(ZAI_API_KEY=canaries.ZAI_API_KEY)
    browser, shim = Browser(), machine.stage.serve()
    with machine.browsers((HOME, browser)) as (home,):
        machine.refresh(home)
        machine.tell(home, providers={"zai": "off"})
        browser.asked.clear()
        machine.stage.let_pass(60)
        home.send({"type": "refresh", "id": "z", "trigger": "options", "providers": ["zai"]})
        machine.refresh(home)
        answers = [shim.get(f"/api/refresh?wait=20{more}", "POST").json for more in ("", "&provider=zai")]
        machine.stage.aimo("refresh", "--provider", "zai")
    machine.stage.aimo("refresh", "--provider", "zai")
    assert "zai.quota" not in browser.asked
    assert simulator.requests == []
    assert [[entry["provider"] for entry in answer] for answer in answers] == [["claude", "codex", "ollama"], []]
    assert "zai" not in json.dumps(machine.stage.cache())


def test_a_reading_that_was_under_way_when_its_provider_was_switched_off_is_dropped(machine: Machine) -> None:
    silent = Browser()
    silent.hangs = "zai.quota"
    with machine.browsers((HOME, silent)) as (home,):
        home.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
        ask = home.expect("ask")
        machine.tell(home, providers={"zai": "off"})
        home.send({"type": "answer", "id": ask["id"], **message_of(ADA.answers(time.time())["zai.quota"])})
        machine.refresh(home, "claude", later=0)
        assert list(machine.stage.cache()) == ["claude"]


def test_a_dormant_provider_is_left_in_peace_until_its_site_is_visited_or_it_is_named(machine: Machine) -> None:
    browser = Browser(signed_out_of=("ollama",))
    with machine.browsers((HOME, browser)) as (home,):
        for _ in range(3):
            machine.refresh(home)
        assert browser.asked.count("ollama.settings") == 1
        machine.refresh(home, "ollama")
        assert browser.asked.count("ollama.settings") == 2
        del browser.instead["ollama"]
        machine.refresh(home)
        assert browser.asked.count("ollama.settings") == 2
        machine.tell(home, wake=["ollama"])
        machine.refresh(home)
        assert browser.asked.count("ollama.settings") == 3
    assert whose(machine.entries()) == everywhere("ada")

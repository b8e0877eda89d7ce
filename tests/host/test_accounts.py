"""Several browser profiles, one machine: whose row is whose, who is asked how often, and what is written down about it.

The browsers are peers, the sites of the server-side routes the simulator; host, command line and shim are real processes.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge.model import Answer
from aimo_host.gauge.times import iso
from aimo_host.samples import claude, codex, json_answer
from aimo_host.state import ledger, paths, requests, settings
from tests.browser.processes import until
from tests.browser.stage import Stage
from tests.host.peer import PROFILE, PROVIDERS, Peer, message_of
from tests.simulator import canaries
from tests.simulator.people import ADA, BOB, everywhere, numbers, whose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.people import Person
    from tests.simulator.simulator import Simulator

    Entry = dict[str, Any]

#: The three profiles of a machine.
HOME, WORK, SPARE = PROFILE, f"{PROFILE[:-1]}2", f"{PROFILE[:-1]}3"
SIGNED_OUT = Answer(failed="signed_out")


class Browser:
    """What one browser profile answers: its person's samples, or for a source or a provider something else."""

    def __init__(self, person: Person = ADA, *, signed_out_of: tuple[str, ...] = (), slow: float = 0.0) -> None:
        self.person = person
        self.instead: dict[str, Answer] = dict.fromkeys(signed_out_of, SIGNED_OUT)
        self.asked: list[str] = []
        self.hangs: str | None = None
        self._slow = slow

    def __call__(self, source: str, params: dict[str, str]) -> dict[str, Any] | None:
        self.asked.append(source)
        if source == self.hangs:
            return None
        time.sleep(self._slow)  # a provider that takes its time
        other = self.instead.get(source) or self.instead.get(source.partition(".")[0])
        if other is None and params.get("org", self.person.organization) != self.person.organization:
            other = claude.WRONG_ORGANIZATION
        return message_of(other or self.person.answers(time.time())[source])

    def count(self) -> dict[str, int]:
        return {source: self.asked.count(source) for source in self.asked}


class Machine:
    """A stage without a browser of its own, and the peers that are its browsers."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.paths = paths.find(stage.environ)

    @contextmanager
    def browsers(self, *profiles: tuple[str, Browser]) -> Iterator[list[Peer]]:
        """The profiles' hosts, introduced, for as long as the block lasts."""
        with ExitStack() as stack:
            peers = [stack.enter_context(Peer(b, profile=p, environ=self.stage.environ)) for p, b in profiles]
            for peer in peers:
                peer.hello()
            yield peers

    def refresh(self, peer: Peer, *providers: str, trigger: str = "popup", later: float = 60.0) -> None:
        """One more refresh from a face of this browser, `later` seconds after the last, to its end."""
        self.stage.let_pass(later)
        sent = time.time()
        wanted = [p for p in providers or PROVIDERS if p in settings.wanted(settings.read(self.paths))]
        named = {"providers": list(providers)} if providers else {}
        peer.send({"type": "refresh", "id": "r", "trigger": trigger, **named})
        until(lambda: all(self._settled(p) >= sent for p in wanted), "the refresh is carried out", 30)

    def _settled(self, provider: str) -> float:
        return requests.read(self.paths, time.time()).settled[provider]

    def tell(self, peer: Peer, **changed: Any) -> None:
        """A change of settings, carried out."""
        mark = f"after {len(peer.messages)}"
        peer.send({"type": "settings", "changed": changed})
        peer.send({"type": "no such thing", "id": mark})  # messages are carried out in order
        peer.expect("error", lambda message: message.get("id") == mark)

    def entries(self) -> list[Entry]:
        found: list[Entry] = json.loads(self.stage.aimo("--cached", "--json").stdout)
        return found

    def rows(self, provider: str) -> list[Entry]:
        return [entry for entry in self.entries() if entry["provider"] == provider]

    def ledger(self) -> list[dict[str, Any]]:
        return ledger.read(self.paths, 1000)

    def put(self, place: str, content: str, *, mode: int = 0o600) -> None:
        """A file of another program in the person's home folder."""
        path = os.path.join(self.stage.environ["HOME"], place)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, mode)


@pytest.fixture
def machine(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Where no program but the system's own is installed, save what a test puts into `bin` of the home folder."""
    folder = str(tmp_path_factory.mktemp("s"))
    programs = os.pathsep.join((os.path.join(folder, "home", "bin"), "/usr/bin", "/bin"))
    with Stage(folder, simulator, "", PATH=programs) as stage:
        yield Machine(stage)


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


# Once, however many ask


def test_fifty_askers_are_one_request_to_each_provider_and_profile(machine: Machine, simulator: Simulator) -> None:
    machine.stage.write_env(ZAI_API_KEY=canaries.ZAI_API_KEY)
    signed_in(machine, simulator)
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


def signed_in(machine: Machine, simulator: Simulator) -> None:
    """Codex' and Claude's own programs are signed in on this machine."""
    tokens = {"access_token": simulator.codex_cli_token, "refresh_token": canaries.CODEX_REFRESH_TOKEN}
    machine.put(".codex/auth.json", json.dumps({"auth_mode": "chatgpt", "tokens": tokens}))
    machine.put(".claude/.credentials.json", json.dumps({"claudeAiOauth": {"accessToken": canaries.CLAUDE_OAUTH_TOKEN}}))


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
    signed_in(machine, simulator)
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

"""Three profiles, three hosts, a shim and fifty agents at the same moment: each profile asks each provider exactly once.

With peers for browsers always; in a deep run with three real Chromium profiles too, with nobody looking and no debugger attached.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aimo_host.gauge.model import Answer
from tests.browser import processes
from tests.browser.stage import Stage
from tests.host.machine import HOME, SPARE, WORK, Browser
from tests.reliability import figures
from tests.simulator import canaries
from tests.simulator.people import ADA, BOB

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.stage import Shim
    from tests.host.machine import Machine
    from tests.simulator.simulator import Simulator

#: Of fifty, so many start `aimo --json`; the others ask the shim, some of them for one provider by name.
COMMANDS = 4
PATHS = ["/api/refresh?wait=75"] * 42 + [f"/api/refresh?wait=75&provider={name}" for name in ("claude", "codex", "zai", "ollama")]
SOURCES = ("claude.organizations", "claude.usage", "claude.prepaid_credits", "codex.usage", "zai.quota", "ollama.settings")


def _all_at_once(stage: Stage, shim: Shim) -> None:
    """Fifty agents ask, and everyone is answered."""
    with ThreadPoolExecutor(len(PATHS) + COMMANDS) as agents:
        commands = [agents.submit(stage.aimo, "--json", within=120) for _ in range(COMMANDS)]
        statuses = list(agents.map(lambda path: shim.get(path, "POST", within=120).status, PATHS))
        assert (statuses, [one.result().returncode for one in commands]) == ([200] * len(PATHS), [0] * COMMANDS)


def _judge(record: Callable[..., None], kind: str, asked: dict[str, float], server_side: Counter[str | None]) -> None:
    """`asked` says how often each profile asked each source, `server_side` how often each route was asked."""
    least, most, server = min(asked.values()), max(asked.values()), max(server_side.values())
    words = f"{kind}: {least:g} to {most:g} questions of a profile to a source, {server} of a server-side route"
    record("once", words, is_reached=(least, most, server) == (1, 1, 1))
    assert set(asked.values()) == {1}, asked
    assert set(server_side.values()) == {1}, server_side


def test_three_hosts_and_fifty_agents_are_one_question_each(
    machine: Machine, simulator: Simulator, record_figure: Callable[..., None]
) -> None:
    machine.sign_programs_in(simulator)
    shim = machine.stage.serve()
    people = {HOME: ADA, WORK: BOB, SPARE: ADA}
    browsers = {profile: Browser(person, signed_out_of=("codex",), slow=0.05) for profile, person in people.items()}
    with machine.browsers(*browsers.items()) as peers:
        for peer in peers:
            peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
        _all_at_once(machine.stage, shim)
    asked = {f"{profile} {source}": browser.asked.count(source) for profile, browser in browsers.items() for source in SOURCES}
    _judge(record_figure, "peers", dict(asked), Counter(seen.source for seen in simulator.requests))


if figures.IS_DEEP:
    PROFILES = {"ada": 2, "bob": 1}

    @pytest.mark.browser
    def test_three_chromium_profiles_and_fifty_agents_are_one_question_each(
        simulator: Simulator, chromium: str, tmp_path_factory: pytest.TempPathFactory, record_figure: Callable[..., None]
    ) -> None:
        with Stage(str(tmp_path_factory.mktemp("s")), simulator, chromium) as stage:
            third = f"{stage.profile}3"
            stage.install(stage.second_profile, third)
            for profile, person in ((stage.profile, ADA), (stage.second_profile, BOB), (third, ADA)):
                stage.sign_in(profile, person)
            shim = stage.serve()
            with stage.unwatched(), stage.unwatched(profile=stage.second_profile), stage.unwatched(profile=third):
                processes.until(lambda: len(stage.hosts()) == 3, "three browsers have their hosts", 60)
                # Z.ai knows none of the three any more, so that its key is needed.
                simulator.set("zai.quota", Answer(401, "{}"))
                stage.write_env(ZAI_API_KEY=canaries.ZAI_API_KEY)
                stage.forget_attempts()
                simulator.clear()
                _all_at_once(stage, shim)
        counted = Counter((one.source, one.person) for one in simulator.requests if not one.proxied)
        asked = {
            f"{name} {source}": counted[source, name] / profiles for source in SOURCES for name, profiles in PROFILES.items()
        }
        _judge(record_figure, "Chromium", asked, Counter(one.source for one in simulator.requests if one.proxied))

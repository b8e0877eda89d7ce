"""One machine with several browser profiles: real hosts whose browsers are peers, the real command line and shim, one home.

The sites of the server-side routes are the simulator's. Time passes by making what is in the files older.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge.model import Answer
from aimo_host.samples import claude
from aimo_host.state import ledger, paths, requests, settings
from tests.browser.processes import until
from tests.browser.stage import Stage
from tests.host.peer import PROFILE, PROVIDERS, Peer, message_of
from tests.simulator import canaries
from tests.simulator.people import ADA

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
        return message_of(other or self.person.answers(self.now())[source])

    def now(self) -> float:
        """The providers' clock."""
        return time.time()

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

    def sign_programs_in(self, simulator: Simulator) -> None:
        """Codex' and Claude's own programs are signed in on this machine."""
        tokens = {"access_token": simulator.codex_cli_token, "refresh_token": canaries.CODEX_REFRESH_TOKEN}
        self.put(".codex/auth.json", json.dumps({"auth_mode": "chatgpt", "tokens": tokens}))
        self.put(".claude/.credentials.json", json.dumps({"claudeAiOauth": {"accessToken": canaries.CLAUDE_OAUTH_TOKEN}}))


@pytest.fixture
def machine(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Where no program but the system's own is installed, save what a test puts into `bin` of the home folder."""
    folder = str(tmp_path_factory.mktemp("s"))
    programs = os.pathsep.join((os.path.join(folder, "home", "bin"), "/usr/bin", "/bin"))
    with Stage(folder, simulator, "", PATH=programs) as stage:
        yield Machine(stage)

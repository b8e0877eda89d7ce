"""A machine with a canary in every place where a person keeps a secret, used through every route, and all that comes out of it.

`play(mood)` signs the person in everywhere, refreshes by every way there is (browser, host, command line, shim), and returns
every text that our programs left, showed or handed on: where -> text. A mood is how the providers answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from aimo_host.gauge.model import Answer
from aimo_host.samples import claude, codex
from aimo_host.state import ledger, paths
from tests.browser import processes
from tests.browser.stage import Stage
from tests.host.peer import PROVIDERS, Peer, message_of
from tests.routes.stage import Program
from tests.simulator import canaries, defaults
from tests.simulator.people import ADA
from tests.simulator.simulator import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.simulator.simulator import Simulator

    Texts = dict[str, str]

#: Whatever a secret of the made-up person contains, and who that person is.
MARKS = ("CANARY", "Canary", *canaries.SECRETS, *canaries.PRIVATE)
VAULT_SESSION = "CANARYbwsession"
#: Whoever is asked may need the organisation that it gave itself, and only it.
_NEEDED = re.compile(f"{claude.PERSONAL}|{codex.ACCOUNT}")
_PERSONAL = {"email": canaries.EMAIL, "full_name": canaries.NAME, "access_token": "CANARYtoken", canaries.EMAIL: canaries.NAME}
_HEADERS = {"set-cookie": "session=CANARYcookie; Path=/", "x-account": canaries.EMAIL}
_COMMANDS = (
    *(("--cached",), ("--cached", "--json"), ("pick",), ("can", "codex"), ("line",), ("show", "waybar"), ("log",)),
    *(("paths", "--json"), ("doctor",), ("doctor", "--json")),
)
_PATHS = ("/", "/api/usage?cached=1", "/api/answer", "/api/pick", "/api/ping", "/api/openapi.json", "/usage", "/metrics")


def _talkative(healthy: Answer) -> Answer:
    """The healthy answer with the person's name all over it."""
    body = healthy.body
    if body.startswith("{"):
        body = json.dumps(json.loads(body) | _PERSONAL)
    elif body.startswith("["):
        body = json.dumps([one | _PERSONAL for one in json.loads(body)])
    else:
        body = body.replace("<body", f"<!-- {json.dumps(_PERSONAL)} --><body", 1)
    return replace(healthy, body=body, headers={**healthy.headers, **_HEADERS})


def _refusal(status: int) -> Callable[[Answer], Answer]:
    about = {"type": canaries.EMAIL, "message": f"{canaries.NAME} <{canaries.EMAIL}> CANARY", "code": "CANARY"}
    body = json.dumps({"error": about, "detail": "CANARY", "msg": "CANARY", "code": 1, **_PERSONAL})
    return lambda _: Answer(status, body, {"content-type": "application/json", **_HEADERS})


#: (The name of a limit that nobody knows would be shown: it is the provider's word for it.)
_GARBAGE = json.dumps({"CANARY": canaries.EMAIL, canaries.EMAIL: [canaries.NAME], "limits": [{"percentage": "CANARY"}]})
#: Redirects, cut connections and silence are in test_canaries_inside.py.
MOODS: dict[str, Callable[[Answer], Answer]] = {
    "good": _talkative,
    "signed out": _refusal(401),
    "in trouble": _refusal(500),
    "incomprehensible": lambda _: Answer(200, _GARBAGE, {"content-type": "application/json", **_HEADERS}),
}


class World:
    """See the module."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.simulator = simulator
        self.home = folder / "home"
        programs = os.pathsep.join((str(self.home / "vault"), str(self.home / "cli"), "/usr/bin", "/bin"))
        wanted = {"AIMO_BITWARDEN_ITEM": "zai-item", "BW_SESSION": VAULT_SESSION}
        self.stage = Stage(str(folder), simulator, "", PATH=programs, **wanted)
        self.texts: Texts = {}
        self._sign_in()

    def _put(self, place: str, content: object) -> None:
        path = self.home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    def _sign_in(self) -> None:
        claims = canaries.chatgpt_claims(time.time() + 86400)
        tokens = {
            "access_token": self.simulator.codex_cli_token,
            "id_token": canaries.jwt(claims, "CANARYidtoken"),
            "refresh_token": canaries.CODEX_REFRESH_TOKEN,
            "account_id": codex.ACCOUNT,
        }
        self._put(".codex/auth.json", {"auth_mode": "chatgpt", "OPENAI_API_KEY": "sk-CANARYopenai", "tokens": tokens})
        oauth = {"accessToken": canaries.CLAUDE_OAUTH_TOKEN, "refreshToken": "CANARYclauderefresh", "subscriptionType": "max"}
        self._put(".claude/.credentials.json", {"claudeAiOauth": oauth, "mcpOAuth": {"x": {"accessToken": "CANARYmcp"}}})
        self._put(
            ".claude.json", {"oauthAccount": {"emailAddress": canaries.EMAIL, "accountUuid": claude.ACCOUNT}, "x": "CANARY"}
        )
        self.stage.write_env(OLLAMA_API_KEY=canaries.OLLAMA_API_KEY, SOMETHING_ELSE="CANARYother")
        self.vault = Program(self.home / "vault", "bw")
        self.vault.will(stdout=canaries.ZAI_API_KEY + "\n", stderr="CANARY warning\n")
        self.codex = Program(self.home / "cli", "codex")
        complaint = {"error": {"code": -32603, "message": f"401 CANARY {canaries.EMAIL} body={{}}"}}
        self.codex.will(answers={"initialize": {"result": {}}, "account/rateLimits/read": complaint}, noise=["CANARY"])

    # -- what is done in it

    def play(self, mood: str) -> Texts:
        """Everything that there is to see of one day in this world."""
        for source in SOURCES:
            self.simulator.set(source, self._programme(source, MOODS[mood]))
        with self.stage, self._watched():
            shim = self.stage.serve()
            self._browse("browser", lambda source: MOODS[mood](ADA.answers(time.time())[source]))
            self._browse("signed-out browser", lambda _: Answer(failed="signed_out"))
            self.stage.let_pass(2 * 86400)
            self.texts["POST /api/refresh"] = shim.get("/api/refresh?wait=20", "POST").text
            self.stage.let_pass(2 * 86400)
            self._run("refresh")
            for command in _COMMANDS:
                self._run(*command)
            for path in _PATHS:
                reply = shim.get(path)
                self.texts[f"GET {path}"] = f"{reply.headers}{reply.text}"
            self._read_files()
        for program in (self.vault, self.codex):
            self.texts[f"given to {program.folder}"] = json.dumps(program.calls).replace(VAULT_SESSION, "")
        return self.texts

    def _programme(self, source: str, mood: Callable[[Answer], Answer]) -> Callable[[float], Answer]:
        return lambda now: mood(defaults.answer(source, now, self.simulator.chatgpt_token))

    def _browse(self, name: str, answers: Callable[[str], Answer]) -> None:
        self.stage.let_pass(2 * 86400)
        with Peer(lambda source, _: message_of(answers(source)), environ=self.stage.environ) as peer:
            peer.hello()
            after = len(peer.messages)
            peer.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": PROVIDERS})
            peer.settled(after)
            peer.send({"type": "secret", "name": "OLLAMA_API_KEY", "value": canaries.OLLAMA_API_KEY})
            peer.send({"type": "secret", "name": "CANARY", "value": "CANARY"})
            peer.expect("error")
            frames = [json.dumps(message) for message in peer.messages]
            self.texts[f"frames to the {name}"] = "\n".join(_NEEDED.sub("", one) if '"ask"' in one else one for one in frames)
            self.texts[f"stderr of the host of the {name}"] = peer.stderr

    def _run(self, *command: str) -> None:
        done = self.stage.aimo(*command)
        self.texts[f"aimo {' '.join(command)}"] = done.stdout + done.stderr

    def _read_files(self) -> None:
        for folder, _, names in os.walk(self.stage.home):
            for path in (os.path.join(folder, name) for name in names):
                if os.path.isfile(path) and not path.endswith("config/.env"):  # the person's own file
                    with open(path, encoding="utf-8", errors="replace") as file:
                        self.texts[f"file {path}"] = path + file.read()

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """What anybody sees of our processes while it lasts: command line and, as the same user, environment."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.02):
                for pid, command in processes.carrying(self.stage.home).items():
                    environ = processes._read(pid, "environ").decode("utf-8", "replace").replace(VAULT_SESSION, "")
                    self.texts[f"process {pid}"] = self.texts.get(f"process {pid}", "") + command + environ

        watching = threading.Thread(target=watch)
        watching.start()
        yield
        over.set()
        watching.join()

    def in_play(self) -> set[str]:
        """The canaries that were really used: sent to a provider, or handed to a program."""
        sent = " ".join(str(seen.headers) for seen in self.simulator.requests) + json.dumps(self.vault.calls)
        return {secret for secret in (*canaries.SECRETS, VAULT_SESSION) if secret in sent}

    def routes(self) -> set[str]:
        """The routes by which somebody was asked."""
        return {line["route"] for line in ledger.read(paths.find(self.stage.environ), 1000)}


def leaks(texts: Texts) -> list[tuple[str, str, str]]:
    """Where, which mark, and what stands around it."""
    found = ((where, mark, text, text.find(mark)) for where, text in texts.items() for mark in MARKS)
    return [(where, mark, text[max(0, at - 80) : at + 80]) for where, mark, text, at in found if at >= 0]

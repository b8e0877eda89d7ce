"""A browser profile's end of the pipe to a real host process: sends messages, or any bytes, and answers the host's asks.

    with Peer() as peer:
        peer.hello()
        peer.send({"type": "refresh", "id": "r1", "trigger": "popup"})
        peer.settled()

It has its own idea of frames and shares no code with the host. Nothing it starts outlives it, and no provider is within reach.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from aimo_host.samples import claude, codex, ollama, zai

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from aimo_host.gauge.model import Answer

    Message = dict[str, Any]
    #: What the extension would answer to a source with params; None stays silent.
    Answers = Callable[[str, dict[str, str]], Message | None]

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ORIGIN = "chrome-extension://efnbokloofpenpninngbeokiehjcjklf/"
PROFILE = "99999999-0000-4000-8000-000000000001"
PROVIDERS = ["claude", "codex", "zai", "ollama"]
COMMAND = (sys.executable, "-m", "aimo_host.host")
#: Nothing here may take longer on a busy machine; a test fails then, and never waits for it otherwise.
PATIENCE = 20.0


def environment(**more: str) -> dict[str, str]:
    """The made-up person's environment, with every way out of this machine leading nowhere."""
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "OLLAMA_HOST": "127.0.0.1:9", "AIMO_BITWARDEN_ITEM": ""}
    return {**os.environ, **nowhere, **more}


def message_of(answer: Answer) -> Message:
    """An answer as the extension words it."""
    if answer.failed is not None:
        return {"failed": answer.failed}
    return {
        "status": answer.status,
        "headers": dict(answer.headers),
        "body": answer.body,
        "redirected": answer.redirected,
    }


def healthy(source: str, _params: Mapping[str, str] | None = None) -> Message | None:
    """The samples, as everybody's provider answers on a good day."""
    now = time.time()
    return message_of((claude.answers(now) | codex.answers(now) | zai.answers(now) | ollama.answers(now))[source])


def silent(_source: str, _params: dict[str, str]) -> Message | None:
    """A browser whose every request hangs."""
    return None


def frame(message: Any) -> bytes:
    """`message` as the browser sends it."""
    return framed(json.dumps(message, ensure_ascii=False).encode("utf-8"))


def framed(body: bytes) -> bytes:
    """`body` with its length before it."""
    return struct.pack("=I", len(body)) + body


class Peer:
    """See the module."""

    def __init__(
        self,
        answers: Answers = healthy,
        *,
        profile: str = PROFILE,
        arguments: tuple[str, ...] = (ORIGIN,),
        environ: Mapping[str, str] | None = None,
        command: tuple[str, ...] = COMMAND,
        reads: bool = True,
    ) -> None:
        self.profile = profile
        self.messages: list[Message] = []
        self.broken: bytes | None = None
        self._answers = answers
        self._sending = threading.Lock()
        self._news = threading.Condition()
        self._ended = False
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed on leaving
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=dict(environ) if environ is not None else environment(),
            cwd=REPOSITORY,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        if reads:
            self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()  # not killed, so that its coverage is kept when that is measured
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.hang_up()
        if self._reader.is_alive():
            self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        said = self.stderr
        self._stderr.close()
        if kind is None:
            assert self.broken is None, f"not a frame: {self.broken!r}"
            assert "Traceback" not in said, said

    # -- what goes in

    def write(self, data: bytes) -> None:
        """Any bytes; a host that is gone takes none."""
        with self._sending:
            try:
                self._stdin.write(data)
                self._stdin.flush()
            except (OSError, ValueError):
                pass  # gone, or we have hung up

    def send(self, message: Message) -> None:
        self.write(frame(message))

    def hello(self) -> Message:
        """Introduce this profile, and return the welcome."""
        self.send({"type": "hello", "protocol": 1, "extension": "0.1.0", "profile": self.profile})
        return self.expect("welcome")

    def hang_up(self) -> None:
        """The end of input."""
        with self._sending:
            try:
                self._stdin.close()
            except OSError:
                pass

    @property
    def _stdin(self) -> Any:
        assert self.process.stdin is not None
        return self.process.stdin

    # -- what comes out

    def expect(self, kind: str, claim: Callable[[Message], bool] = lambda _: True, *, after: int = 0) -> Message:
        """The first message of this kind of which `claim` holds, among those from number `after` on; waits for it."""

        def find() -> Message | None:
            return next((m for m in self.messages[after:] if m["type"] == kind and claim(m)), None)

        with self._news:
            self._news.wait_for(lambda: find() is not None or self._ended, PATIENCE)
            found = find()
        assert found is not None, f"no such {kind}; came: {self.messages[after:]}; stderr: {self.stderr}"
        return found

    def settled(self, after: int = 0) -> list[Message]:
        """Waits until nothing is being refreshed any more; the entries sent from message number `after` on."""
        self.expect("entry", lambda m: m["refreshing"] == [], after=after)
        return [message for message in self.messages[after:] if message["type"] == "entry"]

    def exit_code(self) -> int:
        """Waits for the host's end; everything it has said is in `messages` then."""
        code = self.process.wait(PATIENCE)
        if self._reader.is_alive():
            self._reader.join(PATIENCE)
        return code

    @property
    def stderr(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read().decode("utf-8", "replace")

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.messages]

    # -- inside

    def _read(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        while head := stdout.read(4):
            body = stdout.read(struct.unpack("=I", head)[0]) if len(head) == 4 else b""
            try:
                message = json.loads(body.decode("utf-8"), parse_constant=_no_json)
                assert isinstance(message["type"], str)
            except (ValueError, KeyError, TypeError, AssertionError):
                self.broken = head + body
                break
            with self._news:
                self.messages.append(message)
                self._news.notify_all()
            if message["type"] == "ask":
                self._answer(message)
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _answer(self, ask: Message) -> None:
        answer = self._answers(ask["source"], ask["params"])
        if answer is not None:
            self.send({"type": "answer", "id": ask["id"], **answer})


def _no_json(constant: str) -> None:
    raise ValueError(constant)

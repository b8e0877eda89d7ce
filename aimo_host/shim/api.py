"""What the routes under /api/ do: read the cache, ask for a refresh, wait for it. Nothing over HTTP changes a setting."""

from __future__ import annotations

import os
import subprocess
import threading
import time

from aimo_host import __version__
from aimo_host.gauge import choice, snapshot
from aimo_host.gauge.answer import answer_at
from aimo_host.shim import contract, known
from aimo_host.state import ledger, presence, requests, settings
from aimo_host.state.bell import Bell
from aimo_host.state.installation import own_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from aimo_host.gauge.choice import Question
    from aimo_host.shim.known import Known
    from aimo_host.state.bell import Listener
    from aimo_host.state.paths import Paths

    Entries = list[dict[str, Any]]

DEFAULT_MAX_AGE = 60.0
DEFAULT_WAIT = 5.0
#: While a client waits, this often it is checked that somebody conducts.
_CHECK_EVERY = 1.0


class Api:
    """Answers from the files of one installation."""

    def __init__(self, paths: Paths, environ: Mapping[str, str], listener: Listener) -> None:
        self._paths = paths
        self._environ = environ
        self._listener = listener
        self._starting = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._known: Known | None = None

    def ping(self) -> dict[str, Any]:
        """Who answers here, and whether a browser is connected."""
        state = "connected" if self._hosts() else "absent"
        return {"ok": True, "name": "aimo", "version": __version__, "pid": os.getpid(), "browser": state}

    def cached(self, provider: str | None = None) -> Entries:
        """The entries as they are known, asking nobody."""
        entries = self.known().entries
        return entries if provider is None else [entry for entry in entries if entry["provider"] == provider]

    def known(self) -> Known:
        """What is known now; read anew only if that would come to something else."""
        now, last = time.time(), self._known
        if last is None or not last.holds(self._paths, now):
            self._known = last = known.read(self._paths, now)
        return last

    def worded(self, result: object) -> tuple[bytes, str]:
        """A result of ours as the body of an answer, and its tag."""
        last = self._known
        if last is not None and result is last.entries:
            return last.worded()
        body = contract.body_of(result)
        return body, contract.tag_of(body)

    def answer(self) -> dict[str, Any]:
        """Whom to use and what is the matter, of what is known, and how the person wants to see it; asks nobody."""
        record = settings.read(self._paths)
        wishes = {name: record[name] for name in ("order", "providers", "language")}
        return {**answer_at(self.cached(), time.time()), "faces": wishes}

    def requests_made(self) -> Mapping[tuple[str, str, str], int]:
        """How many requests were ever made, by (provider, trigger, status)."""
        return ledger.totals(self._paths)

    def bell(self) -> Bell:
        """A bell for one client who wants to hear of every change."""
        return Bell(self._paths.bells_dir, (self._paths.cache, self._paths.settings))

    def usage(self, provider: str | None, max_age: float, wait: float, trigger: str) -> Entries:
        """The entries, after a refresh of those that are older than `max_age`, for which at most `wait` seconds are spent."""
        due = self.known().due(provider, max_age, time.time())
        if due:
            self._refresh(due, wait, trigger, named=provider is not None)
        return self.cached(provider)

    def pick(self, question: Question, max_age: float, trigger: str) -> dict[str, Any]:
        """Whom to use, after a refresh of what is older than `max_age` (see `choice.choose`)."""
        due = requests.due(self._paths, question.candidates(self.cached()), max_age, time.time())
        if due:
            self._refresh(due, choice.LONGEST_WAIT, trigger, named=False)
        return choice.choose(question, self.cached(), time.time())

    def refresh(self, provider: str | None, wait: float, trigger: str) -> Entries:
        """The entries, after everybody was asked and at most `wait` seconds were spent until they have answered or failed."""
        wanted = [p for p in settings.wanted(settings.read(self._paths)) if provider in {None, p}]
        self._refresh(wanted, wait, trigger, named=provider is not None)
        return self.cached(provider)

    def _refresh(self, providers: Iterable[str], wait: float, trigger: str, *, named: bool) -> None:
        """Ask, see to it that somebody conducts, and wait for at most `wait` seconds."""
        try:
            moments = requests.ask(self._paths, providers, trigger=trigger, named=named, now=time.time())
        except OSError:
            return  # a disk that cannot be written: what is cached is all there is

        def is_settled() -> bool:
            found = requests.read(self._paths, time.time())
            return all(found.is_settled(provider, at) for provider, at in moments.items())

        if not self._hosts():
            self._start_conductor(moments)
        deadline = time.monotonic() + wait
        while (left := deadline - time.monotonic()) > 0 and not self._listener.wait_until(is_settled, min(left, _CHECK_EVERY)):
            # A host that was there may have died with the request in its hands.
            self._start_conductor(moments)

    def _hosts(self) -> bool:
        return any(facts.get("kind") == "host" for facts in presence.present(self._paths.presence_dir))

    def _start_conductor(self, moments: Mapping[str, float]) -> None:
        """Start `aimo refresh` for the open requests, unless somebody conducts each of these. The shim itself stays tiny."""
        with self._starting:
            if self._child is not None and self._child.poll() is None:
                return
            found = requests.read(self._paths, time.time())
            if not any(self._is_left_alone(provider) for provider, at in moments.items() if not found.is_settled(provider, at)):
                return
            nowhere = subprocess.DEVNULL
            try:
                child = subprocess.Popen(
                    own_command("refresh", "--pending"),
                    env=dict(self._environ),
                    cwd=self._paths.state_dir,
                    stdin=nowhere,
                    stdout=nowhere,
                    stderr=nowhere,
                )
            except OSError:  # no process to be had, or no interpreter any more: what is known is the answer
                return
            self._child = child
            threading.Thread(target=child.wait, name="conductor", daemon=True).start()

    def _is_left_alone(self, provider: str) -> bool:
        with requests.conducting(self._paths, provider).hold(0) as is_free:
            return is_free


class SampleApi(Api):
    """Serves invented readings, says so, and asks nobody."""

    def __init__(
        self, paths: Paths, environ: Mapping[str, str], listener: Listener, samples: Callable[[float], dict[str, Any]]
    ) -> None:
        super().__init__(paths, environ, listener)
        self._samples = samples

    def ping(self) -> dict[str, Any]:
        """As ever, with `demo` for the dashboard's banner."""
        return {**super().ping(), "demo": True}

    def known(self) -> Known:
        """The samples as of now."""
        now = time.time()
        return known.of_samples(snapshot.entries_at(self._samples(now), settings.defaults(), now), now)

    def requests_made(self) -> Mapping[tuple[str, str, str], int]:
        """None."""
        return {}

    def _refresh(self, providers: Iterable[str], wait: float, trigger: str, *, named: bool) -> None:
        """Nobody to ask."""

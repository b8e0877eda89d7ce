"""Who may be signed in to the simulated sites: Ada, whom every visit means unless it says otherwise, and Bob (`/?as=bob`).

They differ in everything that tells accounts apart: Claude's organisation, ChatGPT's account, Ollama's address and, since z.ai
names nobody, the end of z.ai's week. Their numbers differ too, so that a blend of both would show. All invented.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aimo_host.samples import claude, codex, json_answer, ollama, zai

if TYPE_CHECKING:
    from aimo_host.gauge.model import Answer


@dataclass(frozen=True, slots=True)
class Person:
    """One visitor. `zai_week` is how full z.ai's week is and its seconds left, `variants` names the other samples."""

    name: str
    organization: str
    chatgpt_account: str
    address: str
    zai_week: tuple[float, float]
    variants: tuple[str, str, str]

    def own(self, secret: str) -> str:
        """This person's copy of a canary secret; the canary can still be searched for."""
        return secret if self.name == "ada" else f"{secret}-{self.name}"

    def answers(self, now: float) -> dict[str, Answer]:
        """What this person's browser gets for each source on a good day."""
        plan, chatgpt, page = self.variants
        given = claude.answers(now, plan) | codex.answers(now, chatgpt) | ollama.answers(now, page)
        used, left = self.zai_week
        week = zai.weekly(now, percentage=used, nextResetTime=int(now + left) * 1000)
        given["zai.quota"] = json_answer(zai.quota(zai.tools(now), zai.session(now), week))
        return {source: self._mine(answer) for source, answer in given.items()}

    def _mine(self, answer: Answer) -> Answer:
        body = answer.body.replace(claude.PERSONAL, self.organization).replace(codex.ACCOUNT, self.chatgpt_account)
        return replace(answer, body=body.replace("someone@example.com", self.address))


ADA = Person("ada", claude.PERSONAL, codex.ACCOUNT, "someone@example.com", (61, 4.5 * 86400), ("default", "default", "default"))
BOB = Person(
    "bob",
    "0a1b2c3d-0000-4000-8000-0000000000b0",
    "11111111-2222-4333-8444-bbbbbbbbbbbb",
    "bob@example.test",
    (5, 2 * 86400),
    ("pro", "plus", "free"),
)
PEOPLE = {person.name: person for person in (ADA, BOB)}

#: What their windows say, by which their rows are recognised.
_NUMBERS = {
    "ada": {"claude": [47.0, 61.0], "codex": [1.0, 16.0], "zai": [22.0, 61.0], "ollama": [11.7, 40.2]},
    "bob": {"claude": [12.5, 33.0], "codex": [33.0, 5.0], "zai": [22.0, 5.0], "ollama": [12.0]},
}


def numbers(entry: dict[str, Any]) -> list[float]:
    """How full the windows are that bind."""
    return [window["used_pct"] for window in entry["windows"] if window["binding"]]


def whose(entries: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Per provider, the people whose numbers the rows show; numbers of nobody's as they are."""
    found: dict[str, list[str]] = {provider: [] for provider in _NUMBERS["ada"]}
    for entry in entries:
        known = (name for name, of in _NUMBERS.items() if of[entry["provider"]] == numbers(entry))
        found[entry["provider"]].append(next(known, str(numbers(entry))))
    return {provider: sorted(names) for provider, names in found.items()}


def everywhere(*names: str) -> dict[str, list[str]]:
    """What `whose` says of rows of these people at every provider."""
    return {provider: list(names) for provider in _NUMBERS["ada"]}

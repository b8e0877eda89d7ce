"""Claude: which organisation is meant, what its usage says, and what every refusal means.

The organisation is chosen by rules and never guessed; readings of two organisations are never mixed. A throttled check is never a
used-up quota, a bot check never a sign-out. E-mails and names of organisations are not read at all. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from aimo_host.gauge.model import Ask, Usage
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.times import instant
from aimo_host.providers.answers import problem_of, retry_after
from aimo_host.providers.claude_usage import prepaid, read
from aimo_host.providers.fields import items, load, mapping, text
from aimo_host.providers.labels import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Generator
    from typing import Any

    from aimo_host.gauge.model import Answer, AuthSource, Balance, Conversation

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PAID = frozenset({"claude_max", "claude_pro", "raven"})
_LIST = Ask("claude.organizations")
#: The usage endpoint for tokens keeps a block beyond its own announcement, and has a budget of its own (measured 2026-08).
_OAUTH_MARGIN, _OAUTH_LEAST, _OAUTH_MOST = 900, 300, 4500


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as the provider spells it, and for people."""

    raw: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """What is needed of an element of `/api/organizations`."""

    uuid: str = field(repr=False)
    capabilities: frozenset[str]
    tier: str | None
    raven_type: str | None

    @property
    def plan(self) -> Plan:
        """Its plan, from its capabilities and tier."""
        return plan_of(capabilities=self.capabilities, tier=self.tier, raven_type=self.raven_type)

    @property
    def is_paid(self) -> bool:
        """Whether it has a subscription, a person's or a company's."""
        return bool(self.capabilities & _PAID) or self.raven_type is not None


def browse(memory: dict[str, str], now: float, pinned: str | None = None) -> Conversation:
    """Ask for the organisations, and for usage and credits of the one that is meant.

    `memory` is kept by the caller between conversations of one browser profile: the organisation of last time is asked side by
    side with the list, which saves a round trip and is thrown away if the list now says otherwise. `pinned` is the user's choice.
    """
    known = memory.get("org")
    listing, *at_hand = yield (_LIST, *_reads(known)) if known else (_LIST,)
    organizations = parse_organizations(listing, now)
    if isinstance(organizations, Problem):
        if not known or pinned not in (None, known):
            return organizations
        usage = _reading(at_hand, now, known, Plan(memory.get("plan"), memory.get("plan_label")))
        return organizations if isinstance(usage, Problem) else usage
    usage = yield from _read_chosen(organizations, memory, now, pinned, at_hand)
    if isinstance(usage, Problem) and usage == Problem("claude", "wrong_account"):
        # Somebody else may have signed in since the list was made: list again and choose again, once.
        (listing,) = yield (_LIST,)
        organizations = parse_organizations(listing, now)
        if isinstance(organizations, Problem):
            return organizations
        usage = yield from _read_chosen(organizations, memory, now, pinned, [])
    return usage


def _reads(organization: str) -> tuple[Ask, Ask]:
    parameters = {"org": organization}
    return Ask("claude.usage", parameters), Ask("claude.prepaid_credits", parameters)


def _read_chosen(
    organizations: Collection[Organization], memory: dict[str, str], now: float, pinned: str | None, at_hand: list[Answer]
) -> Generator[tuple[Ask, ...], tuple[Answer, ...], Usage | Problem]:
    """The usage of the organisation that the rules choose. `at_hand` are the answers for the remembered one."""
    chosen = choose(organizations, pinned)
    known = memory.pop("org", None)
    if isinstance(chosen, Problem):
        return chosen
    plan = chosen.plan
    if chosen.uuid != known or not at_hand:
        at_hand = [*(yield _reads(chosen.uuid))]
    memory.clear()
    memory.update({"org": chosen.uuid, "plan": plan.raw or "", "plan_label": plan.label or ""})
    return _reading(at_hand, now, chosen.uuid, plan)


def _reading(answers: list[Answer], now: float, organization: str, plan: Plan) -> Usage | Problem:
    usage_answer, credits_answer = answers
    usage = parse_usage(usage_answer, now, account=organization, plan=plan)
    credit = parse_credits(credits_answer, now)
    if isinstance(usage, Problem) or credit is None:
        return usage
    return replace(usage, balances=(*usage.balances, credit))


def parse_organizations(answer: Answer, now: float) -> tuple[Organization, ...] | Problem:
    """The organisations of `/api/organizations` that have an identifier; empty if the account has none."""
    problem = _problem(answer, now, "session")
    if problem is not None:
        return problem
    body = load(answer.body)
    found = tuple(
        Organization(
            uuid=uuid,
            capabilities=frozenset(name for item in items(raw.get("capabilities")) if (name := text(item))),
            tier=text(raw.get("rate_limit_tier")),
            raven_type=text(raw.get("raven_type")),
        )
        for raw in map(mapping, items(body))
        if (uuid := text(raw.get("uuid"))) and _UUID.fullmatch(uuid)
    )
    if not isinstance(body, list) or (body and not found):
        return Problem("claude", "unexpected_answer")
    return found


def choose(organizations: Collection[Organization], pinned: str | None = None) -> Organization | Problem:
    """The organisation that is meant: the pinned one, else the only paid one, else the only usable one. Never a guess."""
    if not organizations:
        return Problem("claude", "no_plan", "organization")
    for organization in organizations:
        if pinned is not None and organization.uuid.lower() == pinned.lower():
            return organization
    usable = [one for one in organizations if "chat" in one.capabilities or one.is_paid]
    usable = usable or [one for one in organizations if not one.capabilities]  # says nothing, so it is not API-only either
    if not usable:
        return Problem("claude", "no_plan", "api_only")
    best = [one for one in usable if one.is_paid] or usable
    if len({one.uuid for one in best}) > 1:
        return Problem("claude", "wrong_account", "choose")
    return best[0]


def parse_usage(
    answer: Answer, now: float, *, auth_source: AuthSource = "session", account: str | None = None, plan: Plan | None = None
) -> Usage | Problem:
    """A usage answer, from the site or from the endpoint for Claude Code's token (`auth_source="oauth"`).

    `account` is the organisation's raw identifier. `plan` is what was learned elsewhere: the answer does not name it.
    """
    problem = _problem(answer, now, auth_source)
    if problem is not None:
        return problem
    found = read(load(answer.body), now)
    if found is None:
        return Problem("claude", "unexpected_answer")
    windows, balances = found
    if not windows and not balances:
        return Problem("claude", "no_plan")
    plan = plan or Plan()
    return Usage(
        auth_source=auth_source,
        account=account,
        plan=plan.raw or None,
        plan_label=plan.label or None,
        windows=windows,
        balances=balances,
    )


def parse_credits(answer: Answer, now: float) -> Balance | None:
    """Money paid in advance; None whatever went wrong, for it must not hide the windows."""
    return prepaid(load(answer.body)) if problem_of("claude", answer, now) is None else None


def parse_cached(value: Any, now: float, account: str | None = None) -> tuple[Usage, float] | None:
    """Claude Code's `cachedUsageUtilization`: the usage and when it was fetched (epoch seconds).

    None if it says nothing that still holds, or belongs to another person than `account` (a raw `accountUuid`; None: not known).
    """
    cached = mapping(value)
    fetched_at = instant(cached.get("fetchedAtMs"))
    if fetched_at is None or (account is not None and cached.get("accountUuid") != account):
        return None
    usage = _unspent(cached.get("utilization"), now, fetched_at, "file")
    return None if usage is None else (usage, fetched_at)


def parse_status_line(value: Any, now: float) -> Usage | None:
    """The `rate_limits` that Claude Code pipes to a status line; None if they say nothing that still holds."""
    slots = {
        key: {**slot, "utilization": slot.get("used_percentage")}
        for key, slot in mapping(value).items()
        if isinstance(slot, dict)
    }
    return _unspent(slots, now, now, "cli")


def _unspent(body: Any, now: float, fetched_at: float, auth_source: AuthSource) -> Usage | None:
    """What a local file still proves: a window that has reset since, or could have, is dropped."""
    found = read(body, now)
    if found is None:
        return None
    windows = tuple(window for window in found[0] if (window.resets_at or fetched_at + (window.window_seconds or now)) > now)
    if not any(window.used_pct is not None for window in windows) and (found[0] or not found[1]):
        return None
    return Usage(auth_source=auth_source, windows=windows, balances=found[1])


def plan_of(
    *,
    capabilities: Collection[str] = (),
    tier: str | None = None,
    raven_type: str | None = None,
    subscription: str | None = None,
) -> Plan:
    """The plan that the evidence shows, strongest first: an organisation's fields, or those of Claude Code's credentials.

    `capabilities` takes a profile's `organization_type` as well. `default_claude_ai` alone proves nothing: Free and Pro share it.
    """
    raw = tier or raven_type or subscription
    named = {word.lower() for word in (*capabilities, raven_type or "", subscription or "") if word}
    known = (tier or "").lower()
    evidence = " ".join((*sorted(named), known))
    if "enterprise" in evidence:
        return Plan(raw, "Enterprise")
    if "team" in evidence or "raven" in named or known.startswith("default_raven"):
        return Plan(raw, "Team")
    if named & {"claude_max", "max"} or "max" in known:
        size = re.search(r"max_(\d{1,3}x)", known)
        return Plan(raw, f"Max {size[1]}" if size else "Max")
    if named & {"claude_pro", "pro"} or "claude_pro" in known:
        return Plan(raw, "Pro")
    if known == "default_claude_ai":
        if named == {"chat"}:
            return Plan(raw, "Free")
        # The tier says nothing, so a subscription or capability that this version does not know has the word.
        unknown = [subscription or "", *sorted(name for name in capabilities if name.startswith("claude_"))]
        return Plan(raw, next((_spelled(name) for name in unknown if name), None))
    return Plan(raw, _spelled(raw) if raw else None)


def _spelled(raw: str) -> str | None:
    """`default_claude_ultra` -> `Claude ultra`."""
    spelled = " ".join(words(raw.removeprefix("default_")))
    return spelled[:1].upper() + spelled[1:] or None


def _problem(answer: Answer, now: float, auth_source: AuthSource) -> Problem | None:
    """Claude's own rows first, then what means the same everywhere."""
    problem = problem_of("claude", answer, now)
    if problem is None or answer.failed is not None or problem.code == "browser_check":
        return problem
    with_token = auth_source == "oauth"
    expired = Problem("claude", "sign_in_expired", "cli", program="Claude Code", command="claude")
    if answer.status == 401 and with_token:
        return expired
    if answer.status == 403:
        return _refused(answer, expired if with_token else Problem("claude", "not_signed_in")) or problem
    if answer.status == 429 and with_token:
        wait = retry_after(answer.headers, now, default=0, cap=_OAUTH_MOST) - now
        wait = max(_OAUTH_LEAST, min(_OAUTH_MOST, wait + _OAUTH_MARGIN if wait > _OAUTH_LEAST else wait))
        return Problem("claude", "rate_limited", retry_at=now + wait)
    return problem


def _refused(answer: Answer, signed_out: Problem) -> Problem | None:
    """What a 403 says in so many words; None if it does not say."""
    error = mapping(mapping(load(answer.body)).get("error"))
    message = (text(error.get("message")) or "").lower()
    if "authorization for organization" in message:
        return Problem("claude", "wrong_account")
    if "scope requirement" in message:
        return Problem("claude", "scope_missing", command="claude")
    if (
        mapping(error.get("details")).get("error_code") == "account_session_invalid"
        or message.rstrip(".") == "invalid authorization"
    ):
        return signed_out
    return Problem("claude", "region_blocked") if "unable to serve your request" in answer.body.lower() else None

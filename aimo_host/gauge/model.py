"""What a provider's answer says, as frozen records: windows, balances, a usage, and the answers it was read from.

These are the parsers' words. The JSON of design §5 is made from them in one place (`entry.py`), so a parser never spells a key.
Times are epoch seconds (UTC); percentages are percent USED; None means unknown and is never replaced by a made-up 0.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from aimo_host.gauge.problems import Problem

Kind: TypeAlias = Literal["session", "hours", "daily", "weekly", "monthly", "tools", "spend", "other"]
State: TypeAlias = Literal["active", "not_started", "unknown"]
AuthSource: TypeAlias = Literal["session", "jwt", "api_key", "oauth", "cli", "local", "file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One usage limit that resets. `used_pct` may exceed 100; without it the state is `unknown` whatever was passed.

    `binding` says that all main work stops when this one is full. The main windows of a plan are, and a parser has to say so:
    headroom, `ok` and every choice rest on the binding ones alone. What limits one model, a tool or spending is not.
    """

    label: str
    kind: Kind
    used_pct: float | None
    resets_at: float | None = None
    resets_in: str | None = None
    scope: str | None = None
    window_seconds: int | None = None
    state: State = "active"
    binding: bool = False
    used: float | None = None
    limit: float | None = None
    remaining: float | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Money or credits beside the windows. `amount` is what is left, `unit` a currency code or "credits"."""

    kind: str
    label: str
    amount: float | None = None
    used: float | None = None
    limit: float | None = None
    unit: str | None = None
    unlimited: bool = False
    enabled: bool = True
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """The provider refuses work although percentages look free."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """All that one answer says of one account.

    `account` is the provider's raw identifier: it is hashed by the collector and never stored or shown as it is. `at` is when it
    was observed (epoch seconds), None for just now. `borrowed` is a copy that another program kept and that does not say for
    certain whose it is: it joins an entry only if it agrees with it, and may be silent about a part of it. `partial` says nothing
    of the windows that it does not have: they stay as they were read.
    """

    auth_source: AuthSource
    account: str | None = field(default=None, repr=False)
    plan: str | None = None
    plan_label: str | None = None
    windows: tuple[Window, ...] = ()
    balances: tuple[Balance, ...] = ()
    blocked: Blocked | None = None
    at: float | None = None
    borrowed: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request, from the browser or from our own client. `headers` have lower-case names.

    `failed` is set where there is no HTTP answer at all: signed_out, no_token, network, timeout, too_large, unknown_source.
    `redirected` is an opaque redirect (the browser shows neither its status nor its target).
    """

    status: int = 0
    body: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    redirected: bool = False
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for a named source of the extension's table, e.g. `Ask("claude.usage", {"org": uuid})`."""

    source: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)


#: What a provider's browser conversation is: it yields asks that may be made side by side, is sent their answers in the same
#: order, and returns a usage or the one problem that stopped it. It does no I/O itself; whoever drives it does.
Conversation: TypeAlias = Generator[tuple[Ask, ...], tuple[Answer, ...], "Usage | Problem"]

"""What the tools are called, what they are for, and the JSON Schemas of what goes in and out. Data, no behaviour.

Every word here is read by a model: short, and clear about what is unknown. Entries are those of
`aimo --json`, of which the schema names what an agent decides by.
"""

from __future__ import annotations

from aimo_host.gauge.catalog import ORDER, PROVIDERS
from aimo_host.gauge.choice import STRATEGIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Schema = dict[str, Any]

INSTRUCTIONS = (
    "How much of the person's AI subscriptions is left. Ask before long or expensive work, and before handing work to another "
    "agent. Unknown is never free. What is older than a minute is asked for first, so there is no need to call in a loop."
)


def _object(properties: dict[str, Schema], *, required: tuple[str, ...] | None = None, closed: bool = False) -> Schema:
    """All properties are required unless told."""
    wanted = list(properties if required is None else required)
    return {"type": "object", "properties": properties, "required": wanted, **({"additionalProperties": False} if closed else {})}


def _or_null(kind: str, meaning: str) -> Schema:
    return {"type": [kind, "null"], "description": meaning}


_PROVIDER: Schema = {"type": "string", "enum": list(ORDER), "description": "only this provider"}
_ID: Schema = {"type": "string", "description": f"one of {', '.join(PROVIDERS)}, or an account: claude/work"}
_NEED: Schema = {"type": "number", "minimum": 0, "maximum": 100, "description": "how many percent must be left"}
_SCOPE: Schema = {
    "type": "string",
    "description": "a model whose own windows count too, such as Fable; unknown if nobody has one",
}
_AMONG: Schema = {"type": "array", "items": _ID, "minItems": 1, "description": "ask about nobody else"}
_STRATEGY: Schema = {
    "type": "string",
    "enum": list(STRATEGIES),
    "description": "headroom: the most left (default); expiring: spend first what is lost first",
}
_CACHED: Schema = {"type": "boolean", "description": "true: ask no provider, only say what is known"}

_HEADROOM = _or_null("number", "percent left on the tightest main window; null: unknown")
_AVAILABLE = _or_null("string", "UTC time when the first will have enough; null: now, or not known")
_REASONS: Schema = {"type": "array", "items": {"type": "string"}, "description": "why, a sentence for each account"}
_WINDOW = _object(
    {
        "label": {"type": "string"},
        "used_pct": _or_null("number", "percent used; null: unknown"),
        "resets_at": _or_null("string", "UTC"),
        "scope": _or_null("string", "the model it is limited to; null: all"),
        "binding": {"type": "boolean", "description": "true: when it is full, all work stops"},
    }
)
_ENTRY = _object(
    {
        "provider": {"type": "string"},
        "ok": {"type": "boolean", "description": "work may be sent there, as far as is known"},
        "account_name": _or_null("string", "as the person calls it"),
        "headroom_pct": _HEADROOM,
        "windows": {"type": "array", "items": _WINDOW},
        "observed_at": _or_null("string", "UTC; null: never read"),
        "stale": {"type": "boolean", "description": "the newest attempt failed; this is the last good reading"},
        "error": _or_null("string", "the newest failure"),
    }
)
_ENTRIES = _object({"entries": {"type": "array", "items": _ENTRY}})
_RANKED = _object(
    {
        "id": {"type": "string"},
        "headroom_pct": _HEADROOM,
        "why": {"type": "string", "enum": ["fits", "full", "blocked", "unknown"]},
        "available_at": _AVAILABLE,
    }
)
_PICK = _object(
    {
        "pick": _or_null("string", "the id to use; null: nobody is known to have enough"),
        "ranking": {"type": "array", "items": _RANKED},
        "available_at": _AVAILABLE,
        "reasons": _REASONS,
    }
)
_CAN = _object(
    {
        "answer": {"type": "string", "enum": ["yes", "no", "unknown"]},
        "headroom_pct": _HEADROOM,
        "available_at": _AVAILABLE,
        "reasons": _REASONS,
    }
)
_WHEN = _object(
    {
        "answer": {"type": "string", "enum": ["now", "later", "unknown"]},
        "id": _or_null("string", "who has enough, now or then"),
        "available_at": _AVAILABLE,
        "reasons": _REASONS,
    }
)

#: Name -> what it is for, what goes in, what comes out.
TOOLS: dict[str, tuple[str, Schema, Schema]] = {
    "get_usage": (
        "Every usage window of every account: percent used and when it resets.",
        _object({"provider": _PROVIDER, "cached": _CACHED}, required=(), closed=True),
        _ENTRIES,
    ),
    "pick_provider": (
        "Whom to use: the account with the most left, and the whole ranking.",
        _object({"need": _NEED, "scope": _SCOPE, "strategy": _STRATEGY, "among": _AMONG}, required=(), closed=True),
        _PICK,
    ),
    "can_run": (
        "Whether so much is left with one provider: yes, no or unknown. With unknown, ask the person.",
        _object({"provider": _ID, "need": _NEED, "scope": _SCOPE}, required=("provider", "need"), closed=True),
        _CAN,
    ),
    "refresh": (
        "Ask every provider, or one, now, and return the entries. get_usage is enough unless a minute is too old.",
        _object({"provider": _PROVIDER}, required=(), closed=True),
        _ENTRIES,
    ),
    "when_available": (
        "When there will be enough: now, later (and when), or unknown. Answers at once, does not wait.",
        _object({"need": _NEED, "scope": _SCOPE, "among": _AMONG}, required=("need",), closed=True),
        _WHEN,
    ),
}
#: The others change nothing; this one makes requests on purpose.
NOT_READ_ONLY = ("refresh",)
NEEDED = {name: tuple(takes["required"]) for name, (_, takes, _) in TOOLS.items()}
TAKEN = {name: tuple(takes["properties"]) for name, (_, takes, _) in TOOLS.items()}

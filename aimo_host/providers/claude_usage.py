"""Claude's usage body: two spellings of the same limits, merged by identity, and the money beside them.

Percent is percent: 1.0 is one percent, never a fraction. A slot under a codename is never called session or weekly. A limit that
was not sent is left out, and one that was sent without a number is unknown. Money is in minor units. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from aimo_host.gauge.model import Balance, Window
from aimo_host.gauge.times import instant
from aimo_host.providers.fields import amount, items, mapping, number, percent, text
from aimo_host.providers.labels import distinct, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.gauge.model import Kind

#: A body without any of these is not an answer about usage.
_KNOWN_KEYS = frozenset(
    {
        "five_hour",
        "seven_day",
        "seven_day_oauth_apps",
        "seven_day_opus",
        "seven_day_sonnet",
        "cinder_cove",
        "extra_usage",
        "spend",
        "limits",
    }
)
#: Objects of the body that are read elsewhere or are no limits, whatever numbers they hold.
_NOT_SLOTS = frozenset({"limits", "extra_usage", "spend", "cinder_cove", "cedar_ember", "error"})

#: Names of limits that are not about one model or feature, in both spellings.
_MAIN: dict[str, Kind] = {"session": "session", "five_hour": "session", "weekly_all": "weekly", "seven_day": "weekly"}
_GROUPS: dict[str, Kind] = {"session": "session", "weekly": "weekly"}
_SCOPED = ("seven_day_", "weekly_", "session_")
_SECONDS: dict[Kind, int] = {"session": 18000, "weekly": 604800}
_LABELS: dict[Kind, str] = {"session": "session (5h)", "weekly": "weekly (all)"}
_ORDER: dict[Kind, int] = {"session": 0, "weekly": 1}

#: Scopes whose code is not their name.
_SCOPES = {"oauth_apps": "OAuth apps", "omelette": "Design", "overage_included": "Fable"}
_ALL_MODELS = ("all", "models")


@dataclass(frozen=True, slots=True)
class _Row:
    """One limit before it is a window. `key` identifies it within its kind and is empty for the main one."""

    kind: Kind
    key: tuple[str, ...]
    scope: str | None
    used_pct: float | None
    resets_at: float | None
    waits: bool  # no reset was stated
    used: float | None = None
    limit: float | None = None
    remaining: float | None = None


def read(body: Any, now: float) -> tuple[tuple[Window, ...], tuple[Balance, ...]] | None:
    """Windows and balances of a usage body; both empty if the account has none, None if the shape is unknown."""
    if not isinstance(body, dict) or body.get("error") or _KNOWN_KEYS.isdisjoint(body):
        return None
    rows = _merged(body)
    overflow = _overflow(mapping(body.get("spend")), mapping(body.get("extra_usage")))
    promotion = _promotion(body.get("cinder_cove"), now)
    balances = tuple(balance for balance in (overflow, promotion) if balance is not None)
    if not rows and not balances and any(body.get(key) for key in _KNOWN_KEYS):
        return None
    windows = [_window(row) for row in rows if not row.scope or row.used_pct != 0]
    if overflow is not None:
        windows += _spend_window(overflow, body)
    if not windows and not any(balance.enabled or balance.reason or balance.used for balance in balances):
        return (), ()
    return distinct(windows), balances


def _merged(body: dict[str, Any]) -> list[_Row]:
    """Every limit once, in the order of faces: `limits` first, its gaps filled from the old slots."""
    rows: dict[tuple[Kind, tuple[str, ...]], _Row] = {}
    summaries: list[_Row] = []
    for raw in items(body.get("limits")):
        row = _from_limits(mapping(raw))
        if row is None:
            continue
        if row.key == _ALL_MODELS:  # repeats the main limit; counts only where that is missing
            summaries.append(replace(row, key=(), scope=None))
            continue
        known = rows.get((row.kind, row.key))
        rows[row.kind, row.key] = row if known is None else _fuller(known, row)
    listed = list(rows.values())
    for row in [*(slot for key, raw in body.items() if (slot := _from_slot(key, raw))), *summaries]:
        same = next((other for other in listed if _is_same(row, other)), row)
        known = rows.get((same.kind, same.key))
        rows[same.kind, same.key] = row if known is None else _filled(known, row)
    return sorted(rows.values(), key=lambda row: (_ORDER.get(row.kind, 2), bool(row.key)))


def _is_same(slot: _Row, listed: _Row) -> bool:
    """Whether an old slot repeats a listed row: `seven_day_opus` is the row called "Opus", "Opus 4.5" or `claude-opus-4`."""
    if slot.kind != listed.kind or slot.scope is None or listed.scope is None:
        return False
    return {*words(slot.scope)} <= {*listed.key, *words(listed.scope)}


def _filled(row: _Row, gaps: _Row) -> _Row:
    """`row`, with what it does not know taken from `gaps`."""
    if row.used_pct is None:
        row = replace(row, used_pct=gaps.used_pct)
    if row.resets_at is None:
        row = replace(row, resets_at=gaps.resets_at, waits=row.waits and gaps.waits)
    if row.limit is None:
        row = replace(row, used=gaps.used, limit=gaps.limit, remaining=gaps.remaining)
    return row


def _fuller(one: _Row, other: _Row) -> _Row:
    """Of two rows of one identity, the one that promises less."""
    first, second = sorted((one, other), key=lambda row: row.used_pct or 0, reverse=True)
    return _filled(first, second)


def _from_limits(raw: dict[str, Any]) -> _Row | None:
    """A row of `limits`. Its kind says what it is, else its group how long; what neither says is an "other limit"."""
    name, group = text(raw.get("kind")), text(raw.get("group"))
    if name is None and group is None:
        return None
    scope, key = _scope(raw.get("scope"))
    kind: Kind = _MAIN.get(name or "") or _GROUPS.get(group or "") or ("weekly" if name == "weekly_scoped" else "other")
    if kind == "other":
        raw_name = name or group or ""
        scope = f"{raw_name} {scope}" if scope else raw_name
        key = (*words(raw_name), *key)
    elif scope is None and name is not None and name not in _MAIN:
        scope = "other" if name == "weekly_scoped" else _scope_of_slot(name)
        key = words(scope)
    return _row(kind, key, scope, raw.get("percent"), raw)


def _scope(raw: Any) -> tuple[str | None, tuple[str, ...]]:
    """Name and identity of a scope: a model (its id identifies it, its display name is shown), a surface, or both."""
    if isinstance(raw, str):
        name = text(raw)
        return name, words(name or "")
    model, surface = mapping(raw).get("model"), mapping(raw).get("surface")
    names: list[str] = []
    key: tuple[str, ...] = ()
    for part in (model, surface):
        identity = text(part) or text(mapping(part).get("id"))
        name = text(mapping(part).get("display_name")) or text(mapping(part).get("name")) or identity
        if name is not None:
            names.append(name)
            key += (words(name) if words(name) == _ALL_MODELS else words(identity or name)) or (name,)
    return " ".join(names) or None, key


def _from_slot(key: str, raw: Any) -> _Row | None:
    """A limit in the old spelling: an object under its own key. A core limit of unknown shape is there and unknown."""
    name = text(key)
    if raw is None or name is None or name in _NOT_SLOTS:
        return None
    slot = mapping(raw)
    if name in ("five_hour", "seven_day"):
        return _row(_MAIN[name], (), None, slot.get("utilization"), slot)
    if name.startswith("seven_day_") and slot:
        scope = _scope_of_slot(name)
        return _row("weekly", words(scope), scope, slot.get("utilization"), slot)
    return None if percent(slot.get("utilization")) is None else _row("other", (name,), name, slot.get("utilization"), slot)


def _scope_of_slot(name: str) -> str:
    """`seven_day_opus` -> `Opus`."""
    for prefix in _SCOPED:
        name = name.removeprefix(prefix)
    spelled = " ".join(words(name)) or "other"
    return _SCOPES.get(name) or spelled[0].upper() + spelled[1:]


def _row(kind: Kind, key: tuple[str, ...], scope: str | None, used: Any, raw: dict[str, Any]) -> _Row:
    when = raw.get("resets_at")
    resets_at = instant(when)
    return _Row(
        kind=kind,
        key=key,
        scope=scope,
        used_pct=percent(used),
        resets_at=None if resets_at is None else float(round(resets_at)) or None,  # it jitters by a second between calls
        waits=when is None,
        used=amount(raw.get("used_dollars")),
        limit=amount(raw.get("limit_dollars")),
        remaining=amount(raw.get("remaining_dollars")),
    )


def _window(row: _Row) -> Window:
    named = f"other limit ({row.scope})" if row.kind == "other" else f"{row.kind} {row.scope}"
    return Window(
        label=named if row.scope else _LABELS[row.kind],
        kind=row.kind,
        used_pct=row.used_pct,
        resets_at=row.resets_at,
        scope=row.scope,
        window_seconds=_SECONDS.get(row.kind),
        state="unknown" if row.used_pct is None else "not_started" if row.used_pct == 0 and row.waits else "active",
        binding=row.scope is None,
        used=row.used,
        limit=row.limit,
        remaining=row.remaining,
        unit="USD" if any(part is not None for part in (row.used, row.limit, row.remaining)) else None,
    )


def _overflow(spend: dict[str, Any], extra: dict[str, Any]) -> Balance | None:
    """Paid use beyond the plan. `spend` is the new spelling and wins; no cap means unlimited, a cap of unknown value does not."""
    scale = extra.get("decimal_places")
    used = _minor(spend.get("used"))
    if used is None:
        used = _scaled(extra.get("used_credits"), scale)
    stated = spend["limit"] if "limit" in spend else extra.get("monthly_limit", "unsaid")
    limit = _minor(stated) if "limit" in spend else _scaled(stated, scale)
    stated_flag = next((flag for flag in (spend.get("enabled"), extra.get("is_enabled")) if isinstance(flag, bool)), None)
    if used is None and limit is None and stated_flag is None:
        return None
    reason = _reason(spend, extra)
    enabled = reason is None if stated_flag is None else stated_flag
    if not enabled and not used:  # switched off and nothing spent: 0 of 0 would say nothing
        used = limit = None
    return Balance(
        kind="extra_usage",
        label="extra credits",
        amount=None if used is None or limit is None else max(0.0, limit - used),
        used=used,
        limit=limit,
        unit=_currency(spend, extra),
        unlimited=enabled and stated is None,
        enabled=enabled,
        reason=reason,
    )


def _reason(spend: dict[str, Any], extra: dict[str, Any]) -> str | None:
    """Why no more can be spent, in the provider's own word."""
    flags = (flag for flag in ("user_disabled", "spend_limit_reached") if extra.get(flag) is True)
    return text(spend.get("disabled_reason")) or text(extra.get("disabled_reason")) or next(flags, None)


def _currency(spend: dict[str, Any], extra: dict[str, Any]) -> str | None:
    parts = (mapping(spend.get("used")), mapping(spend.get("limit")), extra)
    return next((code for part in parts if (code := text(part.get("currency")))), None)


def _spend_window(overflow: Balance, body: dict[str, Any]) -> list[Window]:
    """The meter of paid use, where there is a cap to measure by and use is not switched off."""
    if not overflow.enabled or not overflow.limit:
        return []
    sent = percent(mapping(body.get("spend")).get("percent"))
    if sent is None:
        sent = percent(mapping(body.get("extra_usage")).get("utilization"))
    ratio = None if overflow.used is None else percent(100 * overflow.used / overflow.limit)
    # `percent` is whole, and reads 0 where the server did not measure: the money itself decides.
    used_pct = ratio if sent is None or (ratio is not None and abs(sent - ratio) > 1) else sent
    return [
        Window(
            label=overflow.label,
            kind="spend",
            used_pct=used_pct,
            state="unknown" if used_pct is None else "active",
            used=overflow.used,
            limit=overflow.limit,
            remaining=overflow.amount,
            unit=overflow.unit,
        )
    ]


def _promotion(raw: Any, now: float) -> Balance | None:
    """The one-time credit, in whole dollars. Its `resets_at` is the day it ends, not a reset."""
    slot = mapping(raw)
    limit, used, left = (amount(slot.get(f"{name}_dollars")) for name in ("limit", "used", "remaining"))
    if left is None and limit is not None and used is not None:
        left = max(0.0, limit - used)
    if left is None and limit is None:
        return None
    ends = instant(slot.get("resets_at"))
    ended = ends is not None and ends <= now
    return Balance(
        kind="promotional",
        label="promotional credit",
        amount=left,
        used=used,
        limit=limit,
        unit="USD",
        enabled=not ended,
        reason="expired" if ended else None,
    )


def prepaid(body: Any) -> Balance | None:
    """Money paid in advance, from `/prepaid/credits`; None if the body does not say."""
    raw = mapping(body)
    left = _scaled(raw.get("amount"), raw.get("exponent", raw.get("decimal_places")))
    if left is None:
        return None
    return Balance(kind="purchased", label="purchased credits", amount=left, unit=text(raw.get("currency")))


def _minor(raw: Any) -> float | None:
    money = mapping(raw)
    exponent = money.get("exponent")
    return _scaled(money.get("amount_minor"), money.get("decimal_places") if exponent is None else exponent)


def _scaled(minor: Any, exponent: Any) -> float | None:
    """Minor units as whole ones. Two decimals unless said otherwise; a scale that makes no sense leaves the amount unknown."""
    value, places = amount(minor), 2.0 if exponent is None else number(exponent)
    if value is None or places is None or not 0 <= places <= 8 or places != int(places):
        return None
    return float(value / 10 ** int(places))

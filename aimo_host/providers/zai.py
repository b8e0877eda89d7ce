"""What Z.ai's quota answer says. Three generations of plan live side by side, and most failures arrive as HTTP 200.

A window is named by its type and unit, never by its place in the list or by comparing reset times (at the end of a week the
weekly reset comes before the 5-hour one). `usage` is the ALLOWANCE. A limit that is not understood is shown as what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimo_host.gauge.model import Ask, Usage, Window
from aimo_host.gauge.problems import Problem
from aimo_host.gauge.times import instant
from aimo_host.providers.answers import is_bot_check, is_html, problem_of, retry_after
from aimo_host.providers.fields import amount, items, load, mapping, number, percent, text
from aimo_host.providers.labels import distinct

if TYPE_CHECKING:
    from aimo_host.gauge.model import Answer, AuthSource, Conversation, Kind

_HOUR = 3600
_DAY = 86400
_WEEK = 7 * _DAY

_NO_KEY = 1001
_AUTH_CODES = frozenset({401, 403, 1000, 1002, 1003, 1004, 1005})
_RATE_CODES = frozenset({1302, 1303, 1305})
_FAULT = 500
_SUCCESS = frozenset({0, 200})

#: What each type of limit meters. A type that is missing here is shown, and binds nothing.
_UNITS = {"TOKENS_LIMIT": "tokens", "CREDIT_LIMIT": "credits", "TIME_LIMIT": "calls"}
_TOOLS = "TIME_LIMIT"
_PREFERRED = "CREDIT_LIMIT"

_PLAN_KEYS = ("level", "planName", "plan", "plan_type", "planType", "packageName")
_PLAN_LABELS = {"lite": "Lite", "pro": "Pro", "max": "Max"}

#: The server floors its percentage, so the ratio of the amounts is finer; further apart than this, the amounts are not trusted.
_FLOOR_POINTS = 2

#: (label, kind, seconds): what a window is called.
_Name = tuple[str, "Kind", int | None]
_SESSION: _Name = ("5h", "session", 5 * _HOUR)
_WEEKLY: _Name = ("weekly", "weekly", _WEEK)


def browse(memory: dict[str, str], now: float) -> Conversation:  # noqa: ARG001 - every provider's browse has a memory
    """One question; the extension adds the web page's token."""
    (answer,) = yield (Ask("zai.quota"),)
    return parse_quota(answer, now, auth_source="jwt")


def is_auth_failure(answer: Answer) -> bool:
    """Whether Z.ai did not accept the header, so that the other form of it (a bare key) is worth one try."""
    code = _code(mapping(load(answer.body)))
    return code == _NO_KEY or code in _AUTH_CODES or _refused_by_status(answer)


def parse_quota(answer: Answer, now: float, auth_source: AuthSource = "api_key") -> Usage | Problem:
    """The windows of `GET /api/monitor/usage/quota/limit`, of either region, or the one problem that stopped it."""
    body = mapping(load(answer.body))
    problem = (
        _problem_of_code(answer, body, now, auth_source)
        or (_rejected(auth_source) if _refused_by_status(answer) else None)
        or problem_of("zai", answer, now)
    )
    if problem is not None:
        return problem
    if body.get("success") is False or _code(body) not in _SUCCESS or not body.keys() & {"success", "code", "data", "limits"}:
        return Problem("zai", "unexpected_answer")
    return _parse_data(body, auth_source)


def _code(body: dict[str, Any]) -> float | None:
    """The business status, which counts even where HTTP says 200; an answer without one has succeeded by HTTP alone."""
    return 0 if body.get("code") is None else number(body["code"])


def _refused_by_status(answer: Answer) -> bool:
    """A 401, or a 403 that comes from the service: a page with 403 is a gateway's, and says nothing about the key."""
    if answer.failed or answer.redirected or is_bot_check(answer):
        return False
    return answer.status == 401 or (answer.status == 403 and not is_html(answer))


def _rejected(auth_source: AuthSource) -> Problem:
    return Problem("zai", "sign_in_expired") if auth_source == "jwt" else Problem("zai", "bad_credential", "region")


def _problem_of_code(answer: Answer, body: dict[str, Any], now: float, auth_source: AuthSource) -> Problem | None:
    code = _code(body)
    if code == _NO_KEY:
        if auth_source == "jwt":
            return Problem("zai", "not_signed_in")
        return Problem("zai", "no_credential", "key", variable="ZAI_API_KEY")
    if code in _AUTH_CODES:
        return _rejected(auth_source)
    if code in _RATE_CODES:
        return Problem("zai", "rate_limited", retry_at=retry_after(answer.headers, now))
    if code != _FAULT:
        return None
    if "coding plan" in (text(body.get("msg")) or "").lower():
        return Problem("zai", "no_plan", "region")
    return problem_of("zai", answer, now) or Problem("zai", "provider_down")


def _parse_data(body: dict[str, Any], auth_source: AuthSource) -> Usage | Problem:
    data = body.get("data")
    if isinstance(data, list) and "limits" in mapping(next(iter(data), None)):
        data = data[0]
    root = mapping(data) or body
    limits = data if isinstance(data, list) else root.get("limits")
    if limits == [] or (limits is None and _says_nothing(data)):
        return Problem("zai", "no_plan")
    entries = [_Entry(item) for item in items(limits) if isinstance(item, dict)]
    windows = _windows([entry for entry in entries if entry.type or entry.percentage is not None])
    if not windows:
        return Problem("zai", "unexpected_answer")
    plan = next((name for name in (text(root.get(key)) for key in _PLAN_KEYS) if name), None)
    label = _PLAN_LABELS.get(plan.lower(), plan) if plan else None
    return Usage(auth_source=auth_source, plan=plan, plan_label=label, windows=windows)


def _says_nothing(data: Any) -> bool:
    """Whether there is no more than a plan's name: no subscription, or the headers of a team are missing."""
    return data is None or (isinstance(data, dict) and not any(isinstance(value, dict | list) for value in data.values()))


class _Entry:
    """One element of `limits`, with its values made safe."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw_type = text(raw.get("type")) or text(raw.get("name"))
        self.type = (self.raw_type or "").upper()
        self.unit = number(raw.get("unit"))
        self.number = number(raw.get("number"))
        self.limit = amount(raw.get("usage"))
        self.used = amount(raw.get("currentValue"))
        self.remaining = amount(raw.get("remaining"))
        self.percentage = percent(raw.get("percentage"))
        self.started = raw.get("nextResetTime") not in (None, 0, "", "0")
        self.resets_at = instant(raw.get("nextResetTime"))

    @property
    def is_model_use(self) -> bool:
        """Whether main work stops when it is full; where the type is missing, the lengths of such windows give it away."""
        return self.unit in {3, 4, 6} if not self.type else self.type in _UNITS and self.type != _TOOLS

    def ratio(self) -> float | None:
        """Percent used by the amounts; None where they do not say, or contradict the percentage."""
        if not self.limit:
            return None
        used = self.used
        if used is None and self.remaining is not None:
            used = max(0.0, self.limit - self.remaining)
        ratio = None if used is None else percent(100 * used / self.limit)
        if ratio is None or (self.percentage is not None and abs(ratio - self.percentage) > _FLOOR_POINTS):
            return None
        return ratio


def _windows(entries: list[_Entry]) -> tuple[Window, ...]:
    """One window per limit. Where a credit and a token limit describe the same window, the credits are the truth."""
    names = [_name(entry) for entry in entries]
    _name_unitless(entries, names)
    by_credits = {name for entry, name in zip(entries, names, strict=True) if entry.type == _PREFERRED}
    found: list[Window] = []
    for entry, name in zip(entries, names, strict=True):
        if entry.type == "TOKENS_LIMIT" and name in by_credits:
            continue
        window = _window(entry, name)
        if window not in found:
            found.append(window)
    return distinct(found)


def _name(entry: _Entry) -> _Name:
    if entry.type == _TOOLS:
        return "tool usage (monthly)", "tools", None
    if entry.type and entry.type not in _UNITS:
        return f"other limit ({entry.raw_type})", "other", None
    if entry.unit == 6:
        return _WEEKLY  # whatever the number: both 1 and 7 were seen
    count = int(entry.number) if entry.number is not None and entry.number in range(1, 1000) else 0
    if entry.unit == 3 and count:
        return _SESSION if count == 5 else (f"{count}h", "hours", count * _HOUR)
    if entry.unit == 4 and count:
        return ("daily", "daily", _DAY) if count == 1 else (f"{count} days", "other", count * _DAY)
    return f"other limit (unit {_plain(entry.unit)} x {_plain(entry.number)})", "other", None


def _plain(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _name_unitless(entries: list[_Entry], names: list[_Name]) -> None:
    """Old answers have no units: a single limit is the 5-hour one; of two, the one that has not started or resets first."""
    unitless = [index for index, entry in enumerate(entries) if entry.is_model_use and entry.unit is None]
    if len(unitless) == 1 and _SESSION not in names:
        names[unitless[0]] = _SESSION
    elif len(unitless) == 2 and not {_SESSION, _WEEKLY} & set(names):
        first, second = sorted(unitless, key=lambda index: entries[index].resets_at or 0)
        if entries[first].resets_at != entries[second].resets_at:
            names[first], names[second] = _SESSION, _WEEKLY


def _window(entry: _Entry, name: _Name) -> Window:
    label, kind, seconds = name
    ratio = entry.ratio()
    used_pct = entry.percentage if ratio is None else ratio
    counted = ratio is not None
    return Window(
        label=label,
        kind=kind,
        used_pct=used_pct,
        resets_at=entry.resets_at,
        window_seconds=seconds,
        state="unknown" if used_pct is None else "not_started" if used_pct == 0 and not entry.started else "active",
        binding=entry.is_model_use,
        scope=None if entry.type in _UNITS else entry.raw_type,
        used=entry.used if counted else None,
        limit=entry.limit if counted else None,
        remaining=entry.remaining if counted else None,
        unit=_UNITS.get(entry.type) if counted else None,
    )

"""Ollama's settings page, made up for a given moment: every variant that was seen, and what comes instead of it.

It carries the traps of the real one: an e-mail address, single models that fill the whole bar, recent requests with times of
their own, the words "sign in" on a signed-in page. Tests, the simulator and `aimo demo` build their pages here; all figures are
invented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimo_host.gauge.model import Answer
from aimo_host.gauge.times import iso
from aimo_host.samples import BOT_CHECK, BOT_CHECKS, page_answer
from aimo_host.samples.ollama import Failure, error, month_end, session_end, week_end

if TYPE_CHECKING:
    from collections.abc import Callable


def _words(seconds: float) -> str:
    """How the page words a span of time."""
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count:
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "1 minute"


def reset(now: float, until: float, *, fraction: bool = False) -> str:
    """The line below a bar."""
    time = iso(until).replace("Z", ".000000+00:00") if fraction else iso(until)
    return f'<div class="text-xs text-neutral-500 mt-1 local-time" data-time="{time}">Resets in {_words(until - now)}.</div>'


def row(label: str, used: str, width: float, below: str = "", *, swapped: bool = False) -> str:
    """One limit: its label, what it says is used, its bar with a single model in it, and the line below."""
    spoken = f'aria-label="{label} {used}"'
    attributes = f"{spoken} data-usage-track" if swapped else f"data-usage-track {spoken}"
    return f"""<div>
  <div class="flex justify-between mb-2"><span class="text-sm">{label}</span><span class="text-sm">{used}</span></div>
  <div class="relative group" data-usage-meter>
    <div class="h-2 w-full overflow-hidden rounded-full bg-neutral-200" {attributes}>
      <div class="flex h-full" style="width: {width}%;">
        <button data-usage-segment data-model="m-a" data-requests="14" style="width: 100%; background: #333"
          aria-label="m-a: 14 requests"></button>
      </div></div></div>
  {below}
</div>"""


def page(*rows: str, plan: str = "pro", heading: str = "Cloud usage", after: str = "") -> str:
    """The whole page around some rows."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Settings · Ollama</title>
<script>window.flags = {{"hint": "<span>Session usage</span><span>99% used</span>"}};</script></head>
<body><header><nav><a href="/models">Models</a><a href="/docs">How to sign in from the CLI</a></nav></header>
<main><h2 id="header-email" class="truncate">someone@example.com</h2>
<h2 class="text-xl flex items-center">
  <span>{heading}</span><span class="rounded-full capitalize">{plan}</span
></h2>
{"".join(rows)}
{after}
<p>Usage is counted per account. Session usage resets every five hours on older plans.</p>
</main><footer><a href="/signin">Sign in</a> with another account</footer></body></html>
"""


def _credit_details(now: float, balance: str) -> str:
    """What a credit plan's page shows below the bar, with times that are no resets."""
    return f"""<div id="monthly-usage-models"><h3>Models used this month</h3>
  <div><span>m-a</span><span>31 requests</span></div><div><span>m-b</span><span>2 requests</span></div></div>
<div class="flex justify-between"><span>Balance remaining</span><span>{balance}</span></div>
<h3>Recent requests</h3>
<ul><li><span>m-a</span><span class="local-time" data-time="{iso(now - 240)}">4 minutes ago</span></li>
<li><span>m-b</span><span class="local-time" data-time="{iso(now - 9000)}">2 hours ago</span></li></ul>"""


def legacy(now: float, *, first: str = "Session usage", used: str = "used", swapped: bool = False, fraction: bool = False) -> str:
    """A plan with session and week."""
    return page(
        row(first, f"11.7% {used}", 11.7, reset(now, session_end(now), fraction=fraction), swapped=swapped),
        row("Weekly usage", f"40.2% {used}", 40.2, reset(now, week_end(now), fraction=fraction), swapped=swapped),
    )


def credits_plan(
    now: float, used: str = "$0.03 of $60 used", width: float = 0.1, balance: str = "$0", below: str | None = None
) -> str:
    """A plan with a monthly allowance in dollars."""
    line = reset(now, month_end(now)) if below is None else below
    return page(row("Monthly usage", used, width, line), heading="Included usage", after=_credit_details(now, balance))


#: Pages that are readings, by name.
PAGES: dict[str, Callable[[float], str]] = {
    "default": legacy,
    "legacy": legacy,
    "legacy_hourly": lambda now: legacy(now, first="Hourly usage").replace("Cloud usage", "Cloud Usage"),
    "legacy_capital": lambda now: legacy(now, used="Used", swapped=True, fraction=True),
    "legacy_unused": lambda now: page(
        row("Session usage", "0% used", 0), row("Weekly usage", "40.2% used", 40.2, reset(now, week_end(now)))
    ),
    "legacy_words_only": lambda _: page(
        row("Session usage", "11.7% used", 11.7, '<div class="text-xs">Resets in 3 hours.</div>'),
        row("Weekly usage", "40.2% used", 40.2, '<div class="text-xs">Resets in 15 hours.</div>'),
    ),
    "free": lambda now: page(row("Monthly usage", "12% used", 12, reset(now, month_end(now))), plan="free"),
    "credits": credits_plan,
    "credits_without_reset": lambda now: credits_plan(now, below=""),
    "credits_used_up": lambda now: credits_plan(now, "$60 of $60 used", 100, "$7.50"),
    "nothing_included": lambda now: credits_plan(now, "$0 of $0 used", 0, "$1,234.50"),
}

_SIGN_IN = """<!doctype html><html><head><title>Sign in to Ollama</title></head><body>
<form method="post"><label>Email<input type="email" name="email"></label><button>Continue</button></form></body></html>"""

PAGE_FAILURES: dict[str, Failure] = {
    "opaque_redirect": Failure(Answer(redirected=True), "not_signed_in"),
    "found_302": Failure(Answer(302, "", {"location": "/signin"}), "not_signed_in"),
    "see_other_303": Failure(Answer(303, "", {"location": "/signin"}), "not_signed_in"),
    "sign_in_page": Failure(page_answer(_SIGN_IN, 200), "not_signed_in"),
    "http_401": Failure(error(401, "unauthorized"), "not_signed_in"),
    "http_403": Failure(page_answer("<h1>Forbidden</h1>", 403), "not_signed_in"),
    "challenge": Failure(BOT_CHECK, "browser_check"),
    "challenge_503": Failure(BOT_CHECKS["bot check with 503"], "browser_check"),
    "rate_limited": Failure(Answer(429, "", {"retry-after": "30"}), "rate_limited"),
    "outage": Failure(page_answer("<h1>Bad gateway</h1>", 502), "provider_down", "status"),
    "moved": Failure(page_answer("<h1>Not found</h1>", 404), "unexpected_answer", "moved"),
    "no_label": Failure(page_answer(page("<div><span>This month</span><span>12% used</span></div>"), 200), "unexpected_answer"),
    "cut": Failure(page_answer(page()[:300], 200), "unexpected_answer"),
    "nothing": Failure(Answer(200), "unexpected_answer"),
    "json_for_page": Failure(Answer(200, '{"ok":true}', {"content-type": "application/json"}), "unexpected_answer"),
    "nothing_included_nothing_left": Failure(page_answer(page(row("Monthly usage", "$0 of $0 used", 0)), 200), "no_plan"),
    "network": Failure(Answer(failed="network"), "unreachable"),
    "timeout": Failure(Answer(failed="timeout"), "unreachable", "timeout"),
    "signed_out": Failure(Answer(failed="signed_out"), "not_signed_in"),
}


def settings(now: float, variant: str = "default") -> Answer:
    """The answer to a request for the page: a name of `PAGES` or `PAGE_FAILURES`."""
    return PAGE_FAILURES[variant].answer if variant in PAGE_FAILURES else page_answer(PAGES[variant](now))

"""Sample answers, one builder per provider, made up in the shapes that were seen: for the tests, the simulator and `aimo demo`.

Each module offers `answers(now, variant="default")`, which maps the name of a source to a healthy answer, and tables of variants
and failures. Every name, number and identifier is invented. Nothing outside `demo` and the tests may import this.
"""

from __future__ import annotations

import json
from typing import Any

from aimo_host.gauge.model import Answer

JSON_TYPE = "application/json"
PAGE_TYPE = "text/html; charset=UTF-8"


def json_answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """`body` as JSON."""
    return Answer(status=status, body=json.dumps(body), headers={"content-type": JSON_TYPE, **(headers or {})})


def page_answer(html: str, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """`html` as a page."""
    return Answer(status=status, body=html, headers={"content-type": PAGE_TYPE, **(headers or {})})


_CHALLENGE = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body><noscript>Enable JavaScript and cookies'
    ' to continue</noscript><script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1?ray=0"></script></body></html>'
)

#: A bot check as Cloudflare sends it, and with either half of the evidence missing.
BOT_CHECK = page_answer(_CHALLENGE, 403, {"cf-mitigated": "challenge"})
BOT_CHECKS: dict[str, Answer] = {
    "bot check": BOT_CHECK,
    "bot check by its page alone": page_answer(_CHALLENGE, 403),
    "bot check by its header alone": page_answer("", 403, {"cf-mitigated": "challenge"}),
    "bot check with 503": page_answer(_CHALLENGE, 503),
    "bot check in Japanese": page_answer(
        "<html><head><title>しばらくお待ちください...</title></head><script>window._cf_chl_opt={}</script></html>", 403
    ),
    "block page": page_answer("<html><title>Attention Required! | Cloudflare</title></html>", 403),
}

#: What means the same for every provider -> the code it must become, with its variant.
FAILURES: dict[str, tuple[Answer, str]] = {
    **{name: (answer, "browser_check") for name, answer in BOT_CHECKS.items()},
    "signed out": (Answer(failed="signed_out"), "not_signed_in"),
    "no token": (Answer(failed="no_token"), "not_signed_in"),
    "no network": (Answer(failed="network"), "unreachable"),
    "time-out": (Answer(failed="timeout"), "unreachable.timeout"),
    "too large": (Answer(failed="too_large"), "unexpected_answer.too_large"),
    "source unknown to the extension": (Answer(failed="unknown_source"), "internal"),
    "failure of a newer extension": (Answer(failed="eclipse"), "unreachable"),
    "nothing at all": (Answer(), "unreachable"),
    "redirect": (Answer(redirected=True), "not_signed_in"),
    "429 in seconds": (json_answer({}, 429, {"retry-after": "120"}), "rate_limited"),
    "429 without a word": (json_answer({}, 429), "rate_limited"),
    "500": (json_answer({}, 500), "provider_down.status"),
    "502 page": (page_answer("<html>Bad gateway</html>", 502), "provider_down.status"),
    "503 with Retry-After": (json_answer({}, 503, {"retry-after": "60"}), "provider_down.status"),
    "404": (json_answer({}, 404), "unexpected_answer.moved"),
    "451": (json_answer({}, 451), "region_blocked"),
    "418": (json_answer({}, 418), "unexpected_answer.status"),
    "page instead of data": (page_answer("<html><body>Welcome to HotelNet</body></html>"), "unexpected_answer"),
    "half a JSON": (Answer(status=200, body='{"five_hour": {"utiliz', headers={"content-type": JSON_TYPE}), "unexpected_answer"),
    "empty body": (Answer(status=200), "unexpected_answer"),
    "JSON of no known key": (json_answer({"hello": "world"}), "unexpected_answer"),
    "JSON of another kind": (json_answer("hello"), "unexpected_answer"),
}

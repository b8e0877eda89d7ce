"""Why a reading failed: one closed list of codes, the sentence for each, and the next step.

A problem has a `code` (closed list, append only), a few `params` (texts and numbers), an `action` with the `url` to do it at,
and `retry_at`. `params["variant"]` picks a finer sentence of the same code. Faces translate by `code` and `variant`, never by
the English text.
"""

from __future__ import annotations

from aimo_host.gauge.catalog import PROVIDERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aimo_host.gauge.catalog import Row

#: `code` or `code.variant` -> what happened, in the person's words. Fields: the provider's row in the catalog, and the params.
SENTENCES: dict[str, str] = {
    "not_signed_in": "Not signed in to {site}.",
    "not_signed_in.local": "Ollama runs here but is not signed in. Run `ollama signin`.",
    "sign_in_expired": "The sign-in to {site} has ended.",
    "sign_in_expired.cli": "{program}'s saved sign-in is out of date. Run `{command}` once.",
    "no_credential": "No sign-in or key for {name} was found.",
    "no_credential.key": "No {name} key was found. Sign in to {site} in the browser, or set {variable}.",
    "no_credential.cli": "{program} is not signed in here. Run `{command}`, or sign in to {site} in the browser.",
    "no_credential.api_key_login": "{program} is signed in with an API key, which has no plan windows.",
    "no_credential.keyring": "{program} keeps its sign-in in the system keyring, which aimo never opens.",
    "no_credential.vault_locked": "The Bitwarden vault is locked, so no {name} key could be read.",
    "no_credential.vault_logged_out": "Bitwarden is not logged in, so no {name} key could be read.",
    "no_credential.vault_no_item": "Bitwarden has no item `{item}` with a password.",
    "no_credential.vault_ambiguous": "Bitwarden has several items named `{item}`.",
    "no_credential.vault_no_session": "Bitwarden is locked for aimo here: no BW_SESSION reached it. No {name} key could be read.",
    "no_credential.vault_missing": "Bitwarden's `bw` was not found, so no {name} key could be read.",
    "no_credential.vault_failed": "Bitwarden gave no answer that could be used.",
    "no_credential.vault_slow": "Bitwarden did not answer in time.",
    "bad_credential": "{name} rejected the key.",
    "bad_credential.region": "{name} rejected the key. Check it, and the region (global or china).",
    "bad_credential.malformed": "The value of {variable} holds characters that no key has.",
    "bad_credential.dummy": "{variable} is not an {site} key.",
    "scope_missing": "This sign-in may not read usage. Sign in with `{command}`.",
    "wrong_account": "The chosen organisation or workspace gives no access any more.",
    "wrong_account.choose": "This account has several organisations. Choose one.",
    "browser_check": "{site} asked for a browser check.",
    "region_blocked": "{site} does not serve this network or region.",
    "rate_limited": "{company} is limiting usage checks.",
    "no_plan": "This {name} account has no plan with limits.",
    "no_plan.region": "This {name} account has no Coding Plan, or it is in the other region.",
    "no_plan.organization": "There is no Claude organisation on this account.",
    "no_plan.api_only": "This account is for the API only and has no subscription.",
    "provider_down": "{site} is having trouble.",
    "provider_down.status": "{site} is having trouble (HTTP {status}).",
    "unreachable": "{site} could not be reached.",
    "unreachable.timeout": "{site} did not answer in time.",
    "unreachable.cli": "{program} gave no answer.",
    "unreachable.local": "Ollama is not running here.",
    "unreachable.variable": "{site} could not be reached: the value of {variable} is not usable.",
    "unreachable.certificate": "{site} could not be reached: its certificate is not trusted here.",
    "unreachable.cloud_off": "Cloud is switched off in Ollama.",
    "unexpected_answer": "{site} answered in a way this version of aimo does not know.",
    "unexpected_answer.status": "{site} answered with an unexpected HTTP {status}.",
    "unexpected_answer.too_large": "{site} sent more than aimo is willing to read.",
    "unexpected_answer.moved": "{site} has moved its usage page.",
    "unexpected_answer.old_version": "This Ollama is too old to report usage. Update it, or add an API key.",
    "unexpected_answer.denied": "{site} denied access (HTTP {status}).",
    "no_browser": "{name} is read in the browser, and no browser with aimo is open: start it.",
    "no_browser.never": "{name} is read in the browser, and no browser with aimo is open. `{command}` says what is missing.",
    "disabled": "{name} is switched off.",
    "internal": "aimo failed while reading {name}. `aimo log` says more.",
}

#: What the person can do about a code. Faces turn it into a button.
ACTIONS: dict[str, str] = {
    "not_signed_in": "sign_in",
    "not_signed_in.local": "run_command",
    "sign_in_expired": "sign_in",
    "sign_in_expired.cli": "run_command",
    "no_credential": "sign_in",
    "no_credential.cli": "sign_in",
    "no_credential.api_key_login": "run_command",
    "no_credential.vault_locked": "run_command",
    "no_credential.vault_logged_out": "run_command",
    "no_credential.vault_no_item": "add_key",
    "no_credential.vault_ambiguous": "add_key",
    "no_credential.vault_no_session": "add_key",
    "no_credential.vault_missing": "add_key",
    "no_credential.vault_failed": "retry",
    "no_credential.vault_slow": "retry",
    "bad_credential": "add_key",
    "scope_missing": "run_command",
    "wrong_account": "choose_account",
    "browser_check": "open_site",
    "region_blocked": "open_site",
    "rate_limited": "wait",
    "no_plan": "open_usage",
    "provider_down": "retry",
    "unreachable": "retry",
    "unreachable.local": "run_command",
    "unreachable.variable": "check_settings",
    "unreachable.certificate": "check_settings",
    "unexpected_answer": "open_usage",
    "no_browser": "open_browser",
    "no_browser.never": "run_command",
    "disabled": "switch_on",
    "internal": "report",
}

#: Which page of the provider's row an action is done at. Actions that are missing here have no page.
_PAGES: dict[str, str] = {
    "sign_in": "sign_in",
    "open_site": "home",
    "open_usage": "usage_page",
    "add_key": "keys_page",
    "choose_account": "usage_page",
}

CODES: frozenset[str] = frozenset(key.partition(".")[0] for key in SENTENCES)


class Problem:
    """One coded reason why there is no reading. Immutable by habit; `as_json` is the shape of design §5.

    `retry_at` is in epoch seconds. `url` defaults to the page where `action` is done.
    """

    __slots__ = ("action", "code", "params", "provider", "retry_at", "url")

    def __init__(
        self, provider: str, code: str, variant: str | None = None, *, retry_at: float | None = None, **params: Any
    ) -> None:
        if code not in CODES:
            raise ValueError(f"no such problem code: {code}")
        self.provider = provider
        self.code = code
        self.params: dict[str, Any] = {"variant": variant, **params} if variant else params
        self.action = ACTIONS.get(f"{code}.{variant}") or ACTIONS[code]
        page: Any = _PAGES.get(self.action)
        row: Any = PROVIDERS.get(provider, {})
        self.url: str | None = row.get(page) if page else None
        self.retry_at = retry_at

    def __repr__(self) -> str:
        return f"Problem({self.provider!r}, {self.code!r}, {self.params!r}, retry_at={self.retry_at!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.provider, self.code, self.retry_at))

    def _key(self) -> tuple[object, ...]:
        return (self.provider, self.code, self.params, self.retry_at)

    @property
    def sentence(self) -> str:
        """What happened, in English, without the next step where a button shows it."""
        template = SENTENCES.get(f"{self.code}.{self.params.get('variant')}") or SENTENCES[self.code]
        row: Row | dict[str, str] = PROVIDERS.get(
            self.provider, {"name": self.provider, "site": self.provider, "company": self.provider}
        )
        return template.format_map(_Fields({**row, **self.params}))


class _Fields(dict[str, object]):
    """A field that a caller forgot must not turn a problem into a crash."""

    def __missing__(self, key: str) -> str:
        return key


def as_json(problem: Problem) -> dict[str, object]:
    """`{code, params, action, url, retry_at}` with `retry_at` as ISO text or null."""
    from aimo_host.gauge.times import iso

    retry_at = None if problem.retry_at is None else iso(problem.retry_at)
    return {
        "code": problem.code,
        "params": dict(problem.params),
        "action": problem.action,
        "url": problem.url,
        "retry_at": retry_at,
    }


#: These say only that nothing could be tried.
_NOTHING_TRIED = ("no_browser", "no_credential", "disabled")
#: Variants that only spell out how to set it up.
_HOW_TO = (None, "key", "cli", "never")


def clarity(problem: dict[str, Any]) -> int:
    """How much a problem's JSON tells the person: 0 nothing was tried, 1 a credential was looked for in vain, 2 an answer."""
    if problem.get("code") not in _NOTHING_TRIED:
        return 2
    params = problem.get("params")
    variant = params.get("variant") if isinstance(params, dict) else None
    return 0 if variant in _HOW_TO else 1

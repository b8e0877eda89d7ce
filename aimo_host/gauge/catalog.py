"""The table of providers: one row each, read by everything that has to name, order or link one.

A new provider starts with a row here. CONTRIBUTING.md lists the few places that cannot read it; a test holds each of them to it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict

    class Row(TypedDict):
        """What is known of a provider without asking it."""

        name: str  # for people
        company: str  # who is asked: "Anthropic is limiting usage checks"
        site: str  # host name of the web site, for sentences
        home: str  # page that lets a bot check pass
        sign_in: str
        usage_page: str
        keys_page: str | None  # where an API key is made, None where a key cannot read usage
        unread: tuple[str, str | None, dict[str, Any]]  # code, variant and params when there is neither browser nor credential


PROVIDERS: dict[str, Row] = {
    "claude": {
        "name": "Claude",
        "company": "Anthropic",
        "site": "claude.ai",
        "home": "https://claude.ai/",
        "sign_in": "https://claude.ai/login",
        "usage_page": "https://claude.ai/settings/usage",
        "keys_page": None,
        "unread": ("no_browser", "never", {"command": "aimo doctor"}),
    },
    "codex": {
        "name": "Codex",
        "company": "OpenAI",
        "site": "chatgpt.com",
        "home": "https://chatgpt.com/",
        "sign_in": "https://chatgpt.com/auth/login",
        "usage_page": "https://chatgpt.com/codex/settings/usage",
        "keys_page": None,
        "unread": ("no_credential", "cli", {"program": "Codex", "command": "codex login"}),
    },
    "zai": {
        "name": "Z.ai",
        "company": "Z.ai",
        "site": "z.ai",
        "home": "https://z.ai/",
        "sign_in": "https://z.ai/",
        "usage_page": "https://z.ai/manage-apikey/coding-plan/personal/usage",
        "keys_page": "https://z.ai/manage-apikey/apikey-list",
        "unread": ("no_credential", "key", {"variable": "ZAI_API_KEY"}),
    },
    "ollama": {
        "name": "Ollama",
        "company": "Ollama",
        "site": "ollama.com",
        "home": "https://ollama.com/",
        "sign_in": "https://ollama.com/signin",
        "usage_page": "https://ollama.com/settings",
        "keys_page": "https://ollama.com/settings/keys",
        "unread": ("no_browser", "never", {"command": "aimo doctor"}),
    },
}

#: The fixed order of every face and of the API.
ORDER: tuple[str, ...] = tuple(PROVIDERS)

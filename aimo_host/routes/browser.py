"""The route through the signed-in browser: drives a provider's conversation over whatever can ask a named source.

The extension fetches, the provider's module understands; this is only the string between them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from aimo_host.gauge.model import Answer, Ask, Conversation, Usage
    from aimo_host.gauge.problems import Problem
    from aimo_host.routes import Context

    #: Puts asks to the extension side by side and returns their answers in the same order.
    AskBrowser: TypeAlias = Callable[[tuple[Ask, ...]], tuple[Answer, ...]]

NAME = "browser"


def converse(provider: str, memory: dict[str, str], now: float, pinned: str | None = None) -> Conversation:
    """The provider's conversation. `memory` lasts as long as the host; `pinned` is the organisation the user chose."""
    if provider == "claude":
        from aimo_host.providers import claude

        return claude.browse(memory, now, pinned)
    import importlib

    conversation: Conversation = importlib.import_module(f"aimo_host.providers.{provider}").browse(memory, now)
    return conversation


#: The extension answers these by itself, without asking anybody.
_NEVER_ASKED = frozenset({"no_token", "unknown_source"})


def noting(context: Context, provider: str, ask: AskBrowser) -> AskBrowser:
    """`ask`, with every request in the ledger."""

    def noted(asks: tuple[Ask, ...]) -> tuple[Answer, ...]:
        began = context.begins_to_ask()
        answers = ask(asks)
        for one, answer in zip(asks, answers, strict=True):
            if answer.failed not in _NEVER_ASKED:
                context.asked(provider, one.source, answer, began=began)
        return answers

    return noted


def drive(conversation: Conversation, ask: AskBrowser) -> Usage | Problem:
    """Carry a conversation to its end."""
    try:
        asks = next(conversation)
        while True:
            asks = conversation.send(ask(asks))
    except StopIteration as end:
        result: Usage | Problem = end.value
        return result

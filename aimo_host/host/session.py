"""One browser profile's conversation with the host: what each message of the extension does, and what is sent back.

Messages arrive one at a time in the main thread. News (somebody rang) arrive in the bell's thread: changed entries go to the
extension, and open requests are served by asking this browser. Nothing here waits for a provider.
"""

from __future__ import annotations

import threading

from aimo_host import __version__
from aimo_host.gauge import snapshot
from aimo_host.gauge.answer import answer_at
from aimo_host.gauge.catalog import PROVIDERS
from aimo_host.host import dashboard
from aimo_host.host.extension import Extension
from aimo_host.host.replaced import Work
from aimo_host.state import bell, cache, log, presence, requests, secrets, settings
from aimo_host.state.bell import Bell, Listener
from aimo_host.state.installation import Installation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aimo_host.host.refresher import Refresher
    from aimo_host.routes import Context

PROTOCOL = 1
_TRIGGERS = ("popup", "dashboard", "options", "agent")
_LONGEST_ID = 100
_LONGEST_VERSION = 30


class RefusedError(Exception):
    """A message that cannot be carried out: `code` for the extension, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Session:
    """`send` writes one message to the extension; it may be called from any thread, and so may `knock`.

    `knock` asks the main thread to look at `makes_way`.
    """

    def __init__(
        self, context: Context, send: Callable[[dict[str, Any]], None], knock: Callable[[], None] = lambda: None
    ) -> None:
        self._context = context
        self._send = send
        self._knock = knock
        self._work = Work(Installation(context.paths), self._knock_if_over)
        self._extension = Extension(send)
        self._listener: Listener | None = None
        self._profile: str | None = None
        self._presence: presence.Presence | None = None
        self._refresher: Refresher | None = None
        self._publishing = threading.Lock()
        self._sent: dict[tuple[str, str | None], dict[str, Any]] = {}
        self._refreshing: list[str] = []

    def handle(self, message: dict[str, Any]) -> None:
        """Carry out one message. Never raises: a fault, theirs or ours, is answered with a coded error."""
        kind = message.get("type")
        handler = _HANDLERS.get(kind, Session._unknown) if isinstance(kind, str) else Session._unknown
        try:
            handler(self, message)
        except RefusedError as error:
            self._refuse(error.code, str(error), message.get("id"))
        except OSError as error:
            log.write(self._context.paths, f"message {kind!r}: {type(error).__name__}")
            self._refuse("internal", "A file of aimo's cannot be written.", message.get("id"))
        except Exception as error:  # noqa: BLE001 - the last line before a traceback on the browser's pipe
            log.write(self._context.paths, f"message {kind!r}: {type(error).__name__}")
            self._refuse("internal", "aimo could not carry out this message.", message.get("id"))

    def _refuse(self, code: str, message: str, about: Any) -> None:
        known = {"id": about} if isinstance(about, str) and len(about) <= _LONGEST_ID else {}
        self._send({"type": "error", "code": code, "message": message, **known})

    def makes_way(self) -> bool:
        """Whether this host should end now: a browser would start another aimo than this one, and nothing is under way.

        The extension opens the other one a second later; what was asked for and not begun stands in the files.
        """
        return self._work.is_over()

    def _knock_if_over(self) -> None:
        if self._work.is_over():
            self._knock()

    def close(self) -> None:
        """The extension is gone."""
        if self._presence is not None:
            self._presence.leave()
        if self._listener is not None:
            self._listener.close()

    def _unknown(self, _message: dict[str, Any]) -> None:
        raise RefusedError("bad_message", "This type of message is not known.")

    # -- messages -----------------------------------------------------------------------------------------------------------

    def _hello(self, message: dict[str, Any]) -> None:
        if message.get("protocol") is True or message.get("protocol") != PROTOCOL:
            raise RefusedError("unsupported_protocol", f"This host speaks protocol {PROTOCOL}.")
        profile = message.get("profile")
        if not isinstance(profile, str) or not settings.is_uuid(profile):
            raise RefusedError("bad_message", "hello needs the profile's UUID.")
        if self._presence is None:
            try:
                self._arrive(profile, message.get("extension"))
            except OSError as error:  # a disk that cannot be written still has a snapshot to show
                log.write(self._context.paths, f"arriving: {type(error).__name__}")
        self._welcome()
        if self._refresher is not None:
            self._refresher.look()

    def _arrive(self, profile: str, extension: Any) -> None:
        from aimo_host.host.refresher import Refresher

        paths = self._context.paths
        self._profile = profile
        known = {"extension": extension} if isinstance(extension, str) and len(extension) <= _LONGEST_VERSION else {}
        facts = {"kind": "host", "profile": profile, "version": __version__, **known}
        self._presence = presence.Presence(paths.presence_dir, facts)
        bell.ring(paths.bells_dir)  # who waits for a browser, as `aimo install` does, learns of it
        self._listener = Listener(Bell(paths.bells_dir, (paths.cache, paths.refresh, paths.attempts)), self._on_ring)
        self._refresher = Refresher(self._context, self._extension, self._listener, profile, self._work)

    def _refresh(self, message: dict[str, Any]) -> None:
        named = message.get("providers")
        if message.get("trigger") not in _TRIGGERS or not (named is None or _are_providers(named)):
            raise RefusedError("bad_message", "refresh needs a known trigger, and providers that exist.")
        paths, now = self._context.paths, self._context.clock()
        wanted = settings.wanted(settings.read(paths))
        chosen = wanted if named is None else [provider for provider in wanted if provider in named]
        requests.ask(paths, chosen, trigger=message["trigger"], named=named is not None, now=now)

    def _answer(self, message: dict[str, Any]) -> None:
        if not self._extension.take(message):
            raise RefusedError("bad_message", "This answer is malformed.")

    def _settings(self, message: dict[str, Any]) -> None:
        changed = message.get("changed")
        woken: Any = changed.pop("wake", []) if isinstance(changed, dict) else None
        if not _are_providers(woken) or not settings.acceptable(changed):
            raise RefusedError("bad_message", "These settings are not known.")
        self._wake(woken)
        if changed:
            record = settings.change(self._context.paths, changed)
            self._forget_switched_off(record)
            self._welcome()

    def _wake(self, providers: list[str]) -> None:
        from aimo_host.collect import feed

        for provider in providers if self._profile is not None else []:
            feed.wake(self._context, provider, str(self._profile))

    def _forget_switched_off(self, record: dict[str, Any]) -> None:
        """A provider that is switched off has no rows, and nobody serves what was asked of it before."""
        from aimo_host.gauge import merge

        paths, now = self._context.paths, self._context.clock()
        standing = requests.read(paths, now).standing(now)
        for provider in (provider for provider in PROVIDERS if provider not in settings.wanted(record)):
            if provider in standing:
                requests.settle(paths, provider, standing[provider].at, served=True, now=now)
            cache.update(paths, lambda before, p=provider: merge.forget(before, p, now))  # type: ignore[misc]

    def _secret(self, message: dict[str, Any]) -> None:
        name, value = message.get("name"), message.get("value")
        if not secrets.storable(name, value):
            raise RefusedError("bad_message", "This secret has no place here.")
        secrets.store(self._context.paths, str(name), str(value))
        self._welcome()

    def _serve(self, message: dict[str, Any]) -> None:
        wanted = self._stop_dashboard if message.get("stop") is True else self._start_dashboard
        self._work.begin(wanted)

    def _stop_dashboard(self) -> None:
        try:
            dashboard.stop(self._context)
        except OSError as error:
            log.write(self._context.paths, f"stopping the shim: {type(error).__name__}")
        self._welcome()

    def _start_dashboard(self) -> None:
        url, error = dashboard.make_sure_it_answers(self._context)
        self._send({"type": "served", "url": url} if url is not None else {"type": "served", "error": error})

    def _get(self, _message: dict[str, Any]) -> None:
        self._welcome()

    # -- news ---------------------------------------------------------------------------------------------------------------

    def _welcome(self) -> None:
        with self._publishing:
            self._send_welcome()

    def _send_welcome(self) -> None:
        """Everything, read anew; only for who holds `_publishing`, so that nothing older is sent after it."""
        paths, now = self._context.paths, self._context.clock()
        record = settings.read(paths)
        seen = snapshot.snapshot_at(cache.read(paths), record, now)
        self._sent = {_key(entry): entry for entry in seen["entries"]}
        self._send(
            {
                "type": "welcome",
                "protocol": PROTOCOL,
                "host": __version__,
                "extension_version": dashboard.extension_version(paths),
                "snapshot": seen,
                "settings": record,
                "refresh_pending": bool(requests.read(paths, now).standing(now)),
                "shim": dashboard.state(paths),
            }
        )

    def _on_ring(self) -> None:
        try:
            self._publish()
            self._knock_if_over()
            if self._refresher is not None:
                self._refresher.look()
        except Exception as error:  # noqa: BLE001 - the bell's thread must survive; the files are looked at again at the next ring
            log.write(self._context.paths, f"news: {type(error).__name__}")

    def _publish(self) -> None:
        """Send every entry that changed, or whose provider began or ended being refreshed.

        A provider counts as being refreshed until its entries are out: who reads `refreshing: []` has everything.
        Where a row vanished, everything is sent first.
        """
        paths, now = self._context.paths, self._context.clock()
        with self._publishing:
            before, was_refreshing = self._sent, self._refreshing
            # In this order: a reading is written before its request is settled.
            self._refreshing = list(requests.read(paths, now).unsettled(now))
            self._sent = {_key(e): e for e in snapshot.entries_at(cache.read(paths), settings.read(paths), now)}
            if before.keys() - self._sent.keys():
                self._send_welcome()
            toggled = set(self._refreshing) ^ set(was_refreshing)
            changed = [e for key, e in self._sent.items() if e != before.get(key) or key[0] in toggled]
            answer = answer_at(list(self._sent.values()), now) if changed else None
            for index, entry in enumerate(changed):
                to_come = {e["provider"] for e in changed[index + 1 :]}.intersection(was_refreshing)
                refreshing = [p for p in PROVIDERS if p in self._refreshing or p in to_come]
                self._send({"type": "entry", "entry": entry, "refreshing": refreshing, "answer": answer})


def _key(entry: dict[str, Any]) -> tuple[str, str | None]:
    return entry["provider"], entry["account"]


def _are_providers(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item in PROVIDERS for item in value)


_HANDLERS: dict[Any, Callable[[Session, dict[str, Any]], None]] = {
    "hello": Session._hello,  # noqa: SLF001 - the table belongs to the class
    "refresh": Session._refresh,  # noqa: SLF001
    "answer": Session._answer,  # noqa: SLF001
    "settings": Session._settings,  # noqa: SLF001
    "secret": Session._secret,  # noqa: SLF001
    "serve": Session._serve,  # noqa: SLF001
    "get": Session._get,  # noqa: SLF001
}

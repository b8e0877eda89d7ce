"""The settings record: a closed list of keys, each with its own check. What is not understood is left as the default.

| key | value | default |
|---|---|---|
| `providers` | `{provider: "auto" or "on" or "off"}` | all `auto` |
| `order` | list of providers | the catalog's |
| `names` | `{account: name}` as the user calls an account | none |
| `claude_organization` | the organisation to read, a UUID | null: chosen by rule |
| `language` | `auto`, `en`, `ja` | `auto` |
| `badge` | whether the toolbar icon carries a number | true |
"""

from __future__ import annotations

import os

from aimo_host.gauge.catalog import ORDER, PROVIDERS
from aimo_host.state import jsonfile, pinned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aimo_host.state.paths import Paths

_MODES = ("auto", "on", "off")
_LANGUAGES = ("auto", "en", "ja")
_LONGEST_NAME = 40
_MOST_NAMES = 64
_LONGEST_ACCOUNT = 16
_UUID_LENGTHS = [8, 4, 4, 4, 12]


def defaults() -> dict[str, Any]:
    """The record of somebody who never changed anything."""
    return {
        "providers": dict.fromkeys(ORDER, "auto"),
        "order": list(ORDER),
        "names": {},
        "claude_organization": None,
        "language": "auto",
        "badge": True,
    }


def _providers(value: Any) -> bool:
    return isinstance(value, dict) and all(key in PROVIDERS and mode in _MODES for key, mode in value.items())


def _order(value: Any) -> bool:
    return isinstance(value, list) and len(set(map(str, value))) == len(value) and all(item in ORDER for item in value)


def _names(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= _MOST_NAMES and all(_is_account(a) and _name(n) for a, n in value.items())


def _is_account(key: str) -> bool:
    """Whether it can be one of our opaque names of accounts."""
    return 0 < len(key) <= _LONGEST_ACCOUNT and all(char in "0123456789abcdef" for char in key)


def _name(value: Any) -> bool:
    return value is None or (isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable())


def _organization(value: Any) -> bool:
    return value is None or (isinstance(value, str) and is_uuid(value))


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its usual spelling."""
    parts = text.split("-")
    return [len(part) for part in parts] == _UUID_LENGTHS and all(char in "0123456789abcdefABCDEF" for char in "".join(parts))


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "providers": _providers,
    "order": _order,
    "names": _names,
    "claude_organization": _organization,
    "language": lambda value: value in _LANGUAGES,
    "badge": lambda value: isinstance(value, bool),
}


def acceptable(changed: Any) -> bool:
    """Whether every key of a change is on the list and every value passes its check."""
    return isinstance(changed, dict) and all(key in _CHECKS and _CHECKS[key](value) for key, value in changed.items())


def read(paths: Paths) -> dict[str, Any]:
    """The record; defaults for everything that is missing or not understood. Never raises."""
    return _understood(pinned.load(paths.settings, dict))


def _understood(found: dict[str, Any]) -> dict[str, Any]:
    record = defaults()
    for key, check in _CHECKS.items():
        value = found.get(key)
        if isinstance(record[key], dict) and isinstance(value, dict):
            # Item by item: a provider that this version does not know must not switch the others on again.
            record[key] |= {name: one for name, one in value.items() if check({name: one})}
        elif key in found and check(value):
            record[key] = value
    record["order"] = [*record["order"], *(provider for provider in ORDER if provider not in record["order"])]
    return record


def change(paths: Paths, changed: dict[str, Any]) -> dict[str, Any]:
    """Merge an `acceptable` change into the file and return the record; mappings are merged key by key, a null name forgets it.

    Of too many names the newest are kept.

    Raises:
        OSError: it cannot be written, or not be read just now, or another process keeps the lock.
    """
    from aimo_host.state import bell  # sockets and locks are not worth their import to who only reads
    from aimo_host.state.lock import FileLock

    with FileLock(os.path.join(paths.locks_dir, "settings")).required():
        found = jsonfile.load_or_set_aside(paths.settings)
        record = _understood(found)
        merged = {key: {**record[key], **value} if isinstance(record[key], dict) else value for key, value in changed.items()}
        record = {**record, **merged}
        names = [(account, name) for account, name in record["names"].items() if name is not None]
        record["names"] = dict(names[-_MOST_NAMES:])
        jsonfile.save(paths.settings, {**found, **record})
    bell.ring(paths.bells_dir)
    return record


def wanted(record: dict[str, Any]) -> list[str]:
    """The providers that are not switched off, in the fixed order."""
    return [provider for provider in ORDER if record["providers"][provider] != "off"]

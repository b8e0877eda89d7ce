"""The Windows registry as a mapping from a key under HKEY_CURRENT_USER to its default value.

Writes below HKEY_CURRENT_USER only, and never removes a key that came to hold something else.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any


class Registry(MutableMapping[str, str]):
    """Keys are written with backslashes and without a hive. `winreg` is the module of that name; None where there is none."""

    def __init__(self, winreg: Any) -> None:
        self._winreg = winreg

    def is_anywhere(self, key: str) -> bool:
        """Whether the key is there for this user or for the whole machine: how browsers that are installed are found."""
        return any(self._is_in(hive, key) for hive in (self._winreg.HKEY_CURRENT_USER, self._winreg.HKEY_LOCAL_MACHINE))

    def __contains__(self, key: object) -> bool:
        return self._is_in(self._winreg.HKEY_CURRENT_USER, str(key))

    def _is_in(self, hive: int, key: str) -> bool:
        try:
            self._winreg.CloseKey(self._winreg.OpenKey(hive, key))
        except OSError:
            return False
        return True

    def __getitem__(self, key: str) -> str:
        """The default value; one that was never set is the empty text."""
        try:
            return str(self._winreg.QueryValue(self._winreg.HKEY_CURRENT_USER, key))
        except OSError as error:
            raise KeyError(key) from error

    def __setitem__(self, key: str, value: str) -> None:
        self._winreg.SetValue(self._winreg.HKEY_CURRENT_USER, key, self._winreg.REG_SZ, value)

    def __delitem__(self, key: str) -> None:
        try:
            self._winreg.DeleteKey(self._winreg.HKEY_CURRENT_USER, key)
        except OSError as error:  # not there, or it holds keys of others
            raise KeyError(key) from error

    def remove_if_empty(self, key: str) -> None:
        """Remove a key without values and keys below it; anything else stays."""
        try:
            with self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, key) as opened:
                below, values, _ = self._winreg.QueryInfoKey(opened)
            if not below and not values:
                del self[key]
        except (OSError, KeyError):
            return  # gone already, or it may not be touched

    def __iter__(self) -> Iterator[str]:
        raise NotImplementedError("the registry is looked up, not listed")

    def __len__(self) -> int:
        raise NotImplementedError("the registry is looked up, not listed")

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

    def holds_more_than(self, key: str, seed: str) -> bool:
        """Whether the key of this user, or of the whole machine, holds a value, or a key below it that is not `seed`.

        How browsers that are installed are found: a key with nothing but `seed` was made by somebody for a browser to come.
        """
        return any(
            self._holds_more_in(hive, key, seed) for hive in (self._winreg.HKEY_CURRENT_USER, self._winreg.HKEY_LOCAL_MACHINE)
        )

    def _holds_more_in(self, hive: int, key: str, seed: str) -> bool:
        try:
            with self._winreg.OpenKey(hive, key) as opened:
                below, values, _ = self._winreg.QueryInfoKey(opened)
                return values > 0 or any(self._winreg.EnumKey(opened, one).lower() != seed.lower() for one in range(below))
        except OSError:
            return False

    def __contains__(self, key: object) -> bool:
        try:
            self._winreg.CloseKey(self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, str(key)))
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

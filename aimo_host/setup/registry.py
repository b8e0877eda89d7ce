"""The Windows registry as a mapping from a key under HKEY_CURRENT_USER to its default value.

Writes below HKEY_CURRENT_USER only; a key that exists in HKEY_LOCAL_MACHINE counts as present, for finding browsers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping

if sys.platform == "win32":
    import winreg

    class WindowsRegistry(MutableMapping[str, str]):
        """Keys are written with backslashes and without a hive."""

        def __contains__(self, key: object) -> bool:
            for hive in (winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE):
                try:
                    winreg.CloseKey(winreg.OpenKey(hive, str(key)))
                except OSError:
                    continue
                return True
            return False

        def __getitem__(self, key: str) -> str:
            try:
                return winreg.QueryValue(winreg.HKEY_CURRENT_USER, key)
            except OSError as error:
                raise KeyError(key) from error

        def __setitem__(self, key: str, value: str) -> None:
            winreg.SetValue(winreg.HKEY_CURRENT_USER, key, winreg.REG_SZ, value)

        def __delitem__(self, key: str) -> None:
            try:
                winreg.DeleteKey(winreg.HKEY_CURRENT_USER, key)
            except OSError as error:  # not there, or it holds keys of others
                raise KeyError(key) from error

        def __iter__(self) -> Iterator[str]:
            raise NotImplementedError("the registry is looked up, not listed")

        def __len__(self) -> int:
            raise NotImplementedError("the registry is looked up, not listed")

else:

    class WindowsRegistry(dict[str, str]):
        """There is none here."""

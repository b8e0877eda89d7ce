"""The few functions of Python's `winreg` that aimo uses, on two hives in memory, with the real ones' documented manners.

Keys are found in any case; one without a default value reads as the empty text; one with keys below it cannot be deleted, one
with values can; the machine's hive takes nothing from a person.
"""

from __future__ import annotations

from typing import Self


class _Handle:
    def __init__(self, hive: int, path: str) -> None:
        self.hive, self.path = hive, path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class FakeWinreg:
    """Stands in for the module. `hives` is what a test looks at: key -> its values by name; the default one has no name."""

    HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, REG_SZ = 1, 2, 1

    def __init__(self) -> None:
        self.hives: dict[int, dict[str, dict[str, str]]] = {self.HKEY_CURRENT_USER: {}, self.HKEY_LOCAL_MACHINE: {}}

    def plant(self, hive: int, key: str, values: dict[str, str] | None = None) -> None:
        """The key and those above it, as another program would have made them."""
        parts = key.split("\\")
        for count in range(1, len(parts) + 1):
            self.hives[hive].setdefault("\\".join(parts[:count]), {})
        self.hives[hive][key].update(values or {})

    def OpenKey(self, hive: int, key: str) -> _Handle:  # noqa: N802 - the module's names
        return _Handle(hive, self._found(hive, key))

    def CloseKey(self, handle: _Handle) -> None:  # noqa: N802
        assert isinstance(handle, _Handle)

    def QueryValue(self, hive: int, key: str) -> str:  # noqa: N802
        return self.hives[hive][self._found(hive, key)].get("", "")

    def QueryInfoKey(self, handle: _Handle) -> tuple[int, int, int]:  # noqa: N802
        return len(self._directly_below(handle)), len(self.hives[handle.hive][handle.path]), 0

    def EnumKey(self, handle: _Handle, index: int) -> str:  # noqa: N802
        return self._directly_below(handle)[index]

    def SetValue(self, hive: int, key: str, kind: int, value: str) -> None:  # noqa: N802
        if hive != self.HKEY_CURRENT_USER:
            raise PermissionError(5, "Access is denied")
        assert kind == self.REG_SZ
        self.plant(hive, key, {"": value})

    def DeleteKey(self, hive: int, key: str) -> None:  # noqa: N802
        path = self._found(hive, key)
        if hive != self.HKEY_CURRENT_USER or self._below(hive, path):
            raise PermissionError(5, "Access is denied")
        del self.hives[hive][path]

    def _found(self, hive: int, key: str) -> str:
        for path in self.hives[hive]:
            if path.lower() == key.lower():
                return path
        raise FileNotFoundError(2, "The system cannot find the file specified")

    def _directly_below(self, handle: _Handle) -> list[str]:
        names = [path[len(handle.path) + 1 :] for path in self._below(handle.hive, handle.path)]
        return [name for name in names if "\\" not in name]

    def _below(self, hive: int, path: str) -> list[str]:
        start = path.lower() + "\\"
        return [other for other in self.hives[hive] if other.lower().startswith(start)]

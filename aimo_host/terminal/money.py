"""Amounts as a person says them. English, since the terminal is."""

from __future__ import annotations

_CURRENCY_LETTERS = 3


def amount(value: float | None, unit: str | None) -> str | None:
    """`$12.34`, `$50`, `12.34 EUR`; what is no money as it is counted."""
    if value is None:
        return None
    number = f"{value:,.2f}" if value % 1 else f"{value:,.0f}"
    if unit == "USD":
        return f"-${number[1:]}" if number.startswith("-") else f"${number}"
    is_money = unit is not None and len(unit) == _CURRENCY_LETTERS and unit.isupper()
    return f"{number} {unit}" if is_money else number

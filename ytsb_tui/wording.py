"""How numbers are told."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 job`, `3 jobs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

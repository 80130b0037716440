"""Text from outside, made fit for a line on a screen."""

from __future__ import annotations

import unicodedata

_DANGEROUS = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_KEPT = "\u200c\u200d"
"""The joiners that Persian, Hindi and emoji cannot be written without."""


def printable(text: str) -> str:
    """`text` on one line, without anything that could move the cursor, reorder or hide characters."""
    spaced = " ".join(text.split())
    if spaced.isascii() and spaced.isprintable():
        return spaced
    return "".join(char for char in spaced if char in _KEPT or unicodedata.category(char) not in _DANGEROUS)


def clock_time(seconds: float) -> str:
    """A duration for people: `8.3 s`, `2:05`, `1:02:05`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""What a list of lines shows, without saying how it is drawn. Knows no Textual."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

TONES = ("quiet", "busy", "good", "bad", "wait", "header")

Piece = tuple[str, str]
"""A tone ("" for none), and a text that takes no more cells than it is meant to."""


class Lines(Protocol):
    """What a list shows; asked for anew whenever it draws."""

    def __len__(self) -> int: ...

    def header(self, width: int) -> Iterable[Piece] | None:
        """The line that stays above the others, if there is one."""

    def pieces(self, line: int, width: int) -> Iterable[Piece]:
        """What a line shows in `width` cells."""

"""A page: a note as it is drawn at one width, in which links and words can be found."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from textual.strip import Strip

BAR = "▎"
"""What stands before each line of a quote."""
_INDENT = f" {BAR}│"


@dataclass(frozen=True)
class Link:
    """Something in a page that can be followed."""

    kind: Literal["web", "note", "fold"]
    target: str
    """A URL; a note's name as its wikilink has it; or the line of the source on which a folded callout begins."""


@dataclass(frozen=True)
class Spot:
    """Some cells of a line."""

    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Page:
    """A note as it is drawn at one width."""

    lines: tuple[Strip, ...] = ()
    links: tuple[Link, ...] = ()
    spots: tuple[tuple[Spot, ...], ...] = ()
    """Where each link is."""
    origins: tuple[int, ...] = ()
    """The line of the source that each line was made of."""

    def place_of(self, line: int) -> float:
        """The place of a line: its line of the source, and the share of what was made of that one that is above."""
        if not self.origins:
            return 0.0
        origin = self.origins[min(line, len(self.origins) - 1)]
        first, end = bisect_left(self.origins, origin), bisect_right(self.origins, origin)
        return origin + min(line - first, end - first - 1) / (end - first)

    def line_of(self, place: float) -> int:
        """The line at a place that was told at this or another width."""
        origin = int(place)
        first, end = bisect_left(self.origins, origin), bisect_right(self.origins, origin)
        return first + round((place - origin) * (end - first))

    def find(self, words: str) -> list[tuple[Spot, ...]]:
        """Where these words are, whatever their case, and also where a line ends between them."""
        if not words.strip():
            return []
        texts = [strip.text for strip in self.lines]
        starts = [0]
        for text in texts:
            starts.append(starts[-1] + len(text) + 1)
        pattern = re.compile(rf"[\s{_INDENT}]+".join(map(re.escape, words.split())), re.IGNORECASE)
        found, line = [], 0
        for hit in pattern.finditer("\n".join(texts)):
            while starts[line + 1] <= hit.start():
                line += 1
            found.append(tuple(_spots(texts, starts, line, hit)))
        return found


def _spots(texts: Sequence[str], starts: Sequence[int], line: int, hit: re.Match[str]) -> Iterator[Spot]:
    """The cells of a hit that begins on `line`; what a further line is indented by is none of it."""
    while starts[line] < hit.end():
        text = texts[line]
        indent = len(text) - len(text.lstrip(_INDENT))
        start = max(hit.start() - starts[line], indent)
        end = min(hit.end() - starts[line], len(text))
        yield Spot(line, cell_len(text[:start]), cell_len(text[:end]))
        line += 1

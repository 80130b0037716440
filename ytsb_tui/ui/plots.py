"""Plots of block characters, as wide as they are told to be; what they say can be read without colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content

from ytsb_tui.ui.format import fit

HEIGHTS = " ▁▂▃▄▅▆▇█"
LONGEST = 40
"""Cells of the longest bar: enough to compare."""
MUTED = "$foreground 60%"


@dataclass(frozen=True)
class Bar:
    """One line of a chart."""

    label: str
    value: float
    text: str
    """What the value is, in words."""
    tone: str = "$text-accent"


def bars(chart: Sequence[Bar], width: int) -> Content:
    """Bars from left to right, each behind its label and its value."""
    labels = min(max((len(bar.label) for bar in chart), default=0), max(6, width // 3))
    texts = max((len(bar.text) for bar in chart), default=0)
    room = max(0, min(LONGEST, width - labels - texts - 4))
    largest = max((bar.value for bar in chart), default=0.0)
    lines = []
    for bar in chart:
        halves = max(1, round(bar.value / largest * room * 2)) if bar.value > 0 else 0
        drawn = "━" * (halves // 2) + "╸" * (halves % 2)
        lines.append(
            Content.assemble(
                f"{fit(bar.label, labels)}  ", (fit(bar.text, texts, right=True), MUTED), ("  " + drawn, bar.tone)
            )
        )
    return Content("\n").join(lines)


def columns(values: Sequence[int], height: int, thickness: int) -> Iterator[str]:
    """Columns from bottom to top, drawn as `height` lines; a value above 0 is always to be seen."""
    largest = max(values, default=0) or 1
    eighths = [max(1, round(value / largest * height * 8)) if value else 0 for value in values]
    for line in reversed(range(height)):
        yield "".join(HEIGHTS[max(0, min(8, each - 8 * line))] * thickness for each in eighths)


def axis(labels: Iterable[tuple[int, str]], width: int) -> str:
    """Labels below their cells; one that would run into the one before it is left out."""
    line = ""
    for at, label in labels:
        if (at > len(line) or not line) and at + len(label) <= width:
            line = line.ljust(at) + label
    return line

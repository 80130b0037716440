"""How facts look in a cell: short, aligned, and readable without colour."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from ytsb_tui.job import Stage

ELLIPSIS = "…"
NOTHING = "–"

STAGE_WORDS = {
    Stage.FETCH: "fetch",
    Stage.NOTES: "notes",
    Stage.ASSESSMENT: "quiz",
    Stage.WRITE: "write",
    Stage.LINKS: "links",
    Stage.EXPORT: "PDF",
}


class Badge(NamedTuple):
    """A status: a glyph, a word, and the tone that a theme gives a colour to."""

    glyph: str
    word: str
    tone: str
    """ "quiet", "busy", "good", "bad" or "wait"."""

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


def short(seconds: float) -> str:
    """A duration in at most seven cells: `0.3s`, `42s`, `2:05`, `1:02:05`."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f}s"
    if seconds < 59.5:
        return f"{seconds:.0f}s"
    return countdown(seconds)


def countdown(seconds: float) -> str:
    """Time left, or gone by, to the second: `0:07`, `12:34`, `1:59:59`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def at_clock(moment: float) -> str:
    """A time of day: `14:32`."""
    return datetime.fromtimestamp(moment).strftime("%H:%M")


def money(dollars: float | None) -> str:
    """`$1.24`; a question mark where prices are unknown, a dash for nothing."""
    if dollars is None:
        return "?"
    if dollars == 0:
        return NOTHING
    return f"${dollars:.3f}" if dollars < 0.1 else f"${dollars:.2f}"


def amount(number: int) -> str:
    """A count in at most five cells: `950`, `18.2k`, `1.2M`."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}" if number < 100 * size else f"{number // size}{unit}"
    return str(number)


def bar(fraction: float, width: int) -> str:
    """A bar of `width` cells, told from its rest by shape as well as by colour."""
    full = round(max(0.0, min(fraction, 1.0)) * width)
    return "━" * full + "╌" * (width - full)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells: filled up, or cut with an ellipsis."""
    if width <= 0:
        return ""
    if text.isascii():
        if len(text) > width:
            return text[: width - 1] + ELLIPSIS
        return text.rjust(width) if right else text.ljust(width)
    text = text[: 4 * width]
    if (length := cell_len(text)) > width:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + ELLIPSIS, width)
    return " " * (width - length) + text if right else text + " " * (width - length)

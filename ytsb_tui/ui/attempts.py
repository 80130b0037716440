"""The attempts that the log screen shows. Knows no Textual."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ytsb_tui.ui.attempt import Attempt, words_of
from ytsb_tui.ui.format import fit, short
from ytsb_tui.ui.lines import Piece
from ytsb_tui.ui.log_reading import Reading, Version

MARK = "◆ "


@dataclass
class Attempts:
    """The attempts that are shown, newest first, with a cursor and marks that stay on theirs."""

    reading: Reading = field(default_factory=lambda: Reading((), Version()))
    words: str = ""
    """Only attempts that have all of these words."""
    failed_only: bool = False
    marks: set[tuple[str, ...]] = field(default_factory=set)
    shown: list[Attempt] = field(default_factory=list)

    def take(self, reading: Reading) -> None:
        """Show what was read anew."""
        self.reading = reading
        self.arrange()

    def arrange(self) -> None:
        """Choose what is shown: after another filter was asked for, or something was read."""
        shown = list(reversed(self.reading.attempts))
        if self.failed_only:
            shown = [attempt for attempt in shown if not attempt.good]
        for needle in self.words.casefold().split():
            shown = [attempt for attempt in shown if needle in attempt.words]
        self.shown = shown

    def line_of(self, attempt: Attempt | None) -> int | None:
        """The line an attempt is on, also when it was read anew meanwhile; None where it is not shown."""
        if attempt is None:
            return None
        alike = (line for line, each in enumerate(self.shown) if each.video_id == attempt.video_id)
        return next((line for line in alike if self.shown[line].identity == attempt.identity), None)

    def mark(self, attempt: Attempt) -> None:
        """Mark an attempt, or take its mark away."""
        self.marks ^= {attempt.identity}

    def chosen(self, line: int) -> tuple[str, ...]:
        """The ids of the marked attempts, else that of the one on `line`: each once, the oldest first."""
        attempts = self.shown[line : line + 1]
        if self.marks:
            attempts = [attempt for attempt in self.reading.attempts if attempt.identity in self.marks]
        return tuple(dict.fromkeys(attempt.id for attempt in attempts if attempt.id))

    def __len__(self) -> int:
        return len(self.shown)

    def header(self, width: int) -> Iterable[Piece]:
        """The names of the columns."""
        names = {
            "when": "When",
            "result": "Result" if width >= 40 else " ",
            "title": "Title",
            "time": "Time",
            "worker": "W",
            "why": "Why",
        }
        return [("header", "  ")] + [("header", _cell(names[name], name, cells)) for name, cells in _columns(width)]

    def pieces(self, line: int, width: int) -> Iterable[Piece]:
        """One attempt."""
        attempt = self.shown[line]
        yield "wait", MARK if attempt.identity in self.marks else "  "
        for name, cells in _columns(width):
            if name == "when":
                yield "quiet", _cell(attempt.when[-cells + 1 :], name, cells)
            elif name == "result":
                yield attempt.badge.tone, _cell(str(attempt.badge) if cells > 2 else attempt.badge.glyph, name, cells)
            elif name == "title":
                yield "", _cell(attempt.title, name, cells)
            elif name == "time":
                yield "quiet", _cell("" if attempt.seconds is None else short(attempt.seconds), name, cells)
            elif name == "worker":
                yield "quiet", _cell(words_of(attempt.worker_id), name, cells)
            else:
                yield "bad", _cell(attempt.why, name, cells)


def _columns(width: int) -> Sequence[tuple[str, int]]:
    """The columns that fit, and the cells of each with the gap behind it."""
    room = width - 2
    fixed = [("when", 18 if width >= 100 else 12)] if width >= 60 else []
    fixed.append(("result", 13 if width >= 40 else 2))
    ends = [("time", 8)] if width >= 40 else []
    ends += [("worker", 3)] if width >= 70 else []
    room -= sum(cells for _, cells in fixed + ends)
    why = [("why", room - 24 if room < 56 else room // 2)] if width >= 100 else []
    return [*fixed, ("title", room - sum(cells for _, cells in why)), *ends, *why]


def _cell(text: str, name: str, cells: int) -> str:
    return fit(text, cells - 1, right=name in ("time", "worker")) + " "

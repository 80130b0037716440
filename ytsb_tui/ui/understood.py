"""What was understood of a text that names sources, line by line. Knows no Textual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ytsb_tui.intake import Duplicate, Intake, Refused
from ytsb_tui.job import Status
from ytsb_tui.plaintext import one_line
from ytsb_tui.source import Source
from ytsb_tui.ui.format import Badge, fit
from ytsb_tui.ui.lines import Piece

NEW = Badge("+", "new", "good")
KNOWN = {
    Status.QUEUED: Badge("·", "waiting", "busy"),
    Status.RUNNING: Badge("▸", "running", "busy"),
    Status.DONE: Badge("✓", "done already", "quiet"),
    Status.FAILED: Badge("↻", "again", "wait"),
    Status.CANCELLED: Badge("↻", "again", "wait"),
}
WAITING = (Status.RUNNING, Status.QUEUED)
DUPLICATE = Badge("=", "duplicate", "quiet")
REFUSED = Badge("✗", "refused", "bad")
PROSE = Badge("–", "no link", "quiet")
ORDER = (NEW, KNOWN[Status.FAILED], REFUSED, DUPLICATE, *(KNOWN[status] for status in (Status.DONE, *WAITING)), PROSE)
"""In which order they are counted."""
GOES = (NEW, KNOWN[Status.FAILED])
"""What is worked on once it is queued."""

NUMBER, BADGE = 5, 16
"""Cells of the columns."""
LONGEST = 400


@dataclass(frozen=True)
class Item:
    """One thing a line names, and what becomes of it."""

    line: int
    badge: Badge
    text: str
    note: str = ""


class Understood:
    """The items of a text in the order of its lines, as a list to show."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.sources: tuple[Source, ...] = ()
        """What can be queued; what is done is left alone by whoever queues it."""
        self.counts: Counter[Badge] = Counter()

    def take(self, intake: Intake, known: Callable[[str], Status | None]) -> None:
        """Show another intake; `known` says how a source's job stands, if there is one."""
        self.sources = intake.sources
        items = [_source(source, known(source.id)) for source in intake.sources]
        items += [_duplicate(each) for each in intake.duplicates]
        items += [_refused(each) for each in intake.refused]
        self.items = sorted(items, key=lambda item: item.line)
        self.counts = Counter(item.badge for item in items)

    @property
    def going(self) -> int:
        """How many of them are new, or are tried again."""
        return sum(self.counts[badge] for badge in GOES)

    def next_refused(self, place: int) -> int | None:
        """The place of the next item after `place` that was refused, from the first again after the last."""
        refused = [at for at, item in enumerate(self.items) if item.badge is REFUSED]
        return next((at for at in refused if at > place), refused[0] if refused else None)

    def __len__(self) -> int:
        return len(self.items)

    def header(self, width: int) -> None:
        """None: the lines speak for themselves."""

    def pieces(self, line: int, width: int) -> Iterable[Piece]:
        """One item."""
        item = self.items[line]
        words = width >= 50
        badge = fit(str(item.badge), BADGE) if words else f"{item.badge.glyph} "
        yield "quiet", f"{item.line:>{NUMBER}} " if words else ""
        yield item.badge.tone, badge
        room = width - len(badge) - (NUMBER + 1 if words else 0)
        if not item.note:
            yield ("quiet" if item.badge is PROSE else ""), fit(item.text, room)
        elif item.badge is REFUSED:
            shown = min(len(item.text), max(12, room // 3))
            yield "", fit(item.text, shown)
            yield item.badge.tone, fit(f"  {item.note}", room - shown)
        else:
            shown = max(0, room - len(item.note) - 2)
            yield "", fit(item.text, shown)
            yield "quiet", f"  {item.note}"


def _source(source: Source, status: Status | None) -> Item:
    note = "" if source.kind == "video" else source.kind
    return Item(source.line, NEW if status is None else KNOWN[status], _shown(source.text or source.url), note)


def _duplicate(duplicate: Duplicate) -> Item:
    return Item(duplicate.line, DUPLICATE, _shown(duplicate.text), f"as on line {duplicate.first_line}")


def _refused(refused: Refused) -> Item:
    if refused.is_prose:
        return Item(refused.line, PROSE, _shown(refused.text))
    return Item(refused.line, REFUSED, _shown(refused.text), one_line(refused.reason))


def _shown(text: str) -> str:
    return one_line(text[: 2 * LONGEST])[:LONGEST]

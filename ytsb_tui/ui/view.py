"""The view: which rows of the board are shown, in which order, which one is meant. Knows no Textual."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Any

from ytsb_tui.job import Status
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.columns import Column
from ytsb_tui.ui.row import Row

Key = tuple[Any, int, str]


class View:
    """A sorted, filtered list of rows with a cursor and marks.

    All rows are kept in order by their keys, and so are those that are shown.
    So a row that changed is put into its new place without looking at the
    others, and a filter never sorts.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.sort: Column | None = None
        """The column it is sorted by; None for the natural order."""
        self.reverse = False
        self.words = ""
        """Only rows that have all of these words."""
        self.failed_only = False
        self.cursor: str | None = None
        """The id of the job the keys act on; it stays on its job whatever moves."""
        self.marks: set[str] = set()
        self._line = 0
        self._order: list[Key] = []
        """Every row."""
        self._lines: list[Key] = self._order
        """Those that are shown: the same list while all are."""
        self._keys: dict[str, Key] = {}
        self._needles: list[str] = []
        self._unread: list[Row] = []
        """Rows whose words may not have been made yet."""

    def __len__(self) -> int:
        return len(self._lines)

    def arrange(self) -> None:
        """Make the list anew: after another order was chosen."""
        self._keys = {row.id: self._key(row) for row in self.board.rows.values()}
        self._order = sorted(self._keys.values())
        self._unread = list(self.board.rows.values())
        self._sift(self._order)

    def update(self, changed: Iterable[str]) -> bool:
        """Put changed rows into their places; whether any line is now another's."""
        moved = False
        for video_id in changed:
            row = self.board.rows[video_id]
            before, after = self._keys.get(video_id), self._key(row)
            was, wanted = self._is_shown(before), self._wants(row)
            if before is None:
                self._unread.append(row)
            if before != after:
                _replace(self._order, before, after)
                self._keys[video_id] = after
            if was != wanted or (wanted and before != after):
                moved = True
                if self._lines is not self._order:
                    _replace(self._lines, before if was else None, after if wanted else None)
        if moved:
            self._settle()
        return moved

    def filter(self, words: str, *, failed_only: bool) -> None:
        """Show only the rows that have all these words (and, if asked for, failed)."""
        narrower = words.startswith(self.words) and (failed_only or not self.failed_only)
        self.words, self.failed_only = words, failed_only
        self._sift(self._lines if narrower else self._order)

    @property
    def is_preparing(self) -> bool:
        """Whether there are rows left to `prepare`."""
        return bool(self._unread)

    def prepare(self, number: int) -> None:
        """Make the words of so many rows, so that the first filter need not make those of all."""
        for _ in range(min(number, len(self._unread))):
            _ = self._unread.pop().words

    def _sift(self, among: list[Key]) -> None:
        """Show those of these keys that are wanted."""
        self._needles = self.words.casefold().split()
        rows, lines = self.board.rows, among
        if self.failed_only:
            lines = [key for key in lines if rows[key[2]].status is Status.FAILED]
        for needle in sorted(self._needles, key=len, reverse=True):  # the longest leaves least to look at
            lines = [key for key in lines if needle in rows[key[2]].words]
        self._lines = lines if self._needles or self.failed_only else self._order
        self._settle()

    def sort_by(self, column: Column | None) -> None:
        """Sort by a column; by the same again, the other way round, then in the natural order."""
        if column is None or column is not self.sort:
            self.sort, self.reverse = column, False
        elif not self.reverse:
            self.reverse = True
        else:
            self.sort, self.reverse = None, False
        self.arrange()

    def row_at(self, line: int) -> Row | None:
        """The row on a line."""
        if not 0 <= line < len(self._lines):
            return None
        return self.board.rows[self._lines[self._turned(line)][2]]

    def line_of(self, video_id: str | None) -> int | None:
        """The line a job is on; None when it is not shown."""
        key = self._keys.get(video_id or "")
        return self._turned(bisect_left(self._lines, key)) if key is not None and self._is_shown(key) else None

    @property
    def line(self) -> int:
        """The line the cursor is on."""
        return self._line

    @property
    def row(self) -> Row | None:
        """The row the cursor is on."""
        return self.board.rows.get(self.cursor or "")

    def go(self, line: int) -> None:
        """Put the cursor on a line, or on the nearest there is."""
        self._line = max(0, min(line, len(self._lines) - 1))
        row = self.row_at(self._line)
        self.cursor = row.id if row else None

    def mark(self, video_id: str) -> None:
        """Mark a job, or take its mark away."""
        self.marks ^= {video_id}

    def chosen(self) -> list[Row]:
        """The rows the keys act on: the marked ones, else the one with the cursor."""
        marked = [row for row in map(self.board.rows.get, self.marks) if row]
        return sorted(marked, key=lambda row: row.turn) or ([self.row] if self.row else [])

    def _settle(self) -> None:
        """Keep the cursor on its job; where that is not shown any more, on the line it was on."""
        line = self.line_of(self.cursor)
        if line is None:
            self.go(self._line)
        else:
            self._line = line

    def _turned(self, place: int) -> int:
        return len(self._lines) - 1 - place if self.reverse else place

    def _is_shown(self, key: Key | None) -> bool:
        return (
            key is not None
            and (place := bisect_left(self._lines, key)) < len(self._lines)
            and self._lines[place] == key
        )

    def _key(self, row: Row) -> Key:
        value = self.sort.key(row) if self.sort else 0
        return value, -row.turn if self.reverse else row.turn, row.id

    def _wants(self, row: Row) -> bool:
        if self.failed_only and row.status is not Status.FAILED:
            return False
        return not self._needles or all(needle in row.words for needle in self._needles)


def _replace(lines: list[Key], before: Key | None, after: Key | None) -> None:
    """Take a key out of a sorted list, and put another in."""
    if before is not None:
        del lines[bisect_left(lines, before)]
    if after is not None:
        insort(lines, after)

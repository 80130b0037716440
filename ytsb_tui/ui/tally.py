"""The tally: sums over the rows of the board. Knows no Textual."""

from __future__ import annotations

from collections import Counter

from ytsb_tui.job import Stage, Status
from ytsb_tui.ui.row import Row


class Tally:
    """Sums over all rows, kept up to date row by row."""

    def __init__(self) -> None:
        self.status: Counter[Status] = Counter()
        self.current: Counter[Status] = Counter()
        """As `status`, of the current rows alone."""
        self.finished: Counter[Stage] = Counter()
        """Stages that current rows have behind them."""
        self.to_do: Counter[Stage] = Counter()
        """Stages that queued and running rows have before them."""

    def count(self, row: Row, sign: int) -> None:
        """Add a row (`sign` 1), or take it out again as it was added (-1)."""
        self.status[row.status] += sign
        if row.is_current:
            self.current[row.status] += sign
            for stage in row.seconds:
                self.finished[stage] += sign
        if row.status in (Status.QUEUED, Status.RUNNING):
            for stage in Stage:
                if stage not in row.seconds:
                    self.to_do[stage] += sign

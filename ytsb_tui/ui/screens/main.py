"""The main screen: the job table, the workers above it, the chosen job beside or below it."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from contextlib import closing
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input

from ytsb_tui.errors import VaultError
from ytsb_tui.glance import Glance, Past
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.commands import KEYS
from ytsb_tui.ui.messages import BatchEnded
from ytsb_tui.ui.notices import Notice, Notices
from ytsb_tui.ui.opening import Launch
from ytsb_tui.ui.row import Row
from ytsb_tui.ui.screens.steering import Steering
from ytsb_tui.ui.session import Session
from ytsb_tui.ui.view import View
from ytsb_tui.ui.widgets.detail import Detail
from ytsb_tui.ui.widgets.job_table import JobTable
from ytsb_tui.ui.widgets.key_bar import KeyBar
from ytsb_tui.ui.widgets.lanes import Lanes
from ytsb_tui.ui.widgets.summary import Summary

FRAME = 1 / 12
"""Seconds between two looks at whether something is to be drawn."""
PREPARED = 1_000
"""Rows whose words are made in a frame in which nothing else is to be done."""


class Main(Steering):
    """Everything at a glance."""

    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (190, "-wide")]  # noqa: RUF012 as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (18, "-low"), (32, "-high")]  # noqa: RUF012

    def __init__(self, board: Board, view: View, session: Session, launch: Launch | None = None) -> None:
        super().__init__(board, view, session, launch)
        self.notices = Notices(board)
        self._second = 0
        self._is_elsewhere = False
        self._has_settled = False
        self._attempts: tuple[object, Sequence[Past]] = (None, ())

    def compose(self) -> ComposeResult:
        yield Summary(self.board, self.session)
        yield Lanes(self.board)
        with Container(id="work"):
            with Vertical(id="list"):
                yield Input(placeholder="Filter by title, subject, status or error", id="filter")
                yield JobTable(self.view, self.board.clock)
            yield Detail()
        yield KeyBar()

    def on_mount(self) -> None:
        self.table.focus()
        self.query_one(Lanes).draw(self.session.workers)
        self.set_interval(FRAME, self.frame)
        self.call_after_refresh(self._describe)

    def on_resize(self) -> None:
        self._is_elsewhere = True

    def frame(self) -> None:
        """Take in what the workers said and draw what it changed; nothing is done when nothing did."""
        board = self.board
        happened = board.catch_up()
        changed = board.take_changed()
        second = int(board.clock.now())
        ticked = second != self._second and (board.is_ticking or self.notices.waits)
        self._second = second
        if happened or changed or ticked:
            self.draw(changed, ticked=ticked)
        else:
            self._prepare()
        if self._is_elsewhere:
            self._describe()
        if happened or changed or (self.notices.waits and ticked):
            for notice in self.notices.take(happened):
                self._tell(notice)
        if ticked and self.session.is_ready and (due := board.due()):
            self.session.wake(due)

    def _prepare(self) -> None:
        """While nothing is to be drawn, have ready what a filter will look at."""
        if self.view.is_preparing:
            self.view.prepare(PREPARED)
            if not (self.view.is_preparing or self.board.unseen or self._has_settled):
                # Thousands of rows that stay: collecting garbage would stall looking through them. Once: whatever is
                # garbage at this moment stays for ever too.
                self._has_settled = True
                gc.freeze()

    def _tell(self, notice: Notice) -> None:
        if notice.final:
            self.post_message(BatchEnded(notice.words))
        if notice.pause is None:
            self.app.notify(notice.words, severity=notice.severity, markup=False, timeout=10)
        elif self.is_current and not isinstance(self.focused, Input):
            self.ask_whether_to_wait(notice.pause, notice.words)
        else:
            self.app.notify(f"{notice.words} p pauses the run.", severity=notice.severity, markup=False, timeout=10)

    def draw(self, changed: set[str], *, ticked: bool) -> None:
        """Draw everything that shows one of these jobs, or the time."""
        self.table.draw(changed, ticked=ticked)
        self.query_one(Summary).refresh()
        self.query_one(Lanes).draw(self.session.workers)
        row = self.view.row
        if row is not None and (row.id in changed or (ticked and row.live)):
            self._describe()

    def redraw(self) -> None:
        """Draw everything: the state of the session changed."""
        self.set_class(self.session.owned_by is not None, "-looking-on")
        self.draw(set(), ticked=True)
        self._describe()
        self.refresh_bindings()

    def _describe(self) -> None:
        self._is_elsewhere = False
        row = self.view.row
        self.query_one(Detail).show(row, self._past(row), self.board.clock.now())

    def _past(self, row: Row | None) -> Sequence[Past]:
        """The attempts at a job so far, read again when another has ended."""
        if row is None or not (row.facts.failure or row.facts.attempt > 1):
            return ()
        key = row.id, row.facts.attempt, row.facts.ended_at
        if self._attempts[0] != key:
            self._attempts = key, ()
            try:
                with closing(Glance(self.session.settings.out)) as glance:
                    self._attempts = key, glance.attempts(row.id)
            except VaultError as error:
                self.app.notify(f"{error} {error.advice}", severity="error", markup=False)
        return self._attempts[1]

    @on(JobTable.Moved)
    def _moved(self) -> None:
        self._is_elsewhere = True

    @on(JobTable.Opened)
    def _opened(self) -> None:
        self.action_read()

    @on(Lanes.Clicked)
    def _lane_clicked(self, event: Lanes.Clicked) -> None:
        if (line := self.view.line_of(event.job)) is not None:
            self.table.put_cursor(line)

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted or dropped anywhere is something to add."""
        self.add(event.text)

    def action_filter(self) -> None:
        """Filter as you type."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self.view.filter(event.value, failed_only=self.view.failed_only)
        self.table.rearranged()

    @on(Input.Submitted, "#filter")
    def _filter_submitted(self) -> None:
        self.query_one("#filter").display = bool(self.view.words)
        self.table.focus()

    def action_failed_only(self) -> None:
        """Show failed jobs only, or all again."""
        self.view.filter(self.view.words, failed_only=not self.view.failed_only)
        self.table.rearranged()

    def action_everything(self) -> None:
        """Drop filter and marks."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.display = False
        self.view.marks.clear()
        self.view.filter("", failed_only=False)
        self.table.focus()
        self.table.rearranged()

    def action_detail(self) -> None:
        """Show or hide the detail pane."""
        self.toggle_class("-without-detail")

    def action_log(self) -> None:
        """Every attempt there ever was."""
        from ytsb_tui.job_logger import create_default_logger
        from ytsb_tui.ui.screens.log import LogScreen

        self.app.push_screen(LogScreen(create_default_logger(self.session.settings.out)))

    def action_statistics(self) -> None:
        """Where the time goes."""
        from ytsb_tui.job_logger import create_default_logger
        from ytsb_tui.ui.screens.statistics import StatisticsScreen

        self.app.push_screen(StatisticsScreen(create_default_logger(self.session.settings.out)))

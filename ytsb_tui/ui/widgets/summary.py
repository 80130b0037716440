"""The summary: how the whole run stands, in two lines."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from ytsb_tui.job import Status
from ytsb_tui.ui.board import BADGES, Board
from ytsb_tui.ui.format import amount, bar, countdown, counted, money, short
from ytsb_tui.ui.session import Session

TONES = {
    Status.RUNNING: "$text-accent",
    Status.QUEUED: "$foreground",
    Status.DONE: "$text-success",
    Status.FAILED: "$text-error",
    Status.CANCELLED: "$foreground 60%",
}
RESOURCES = {"fetch": "YouTube", "generate": "The author", "export": "PDF drawing"}
"""What users call what a gate leads to."""
RETRY_SOON = 60.0


class Summary(Widget):
    """How many wait, run, are done and have failed; how far all is, and when it will be over."""

    ALLOW_SELECT = False

    def __init__(self, board: Board, session: Session) -> None:
        super().__init__(id="summary")
        self._board = board
        self._session = session

    def render(self) -> Content:
        """Two lines; what does not fit is left out from the right."""
        return Content("\n").join([self._counts(), self._progress()])

    def _counts(self) -> Content:
        tally = self._board.tally.status
        parts = [
            Content.styled(f"{BADGES[status].glyph} {tally[status]:,} {status.value}", tone)
            for status, tone in TONES.items()
            if tally[status] or status is Status.DONE
        ]
        counts = Content("   ").join(parts)
        name = Content.styled(str(self._session.settings.out), "bold $text-primary")
        room = self.size.width - counts.cell_length - 3
        if name.cell_length > room:
            name = name.truncate(max(0, room), ellipsis=True)
        return name.pad_right(max(0, room - name.cell_length)) + Content("   ") + counts

    def _progress(self) -> Content:
        board, width = self._board, max(10, min(40, self.size.width // 4))
        drawn = bar(board.fraction, width)
        full = drawn.rstrip("╌")
        meter = Content.assemble((full, "$text-success"), (drawn[len(full) :], "$foreground 30%"))
        words = Content.styled(" · ", "$foreground 60%").join([self._state(), *self._spent()])
        return meter + Content(f" {board.fraction:>4.0%}  ") + words if board.unfinished else words

    def _state(self) -> Content:
        """What is going on, or why nothing is."""
        board, session = self._board, self._session
        if session.owned_by is not None:
            return Content.styled(f"only looking on: {session.owned_by}", "$text-warning")
        if not session.is_ready:
            return Content.styled("opening the vault …", "$foreground 60%")
        if board.stopped is not None:
            return Content.styled(f"stopped: {board.stopped.reason} p goes on", "$text-error")
        if session.paused:
            return Content.styled("paused, p goes on", "$text-warning")
        if board.pauses:
            pause = min(board.pauses.values(), key=lambda pause: pause.until)
            left = countdown(pause.until - board.clock.now())
            return Content.styled(f"{RESOURCES.get(pause.resource, pause.resource)} pauses for {left}", "$text-warning")
        if not board.unfinished:
            return Content.styled("nothing to do" if board.rows else "a adds videos and files", "$foreground 60%")
        eta = board.eta(session.workers)
        if eta is None:
            return Content("working")
        return Content(f"about {short(eta)} left" if eta >= 1 else "nearly done")

    def _spent(self) -> list[Content]:
        board, budget = self._board, self._session.settings.budget
        words = [counted(self._session.workers, "worker")]
        if board.tokens:
            words.append(f"{amount(board.tokens)} tokens")
        if board.cost != 0 or budget is not None:
            words.append(money(board.cost) + (f" of ${budget:.2f}" if budget is not None else ""))
        return [Content.styled(word, "$foreground 60%") for word in words]

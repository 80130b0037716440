"""The summary: how the whole run stands, in two lines."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from ytsb_tui.job import Status
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.format import amount, at_clock, bar, countdown, fit, money, short
from ytsb_tui.ui.notices import LONG_PAUSE
from ytsb_tui.ui.row import BADGES
from ytsb_tui.ui.session import Session
from ytsb_tui.wording import counted

TONES = {
    Status.RUNNING: "$text-accent",
    Status.QUEUED: "$foreground",
    Status.DONE: "$text-success",
    Status.FAILED: "$text-error",
    Status.CANCELLED: "$foreground 60%",
}
RESOURCES = {"fetch": "YouTube", "generate": "The author", "export": "PDF drawing"}
"""What users call what a gate leads to."""
MUTED = "$foreground 60%"


class Summary(Widget):
    """How many wait, run, are done and have failed; how far all is, and when it will be over."""

    ALLOW_SELECT = False

    def __init__(self, board: Board, session: Session) -> None:
        super().__init__(id="summary")
        self._board = board
        self._session = session

    def render(self) -> Content:
        """Two lines; what does not fit is left out."""
        return Content("\n").join([self._counts(), self._progress()])

    def _counts(self) -> Content:
        board = self._board
        tally = {status: board.tally.status[status] + board.unseen.get(status, 0) for status in Status}
        parts = [
            Content.styled(f"{BADGES[status].glyph} {tally[status]:,} {status.value}", tone)
            for status, tone in TONES.items()
            if tally[status] or status is Status.DONE
        ]
        counts = Content("   ").join(parts)
        vault = self._vault(self._room - counts.cell_length - 3)
        return Content.styled(vault, "bold $text-primary") + counts

    def _vault(self, room: int) -> str:
        """The vault's folder, its whole path where there is room for it."""
        out = self._session.settings.out
        path = one_line(str(out))
        return fit(path if cell_len(path) <= room else one_line(out.name), max(0, room)) + "   "

    def _progress(self) -> Content:
        board, between = self._board, Content.styled(" · ", MUTED)
        line = self._state()
        if board.unfinished:
            drawn = bar(board.fraction, max(10, min(40, self._room // 4)))
            full = drawn.rstrip("╌")
            meter = Content.assemble((full, "$text-success"), (drawn[len(full) :], "$foreground 30%"))
            line = meter + Content(f" {board.fraction:>4.0%}  ") + line
        for part in self._spent():
            if line.cell_length + between.cell_length + part.cell_length <= self._room:
                line = line + between + part
        return line

    @property
    def _room(self) -> int:
        return self.content_size.width

    def _state(self) -> Content:
        """What is going on, or why nothing is."""
        board, session = self._board, self._session
        if session.owned_by is not None:
            return Content.styled(f"only looking on: {session.owned_by}", "$text-warning")
        if not session.is_ready:
            return Content.styled("opening the vault …", MUTED)
        if board.stopped is not None:
            then = "" if board.stopped.is_final else ", p goes on"
            return Content.styled(f"stopped{then}: {one_line(board.stopped.reason)}", "$text-error")
        if session.paused or board.pauses:
            words = (["paused, p goes on"] if session.paused else []) + self._pauses()
            return Content.styled(", ".join(words), "$text-warning")
        if not board.unfinished:
            return Content.styled("nothing to do" if board.rows else "a adds videos and files", MUTED)
        eta = board.eta(session.workers)
        if eta is None:
            return Content("working")
        return Content(f"about {short(eta)} left" if eta >= 1 else "nearly done")

    def _pauses(self) -> list[str]:
        """What nobody may use now, and for how long."""
        if not self._board.pauses:
            return []
        pause = min(self._board.pauses.values(), key=lambda pause: pause.until)
        left = pause.until - self._board.clock.now()
        words = f"{RESOURCES.get(pause.resource, pause.resource)} pauses for {countdown(left)}"
        until = f", until {at_clock(pause.until)}" if left > LONG_PAUSE else ""
        return [f"{words}{until}: {one_line(pause.reason)}"]

    def _spent(self) -> list[Content]:
        board, budget = self._board, self._session.settings.budget
        words = [] if self._session.owned_by else [counted(self._session.workers, "worker")]
        if board.tokens:
            words.append(f"{amount(board.tokens)} tokens")
        if board.cost != 0 or budget is not None:
            words.append(money(board.cost) + (f" of ${budget:.2f}" if budget is not None else ""))
        return [*self._tor(), *(Content.styled(word, MUTED) for word in words)]

    def _tor(self) -> list[Content]:
        """How Tor is, where it is in use: in full only while it needs to be waited for."""
        tor = self._board.tor
        if tor is None:
            return []
        if tor.phase != "ready":
            return [Content.styled(one_line(tor.words), "$text-warning")]
        return [Content.styled("Tor" if tor.exits is None else f"Tor, {counted(tor.exits, 'exit')}", "$text-success")]

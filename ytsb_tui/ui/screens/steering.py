"""Steering: what the keys of the main screen do about jobs, and about the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from textual import events
from textual.screen import Screen

from ytsb_tui.errors import UsageError
from ytsb_tui.events import ResourcePaused
from ytsb_tui.job import Stage, Status
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.commands import why_not
from ytsb_tui.ui.format import at_clock
from ytsb_tui.ui.messages import Said
from ytsb_tui.ui.opening import Launch, open_file
from ytsb_tui.ui.row import Row
from ytsb_tui.ui.screens.steady import Steady
from ytsb_tui.ui.session import Session
from ytsb_tui.ui.view import View
from ytsb_tui.ui.widgets.job_table import JobTable
from ytsb_tui.wording import counted

UNDER_WAY = (Status.QUEUED, Status.RUNNING)


class Steering(Steady, Screen[None]):
    """A key for whatever can be done about the jobs; `Main` draws them."""

    def __init__(self, board: Board, view: View, session: Session, launch: Launch | None = None) -> None:
        super().__init__()
        self.board, self.view, self.session = board, view, session
        self._launch = launch

    @property
    def table(self) -> JobTable:
        """The job table."""
        return self.query_one(JobTable)

    def redraw(self) -> None:
        """Draw everything: the state of the session changed."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim the keys that cannot be used now."""
        return None if why_not(action, self.session) else True

    def on_key(self, event: events.Key) -> None:
        """A dimmed key says why it is."""
        active = self.active_bindings.get(event.key)
        if active is not None and (reason := why_not(active.binding.action.partition("(")[0], self.session)):
            self.app.notify(reason, severity="warning", markup=False)

    def action_add(self) -> None:
        """Add sources."""
        self.add("")

    def add(self, text: str) -> None:
        """Show what of a text would be added, and add what the user confirms."""
        if reason := why_not("add", self.session):
            self.app.notify(reason, severity="warning", markup=False)
            return
        from ytsb_tui.ui.screens.add import Added, AddScreen

        def added(answer: Added | None) -> None:
            if answer is not None:
                self.session.add(answer.sources, answer.subject)

        def known(video_id: str) -> Status | None:
            row = self.board.rows.get(video_id)
            return row.status if row else None

        subjects = sorted({row.subject for row in self.board.rows.values() if row.subject})
        self.app.clear_notifications()  # they would lie over the dialog's buttons
        self.app.push_screen(AddScreen(text, base=_here(), known=known, subjects=subjects), added)

    def action_read(self) -> None:
        """Read what the job left in the vault."""
        row = self.view.row
        if row is None:
            return
        if not row.facts.notes_filepath:
            self.app.notify("There are no notes of this job yet.", markup=False)
            return
        from ytsb_tui.ui.screens.reader import ReaderScreen

        note = Path(row.facts.notes_filepath)
        self.app.push_screen(ReaderScreen(self.session.settings.out, note, launch=self._launch))

    def action_retry(self) -> None:
        """Run the chosen jobs again, from the stage that failed."""
        self._retry(self.view.chosen())

    def action_retry_failed(self) -> None:
        """Run every failed job again."""
        failed = [row for row in self.board.rows.values() if row.status is Status.FAILED]
        if not failed:
            self.app.notify("Nothing has failed.", markup=False)
            return
        self._retry(sorted(failed, key=lambda row: row.turn))

    def retry_ids(self, ids: Sequence[str]) -> None:
        """Run these jobs again."""
        if reason := why_not("retry", self.session):
            self.app.notify(reason, severity="warning", markup=False)
            return
        self._retry([row for row in map(self.board.rows.get, ids) if row])

    def _retry(self, rows: Sequence[Row], *, restart_at: Stage | None = None) -> None:
        waiting = [row for row in rows if row.status not in UNDER_WAY]
        if not waiting:
            self.app.notify(_already(rows), markup=False)
            return
        self._unmark()
        if self.board.stopped is not None:
            self.action_pause()
        self.session.retry([(row.id, row.facts.url) for row in waiting], restart_at=restart_at)

    def action_restart(self) -> None:
        """Run the chosen jobs again from the very beginning, after a question."""
        rows = self.view.chosen()
        if rows:
            self._ask(
                f"Start {_names(rows)} over from the beginning?",
                "What is finished is made, and paid for, again. What you wrote below the line in the notes "
                "stays there; what you changed above it is kept in .ytsb/replaced.",
                "Start over",
                lambda: self._retry(rows, restart_at=Stage.FETCH),
            )

    def action_cancel(self) -> None:
        """Cancel the chosen jobs, or their coming retry; asks when one is running."""
        rows = [row for row in self.view.chosen() if row.status in UNDER_WAY or row.retry_at is not None]
        ids = [row.id for row in rows]
        if not rows:
            self.app.notify("Only what is queued, running or to be retried can be cancelled.", markup=False)
        elif any(row.status is Status.RUNNING for row in rows):
            self._ask(
                f"Cancel {_names(rows)}?",
                "Finished stages are kept; r goes on from there.",
                "Cancel it" if len(rows) == 1 else "Cancel them",
                lambda: self._cancel(ids),
            )
        else:
            self._cancel(ids)

    def _cancel(self, ids: Sequence[str]) -> None:
        self._unmark()
        self.session.cancel(ids)

    def _unmark(self) -> None:
        self.view.marks.clear()
        self.table.rearranged()

    def _ask(self, question: str, detail: str, yes: str, then: Callable[[], None]) -> None:
        from ytsb_tui.ui.screens.confirm import Confirm

        self.app.push_screen(Confirm(question, detail, yes), lambda answer: then() if answer else None)

    def action_mark(self) -> None:
        """Mark the job and go on to the next."""
        if self.view.cursor is not None:
            self.view.mark(self.view.cursor)
            self.table.action_move(1)

    def action_pause(self) -> None:
        """Pause, go on, or take a vault over that its owner has left."""
        session = self.session
        if session.owned_by is not None:
            session.open()
        elif session.is_running_out:
            self.app.notify("What is paid for is finished first; then p goes on.", markup=False)
        elif session.paused or self.board.stopped is not None:
            self.board.stopped = None
            session.resume()
        else:
            session.pause()
        self.redraw()

    def ask_whether_to_wait(self, pause: ResourcePaused, words: str) -> None:
        """Ask whether a long pause is to be waited for; the question goes when the pause does."""
        from ytsb_tui.ui.screens.confirm import Confirm

        def answered(stop: bool | None) -> None:
            if stop and not self.session.paused:
                self.action_pause()

        question = Confirm(
            words,
            f"Either way nothing is lost. Who waits goes on by {at_clock(pause.until)} without you; "
            "a paused run begins nothing further until you press p, which asks again at once.",
            "Pause the run",
            "Wait",
            while_true=lambda: pause.resource in self.board.pauses,
        )
        self.app.push_screen(question, answered)

    def action_workers(self, more: int) -> None:
        """Have more or fewer workers."""
        from ytsb_tui.engine import MOST_WORKERS

        workers = max(1, min(self.session.workers + more, MOST_WORKERS))
        self.session.resize(workers)
        self.redraw()

    def action_circuit(self) -> None:
        """Another Tor circuit for the worker that has the job."""
        row, tor = self.view.row, self.session.tor
        if row is None or row.live is None:
            self.app.notify("No worker has this job now; c shows every worker's circuit.", markup=False)
        elif tor is not None:
            tor.rotate(row.live.worker_id)

    def action_circuit_all(self) -> None:
        """Another Tor circuit for every worker."""
        if self.session.tor is not None:
            self.session.tor.rotate_all()

    def action_circuits(self) -> None:
        """Tor's circuits and exits."""
        from ytsb_tui.ui.screens.circuits import CircuitsScreen

        if self.session.tor is not None:
            self.app.push_screen(CircuitsScreen(self.session.tor, self.board.clock))

    def action_open(self) -> None:
        """Open the notes with the system's program."""
        self._open_one(self.view.row.facts.notes_filepath if self.view.row else None, "notes")

    def action_open_pdf(self) -> None:
        """Open the PDF with the system's program."""
        self._open_one(self.view.row.facts.notes_pdf_path if self.view.row else None, "PDF")

    def _open_one(self, path: str | Path | None, what: str) -> None:
        if path is None:
            self.app.notify(f"There is no {what} of this job.", markup=False)
            return
        try:
            open_file(self.session.settings.out, Path(path), self._complain, self._launch)
        except UsageError as error:
            self.app.notify(f"{error} {error.advice}".strip(), severity="error", markup=False)

    def _complain(self, words: str) -> None:
        self.app.post_message(Said(words, "error"))

    def action_copy(self) -> None:
        """Copy the error of the job."""
        row = self.view.row
        if row is None or row.failure is None:
            self.app.notify("This job has no error.", markup=False)
            return
        self.app.copy_to_clipboard(f"{row.title}\n{row.facts.url}\n{row.failure.message}\n{row.failure.advice}")
        self.app.notify("The error is copied.", markup=False)


def _here() -> Path:
    """Where names of files begin that are no whole paths."""
    try:
        return Path.cwd()
    except OSError:  # it was deleted since the program began
        return Path.home()


def _names(rows: Sequence[Row]) -> str:
    """The jobs of a question: by title, or how many."""
    return f"“{rows[0].title[:60]}”" if len(rows) == 1 else counted(len(rows), "job")


def _already(rows: Sequence[Row]) -> str:
    """Why none of these jobs is tried again."""
    if not rows:
        return "There is no job here."
    states = {row.status for row in rows}
    how = "queued or under way" if len(states) > 1 else "queued" if Status.QUEUED in states else "under way"
    return f"{'It is' if len(rows) == 1 else 'They are'} {how} already."

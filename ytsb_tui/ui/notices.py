"""Which news deserve to interrupt: one toast per outcome that needs the user, one when all is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ytsb_tui.clock import spell
from ytsb_tui.events import CircuitMoved, Event, JobEnded, ResourcePaused, RunStopped, TorChanged
from ytsb_tui.job import Failure, Status
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.exits import moved
from ytsb_tui.ui.format import at_clock
from ytsb_tui.ui.row import outcome
from ytsb_tui.wording import counted

LONG_PAUSE = 600.0
"""Seconds of a pause that the user should know of."""
QUIET = 5.0
"""Seconds between two toasts about failures: what fails meanwhile is told together."""
BURST = 1.0
"""Seconds in which circuits that move are told together."""
TITLE = 60


@dataclass(frozen=True)
class Notice:
    """One toast."""

    words: str
    severity: Literal["information", "warning", "error"] = "information"
    final: bool = False
    """Whether a batch is over, so that somebody who went away should be called."""
    pause: ResourcePaused | None = None
    """The pause it tells of, which is so long that the user may rather stop."""


class Notices:
    """Turns events into the few toasts they are worth."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._ended: dict[str, Status] = {}
        self._failed: list[JobEnded] = []
        self._moved: list[CircuitMoved] = []
        self._move_until = 0.0
        self._is_tor_lost = False
        self._began: float | None = None
        self._quiet_until = 0.0

    def take(self, events: Iterable[Event]) -> list[Notice]:
        """What to say after these events, which the board has taken in."""
        notices = [notice for event in events if (notice := self._read(event))]
        now = self._board.clock.ticks()
        if self._began is None and self._board.unfinished:
            self._began = now
        if self._moved and now >= self._move_until:
            notices.append(Notice(moved(self._moved)))
            self._moved = []
        if self._ended and not self._board.unfinished:
            notices.append(self._final(now))
        elif self._failed and now >= self._quiet_until:
            self._quiet_until = now + QUIET
            notices.append(self._failures())
        return notices

    @property
    def waits(self) -> bool:
        """Whether there is something to be said a little later."""
        return bool(self._failed or self._moved)

    def _read(self, event: Event) -> Notice | None:
        if isinstance(event, RunStopped):
            return Notice(one_line(f"Stopped: {event.reason} {event.advice} {self._then(event)}"), "error")
        if isinstance(event, ResourcePaused) and event.until - event.at > LONG_PAUSE:
            lasts = f"{spell(event.until - event.at)}, until {at_clock(event.until)}"
            return Notice(one_line(f"{event.reason} Everybody waits for {lasts}."), "warning", pause=event)
        if isinstance(event, TorChanged):
            was_lost, self._is_tor_lost = self._is_tor_lost, event.state.phase == "lost"
            if self._is_tor_lost and not was_lost:
                return Notice(one_line(event.state.words), "warning")
        if isinstance(event, CircuitMoved) and event.before is not None:
            if not self._moved:
                self._move_until = self._board.clock.ticks() + BURST
            self._moved.append(event)
        if isinstance(event, JobEnded):
            self._ended[event.job.video_id] = outcome(event.job)
            if _needs_the_user(event.job.failure, event.job.next_retry_at):
                self._failed.append(event)
        return None

    def _then(self, stop: RunStopped) -> str:
        """What to press once its reason is mended."""
        rows = self._board.rows.values()
        has_failed = any(row.failure is not None and row.failure.message == stop.reason for row in rows)
        if stop.is_final:
            return "R then tries again what has failed." if has_failed else ""
        return "Then press R, which tries again what has failed and goes on." if has_failed else "Then press p."

    def _failures(self) -> Notice:
        failed, self._failed = self._failed, []
        last = failed[-1].job
        assert last.failure is not None
        why = one_line(f"{last.failure.message[:300]} {last.failure.advice}")
        title = one_line(last.title[:200])[:TITLE]
        why = why if why.startswith(title) else f"{title}: {why}"
        words = why if len(failed) == 1 else f"{len(failed)} jobs failed, the last: {why}"
        return Notice(words, "error")

    def _final(self, now: float) -> Notice:
        ended, began = self._ended, now if self._began is None else self._began
        self._ended, self._began = {}, None
        if len(ended) == 1 and self._failed:
            return Notice(self._failures().words, "error", final=True)
        self._failed = []
        outcomes = list(ended.values())
        done, failed = outcomes.count(Status.DONE), outcomes.count(Status.FAILED)
        coming = sum(self._board.rows[video_id].retry_at is not None for video_id in ended)
        words = f"{counted(done, 'job')} done" + (f", {failed} failed" if failed else "") + f" in {spell(now - began)}."
        if coming:
            words += f" {coming} will be tried again {'by itself' if coming == 1 else 'by themselves'}."
        if failed > coming:
            words += " R retries what failed."
        return Notice(words, "warning" if failed else "information", final=True)


def _needs_the_user(failure: Failure | None, next_retry_at: float | None) -> bool:
    return failure is not None and failure.kind != "Cancelled" and next_retry_at is None

"""Arrivals: the videos of a playlist or channel, queued as they are found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ytsb_tui.errors import Stopped
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.wording import counted

if TYPE_CHECKING:
    from ytsb_tui.journal import Submission
    from ytsb_tui.services.youtube.playlists import Expansion, Listed

PORTION = 25
"""Videos that are queued at once, while the rest is still being found."""


class Arrivals:
    """Finds on the thread that calls it, and queues on the one that runs errands."""

    def __init__(
        self,
        queue: Callable[[Sequence[VideoProcessingJob]], Submission],
        send: Callable[[Callable[[], object]], object],
    ) -> None:
        """`send` has an errand run."""
        self._queue = queue
        self._send = send
        self._found: list[VideoProcessingJob] = []
        self._queued = 0
        self._done = 0

    def run(
        self,
        expansion: Expansion,
        job: Callable[[Listed], VideoProcessingJob],
        tell: Callable[[str, bool], object],
    ) -> None:
        """Queue a `job` for each video; at the end `tell` what came of it, and whether the list broke off."""
        try:
            for video in expansion.videos(lambda entry: None):
                self._found.append(job(video))
                if len(self._found) >= PORTION:
                    self._hand_over()
        except Stopped:
            return
        self._hand_over()
        trouble = expansion.trouble("Add it again")
        ending = f" The list broke off there: {trouble}" if trouble else ""
        self._send(
            lambda: tell(
                f"{outcome(self._queued, self._done, 'video', 'queued')}{expansion.besides}.{ending}", bool(trouble)
            )
        )

    def _hand_over(self) -> None:
        portion, self._found = self._found, []

        def queue() -> None:
            submission = self._queue(portion)
            self._queued += len(submission.queued)
            self._done += len(submission.done)

        if portion:
            self._send(queue)


def outcome(queued: int, done: int, what: str, words: str) -> str:
    """What became of an order: `3 jobs queued, 2 already done`."""
    parts = [f"{counted(queued, what)} {words}"] if queued or not done else []
    return ", ".join(parts + ([f"{done:,} already done"] if done else []))

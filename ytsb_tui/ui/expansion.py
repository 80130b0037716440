"""An expansion: a playlist or channel whose videos are queued as they are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ytsb_tui.errors import StageError, Stopped, YtsbError
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.source import Source
from ytsb_tui.wording import counted

if TYPE_CHECKING:
    from ytsb_tui.journal import Submission
    from ytsb_tui.services.youtube.playlists import Listed, Withheld

PORTION = 25
"""Videos that are queued at once, while the rest is still being found."""


class Expansion:
    """Finds on the thread that calls it, and queues on the one that runs errands."""

    def __init__(
        self,
        source: Source,
        limit: int,
        queue: Callable[[Sequence[VideoProcessingJob]], Submission],
        send: Callable[[Callable[[], object]], object],
    ) -> None:
        """`send` has an errand run; `limit` is how many entries are taken at the most."""
        self._source = source
        self._limit = limit
        self._queue = queue
        self._send = send
        self._found: list[VideoProcessingJob] = []
        self._entries = 0
        self._withheld = 0
        self._queued = 0
        self._done = 0

    def run(
        self,
        entries: Iterable[Listed | Withheld],
        job: Callable[[Listed], VideoProcessingJob],
        tell: Callable[[str, bool], object],
    ) -> None:
        """Queue a `job` for each of the `entries`; at the end `tell` what came of it, and whether it broke off."""
        from ytsb_tui.services.youtube.playlists import Withheld

        ending = ""
        try:
            for entry in entries:
                self._entries += 1
                if isinstance(entry, Withheld):
                    self._withheld += 1
                    continue
                self._found.append(job(entry))
                if len(self._found) >= PORTION:
                    self._hand_over()
        except Stopped:
            return
        except YtsbError as error:
            may_help = isinstance(error, StageError) and error.policy.by_itself
            advice = "Add it again to take the rest." if may_help else error.advice
            ending = f" The list broke off there: {error} {advice}".rstrip()
        self._hand_over()
        self._send(lambda: tell(f"{self._words()}.{ending}", bool(ending)))

    def _hand_over(self) -> None:
        portion, self._found = self._found, []

        def queue() -> None:
            submission = self._queue(portion)
            self._queued += len(submission.queued)
            self._done += len(submission.done)

        if portion:
            self._send(queue)

    def _words(self) -> str:
        from ytsb_tui.services.youtube.playlists import cut_off

        withheld = f", {self._withheld} withheld" if self._withheld else ""
        full = cut_off(self._entries, self._limit)
        return f"{self._source.id}: {outcome(self._queued, self._done, 'video', 'queued')}{withheld}{full}"


def outcome(queued: int, done: int, what: str, words: str) -> str:
    """What became of an order: `3 jobs queued, 2 already done`."""
    parts = [f"{counted(queued, what)} {words}"] if queued or not done else []
    return ", ".join(parts + ([f"{done:,} already done"] if done else []))

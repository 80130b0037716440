"""What a list would cost: its transcripts are fetched and kept, but nobody has asked for its jobs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ytsb_tui.job import Stage, Status, VideoProcessingJob
from ytsb_tui.stages import PAID, Author
from ytsb_tui.store import Store
from ytsb_tui.usage import Usage


class Appraisal:
    """The records of a run that only fetches, over a queue of its own.

    What it fetches is kept in the vault's store for whoever asks for those
    jobs later. Nothing is queued, ended or logged there, so that neither a
    retry nor a start works on what was only looked at.
    """

    plan = (Stage.FETCH,)

    def __init__(self, kept: Store) -> None:
        """`kept` is the vault's store."""
        self._kept = kept
        self._folder = tempfile.TemporaryDirectory(prefix="ytsb-tui-")
        self.store = Store(Path(self._folder.name), kept.output_dir)
        """The queue of its own."""
        self.keep_partial = self.store.keep_partial

    def close(self) -> None:
        """Forget the queue."""
        self.store.close()
        self._folder.cleanup()

    def missing(self, jobs: Iterable[VideoProcessingJob]) -> list[VideoProcessingJob]:
        """Those of the jobs whose transcripts have to be fetched, now in the queue."""
        missing = [job for job in jobs if not job.has_transcript()]
        self.store.add(missing)
        return missing

    def commit(self, job: VideoProcessingJob, stage: Stage) -> None:
        """Keep a transcript."""
        self._kept.keep_transcript(job)

    def end(self, job: VideoProcessingJob, status: Status) -> bytes:
        """Take a job out of the queue."""
        self.store.end(job, status, b"")
        return b""

    def log(self, entry: bytes) -> None:
        """Log nothing."""

    def told(self, jobs: Iterable[VideoProcessingJob]) -> Iterator[VideoProcessingJob]:
        """Those of the jobs whose transcripts are at hand by now, with them."""
        for job in jobs:
            told = self._kept.with_transcript(job)
            if told.transcript:
                yield told


def price(job: VideoProcessingJob, author: Author, plan: Iterable[Stage]) -> Usage:
    """What the paid stages of a job that it has not finished yet will use at the most likely."""
    stages = [stage for stage in plan if stage in PAID and stage not in job.seconds]
    return sum((author.estimate(job, stage) for stage in stages), Usage())

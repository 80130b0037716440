"""The money a run may spend."""

from __future__ import annotations

import threading

from ytsb_tui.errors import OverBudget
from ytsb_tui.job import Stage, VideoProcessingJob


class Budget:
    """What paid stages have used and may still use, in US dollars. Safe to use from many threads."""

    def __init__(self, dollars: float | None = None) -> None:
        """`dollars` is what the run may spend; None sets no limit."""
        self._limit = dollars
        self._lock = threading.Lock()
        self._before: dict[tuple[str, Stage], float] = {}
        self._reserved: dict[tuple[str, Stage], float] = {}
        self.spent = 0.0
        """Dollars that finished and failed calls of this run have used, as far as prices are known."""

    def reserve(self, job: VideoProcessingJob, stage: Stage, cost: float | None) -> None:
        """Set `cost` aside for a stage that is about to begin.

        Raises `OverBudget` when that is more than what is neither spent nor set
        aside. A cost of None cannot be limited and sets nothing aside.
        """
        key = job.video_id, stage
        with self._lock:
            aside = sum(self._reserved.values())
            if self._limit is not None and self.spent + aside + (cost or 0.0) > self._limit:
                under_way = f"${aside:.2f} set aside for what is under way, " if aside else ""
                raise OverBudget(
                    f"The budget of ${self._limit:.2f} is used up: ${self.spent:.2f} spent, {under_way}"
                    f"and the next stage may cost ${cost or 0.0:.2f}."
                )
            self._reserved[key] = cost or 0.0
            self._before[key] = _cost(job, stage)

    def settle(self, job: VideoProcessingJob, stage: Stage) -> None:
        """Replace what was set aside for the stage by what `job` says it has used since."""
        key = job.video_id, stage
        with self._lock:
            del self._reserved[key]
            self.spent += _cost(job, stage) - self._before.pop(key)


def _cost(job: VideoProcessingJob, stage: Stage) -> float:
    usage = job.usage.get(stage)
    return (usage.cost or 0.0) if usage else 0.0

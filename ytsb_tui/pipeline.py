"""One job through the stages it still needs: resuming, timing, retrying and failing, each of them here and once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import Protocol

from ytsb_tui.clock import Clock
from ytsb_tui.errors import LONGEST_WAIT, Bug, Cancelled, StageError, Unfinished, doubled
from ytsb_tui.events import (
    JobEnded,
    Listener,
    ResourcePaused,
    StageFinished,
    StageRetried,
    StageStarted,
    StageWaiting,
)
from ytsb_tui.gates import Gate
from ytsb_tui.job import Failure, Stage, Status, VideoProcessingJob
from ytsb_tui.stages import PAID, PIPELINE, Tools, resource_of

log = logging.getLogger(__name__)

Call = Callable[[str, Stage, VideoProcessingJob, Tools], VideoProcessingJob]
"""Where a stage runs: `(key, stage, job, tools) -> job`; the key names this stage of this attempt."""


def here(key: str, stage: Stage, job: VideoProcessingJob, tools: Tools) -> VideoProcessingJob:
    """Run a stage in this process: a function call."""
    return PIPELINE[stage].run(job, tools)


class Records(Protocol):
    """What is written down of a job."""

    def commit(self, job: VideoProcessingJob, stage: Stage) -> None:
        """Make a finished stage durable."""

    def keep_partial(self, job: VideoProcessingJob, stage: Stage, text: str) -> None:
        """Keep what a broken-off stage left."""

    def end(self, job: VideoProcessingJob, status: Status) -> bytes:
        """End the attempt; returns its entry for the log."""

    def log(self, entry: bytes) -> None:
        """Log an attempt that has ended."""


class Budget(Protocol):
    """The money a run may spend."""

    def reserve(self, job: VideoProcessingJob, stage: Stage, cost: float | None) -> None:
        """Set money aside for a paid stage. Raises `OverBudget` when there is not enough left."""

    def settle(self, job: VideoProcessingJob, stage: Stage) -> None:
        """Replace what was set aside by what the job says it has used."""


@dataclass(frozen=True)
class Rules:
    """How every job of a run is processed."""

    plan: tuple[Stage, ...]
    """The stages asked for, in order."""
    gates: Mapping[str, Gate]
    clock: Clock
    records: Records
    budget: Budget
    tell: Listener
    retries: int = 5
    """How many automatic retries a job gets, all attempts together."""
    retry_seconds: float = 900.0
    """Seconds before the first of them; doubled before each further one."""
    call: Call = here


class Attempt:
    """One run of a claimed job by a worker, ending in success or failure: one entry in the log."""

    def __init__(self, job: VideoProcessingJob, worker_id: int, tools: Tools, rules: Rules) -> None:
        self.worker_id = worker_id
        self._tools = tools
        self._rules = rules
        self._missing = list(dropwhile(job.has, rules.plan))
        self._ticks = rules.clock.ticks()
        self.stage = self._missing[0] if self._missing else rules.plan[-1]
        """The stage it is in, or stopped in."""
        self.job = self._begun(job)
        """The job as far as it has come."""
        self._gate: Gate | None = None
        self._turn = ExitStack()
        """The turn it has at the gate, from the stage that entered on."""
        self.error: StageError | Cancelled | None = None
        """Why it failed, once it has."""
        self.is_over = False
        """Whether its outcome is written down: the job is no longer this worker's."""

    def _begun(self, job: VideoProcessingJob) -> VideoProcessingJob:
        now = self._rules.clock.now()
        failed = job.failure is not None
        return replace(
            job,
            worker_id=self.worker_id,
            attempt=job.attempt + (job.ended_at is not None),
            retry_count=job.retry_count + failed,
            last_retry_at=now if failed else job.last_retry_at,
            next_retry_at=None,
            resumed_from=self.stage if self._missing != list(self._rules.plan) else None,
            started_at=now,
            ended_at=None,
            failure=None,
            replaced=() if job.ended_at is not None and not failed else job.replaced,
        )

    def run(self) -> VideoProcessingJob:
        """Run the stages the job is missing and log the outcome; returns the job as it ended.

        Raises `Stopped` when the run is ending: then nothing ended, and what is
        finished is committed.
        """
        try:
            with self._turn:
                for stage in self._missing:
                    self.stage = stage
                    self._run_stage()
        except (StageError, Cancelled) as error:
            return self.failed(error)
        return self._ended(replace(self.job, stage="completed"), Status.DONE)

    def failed(self, error: StageError | Cancelled) -> VideoProcessingJob:
        """End the attempt at the stage it is in; returns the job as it ended."""
        self.error = error
        job = replace(self.job, stage=self.stage.log_name, failure=Failure.of(self.stage, error))
        if isinstance(error, Cancelled):
            return self._ended(job, Status.CANCELLED)
        pause = None
        if error.policy.by_itself and job.retry_count < self._rules.retries:
            pause = doubled(self._rules.retry_seconds, job.retry_count, LONGEST_WAIT)
            pause = min(max(pause, error.retry_after or 0.0), LONGEST_WAIT)
        return self._ended(job, Status.FAILED, pause)

    def crashed(self, error: Exception) -> None:
        """End the attempt after an exception nobody expected; its details go to the program's own log."""
        if self.is_over:  # only its log entry is missing, which the next start adds
            raise error
        log.error("%s: unexpected %s in %s", self.job.video_id, type(error).__name__, self.stage, exc_info=error)
        self.failed(Bug.of(error))

    def _ended(self, job: VideoProcessingJob, status: Status, pause: float | None = None) -> VideoProcessingJob:
        """`pause`: seconds until it is retried by itself, if it is."""
        clock, now = self._rules.clock, self._rules.clock.now()
        retry_at = None if pause is None else now + pause
        job = replace(job, ended_at=now, next_retry_at=retry_at, processing_duration=clock.ticks() - self._ticks)
        entry = self._rules.records.end(job, status)
        self.is_over = True
        try:
            self._rules.records.log(entry)
        finally:  # it has ended, also where the log cannot be written to
            self._rules.tell(JobEnded(job.facts(), clock.now(), self.worker_id))
        return job

    def _run_stage(self) -> None:
        """Try the stage until it is finished; raises the last error when its policy says so."""
        rules, check = self._rules, self._tools.watch.check
        self.job = replace(self.job, stage=self.stage.log_name)
        gate = rules.gates[resource_of(self.stage, self.job)]
        failed = 0
        while True:
            check()
            self._enter(gate)
            rules.tell(StageStarted(*self._now()))
            try:
                self._try()
            except StageError as error:
                failed += 1
                pause = self._pause_after(error, failed, gate)
            else:
                gate.accepted()
                return
            self._leave()
            gate.wait(pause, check)

    def _enter(self, gate: Gate) -> None:
        """Get a turn at `gate`, or keep the one the stage before had.

        Who keeps it leaves no gap for others to get between notes and
        assessment, while a prompt cache lasts. A pause is kept by all.
        """
        if gate is self._gate and gate.is_open:
            return
        self._leave()
        self._rules.tell(StageWaiting(*self._now()))
        self._turn.enter_context(gate.turn(-list(Stage).index(self.stage), self._tools.watch.check))
        self._gate = gate

    def _leave(self) -> None:
        self._turn.close()
        self._gate = None

    def _try(self) -> None:
        rules, stage = self._rules, self.stage
        if stage in PAID:
            rules.budget.reserve(self.job, stage, self._tools.author.estimate(self.job, stage).cost)
        started = rules.clock.ticks()
        try:
            key = f"{self.job.video_id}/{stage}/{self.job.attempt}"
            done = rules.call(key, stage, self.job, self._tools).ran(stage, rules.clock.ticks() - started)
            self.job = replace(self.job, usage=done.usage)  # paid for, whether or not it can be kept
            rules.records.commit(done, stage)
            self.job = done
        except Unfinished as error:
            self.job = self.job.used(stage, error.usage)
            if stage is Stage.FETCH:
                self.job = self.job.over(error.circuit)
            if error.partial:
                self.job = replace(self.job, partials={**self.job.partials, stage: error.partial})
            rules.records.keep_partial(self.job, stage, error.partial)
            raise
        finally:
            if stage in PAID:
                rules.budget.settle(self.job, stage)
        rules.tell(StageFinished(*self._now(), self.job.seconds[stage]))

    def _pause_after(self, error: StageError, failed: int, gate: Gate) -> float:
        """Seconds this worker waits before its next try; raises `error` again when there is to be none."""
        rules, policy = self._rules, error.policy
        if policy.shared:
            pause, now = 0.0, rules.clock.now()  # read first: nobody goes on before the time that is told
            until = now + gate.refused(lambda refusals: policy.pause_before(refusals, error.retry_after), policy)
            if gate.take_news():
                rules.tell(ResourcePaused(gate.name, until, str(error), now))
        else:
            pause = policy.pause_before(failed, error.retry_after)
            until = rules.clock.now() + pause
        if failed >= policy.tries:
            raise error
        rules.tell(StageRetried(*self._now(), Failure.of(self.stage, error), failed, until, policy.shared))
        return pause

    def _now(self) -> tuple[VideoProcessingJob, float, Stage, int]:
        return self.job.facts(), self._rules.clock.now(), self.stage, self.worker_id

"""Worker threads over the queue: start, pause, cancel, stop, and any number of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from ytsb_tui.errors import BadStart, Bug, Cancelled, OverBudget, StageError, Stopped, YtsbError
from ytsb_tui.events import JobStopped, ResourcePaused, RunStopped, StageProgress, safely
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.pipeline import Attempt, Rules
from ytsb_tui.stages import Tools
from ytsb_tui.store import Store
from ytsb_tui.watch import Watch

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks of an idle worker at the queue."""
PROGRESS = 0.1
"""Seconds between two progress events of one worker at the least."""


class WorkerWatch:
    """One worker's line to the pool: says how far it is, hears when to stop."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._told = 0.0
        self.attempt: Attempt | None = None

    def progress(self, fraction: float | None, text: str = "") -> None:
        """Say how far the stage is; ten times a second at the most."""
        clock, attempt = self._pool.rules.clock, self.attempt
        if attempt is None or clock.ticks() - self._told < PROGRESS:
            return
        self._told = clock.ticks()
        self._pool.rules.tell(
            StageProgress(attempt.job.facts(), clock.now(), attempt.stage, attempt.worker_id, fraction, text)
        )

    def check(self) -> None:
        """Raise `Stopped` when the run is ending, `Cancelled` when the user cancelled the job."""
        if self._pool.stopping:
            raise Stopped("The run was stopped.")
        if self.attempt and self.attempt.job.video_id in self._pool.cancelled:
            raise Cancelled("Cancelled by you.")


class Pool:
    """The workers of one run.

    Each is a daemon thread with a number, tools of its own, and one job at a
    time; nothing it does can hold up the end of the program.
    """

    def __init__(
        self,
        store: Store,
        rules: Rules,
        make_tools: Callable[[int, Watch], Tools],
        *,
        among: frozenset[str] | None = None,
    ) -> None:
        """`make_tools` is called on each worker's own thread; `among` limits the run to these jobs."""
        self.rules = replace(rules, tell=safely(rules.tell))
        self.cancelled: set[str] = set()
        self.stopping = False
        self.stopped_by: YtsbError | None = None
        """Why the run ended before its jobs did, if it did."""
        self._store = store
        self._make_tools = make_tools
        self._among = among
        self._paused = False
        self._wanted = 0
        self._threads: dict[int, threading.Thread] = {}
        self._idle: set[int] = set()
        self._wakes = 0
        """How often somebody had idle workers look at the queue."""
        self._changed = threading.Condition()
        """Held for moments only: a screen may wait for it."""
        self._claiming = threading.Lock()
        """Held while a job changes hands, which takes as long as the journal's disk does."""

    def resize(self, workers: int) -> None:
        """Have this many workers; those too many leave after the job they are on. A run that is ending has no more."""
        with self._changed:
            if self.stopped_by is not None:
                return
            self._wanted = workers
            for number in range(workers):
                if number not in self._threads:
                    thread = threading.Thread(target=self._work, args=(number,), name=f"worker-{number}", daemon=True)
                    self._threads[number] = thread
                    thread.start()
            self._changed.notify_all()

    def pause(self) -> None:
        """Start no further job until `resume`; running ones go on."""
        self._paused = True

    def resume(self) -> None:
        """Go on after `pause`, and ask again now what everybody waits for."""
        self._paused = False
        for gate in self.rules.gates.values():
            if gate.reopen():
                now = self.rules.clock.now()
                self.rules.tell(ResourcePaused(gate.name, now, "Asked again.", now))
        self.wake()

    def wake(self) -> None:
        """Have idle workers look at the queue now."""
        with self._changed:
            self._wakes += 1
            self._changed.notify_all()

    def cancel(self, video_id: str) -> None:
        """Stop working on a job, or never begin; what is finished is kept."""
        with self._claiming:
            if not self._store.withdraw(video_id):
                self.cancelled.add(video_id)

    def stop(self, why: YtsbError | None = None) -> None:
        """Have every worker put its job back and leave; returns at once."""
        with self._changed:
            if why and not self.stopped_by:
                self.stopped_by = why
            self.stopping = True
            self._changed.notify_all()

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the workers to leave; whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._threads, timeout)

    def run(self, workers: int, *, watch: bool = False) -> None:
        """Work until no job is left (with `watch`: and no automatic retry is to come), or `stop`."""
        self.resize(workers)
        with self._changed:
            while self._threads and not self.stopping:
                coming = self._wake_due() if watch else 0
                if len(self._idle) == len(self._threads) and not coming:
                    break
                self._changed.wait(LOOK)
        self.stop()
        self.join(timeout=2.0)

    def _wake_due(self) -> int:
        """Queue the jobs whose automatic retry is due; returns how many were, or will be, due."""
        coming = [(at, job) for at, job in self._store.due() if self._among is None or job in self._among]
        for at, job in coming:
            if at <= self.rules.clock.now():
                self._store.wake(job)
                self._idle.clear()
                self.wake()
        return len(coming)

    def _work(self, number: int) -> None:
        watch = WorkerWatch(self)
        tools: Tools | None = None
        try:
            while (job := self._next(number)) is not None:
                try:
                    tools = tools or self._make_tools(number, watch)
                    watch.attempt = Attempt(job, number, tools, self.rules)
                    self._attempt(watch.attempt)
                except Exception as error:
                    self._crashed(watch.attempt, error)
                finally:
                    attempt, watch.attempt = watch.attempt, None
                    if attempt is None or not attempt.is_over:  # else somebody may have queued it again by now
                        self._store.release(job.video_id)
                    self.wake()
        except YtsbError as error:
            self._stop_run(error)
        except Exception as error:  # not even the failure could be written down
            log.exception("worker %d ends", number)
            self._stop_run(Bug.of(error))
        finally:
            with self._changed:
                self._leave(number)
                self.stopping |= self.stopped_by is not None and not self._threads
                self._changed.notify_all()

    def _next(self, number: int) -> VideoProcessingJob | None:
        """The next job for this worker, waiting for one; None when it has left."""
        while True:
            with self._changed:
                if self.stopping or number >= self._wanted:
                    self._leave(number)
                    return None
                paused, wakes = self._paused, self._wakes
            job = None if paused else self._claim()
            with self._changed:
                if job is not None:
                    self._idle.discard(number)
                    return job
                if wakes != self._wakes:  # there may be a job since
                    continue
                if not paused and number not in self._idle:  # else two of them would wake each other for ever
                    self._idle.add(number)
                    self._changed.notify_all()
                self._changed.wait(LOOK)

    def _claim(self) -> VideoProcessingJob | None:
        with self._claiming:
            job = self._store.claim(self._among)
            if job is not None:
                self.cancelled.discard(job.video_id)
            return job

    def _leave(self, number: int) -> None:
        """Make room for another worker of this number."""
        if self._threads.get(number) is threading.current_thread():
            del self._threads[number]
            self._idle.discard(number)
            self._changed.notify_all()

    def _attempt(self, attempt: Attempt) -> None:
        try:
            attempt.run()
        except Stopped as stopped:
            self.rules.tell(JobStopped(attempt.job.facts(), self.rules.clock.now(), attempt.worker_id))
            if isinstance(stopped, OverBudget):
                self._run_out(stopped)
            else:
                self._stop_run(stopped)
        if isinstance(attempt.error, StageError) and attempt.error.policy.stops_run:
            self._stop_run(attempt.error)

    def _crashed(self, attempt: Attempt | None, error: Exception) -> None:
        """A bug fails its job and keeps the worker; what stands in everybody's way ends the run."""
        if isinstance(error, YtsbError):
            if attempt is not None and not attempt.is_over:
                self.rules.tell(JobStopped(attempt.job.facts(), self.rules.clock.now(), attempt.worker_id))
            raise error
        if attempt is None:
            log.error("unexpected %s before the first stage", type(error).__name__, exc_info=error)
            raise Bug.of(error) from error
        attempt.crashed(error)

    def _run_out(self, why: OverBudget) -> None:
        """Begin no further job; running ones go on with what they have paid for, and with what is left."""
        with self._changed:
            if self.stopped_by:
                return
            self.stopped_by = why
            self._wanted = 0
            self._changed.notify_all()
        self._tell_stop(why)

    def _stop_run(self, why: YtsbError) -> None:
        if not self.stopping:
            self.stop(why)
            self._tell_stop(why)

    def _tell_stop(self, why: YtsbError) -> None:
        is_final = isinstance(why, OverBudget | BadStart)
        self.rules.tell(RunStopped(str(why), why.advice, self.rules.clock.now(), is_final))

"""The headless front ends: a live display for a terminal, lines for a pipe, JSON for a program."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import IO, Any, Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from ytsb_tui.clock import iso, spell
from ytsb_tui.events import (
    Event,
    JobEnded,
    JobStopped,
    ResourcePaused,
    RunStopped,
    StageEvent,
    StageFinished,
    StageProgress,
    StageRetried,
    StageStarted,
    StageWaiting,
)
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.plaintext import one_line

DOING = {
    Stage.FETCH: "fetching",
    Stage.NOTES: "notes",
    Stage.ASSESSMENT: "assessment",
    Stage.WRITE: "writing",
    Stage.LINKS: "linking",
    Stage.EXPORT: "PDFs",
}


@dataclass
class Outcome:
    """What a run came to, counted from its events."""

    total: int
    done: list[VideoProcessingJob] = field(default_factory=list)
    failed: list[VideoProcessingJob] = field(default_factory=list)
    stopped: RunStopped | None = None

    def __call__(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, RunStopped):
            self.stopped = event
        elif isinstance(event, JobEnded):
            (self.failed if event.job.failure else self.done).append(event.job)

    @property
    def waiting(self) -> int:
        """Jobs that were not ended."""
        return self.total - len(self.done) - len(self.failed)


class FrontEnd(Protocol):
    """What shows a run while it goes on."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Show an event; called on the workers' threads."""


class Lines:
    """A line for every job that ended and for everything that makes it wait: for pipes and files."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._ended = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __call__(self, event: Event) -> None:
        """Print the event's line, if it has one."""
        with self._lock:
            if isinstance(event, JobEnded):
                self._ended += 1
            if line := sentence(event):
                place = f"[{self._ended}/{self._total}] " if isinstance(event, JobEnded) else ""
                self._console.print(Text(place) + line, soft_wrap=True)


class Live(Lines):
    """A bar for the whole run and a line for each worker, above them the lines of what happened."""

    def __init__(self, console: Console, total: int, stages: int) -> None:
        super().__init__(console, total)
        self._progress = Progress(
            TextColumn(
                "{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"), markup=False
            ),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            expand=True,
        )
        self._overall = self._progress.add_task("All jobs", total=total * stages, note=f"0/{total}")
        self._workers: dict[int, TaskID] = {}
        self._stages = stages
        self._finished: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._workers.values():
            self._progress.remove_task(task)
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Move the bars, and print the event's line above them."""
        super().__call__(event)
        with self._lock:
            if isinstance(event, StageEvent):
                self._move(event)
            elif isinstance(event, JobEnded | JobStopped):
                self._rest(event)
            self._progress.update(
                self._overall, completed=sum(self._finished.values()), note=f"{self._ended}/{self._total}"
            )

    def _move(self, event: StageEvent) -> None:
        worker = event.worker_id
        if worker not in self._workers:
            self._workers[worker] = self._progress.add_task("", total=None, note="")
        task = self._workers[worker]
        what = f"{worker}  {DOING[event.stage]:<10}  {one_line(event.job.title)}"
        if isinstance(event, StageWaiting):
            self._progress.reset(task, total=None, description=what, note="waiting")
        elif isinstance(event, StageStarted):
            self._progress.reset(task, total=None, description=what, note="")
        elif isinstance(event, StageProgress):
            percent = "" if event.fraction is None else f"{event.fraction:.0%}"
            total = None if event.fraction is None else 1.0
            self._progress.update(task, total=total, completed=event.fraction or 0.0, note=percent)
        elif isinstance(event, StageFinished):
            self._finished[event.job.video_id] = list(Stage).index(event.stage) + 1

    def _rest(self, event: JobEnded | JobStopped) -> None:
        if isinstance(event, JobEnded):
            self._finished[event.job.video_id] = self._stages
        if (task := self._workers.get(event.worker_id)) is not None:
            self._progress.reset(task, total=None, description=f"{event.worker_id}  idle", note="")


def sentence(event: Event) -> Text | None:
    """What a person is told of an event; None for the many that only move a bar."""
    if isinstance(event, JobEnded):
        job = event.job
        if job.failure is None:
            took = spell(job.processing_duration)
            return Text.assemble(("✓ ", "green"), one_line(job.title), (f"  {took}", "dim"))
        why = f"{one_line(job.failure.message)} {job.failure.advice}"
        return Text.assemble(("✗ ", "red"), one_line(job.title), f"  {job.failure.stage}: {why}")
    if isinstance(event, StageRetried):
        seconds = max(0.0, event.until - event.at)
        why = f"{one_line(event.failure.message)} Trying again in {spell(seconds)}."
        return Text.assemble(("↻ ", "yellow"), one_line(event.job.title), f"  {event.stage}: {why}")
    if isinstance(event, ResourcePaused):
        until = datetime.fromtimestamp(event.until).strftime("%H:%M:%S")
        return Text.assemble(("… ", "yellow"), f"{event.resource} pauses for all workers until {until}: {event.reason}")
    if isinstance(event, RunStopped):
        return Text.assemble(("✗ ", "red"), f"Stopped: {one_line(event.reason)} {event.advice}")
    return None


class JsonLines:
    """One JSON object a line for every event, the same names as in the log."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __call__(self, event: Event) -> None:
        """Print the event."""
        self.print(**record(event))

    def print(self, **fields: Any) -> None:
        """Print one object."""
        with self._lock:
            self._out.write(json.dumps(fields, ensure_ascii=False) + "\n")
            self._out.flush()


EVENT_NAMES = {
    "JobQueued": "job_queued",
    "StageWaiting": "stage_waiting",
    "StageStarted": "stage_started",
    "StageProgress": "stage_progress",
    "StageRetried": "stage_retried",
    "StageFinished": "stage_finished",
    "JobEnded": "job_ended",
    "JobStopped": "job_stopped",
    "ResourcePaused": "resource_paused",
    "RunStopped": "run_stopped",
}
"""What `--json` calls each event: a promise to scripts."""


def record(event: Event) -> dict[str, Any]:
    """An event as `--json` prints it; README lists the fields."""
    fields: dict[str, Any] = {"event": EVENT_NAMES[type(event).__name__], "at": iso(event.at)}
    if isinstance(event, ResourcePaused):
        return fields | {"resource": event.resource, "until": iso(event.until), "reason": event.reason}
    if isinstance(event, RunStopped):
        return fields | {"reason": event.reason, "advice": event.advice}
    fields |= {"video_id": event.job.video_id, "title": event.job.title, "url": event.job.url}
    if isinstance(event, StageEvent):
        fields |= {"worker_id": event.worker_id, "stage": event.stage}
    if isinstance(event, StageProgress):
        fields |= {"fraction": event.fraction, "text": event.text}
    elif isinstance(event, StageFinished):
        fields |= {"seconds": round(event.seconds, 3)}
    elif isinstance(event, StageRetried):
        fields |= {"error": event.failure.message, "tries": event.tries, "until": iso(event.until)}
    elif isinstance(event, JobEnded):
        entry = event.job.to_json()
        names = ("success", "error", "error_class", "advice", "is_retryable", "next_retry_time", "processing_duration")
        fields |= {"worker_id": event.worker_id, "attempt": event.job.attempt, "stage": entry["stage"]}
        fields |= {name: entry[name] for name in (*names, "timings", "files_created", "cost")}
    elif isinstance(event, JobStopped):
        fields |= {"worker_id": event.worker_id}
    return fields

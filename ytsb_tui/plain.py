"""The headless front ends: lines for a person, JSON for a program."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ytsb_tui.circuits import in_words
from ytsb_tui.clock import Clock, SystemClock, iso, spell
from ytsb_tui.events import (
    CircuitMoved,
    Event,
    JobEnded,
    JobStopped,
    ResourcePaused,
    RunStopped,
    StageEvent,
    StageFinished,
    StageProgress,
    StageRetried,
    TorChanged,
)
from ytsb_tui.plaintext import HIDDEN, one_line
from ytsb_tui.wording import counted


class Hope(NamedTuple):
    """Whether a failed job may go better another time, and when it is tried again by itself, if it is."""

    retryable: bool
    next_retry_at: float | None


@dataclass
class Outcome:
    """What a run came to, counted from its events."""

    total: int
    done: set[str] = field(default_factory=set)
    failed: dict[str, Hope] = field(default_factory=dict)
    """By id, what each failed job may hope for."""
    cost_known: bool = True
    """Whether the price of all that was used is known."""
    stopped: RunStopped | None = None

    def __call__(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, RunStopped):
            self.stopped = event
        elif isinstance(event, JobEnded):
            job = event.job
            self.failed.pop(job.video_id, None)
            self.cost_known &= job.total_usage.cost is not None
            if job.failure:
                self.failed[job.video_id] = Hope(job.failure.retryable, job.next_retry_at)
            else:
                self.done.add(job.video_id)

    @property
    def waiting(self) -> int:
        """Jobs that were not ended."""
        return self.total - len(self.done) - len(self.failed)


PAID_TWICE = "The transcript was paid for twice: the model's cache did not have it for the assessment."


class FrontEnd:
    """What shows a run while it goes on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __call__(self, event: Event, /) -> None:
        """Show an event; called on the workers' threads."""
        raise NotImplementedError


FIRST_REMINDER, LAST_REMINDER = 30.0, 900.0
"""Seconds of silence after which it is told what is waited for; doubled up to the second, so that no log is flooded."""
LOOK = 5.0
"""Seconds between two looks at how long there was silence."""


class Lines(FrontEnd):
    """A line for every job that ended and for everything that makes it wait; between them, what is waited for."""

    def __init__(self, console: Console, total: int, clock: Clock | None = None) -> None:
        self._console = console
        self._total = total
        self._clock = clock or SystemClock()
        self._spoke = self._clock.ticks()
        self._patience = FIRST_REMINDER
        self._waits: dict[int, str] = {}
        """What each worker waits for that nobody knows the end of."""
        self._over = threading.Event()
        self._reminder = threading.Thread(target=self._remind_on, name="reminder", daemon=True)
        self._ended: set[str] = set()
        self._in_order = threading.Lock()
        """Held while a line is printed, which may have to wait for a frame that is being drawn."""
        self._lock = threading.Lock()
        """Held while what is shown is changed or drawn, so nobody may print with it."""

    def __enter__(self) -> Self:
        self._reminder.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._reminder.join(LOOK)

    def _remind_on(self) -> None:
        with suppress(OSError):  # nobody reads any more, of which the next event's line tells the run
            while not self._over.wait(LOOK):
                self.remind()

    def remind(self) -> None:
        """Say how many jobs wait for what, if nothing was said for a while."""
        with self._in_order:
            if self._clock.ticks() - self._spoke < self._patience:
                return
            with self._lock:
                waits = Counter(self._waits.values())
            for words, jobs in waits.most_common():
                self._print("", Text.assemble(("… ", "yellow"), f"{counted(jobs, 'job')}: {one_line(words)}"))
            if waits:
                self._spoke, self._patience = self._clock.ticks(), min(2 * self._patience, LAST_REMINDER)

    def _note(self, event: Event) -> None:
        """Keep what a worker waits for."""
        with self._lock:
            if isinstance(event, StageProgress) and event.fraction is None and event.text:
                self._waits[event.worker_id] = event.text
            elif isinstance(event, StageEvent | JobEnded | JobStopped):
                self._waits.pop(event.worker_id, None)

    def __call__(self, event: Event) -> None:
        """Print the event's line, if it has one."""
        self._note(event)
        if (line := sentence(event)) is None:
            return
        with self._in_order:
            place = ""
            if isinstance(event, JobEnded):
                with self._lock:
                    self._ended.add(event.job.video_id)
                    place = f"[{len(self._ended)}/{self._total}]"
            self._print(place, line)
            self._spoke, self._patience = self._clock.ticks(), FIRST_REMINDER

    def _print(self, place: str, line: Text) -> None:
        """Print a line: as one for a file or program, folded beside its place for a reader."""
        if not self._console.is_terminal:
            self._console.print(Text(f"{place} " if place else "") + line, soft_wrap=True)
            return
        row = Table.grid(padding=(0, 1))
        row.add_row(*([place] if place else []), line)
        self._console.print(row)


def sentence(event: Event) -> Text | None:
    """What a person is told of an event; None for the many that only move a bar."""
    if isinstance(event, JobEnded):
        job = event.job
        if job.failure is None:
            line = Text.assemble(("✓ ", "green"), one_line(job.title), (f"  {spell(job.processing_duration)}", "dim"))
            if job.cache_missed:
                line.append(f"  {PAID_TWICE}", "yellow")
            if job.replaced:
                line.append(f"  What was there before is kept: {', '.join(map(str, job.replaced))}", "yellow")
            return line
        why = one_line(f"{job.failure.message} {job.failure.advice}")
        return Text.assemble(("✗ ", "red"), one_line(job.title), f"  {job.failure.stage}: {why}")
    if isinstance(event, StageRetried) and not event.shared:
        seconds = max(0.0, event.until - event.at)
        why = f"{one_line(event.failure.message)} Trying again in {spell(seconds)}."
        return Text.assemble(("↻ ", "yellow"), one_line(event.job.title), f"  {event.stage}: {why}")
    if isinstance(event, ResourcePaused):
        until = datetime.fromtimestamp(event.until).strftime("%H:%M:%S")
        why = one_line(event.reason)
        return Text.assemble(("… ", "yellow"), f"{event.resource} pauses for all workers until {until}: {why}")
    if isinstance(event, RunStopped):
        return Text.assemble(("✗ ", "red"), "Stopped: " + one_line(f"{event.reason} {event.advice}"))
    if isinstance(event, CircuitMoved) and event.before is not None:
        way = f"{in_words(event.before.exit)} → {in_words(event.after.exit)}"
        return Text.assemble(("⇄ ", "cyan"), one_line(f"worker {event.worker_id}: {way} ({event.why})"))
    if isinstance(event, TorChanged):
        return Text.assemble(("⇄ ", "cyan"), one_line(event.state.words))
    return None


class JsonLines(FrontEnd):
    """One JSON object a line for every event, the same names as in the log."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Print the event."""
        self.print(**record(event))

    def print(self, **fields: Any) -> None:
        """Print one object."""
        with self._lock:
            self._out.write(as_json(fields) + "\n")
            self._out.flush()


def as_json(fields: Mapping[str, Any]) -> str:
    """A JSON object on one line; what would steer a terminal is escaped, also where JSON does not ask for it."""
    return HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], json.dumps(fields, ensure_ascii=False))


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
    "CircuitMoved": "circuit_moved",
    "TorChanged": "tor_changed",
}
"""What `--json` calls each event: a promise to scripts."""


def record(event: Event) -> dict[str, Any]:
    """An event as `--json` prints it; README lists the fields."""
    fields: dict[str, Any] = {"event": EVENT_NAMES[type(event).__name__], "at": iso(event.at)}
    if isinstance(event, ResourcePaused):
        return fields | {"resource": event.resource, "until": iso(event.until), "reason": event.reason}
    if isinstance(event, RunStopped):
        return fields | {"reason": event.reason, "advice": event.advice}
    if isinstance(event, CircuitMoved):
        before = event.before and asdict(event.before)
        return fields | {"worker_id": event.worker_id, "why": event.why, "before": before, "after": asdict(event.after)}
    if isinstance(event, TorChanged):
        return fields | asdict(event.state)
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
        fields |= {name: entry[name] for name in (*names, "timings", "files_created", "replaced_files", "cost")}
    elif isinstance(event, JobStopped):
        fields |= {"worker_id": event.worker_id}
    return fields

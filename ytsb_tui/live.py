"""The live display of a headless run on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live as Region
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ytsb_tui.clock import Clock
from ytsb_tui.events import (
    Event,
    JobEnded,
    JobStopped,
    ResourcePaused,
    StageEvent,
    StageFinished,
    StageProgress,
    StageRetried,
    StageWaiting,
)
from ytsb_tui.job import Stage
from ytsb_tui.plain import Lines
from ytsb_tui.plaintext import one_line

DOING = {
    Stage.FETCH: "fetching",
    Stage.NOTES: "notes",
    Stage.ASSESSMENT: "assessment",
    Stage.WRITE: "writing",
    Stage.LINKS: "linking",
    Stage.EXPORT: "PDFs",
}
LONGEST_NOTE = 40
"""Cells for what a worker waits for, beside the title of its job."""
FRAMES = 8
"""Frames a second."""


@dataclass
class Lane:
    """What one worker is at."""

    doing: str = "idle"
    title: str = ""
    note: str = ""
    since: float | None = None
    """Seconds since the epoch at which it began this."""
    job_since: float | None = None
    """... and its job."""


class Live(Lines):
    """The whole run and a line for each worker, below the lines of what happened."""

    def __init__(self, console: Console, total: int, plan: Sequence[Stage], workers: int, clock: Clock) -> None:
        super().__init__(console, total, clock)
        self._plan = list(plan)
        self._workers = workers
        self._began = clock.ticks()
        self._share: dict[str, float] = {}
        """How much of each job is done, 0..1."""
        self._took: list[float] = []
        """Seconds of each attempt that ended well."""
        self._lanes: dict[int, Lane] = {}
        self._paused: dict[str, float] = {}
        self._region = Region(get_renderable=self._draw, console=console, refresh_per_second=FRAMES, transient=True)

    def __enter__(self) -> Self:
        self._region.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._region.stop()

    def __call__(self, event: Event) -> None:
        """Note the news, and print the event's line above the display."""
        super().__call__(event)
        with self._lock:
            if isinstance(event, StageEvent):
                self._move(event, self._lanes.setdefault(event.worker_id, Lane()))
            elif isinstance(event, JobEnded | JobStopped):
                self._lanes[event.worker_id] = Lane()
            elif isinstance(event, ResourcePaused):
                self._paused[event.resource] = event.until
            if isinstance(event, JobEnded):
                self._share[event.job.video_id] = 1.0
                self._took += [event.job.processing_duration] if event.job.failure is None else []

    def _move(self, event: StageEvent, lane: Lane) -> None:
        if isinstance(event, StageFinished):
            self._share[event.job.video_id] = (self._plan.index(event.stage) + 1) / len(self._plan)
        elif isinstance(event, StageProgress):
            lane.note = one_line(event.text) if event.fraction is None else f"{event.fraction:.0%}"
        elif isinstance(event, StageRetried):
            lane.note = "trying again"
        else:
            lane.doing, lane.title, lane.since = DOING[event.stage], one_line(event.job.title), event.at
            lane.job_since = lane.job_since or event.at
            lane.note = "waiting" if isinstance(event, StageWaiting) else ""

    def _left(self, now: float) -> float | None:
        """Seconds until the last job is done; None before the first one is."""
        jobs = self._total - len(self._ended)
        if not self._took or jobs <= 0:
            return None
        average = sum(self._took) / len(self._took)
        since = (lane.job_since for lane in self._lanes.values() if lane.job_since)
        spent = sum(max(0.0, min(now - begun, average)) for begun in since)
        return (average * jobs - spent) / min(self._workers, jobs)

    def _draw(self) -> RenderableType:
        with self._lock:
            now = self._clock.now()
            group = Group(self._overall(now), *self._pauses(now), self._each_worker(now))
            # Room for what a terminal echoes of Ctrl+C, lest it begin another line.
            return Constrain(group, self._console.width - len("^C"))

    def _overall(self, now: float) -> RenderableType:
        left = self._left(now)
        row = Table.grid(expand=True, padding=(0, 1))
        row.add_column(ratio=1)
        row.add_row(
            ProgressBar(self._total, sum(self._share.values())),
            Text(f"{len(self._ended)} of {self._total}", style="bold"),
            Text(_time(self._clock.ticks() - self._began)),
            Text("" if left is None or left < 1 else f"about {_time(left)} left", style="cyan"),
        )
        return row

    def _pauses(self, now: float) -> Iterator[RenderableType]:
        for resource, until in self._paused.items():
            if until > now:
                yield Text(f"…  {resource} pauses for all workers, {_time(until - now)} more", style="yellow")

    def _each_worker(self, now: float) -> RenderableType:
        grid = Table.grid(expand=True, padding=(0, 1))
        grid.add_column(no_wrap=True, style="dim")
        grid.add_column(no_wrap=True, width=10)
        grid.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        grid.add_column(no_wrap=True, justify="right", max_width=LONGEST_NOTE, overflow="ellipsis")
        grid.add_column(no_wrap=True, justify="right", width=7, style="dim")
        for number, lane in sorted(self._lanes.items()):
            age = "" if lane.since is None else _time(now - lane.since)
            grid.add_row(str(number), lane.doing, Text(lane.title), Text(lane.note), age)
        return grid


def _time(seconds: float) -> str:
    """Whole seconds, as a clock shows them: these are redrawn all the time."""
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

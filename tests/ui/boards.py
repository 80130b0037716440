"""What screen tests share: jobs, a board filled by posted events, an app whose vault is open, bounded waiting."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from tests.canned import HandClock
from ytsb_tui.clock import Clock
from ytsb_tui.errors import YtsbError
from ytsb_tui.events import JobEnded, StageFinished, StageStarted
from ytsb_tui.job import Failure, Stage, Status, VideoProcessingJob
from ytsb_tui.settings import Settings
from ytsb_tui.ui.app import YtsbApp
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.news import Told

SECONDS = dict(zip(Stage, (2.1, 14.2, 22.8, 0.1, 0.3, 3.4), strict=True))
"""How long the stages of a job in these tests take."""

AppPilot = Pilot[YtsbError | None]


def job(number: int, title: str = "", **fields: object) -> VideoProcessingJob:
    """A video nobody has worked on."""
    video_id = f"video-{number:05}"
    made = VideoProcessingJob(video_id, f"https://www.youtube.com/watch?v={video_id}", video_title=title)
    return replace(made, **fields)  # type: ignore[arg-type]


def queue(board: Board, *jobs: VideoProcessingJob, status: Status = Status.QUEUED) -> None:
    """Tell the board how these jobs stand."""
    for each in jobs:
        board.hear(Told(each, board.clock.now(), status))
    board.catch_up()


def finish(board: Board, done: VideoProcessingJob, worker: int = 0) -> VideoProcessingJob:
    """Have a worker take a job through all its stages."""
    now = board.clock.now()
    for stage, took in SECONDS.items():
        board.hear(StageStarted(done, now, stage, worker))
        done = replace(done, seconds={**done.seconds, stage: took}, worker_id=worker)
        board.hear(StageFinished(done, now, stage, worker, took))
    done = replace(done, stage="completed", ended_at=now, processing_duration=sum(SECONDS.values()))
    board.hear(JobEnded(done, now, worker))
    return done


def failed(
    broken: VideoProcessingJob,
    stage: Stage = Stage.FETCH,
    *,
    kind: str = "NoCaptions",
    next_retry_at: float | None = None,
) -> VideoProcessingJob:
    """The job after a failure."""
    failure = Failure(stage, kind, "The video has no captions.", "Drop a caption file of the video instead.", False)
    return replace(broken, failure=failure, stage=stage.log_name, next_retry_at=next_retry_at)


def fail(
    board: Board, broken: VideoProcessingJob, *, kind: str = "NoCaptions", next_retry_at: float | None = None
) -> None:
    """Have a worker fail at a job."""
    board.hear(JobEnded(failed(broken, kind=kind, next_retry_at=next_retry_at), board.clock.now(), 0))


async def until(pilot: AppPilot, ready: Callable[[], object], timeout: float = 120.0) -> None:
    """Pause until `ready()`; fails instead of hanging if the app died."""
    deadline = time.monotonic() + timeout
    while not ready():
        assert pilot.app.is_running, f"the app exited: {pilot.app.return_value!r}"
        assert time.monotonic() < deadline, "timed out"
        await pilot.pause(0.02)


@asynccontextmanager
async def opened(
    out: Path,
    *,
    size: tuple[int, int] = (120, 40),
    clock: Clock | None = None,
    workers: int = 2,
    paused: bool = False,
    launch: Callable[[Sequence[str]], object] | None = None,
) -> AsyncIterator[tuple[YtsbApp, AppPilot]]:
    """The app on a vault, ready for work; without PDFs, and with the offline author."""
    settings = Settings(out=out, author="outline", pdf=False, workers=workers)
    app = YtsbApp(settings, clock=clock, launch=launch)
    if paused:
        app.session.pause()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.session.is_ready or app.session.owned_by)
        await pilot.pause()
        yield app, pilot


def hand_clock() -> HandClock:
    """A clock at a time that is the same in every run."""
    clock = HandClock()
    clock.at = 1_700_000_000.0
    return clock

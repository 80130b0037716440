"""The app, open for an evening: batches of videos, streamed answers, and somebody who walks through its screens."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from textual import events

from tests.soak.gauge import Gauge
from tests.soak.outlines import batches
from tests.soak.verdicts import Allowance
from tests.soak.worlds import CALL
from tests.world.apart import apart
from tests.world.catalog import lecture
from ytsb_tui import intake
from ytsb_tui.job import Status
from ytsb_tui.settings import Settings
from ytsb_tui.ui.app import YtsbApp

ALLOWED = Allowance(enough=400, memory=48, store=100, links=40, log=8, children=64, connections=5, helpers=4)
"""Python's own objects take about 9 of these kilobytes of memory, by tracemalloc: rows, and what links go by. The rest
is what the allocator does not give back, and the scatter of a slope over few jobs, as with those who draw PDFs."""
WORKERS = 5
LOOK = 0.3
"""Seconds somebody looks at what a key did."""
PATIENCE = 900.0
"""Seconds a batch may take."""
WALK = (
    *("down", "down", "s", "escape", "l", "end", "escape", "home", "enter", "end", "escape", "question_mark", "escape"),
    *("slash", *"entropy", "enter", "escape", "d", "d", "plus", "minus"),
)
"""What somebody presses while a batch is worked on."""
OPEN = (Status.QUEUED, Status.RUNNING, Status.FAILED)


@dataclass(frozen=True)
class QuickClock:
    """Time that passes so many times as fast."""

    quicker: float
    began: float

    def now(self) -> float:
        return self.began + (time.time() - self.began) * self.quicker

    def ticks(self) -> float:
        return time.monotonic() * self.quicker


def soak(folder: Path, hours: float, quicker: float, rested: Callable[[Gauge], object], *, pdf: bool) -> Gauge:
    """As many videos as such an evening takes; `rested` hears of each batch's end."""
    videos = round(hours * 3600 * WORKERS / CALL / 2)
    with ExitStack() as worlds:
        for name in ("youtube", "claude"):
            os.environ.update(worlds.enter_context(apart("tests.soak.worlds", name, str(videos), str(quicker))))
        settings = Settings(
            out=folder / "vault", author="claude", pdf=pdf, workers=WORKERS, proxy=os.environ["YTSB_PROXY"]
        )
        app = YtsbApp(settings, clock=QuickClock(quicker, time.time()))
        gauge = Gauge(settings.out, lambda: sum(lane.ended for lane in app.board.lanes.values()))
        with gauge.reading():
            asyncio.run(_evening(app, gauge, videos, rested))
    return gauge


async def _evening(app: YtsbApp, gauge: Gauge, videos: int, rested: Callable[[Gauge], object]) -> None:
    idle = 1_000
    async with app.run_test(size=(120, 40), notifications=True):
        await _until(app, lambda: app.session.is_ready)
        for numbers in batches(videos):
            links = "\n".join(f"https://youtu.be/{lecture(number).id}" for number in numbers)
            app.session.add(intake.read(links, base=Path()).sources)
            await _until(app, lambda last=numbers.stop: len(app.board.rows) == last)  # type: ignore[misc]
            await _press(app, "home", "x", *WALK)
            await _until(app, lambda: _finished(app))
            while _open(app):
                await _press(app, "R")
                await _until(app, lambda: _finished(app))
            idle = gauge.rest(idle).threads
            rested(gauge)


def _open(app: YtsbApp) -> int:
    """Jobs that are not done, nor cancelled, as the journal has it."""
    assert app.session.engine is not None
    counts = app.session.engine.journal.store.counts()
    return sum(counts[status] for status in OPEN)


def _finished(app: YtsbApp) -> bool:
    """Whether everybody is idle, and the screen knows."""
    assert app.session.engine is not None
    counts = app.session.engine.journal.store.counts()
    return not counts[Status.QUEUED] + counts[Status.RUNNING] + app.board.unfinished


async def _press(app: YtsbApp, *keys: str) -> None:
    """Press keys as somebody does who looks at what they do; a pilot would wait for a moment when nothing happens."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))
        await asyncio.sleep(LOOK)


async def _until(app: YtsbApp, ready: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert app.is_running, "the app exited"
        assert time.monotonic() < deadline, "timed out"
        await asyncio.sleep(LOOK)

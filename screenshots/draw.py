"""Draws the pictures of this folder from the real app: `python -m screenshots.draw [FOLDER]`.

The same app draws the same bytes: time, services and terminal are given, and
whatever moves by itself is waited for or held still.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path

import click
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from screenshots.course import COURSE, EARLIER_COURSE, TITLES, video_id
from screenshots.evening import Evening, PlayedClock
from screenshots.relays import PlayedTor
from ytsb_tui.engine import Engine
from ytsb_tui.errors import YtsbError
from ytsb_tui.job import Status
from ytsb_tui.samples import samples
from ytsb_tui.settings import Settings
from ytsb_tui.source import video
from ytsb_tui.ui.app import YtsbApp
from ytsb_tui.ui.news import Told
from ytsb_tui.ui.screens.add import AddScreen
from ytsb_tui.ui.widgets.job_table import JobTable

PICTURES = ("board", "failure", "reader", "log", "statistics", "add", "circuits")
SIZE = (120, 36)
BEGAN = datetime(2026, 11, 20, 19, 30, tzinfo=UTC).timestamp()
LASTED = 240.0
"""Seconds of the evening at which the pictures are taken."""
BEFORE = 300.0
"""Seconds by which the earlier course was begun before it."""
FONT = 20.33
"""Pixels at which a letter of most fonts for terminals, 0.6 of its size wide, fills its cell of 12.2."""
PATIENCE = 60.0
STILL = 4
"""Looks at which nothing has moved before the screen counts as still."""
LIST = f"""\
Week 3: watch these before Thursday
- Caches, part 2: https://youtu.be/{video_id(TITLES[6])}
- https://www.youtube.com/watch?v={video_id(TITLES[34])}&t=90s
- https://www.youtube.com/watch?v=kR2mVq8xLwE   Cache-Friendly Code
- https://youtu.be/Tz4_nB7cYpA?si=share
- for revision, once more: https://youtu.be/kR2mVq8xLwE
- the whole series: https://www.youtube.com/playlist?list=PLq7dGxkT2vN9sHwR4mBzYc8LfJ3aUeXo1
'seminar week 3.srt'
https://vimeo.com/76979871
https://youtu.be/tooshort
slides week 3.srt
"""
CAPTIONS = "1\n00:00:01,000 --> 00:00:05,000\nWelcome to the seminar on caches.\n"

AppPilot = Pilot[YtsbError | None]


async def draw(folder: Path) -> None:
    """Draw every picture into `folder`."""
    settings = Settings(out=Path("notes"), author="outline", workers=3)
    _work_earlier(settings)
    app = YtsbApp(settings, clock=PlayedClock(BEGAN + LASTED))
    async with app.run_test(size=SIZE) as pilot:
        await _until(pilot, lambda: app.session.pool is not None)
        await _work(app, pilot)

        async def picture(name: str) -> None:
            (folder / f"{name}.svg").write_text(await _still(pilot, name), encoding="utf-8")

        writing = next(row.id for row in app.board.rows.values() if row.live and row.live.text)
        await _go_to(pilot, writing)
        await picture("board")
        await _go_to(pilot, video_id(TITLES[2]))
        await picture("failure")
        await _go_to(pilot, next(row.id for row in app.board.rows.values() if "Hash Tables" in row.title))
        await pilot.press("enter")
        await picture("reader")
        await pilot.press("escape", "l")
        await picture("log")
        await pilot.press("escape", "s")
        await picture("statistics")
        await pilot.press("escape")
        await _go_to(pilot, writing)
        app.post_message(events.Paste(LIST))
        await _until(pilot, lambda: isinstance(app.screen, AddScreen))
        await picture("add")
        await pilot.press("escape")
        await _until(pilot, lambda: app.screen is app.main)
        assert app.session.engine is not None
        app.session.engine.tor = PlayedTor(app.board.clock.now())
        await pilot.press("c")
        await picture("circuits")


def _work_earlier(settings: Settings) -> None:
    """A vault with notes on the bundled lectures and a short course."""
    engine = Engine(settings, PlayedClock(BEGAN - BEFORE))
    engine.submit(engine.job(f"file-{number:012}", str(path)) for number, path in enumerate(samples()))
    engine.submit(engine.job(name, video(name).url, title) for name, title in EARLIER_COURSE.items())
    Evening(engine, lambda event: None, BEGAN - BEFORE, BEGAN).work()
    engine.close()


async def _work(app: YtsbApp, pilot: AppPilot) -> None:
    """Queue the course and play the evening up to now, with the app's own workers at rest."""
    engine, pool = app.session.engine, app.session.pool
    assert engine is not None
    assert pool is not None
    pool.pause()
    jobs = [engine.job(name, video(name).url, title) for name, title in COURSE.items()]
    for job in engine.submit(jobs).queued:
        app.board.hear(Told(job, BEGAN, Status.QUEUED))
    Evening(engine, app.board.hear, BEGAN, BEGAN + LASTED).work()
    await pilot.pause(0.2)


async def _go_to(pilot: AppPilot, job: str) -> None:
    """Put the cursor on a job."""
    main = pilot.app.query_one(JobTable)
    line = main.view.line_of(job)
    assert line is not None
    main.put_cursor(line)
    await pilot.pause()


async def _still(pilot: AppPilot, name: str) -> str:
    """The screen once nothing on it moves any more, as SVG."""
    app = pilot.app
    for field in (*app.screen.query(Input), *app.screen.query(TextArea)):
        field.cursor_blink = False
    before, seen = "", 0

    def is_still() -> bool:
        nonlocal before, seen
        app.clear_notifications()
        now = app.export_screenshot(title="ytsb-tui")
        seen = seen + 1 if now == before else 0
        before = now
        return seen > STILL and all(worker.is_finished for worker in app.workers)

    await _until(pilot, is_still)
    return _own(before, name)


def _own(svg: str, name: str) -> str:
    """The SVG for every viewer: blanks kept, cells as wide as letters, ids of its own, no font from the network."""
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1).replace("font-size: 20px", f"font-size: {FONT}px")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"terminal-\d+", name, svg)


async def _until(pilot: AppPilot, ready: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if not pilot.app.is_running or time.monotonic() > deadline:
            raise RuntimeError("The app does not get there.")
        await pilot.pause(0.05)


def convert(folder: Path) -> None:
    """A PNG beside each SVG, for whoever cannot show those."""
    program = shutil.which("rsvg-convert")
    if program is None:
        print("rsvg-convert is not installed, so the PNGs were not drawn again (Debian: apt install librsvg2-bin).")
        return
    for name in PICTURES:
        svg = folder / f"{name}.svg"
        subprocess.run([program, "--output", svg.with_suffix(".png"), svg], check=True)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, resolve_path=True), default=Path(__file__).parent)
@click.option("--no-png", is_flag=True, help="Draw the SVGs alone.")
def main(folder: Path, no_png: bool) -> None:
    """Draw every picture into FOLDER, else beside this script."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    os.environ.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory() as desk, chdir(desk):
        Path("seminar week 3.srt").write_text(CAPTIONS)
        asyncio.run(draw(folder))
    if not no_png:
        convert(folder)


if __name__ == "__main__":
    main()

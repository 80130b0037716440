"""What the screen costs: the first frame, the event loop under a storm of events, idling, filtering, memory.

`python -m tests.bench ui` runs everything; each figure is printed with its
target, and beside what Textual's own DataTable does in the same run.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import shutil
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import RenderableType
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import DataTable

from tests.bench.bench_engine import WIDE, timed
from tests.bench.bench_pdf import NOTE, Silent
from tests.canned import Script, World
from ytsb_tui.clock import SystemClock
from ytsb_tui.errors import Stopped
from ytsb_tui.events import Event, StageProgress, StageStarted
from ytsb_tui.glance import Glance
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.journal import Journal
from ytsb_tui.services.pdf.renderer import PdfRenderer
from ytsb_tui.settings import Settings
from ytsb_tui.ui.app import YtsbApp
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.news import MANY, portions
from ytsb_tui.usage import Usage
from ytsb_tui.watch import Watch

JOBS = int(os.environ.get("JOBS", "10_000"))
SIZE = (120, 40)
EVENTS = 1_000
"""Events a second."""
WORKERS = 8
SECONDS = 6.0
BATCH, BATCH_JOBS = 8.0, 96
"""Seconds a batch takes, and its jobs."""
ROUNDS = 7
QUERY = b"\x1b[?2026$p"
"""What Textual asks the terminal before it draws."""
PEERS = {"tl": (__file__,), "posting": (), "harlequin": ()}
"""Other apps on Textual (toolong is `tl`), for a look beside; never ours to depend on."""
BARE = """
from textual.app import App
from textual.widgets import DataTable
class Bare(App):
    def compose(self):
        yield DataTable()
Bare().run()
"""


def main() -> None:
    with TemporaryDirectory() as folder:
        vault = Path(folder) / "vault"
        fill(vault, JOBS)
        first_frame(vault)
        for measure in (memory, storm, storm_on_datatable, keeping_up, idle, filtering):
            # A process of its own each: what one imports or leaves behind is no cost of the next.
            subprocess.run([sys.executable, "-m", "tests.bench.bench_ui", measure.__name__, str(vault)], check=True)


def fill(vault: Path, number: int) -> None:
    """A vault of `number` finished, failed and a few queued jobs."""
    journal = Journal.open(vault, SystemClock())
    jobs = [finished(n, vault) for n in range(number)]
    journal.store.add(jobs)
    with journal.store._transaction() as sql:
        sql.executemany(
            "INSERT INTO checkpoint(job_id, stage, seconds, artifact) VALUES(?, ?, ?, ?)",
            ((job.video_id, stage, took, b"x" * 2_000) for job in jobs for stage, took in job.seconds.items()),
        )
        sql.execute("UPDATE job SET status='done'")
        sql.execute("UPDATE job SET status='failed' WHERE seq % 9 = 0")
    journal.close()


def finished(number: int, vault: Path) -> VideoProcessingJob:
    video_id = f"video{number:06}"
    usage = Usage(12_000, 3_000, 0, 12_000, 0.1)
    return VideoProcessingJob(
        video_id,
        f"https://www.youtube.com/watch?v={video_id}",
        subject=f"Subject {number % 12}",
        output_dir=vault,
        video_title=f"Lecture {number}: what entropy has to do with it",
        channel="A channel",
        duration=3_000.0,
        language="en",
        author="claude",
        model="claude-sonnet",
        concepts=("Entropy", "Information"),
        usage={Stage.NOTES: usage, Stage.ASSESSMENT: usage},
        seconds=dict(zip(Stage, (2.0, 14.0, 22.0, 0.1, 0.3, 3.0), strict=True)),
        notes_filepath=Path("Subject/Lecture.md"),
        notes_pdf_path=Path("Subject/pdfs/Lecture.pdf"),
        stage="completed",
        started_at=1.0,
        ended_at=2.0,
    )


def first_frame(vault: Path) -> None:
    """From exec to a full first frame in a pty, ours and a bare app's turn about."""
    ours = [sys.executable, "-m", "ytsb_tui", "--out", str(vault), "--author", "outline", "--no-pdf"]
    bare = [sys.executable, "-c", BARE]
    took: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(ROUNDS):
        took["ours"].append(until_drawn(ours, b"Lecture 8:"))
        took["bare"].append(until_drawn(bare, QUERY, settle=True))
    a, b = (min(times) for times in took.values())
    print(f"first frame with {JOBS:,} jobs: {a:.2f} s, a bare app {b:.2f} s: {a / b:.2f} x (target: at most 1.4)")
    for name, arguments in PEERS.items():
        program = shutil.which(name, path=os.environ.get("PEERS", os.defpath))
        if program is None:
            print(f"... {name}: not measured, PEERS names no folder it is installed in")
            continue
        try:
            times = [until_drawn([program, *map(str, arguments)], QUERY, settle=True) for _ in range(3)]
        except AssertionError as error:
            print(f"... {name}: not measured, {str(error)[-120:]}")
            continue
        print(f"... {name}: {min(times):.2f} s, {min(times) / b:.1f} x")


def until_drawn(command: list[str], mark: bytes, *, settle: bool = False) -> float:
    """Seconds until `mark` was printed (with `settle`: until its frame after that was)."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    began = time.perf_counter()
    program = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, start_new_session=True)
    os.close(child)
    seen, last = b"", began
    try:
        while time.perf_counter() - began < 60:
            if select.select([parent], [], [], 0.25)[0]:
                try:
                    seen += os.read(parent, 65_536)
                except OSError:  # it has ended
                    break
                if not settle and mark in seen:
                    return time.perf_counter() - began
                last = time.perf_counter()
            elif settle and mark in seen and len(seen) > 2_000:
                return last - began
    finally:
        program.kill()
        program.wait()
        os.close(parent)
    raise AssertionError(f"nothing was drawn: {seen[-500:]!r}")


def memory(vault: Path) -> None:
    """What the jobs of a vault add to the app, before anything heavy is imported."""
    before = resident()
    app = YtsbApp(Settings(out=vault))
    glance = Glance(vault)
    for portion in portions(glance, MANY):
        app.board.see(portion)
    app.view.arrange()
    app.view.prepare(JOBS)
    after = resident()
    print(f"memory of {JOBS:,} jobs: {after - before:.0f} MB (target: at most 60)")


def resident() -> float:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


class Counted(YtsbApp):
    """The app, counting what it sends to the terminal."""

    frames = 0

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        self.frames += 1


Measure = Callable[[Counted], Awaitable[None]]


async def with_app(vault: Path, measure: Measure, *, paused: bool = True) -> None:
    app = Counted(Settings(out=vault, author="outline", pdf=False, workers=WORKERS))
    if paused:
        app.session.pause()
    async with app.run_test(size=SIZE) as pilot:
        while not app.session.is_ready or app.board.unseen or app.view.is_preparing:
            await pilot.pause(0.05)
        await pilot.pause(2.0)
        await measure(app)


@contextmanager
def speaking(speak: Callable[[int], object]) -> Iterator[None]:
    """Threads that say something `EVENTS` times a second, all of them together."""
    over = threading.Event()

    def work(worker: int) -> None:
        number, began = 0, time.perf_counter()
        while not over.wait(max(0.0, began + number * WORKERS / EVENTS - time.perf_counter())):
            speak(number * WORKERS + worker)
            number += 1

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in range(WORKERS)]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()


@contextmanager
def exporting() -> Iterator[None]:
    """Two long notes being drawn all the time, by renderers as the app has them."""
    over = threading.Event()
    with TemporaryDirectory() as folder:
        renderer = PdfRenderer("obsidian", Path(folder), processes=2)

        def work(number: int) -> None:
            note = Path(folder) / f"{number}.md"
            note.write_text(NOTE, encoding="utf-8")
            while not over.is_set():
                with suppress(Stopped):
                    renderer.render(note, note.with_suffix(".pdf"), Silent())

        threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(2)]
        for thread in threads:
            thread.start()
        yield
        over.set()
        renderer.close()
        for thread in threads:
            thread.join()


async def lags(seconds: float) -> list[float]:
    """Milliseconds the event loop was late, looked at every 5 ms."""
    late = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        await asyncio.sleep(0.005)
        late.append((time.perf_counter() - began - 0.005) * 1000)
    return late


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def storm(vault: Path) -> None:
    """The event loop while eight workers say a thousand things a second."""

    async def measure(app: Counted) -> None:
        ids = list(app.board.rows)
        jobs = [finished(n, vault) for n in range(JOBS)]
        running = [replace(job, seconds={Stage.FETCH: 1.0}) for job in jobs]
        for worker in range(WORKERS):
            app.board.hear(StageStarted(running[worker], time.time(), Stage.NOTES, worker))

        def speak(number: int) -> None:
            worker = number % WORKERS
            job = running[(number * 7) % len(ids)]
            app.board.hear(StageProgress(job, time.time(), Stage.NOTES, worker, (number % 100) / 100, "words"))

        quiet = await lags(1.0)
        with speaking(speak), exporting():
            late = await lags(SECONDS)
            keys = [await key_to_screen(app) for _ in range(60)]
        print(
            f"{EVENTS:,} events/s, {JOBS:,} jobs, two PDFs being drawn: loop late by {p99(late):.1f} ms p99 "
            f"(target: at most 20; {p99(quiet):.1f} when nobody speaks), key to screen {p99(keys):.0f} ms p99 "
            f"(target: at most 60), {statistics.median(keys):.0f} at the median"
        )

    asyncio.run(with_app(vault, measure))


async def key_to_screen(app: Counted) -> float:
    """Milliseconds from a key to the cursor's line being drawn where it leads."""
    line = app.view.line
    began = time.perf_counter()
    app.simulate_key("down" if line < 20 else "home")
    while app.view.line == line:
        await asyncio.sleep(0)
    drawn = app.frames
    while app.frames == drawn:
        await asyncio.sleep(0)
    return (time.perf_counter() - began) * 1000


class Stock(App[None]):
    """The same rows in Textual's own table."""

    def __init__(self) -> None:
        super().__init__()
        self.news: dict[int, str] = {}

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        for name in ("status", "title", "subject", "w", "total", "tries", "cost", "error"):
            table.add_column(name, key=name)
        for n in range(JOBS):
            table.add_row("done", f"Lecture {n}", f"Subject {n % 12}", "1", "41s", "1", "$0.20", "", key=str(n))
        self.set_interval(1 / 12, self.draw)

    def draw(self) -> None:
        news, self.news = self.news, {}
        table = self.query_one(DataTable)
        for n, text in news.items():
            table.update_cell(str(n), "status", text)


def storm_on_datatable(vault: Path) -> None:
    """The same storm over a DataTable."""

    async def measure() -> None:
        app = Stock()
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(2.0)

            def speak(number: int) -> None:
                app.news[(number * 7) % JOBS] = f"notes {number % 100} %"

            with speaking(speak):
                late = await lags(SECONDS)
        print(f"... DataTable instead: loop late by {p99(late):.1f} ms p99")

    asyncio.run(measure())


class Ear(list[Event]):
    """Keeps nothing, and tells the board."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def append(self, event: Event) -> None:
        self._board.hear(event)


def keeping_up(vault: Path) -> None:
    """A batch of emulated stages, told to nobody and told to the app, turn about."""
    took: dict[str, list[float]] = {"headless": [], "app": []}

    def batch(board: Board | None) -> float:
        def stage(share: float) -> Script:
            def work(job: VideoProcessingJob, watch: Watch) -> None:
                for step in range(10):
                    time.sleep(share * BATCH / BATCH_JOBS * WORKERS / 10)
                    watch.progress(step / 10, "words")

            return work

        shares = dict(zip(Stage, (0.15, 0.3, 0.45, 0.01, 0.01, 0.08), strict=True))
        with TemporaryDirectory() as folder:
            world = World(Path(folder), {each: stage(share) for each, share in shares.items()}, limits=WIDE)
            if board is not None:
                world.events = Ear(board)
            return timed(world, BATCH_JOBS, WORKERS)

    async def measure(app: Counted) -> None:
        for _ in range(3):
            took["app"].append(await asyncio.to_thread(batch, app.board))

    for _ in range(3):
        took["headless"].append(batch(None))
    asyncio.run(with_app(vault, measure))
    a, b = (statistics.median(times) for times in (took["app"], took["headless"]))
    print(f"{BATCH_JOBS} jobs, {WORKERS} workers: {a / b - 1:+.1%} of the time with the app (target: at most +3 %)")


def idle(vault: Path) -> None:
    """The processor's time when nothing happens: with many jobs, and with workers that find none."""

    def measure(what: str) -> Measure:
        async def measured(app: Counted) -> None:
            await asyncio.sleep(2.0)
            before, began = time.process_time(), time.perf_counter()
            await asyncio.sleep(SECONDS)
            used = (time.process_time() - before) / (time.perf_counter() - began)
            print(f"idle with {what}: {used:.1%} of a processor (target: below 2 %)")

        return measured

    asyncio.run(with_app(vault, measure(f"{JOBS:,} jobs, paused")))
    with TemporaryDirectory() as empty:
        asyncio.run(with_app(Path(empty), measure(f"no job, {WORKERS} workers"), paused=False))


def filtering(vault: Path) -> None:
    """A letter typed into the filter."""

    async def measure(app: Counted) -> None:
        took = []
        typed = [text[:end] for text in ("entropy 12", "failed", "subject 3") for end in range(len(text) + 1)]
        for words in typed:
            began = time.perf_counter()
            app.view.filter(words, failed_only=False)
            app.main.table.rearranged()
            took.append((time.perf_counter() - began) * 1000)
        print(f"a letter in the filter, {JOBS:,} jobs: {max(took):.0f} ms at most (target: below 30)")

    asyncio.run(with_app(vault, measure))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        globals()[sys.argv[1]](Path(sys.argv[2]))
    else:
        main()

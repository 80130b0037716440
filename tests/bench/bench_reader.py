"""The reader: a 10-page note on the screen, and how long the event loop stands still meanwhile; Textual's own Markdown
widget beside it. The log screen: 50,000 attempts, of which the newest come first."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Markdown

from tests.ui.alone import Alone
from tests.unit.attempts import lines
from ytsb_tui.job_logger import JobLogger
from ytsb_tui.ui.screens.log import LogScreen
from ytsb_tui.ui.screens.reader import ReaderScreen
from ytsb_tui.ui.widgets.markdown_view import MarkdownView

PAGES = 10
ATTEMPTS = 50_000
PAGE = """
## Part {number}: hash tables

> [!info] Outline
> Made from the transcript without a language model: sentences are the speaker's own.

| Structure | Lookup | Insert |
|---|--:|--:|
| list | 10 | 1 |
| hash table | 1 | 1 |

""" + "\n".join(
    f"- **hash table {point}** – A hash table is a data structure that stores pairs of a *key* and a `value`, see "
    f"[[Caching|the lecture on caching]]. [12:{point:02}](https://youtu.be/dQw4w9WgXcQ?t={720 + point})"
    for point in range(20)
)  # fmt: skip


@dataclass
class Stall:
    """The longest time the event loop did not come round."""

    longest: float = 0.0
    own: float = 0.0
    """The longest CPU time of the loop's own thread: what is left of it on a machine without other load."""


@asynccontextmanager
async def watched() -> AsyncIterator[Stall]:
    """How long the event loop stands still during a block."""
    stall, ended = Stall(), False

    async def tick() -> None:
        before, worked = time.perf_counter(), time.thread_time()
        while not ended:
            await asyncio.sleep(0.001)
            now, cpu = time.perf_counter(), time.thread_time()
            stall.longest = max(stall.longest, now - before - 0.001)
            stall.own = max(stall.own, cpu - worked)
            before, worked = now, cpu

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.05)
    stall.longest = stall.own = 0.0
    yield stall
    ended = True
    await ticking


class Stock(App[None]):
    """Textual's own widget."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def compose(self) -> ComposeResult:
        yield VerticalScroll(Markdown())


async def spin(ready: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < until, "timed out"
        await asyncio.sleep(0.001)


async def ours(root: Path) -> tuple[float, Stall]:
    app = Alone(ReaderScreen(root, Path("Empty.md"), browse=bool))
    async with app.run_test(size=(120, 40)) as pilot:
        view = app.screen.query_one(MarkdownView)
        await spin(lambda: view.page.lines)
        await pilot.pause(0.2)
        async with watched() as stall:
            started = time.perf_counter()
            app.pop_screen()
            app.push_screen(ReaderScreen(root, Path("Long.md"), browse=bool))
            await spin(lambda: _lines(app) > 100)
            took = time.perf_counter() - started
            await asyncio.sleep(0.3)
    return took, stall


def _lines(app: App[Any]) -> int:
    return sum(len(view.page.lines) for view in app.screen.query(MarkdownView))


async def idle() -> Stall:
    """What the machine does to a loop that has nothing to do."""
    async with watched() as stall:
        await asyncio.sleep(1.0)
    return stall


async def stock(text: str) -> tuple[float, Stall]:
    app = Stock(text)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        async with watched() as stall:
            started = time.perf_counter()
            await app.query_one(Markdown).update(text)
            await pilot.pause()
            took = time.perf_counter() - started
            await asyncio.sleep(0.3)
    return took, stall


async def log(root: Path) -> tuple[float, float, Stall]:
    logger = JobLogger(root)
    logger.file.path.parent.mkdir(exist_ok=True)
    logger.file.rebuild(lines(ATTEMPTS))
    screen = LogScreen(logger)
    app = Alone(LogScreen(JobLogger(root / "none")))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        gc.collect()
        async with watched() as stall:
            started = time.perf_counter()
            app.push_screen(screen)
            await spin(lambda: screen.attempts.shown)
            first = time.perf_counter() - started
            await spin(lambda: screen.attempts.reading.whole and screen.attempts.shown)
            whole = time.perf_counter() - started
            await asyncio.sleep(0.3)
        await _filter(pilot, screen)
    return first, whole, stall


async def _filter(pilot: Pilot[Any], screen: LogScreen) -> None:
    started = time.perf_counter()
    screen.attempts.words = "captions"
    screen.attempts.arrange()
    print(f"a letter of the filter: {1000 * (time.perf_counter() - started):.0f} ms")


def main() -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        text = "# A long note\n" + "".join(PAGE.format(number=number) for number in range(PAGES))
        (root / "Long.md").write_text(text)
        (root / "Empty.md").write_text("# Short\n")
        took, stall = min((asyncio.run(ours(root)) for _ in range(3)), key=lambda run: run[1].own)
        stock_took, stock_stall = asyncio.run(stock(text))
        print(f"a note of {PAGES} pages, {len(text):,} characters")
        print(f"shown / by Textual's Markdown: {took / stock_took:.2f}, {took:.2f} s (target: at most 0.3 s)")
        print(f"longest stall / with Textual's Markdown: {stall.own / stock_stall.own:.2f}, {told(stall)}")
        first, whole, stall = asyncio.run(log(root))
        print(f"log of {ATTEMPTS:,} attempts: newest shown / all read: {first / whole:.2f}, {first:.2f} s")
        print(f"longest stall meanwhile: {told(stall)}")
        print(f"longest stall of an idle loop, for comparison: {told(asyncio.run(idle()))}")


def told(stall: Stall) -> str:
    return f"{1000 * stall.own:.0f} ms of CPU (target: at most 30 ms), {1000 * stall.longest:.0f} ms on this machine"


if __name__ == "__main__":
    main()

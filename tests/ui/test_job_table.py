"""How the main screen looks and moves: posted events and a clock that stands still, so that no picture flakes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.command import CommandList
from textual.widgets import Input, LoadingIndicator

from tests.canned import HandClock
from tests.ui.boards import SECONDS, AppPilot, failed, finish, hand_clock, job, opened, queue, until
from ytsb_tui.events import StageProgress, StageStarted
from ytsb_tui.job import Failure, Stage, Status
from ytsb_tui.settings import Settings
from ytsb_tui.ui.app import YtsbApp
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.screens.main import Main
from ytsb_tui.ui.widgets.lanes import Lanes
from ytsb_tui.usage import Usage

Snap = Callable[..., bool]

TITLES = (
    "Entropy: the second law in plain words",
    "Information theory I: what is a bit?",
    "情報理論入門：エントロピーとは何か",
    "[official video] Big-O [/b] notation",
    "Caching and the memory hierarchy",
    "How hash tables work",
    "Gradient descent step by step",
    "Linear algebra review",
    "The fast Fourier transform, the most ingenious algorithm ever?",
    "Maxwell's demon",
)
STREAM = "## Why the logarithm\n- Doubling the alphabet adds one bit to each symbol\n- So information is"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> YtsbApp:
    """The app on an empty vault whose workers begin nothing."""
    monkeypatch.chdir(tmp_path)
    settings = Settings(out=Path("Lectures"), author="outline", pdf=False, budget=5.0)
    return YtsbApp(settings, clock=hand_clock())


def busy(board: Board) -> None:
    """One of each: done, running in three stages, waiting for a retry, failed, cancelled, queued."""
    clock = board.clock
    assert isinstance(clock, HandClock)
    jobs = [job(n, title, subject=("Physics", "Computer_Science")[n % 2]) for n, title in enumerate(TITLES)]
    queue(board, *jobs)
    for number in (0, 1, 2):
        done = replace(
            jobs[number],
            usage={Stage.NOTES: Usage(12_000, 3_000, cost=0.21)},
            author="claude",
            model="claude-sonnet",
            notes_filepath=Path("Physics", "Entropy.md"),
            notes_pdf_path=Path("Physics", "pdfs", "Entropy.pdf"),
        )
        finish(board, done, number)
    running = (
        (3, Stage.NOTES, 0.62, STREAM),
        (4, Stage.ASSESSMENT, 0.2, "1,240 characters"),
        (5, Stage.FETCH, None, ""),
    )
    for worker, (number, stage, fraction, text) in enumerate(running):
        before = {each: took for each, took in SECONDS.items() if list(Stage).index(each) < list(Stage).index(stage)}
        it = replace(jobs[number], seconds=before, worker_id=worker)
        board.hear(StageStarted(it, clock.at - 12 + worker, stage, worker))
        board.hear(StageProgress(it, clock.at, stage, worker, fraction, text))
    patience = Failure(Stage.NOTES, "Busy", "Claude is overloaded.", "It is retried by itself.", True)
    again = replace(jobs[6], failure=patience, next_retry_at=clock.at + 754, seconds={Stage.FETCH: 1.9}, worker_id=1)
    queue(board, again, failed(jobs[7]), status=Status.FAILED)
    queue(board, jobs[8], status=Status.CANCELLED)


def shown(app: YtsbApp, *keys: str, jobs: bool = True, theme: str = "") -> Callable[[AppPilot], Awaitable[None]]:
    """What to do before the picture is taken."""

    async def play(pilot: AppPilot) -> None:
        app.session.pause()
        await until(pilot, lambda: app.session.is_ready)
        app.session.paused = False
        if jobs:
            busy(app.board)
            await until(pilot, lambda: len(app.view) == len(TITLES))
        if theme:
            app.theme = theme
        await pilot.press(*keys)
        app.main.redraw()
        await pilot.pause(0.3)

    return play


def test_an_empty_vault(snap_compare: Snap, app: YtsbApp) -> None:
    """Says what to do."""
    assert snap_compare(app, run_before=shown(app, jobs=False), terminal_size=(100, 24))


def test_a_busy_board(snap_compare: Snap, app: YtsbApp) -> None:
    """Every status, readable without colour; notes being written below."""
    assert snap_compare(app, run_before=shown(app, "down", "down", "down"), terminal_size=(140, 40))


def test_a_narrow_terminal(snap_compare: Snap, app: YtsbApp) -> None:
    """The essential columns in 80 by 24."""
    assert snap_compare(app, run_before=shown(app, "down"), terminal_size=(80, 24))


def test_a_wide_terminal(snap_compare: Snap, app: YtsbApp) -> None:
    """The job with the cursor stands beside the table."""
    assert snap_compare(app, run_before=shown(app, "space", "space"), terminal_size=(220, 48))


def test_a_light_theme(snap_compare: Snap, app: YtsbApp) -> None:
    """As legible as a dark one."""
    assert snap_compare(app, run_before=shown(app, theme="textual-light"), terminal_size=(120, 30))


def test_a_failure(snap_compare: Snap, app: YtsbApp) -> None:
    """The cause, and what to do about it."""
    assert snap_compare(app, run_before=shown(app, *["down"] * 7), terminal_size=(100, 30))


def test_help(snap_compare: Snap, app: YtsbApp) -> None:
    """Every key."""
    assert snap_compare(app, run_before=shown(app, "question_mark"), terminal_size=(100, 56))


def test_without_colour(snap_compare: Snap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR: shades of grey; glyphs and words say everything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    settings = Settings(out=Path("Lectures"), author="outline", pdf=False, budget=5.0)
    app = YtsbApp(settings, clock=hand_clock())
    assert snap_compare(app, run_before=shown(app, "down", "down", "down"), terminal_size=(100, 30))


def test_the_palette(snap_compare: Snap, app: YtsbApp) -> None:
    """Every key has an entry, with what it does."""

    async def play(pilot: AppPilot) -> None:
        await shown(app)(pilot)
        await pilot.press("ctrl+p", *"retry")
        found = app.screen.query_one(CommandList)
        await until(pilot, lambda: found.option_count == 2 and found.highlighted == 0)
        await until(pilot, lambda: not app.screen.query_one(LoadingIndicator).has_class("--visible"))
        app.screen.query_one(Input).cursor_blink = False
        await pilot.pause()

    assert snap_compare(app, run_before=play, terminal_size=(100, 30))


@pytest.mark.anyio
async def test_a_click_on_a_header_sorts_and_the_cursor_stays_on_its_job(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True, clock=hand_clock()) as (app, pilot):
        queue(app.board, job(1, "Charlie"), job(2, "Alpha"), job(3, "Bravo"))
        await until(pilot, lambda: len(app.view) == 3)
        await pilot.click("JobTable", offset=(20, 0))
        assert [row.title for row in map(app.view.row_at, range(3)) if row] == ["Alpha", "Bravo", "Charlie"]
        assert app.view.row
        assert app.view.row.title == "Charlie"
        await pilot.press("i")
        assert app.view.line == 0
        await pilot.press("less_than_sign", "less_than_sign")
        assert app.view.sort is None


@pytest.mark.anyio
async def test_a_click_takes_the_cursor_and_ctrl_marks(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True) as (app, pilot):
        queue(app.board, *(job(number) for number in range(5)))
        await until(pilot, lambda: len(app.view) == 5)
        await pilot.click("JobTable", offset=(20, 4))
        assert app.view.line == 3
        await pilot.click("JobTable", offset=(20, 2), control=True)
        assert app.view.marks == {"video-00001"}


@pytest.mark.anyio
async def test_the_lanes_lead_to_their_jobs(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True) as (app, pilot):
        queue(app.board, *(job(number) for number in range(50)))
        app.board.hear(StageStarted(job(40), app.board.clock.now(), Stage.FETCH, 1))
        await until(pilot, lambda: app.board.lanes)
        await pilot.pause(0.2)
        await pilot.click(Lanes, offset=(20, 1))
        await until(pilot, lambda: app.view.cursor == "video-00040")
        assert app.main.table.scroll_offset.y > 0


@pytest.mark.anyio
async def test_the_cursor_keeps_its_place_on_the_screen_when_lines_move_above_it(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True, clock=hand_clock()) as (app, pilot):
        queue(app.board, *(job(number, f"Lecture {number:03}") for number in range(200)))
        await until(pilot, lambda: len(app.view) == 200)
        table = app.main.table
        table.action_sort_next(2)
        table.put_cursor(100)
        await pilot.pause()
        place = app.view.line - table.scroll_offset.y
        queue(app.board, *(job(number, "Ahead of all") for number in range(300, 340)))
        await until(pilot, lambda: len(app.view) == 240)
        await pilot.pause()
        assert app.view.cursor == "video-00100"
        assert app.view.line - table.scroll_offset.y == place


@pytest.mark.anyio
async def test_many_workers_do_not_crowd_the_jobs_out(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True, workers=64, size=(80, 24)) as (app, pilot):
        lanes, table = app.screen.query_one(Lanes), app.main.table
        assert lanes.size.height <= 4
        assert table.size.height >= 8
        assert "more workers" in lanes.render_line(lanes.size.height - 1).text
        await pilot.resize_terminal(120, 50)
        await until(pilot, lambda: lanes.size.height == 8)


@pytest.mark.anyio
async def test_the_detail_pane_can_be_put_away(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True, size=(80, 24)) as (app, pilot):
        height = app.main.table.size.height
        await pilot.press("d")
        await until(pilot, lambda: app.main.table.size.height > height)
        assert isinstance(app.screen, Main)

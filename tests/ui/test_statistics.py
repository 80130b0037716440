"""The statistics screen: the log in charts that can be read without colour."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from tests.ui.alone import Alone, press, shown, shows, until
from tests.ui.test_log import EARLIER, log_of, snapshot_log
from tests.unit.attempts import attempt
from ytsb_tui.job_logger import JobLogger
from ytsb_tui.ui.plots import Bar, axis, bars, columns
from ytsb_tui.ui.screens.statistics import StatisticsScreen

pytestmark = pytest.mark.anyio


@pytest.fixture
def universal_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that lives in UTC, whatever the real one does."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


async def test_the_log_is_told_in_charts(tmp_path: Path) -> None:
    async with Alone(StatisticsScreen(log_of(tmp_path, 60))).run_test(size=(80, 60)) as pilot:
        await shows(pilot, "60 attempts   ✓ 48 done   ✗ 12 failed", "80.0% good", "an attempt", "done an hour of work")
        await shows(pilot, "Done in a minute", "Average time of a stage", "quiz ", "PDF ", "17%")
        await shows(pilot, "worker 0  20 · ", "worker 2  20 · ", "What went wrong", "Blocked ", "NoCaptions ")


async def test_wide_screens_show_charts_beside_each_other(tmp_path: Path) -> None:
    async with Alone(StatisticsScreen(log_of(tmp_path, 60))).run_test(size=(140, 40)) as pilot:
        await shows(pilot, "What went wrong")
        assert any("All attempts" in line and "Done in a minute" in line for line in shown(pilot).splitlines())


async def test_exits_and_countries_are_told_where_tor_was_used(tmp_path: Path) -> None:
    logger = JobLogger(tmp_path)
    logger.log_jobs_batch([replace(attempt(each, tmp_path), exit_node="", exit_address="") for each in range(10)])
    async with Alone(StatisticsScreen(logger)).run_test(size=(80, 60)) as pilot:
        await shows(pilot, "What went wrong")
        assert "Tor exits" not in shown(pilot)
        for number in range(10, 15):
            over = replace(attempt(number, tmp_path), exit_node="[b]heron", exit_address="192.0.2.7", exit_country="NL")
            logger.log_job(over)
        await shows(pilot, "Tor exits: attempts", "[b]heron 192.0.2.7  5 · ", "Their countries", "NL  5 · ", "80%")


async def test_what_does_not_fit_can_be_scrolled_to(tmp_path: Path) -> None:
    async with Alone(StatisticsScreen(log_of(tmp_path, 60))).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "All attempts")
        assert "What went wrong" not in shown(pilot)
        await press(pilot, ["j", "j", "k", "down"])
        await until(pilot, lambda: pilot.app.screen.query_one(VerticalScroll).scroll_offset.y == 2)
        await press(pilot, ["end"])
        await shows(pilot, "What went wrong")


async def test_the_figures_follow_the_log(tmp_path: Path) -> None:
    logger = JobLogger(tmp_path)
    async with Alone(StatisticsScreen(logger)).run_test() as pilot:
        await shows(pilot, "Nothing was logged yet.")
        logger.log_job(attempt(1, tmp_path))
        await shows(pilot, "1 attempt   ✓ 1 done")


async def test_a_damaged_log_says_so(tmp_path: Path) -> None:
    logger = log_of(tmp_path, 3)
    logger.file.path.write_bytes(b"[{")
    async with Alone(StatisticsScreen(logger)).run_test(size=(200, 24)) as pilot:
        await shows(pilot, "is damaged", "ytsb-tui log")


async def test_a_log_with_missing_fields_is_told_as_far_as_it_goes(tmp_path: Path) -> None:
    logger = JobLogger(tmp_path)
    nameless = {"video_id": "a", "error": "[bold]odd: x", "end_time": "never", "timings": {"write_files": "long"}}
    logger.file.path.write_text(json.dumps([{k: v for k, v in EARLIER.items() if k != "end_time"}, nameless]))
    async with Alone(StatisticsScreen(logger)).run_test(size=(80, 40)) as pilot:
        await shows(pilot, "2 attempts   ✓ 0 done   ✗ 2 failed", "No attempt says when it ended.")
        await shows(pilot, "No attempt was successful yet.", "unknown  2 · ", "Transcript error", "[bold]odd")


@pytest.mark.parametrize("size", [(20, 5), (250, 60)])
async def test_every_size_works(tmp_path: Path, size: tuple[int, int]) -> None:
    async with Alone(StatisticsScreen(log_of(tmp_path, 60))).run_test(size=size) as pilot:
        await shows(pilot, "All attempts")
        await pilot.resize_terminal(20, 5)
        await pilot.resize_terminal(*size)
        await shows(pilot, "All attempts")


async def test_escape_closes(tmp_path: Path) -> None:
    app = Alone(StatisticsScreen(log_of(tmp_path, 1)))
    async with app.run_test() as pilot:
        await press(pilot, ["escape"])
        await until(pilot, lambda: app.answers == [None])


def test_bars_are_to_scale_and_never_wider_than_they_may() -> None:
    chart = bars([Bar("first", 10.0, "10 s"), Bar("a second one", 5.0, "5 s"), Bar("none", 0.0, "0 s")], 40)
    lengths = [line.count("━") + line.count("╸") / 2 for line in chart.plain.splitlines()]
    assert lengths[0] == 2 * lengths[1] > 0
    assert lengths[2] == 0
    assert max(map(len, chart.plain.splitlines())) <= 40
    assert bars([], 40).plain == ""


def test_columns_grow_in_eighths_and_show_the_smallest_value() -> None:
    assert list(columns([0, 1, 8, 16], 2, 1)) == ["   █", " ▁██"]
    assert list(columns([0, 1, 1000], 1, 2)) == ["  ▁▁██"]
    assert list(columns([], 2, 1)) == ["", ""]


def test_labels_that_would_overlap_are_left_out() -> None:
    assert axis([(0, "Monday"), (3, "Tuesday"), (8, "Friday"), (18, "Sunday")], 20) == "Monday  Friday"


def test_the_statistics(snap_compare: Any, tmp_path: Path, universal_time: None) -> None:
    """All charts at the usual size; readable without colour."""

    async def play(pilot: Pilot[Any]) -> None:
        await shows(pilot, "What went wrong")

    assert snap_compare(Alone(StatisticsScreen(snapshot_log(tmp_path))), run_before=play, terminal_size=(120, 34))

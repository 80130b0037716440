"""Circuits on the screen: each key, what is shown, and what interrupts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.canned import HandClock
from tests.ui.alone import Alone, press, shown, shows
from tests.ui.alone import until as until_alone
from tests.ui.boards import AppPilot, hand_clock, job, opened, until
from tests.ui.tors import BUSY, READY, CannedTor, circuit
from ytsb_tui.circuits import Circuits, TorState
from ytsb_tui.events import CircuitMoved, StageStarted, TorChanged
from ytsb_tui.job import Stage
from ytsb_tui.ui.app import YtsbApp
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.exits import moved
from ytsb_tui.ui.notices import BURST, Notices
from ytsb_tui.ui.screens.circuits import CircuitsScreen
from ytsb_tui.ui.screens.main import Main
from ytsb_tui.ui.widgets.line_list import LineList

pytestmark = pytest.mark.anyio


def alone(tor: CannedTor) -> Alone:
    return Alone(CircuitsScreen(tor, hand_clock()))


def put(pilot: Pilot[Any], line: int) -> None:
    pilot.app.screen.query_one(LineList).put_cursor(line)


def toasts(app: YtsbApp) -> list[str]:
    return [notification.message for notification in app._notifications]


def move(worker: int, before: int, after: int, why: str = "asked", at: float = 0.0) -> CircuitMoved:
    return CircuitMoved(worker, circuit(worker, before), circuit(worker, after), why, at)


@asynccontextmanager
async def over_tor(out: Path, tor: CannedTor, clock: HandClock) -> AsyncIterator[tuple[YtsbApp, AppPilot]]:
    """The app with Tor in use, and one job that worker 1 fetches."""
    async with opened(out, clock=clock, paused=True, size=(160, 40)) as (app, pilot):
        assert app.session.engine is not None
        app.session.engine.tor = tor
        app.board.hear(StageStarted(job(1, "Entropy"), clock.now(), Stage.FETCH, 1))
        await until(pilot, lambda: app.view.row)
        app.main.redraw()
        await pilot.pause()
        yield app, pilot


async def test_everything_that_is_known_is_shown_at_the_usual_size() -> None:
    async with alone(CannedTor()).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "Tor 0.4.9.11 of our own, 1,204 exits", "2 in use, 1 ready, 2 resting")
        lines = shown(pilot).splitlines()
        first = next(line for line in lines if "quetzal" in line)
        assert first.split() == ["▸", "0", "quetzal", "192.0.2.10", "DE", "10:00", "12", "11", "1"]
        assert any(line.split()[:3] == ["ready", "[b]finch", "192.0.2.12"] for line in lines)
        assert any("· used" in line and "plover" in line and "12:34 left" in line for line in lines)
        assert any("✗ refused" in line and "swift" in line and "23:20:00 left" in line for line in lines)
        assert any("98% good" in line and "✓ 41" in line for line in lines)
        assert any("17% good" in line and "3 broke off" in line for line in lines)


async def test_wide_screens_show_the_path() -> None:
    async with alone(CannedTor()).run_test(size=(120, 24)) as pilot:
        await shows(pilot, "guard → middle0 → quetzal", "path")


async def test_a_tor_without_a_control_port_says_that_exits_cannot_be_known() -> None:
    state = TorState("ready", "A running Tor at 127.0.0.1:9050", origin="socks")
    tor = CannedTor(Circuits(state, (circuit(0, 0, exit=None, path=()),)))
    async with alone(tor).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "Exits cannot be known: this Tor has no control port.", "▸ 0       unknown")
        put(pilot, 1)
        await press(pilot, ["t"])
        assert tor.rotated == [0]


async def test_a_tor_that_starts_says_how_far_it_is() -> None:
    state = TorState("bootstrapping", "Tor is starting, 45 %", 0.45)
    async with alone(CannedTor(Circuits(state))).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "━━━━━", "Tor is starting, 45 %", "No worker has a circuit yet.")


async def test_t_is_for_the_line_s_worker_and_shift_t_for_all() -> None:
    tor = CannedTor()
    app = alone(tor)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "heron")
        await press(pilot, ["down", "t"])
        assert tor.rotated == [1]
        await press(pilot, ["T"])
        assert (tor.rotated, tor.rotated_all) == ([1], 1)
        await press(pilot, ["down", "t"])
        assert tor.rotated == [1]
        assert [each.message for each in app._notifications] == [
            "This line is no worker's circuit; T gives every worker another."
        ]
        await press(pilot, ["escape"])
        await until_alone(pilot, lambda: app.answers == [None])


async def test_it_follows_tor_and_the_cursor_stays_with_its_worker() -> None:
    tor = CannedTor()
    async with alone(tor).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "heron")
        await press(pilot, ["down"])
        tor.now = replace(BUSY, circuits=(circuit(0, 0), circuit(3, 3), circuit(1, 5)))
        await shows(pilot, "a-nickname-as-lon…")
        assert pilot.app.screen.query_one(LineList).cursor == 2
        await press(pilot, ["t"])
        assert tor.rotated == [1]


async def test_a_click_chooses_a_line() -> None:
    tor = CannedTor()
    async with alone(tor).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "heron")
        await pilot.click(LineList, offset=(5, 2))
        await press(pilot, ["t"])
        assert tor.rotated == [1]


async def test_nobody_asks_tor_while_another_screen_hides_it() -> None:
    tor = CannedTor()
    async with alone(tor).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "heron")
        await pilot.app.push_screen(CircuitsScreen(CannedTor(), hand_clock()))
        await pilot.pause()
        asked = tor.asked
        before = pilot.app.screen_stack[-2]
        assert isinstance(before, CircuitsScreen)
        before._look()
        assert tor.asked == asked


@pytest.mark.parametrize("size", [(20, 5), (250, 60)])
async def test_every_size_works(size: tuple[int, int]) -> None:
    async with alone(CannedTor()).run_test(size=size) as pilot:
        await shows(pilot, "quetz")
        await pilot.resize_terminal(20, 5)
        await pilot.resize_terminal(*size)
        await shows(pilot, "quetz")


@pytest.mark.parametrize("key", ["c", "t", "T"])
async def test_without_tor_the_keys_are_dimmed_and_say_why(tmp_path: Path, key: str) -> None:
    async with opened(tmp_path) as (app, pilot):
        actions = {"c": "circuits", "t": "circuit", "T": "circuit_all"}
        assert app.main.check_action(actions[key], ()) is None
        await pilot.press(key)
        await until(pilot, lambda: toasts(app) == ["Tor is not in use: videos are fetched directly."])
        assert isinstance(app.screen, Main)


async def test_with_tor_the_keys_do_what_they_say(tmp_path: Path) -> None:
    tor = CannedTor()
    async with over_tor(tmp_path, tor, hand_clock()) as (app, pilot):
        assert all(app.main.check_action(name, ()) for name in ("circuits", "circuit", "circuit_all"))
        await pilot.press("t")
        assert tor.rotated == [1]
        await pilot.press("T")
        assert tor.rotated_all == 1
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CircuitsScreen))
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Main))


async def test_t_on_a_job_that_nobody_works_on_says_so(tmp_path: Path) -> None:
    tor = CannedTor()
    async with opened(tmp_path, paused=True) as (app, pilot):
        assert app.session.engine is not None
        app.session.engine.tor = tor
        await pilot.press("t")
        await until(pilot, lambda: toasts(app) == ["No worker has this job now; c shows every worker's circuit."])
        assert tor.rotated == []


async def test_the_palette_has_them_all(tmp_path: Path) -> None:
    async with over_tor(tmp_path, CannedTor(), hand_clock()) as (app, _):
        entries = {entry.title: entry.help for entry in app.get_system_commands(app.screen)}
        assert {"Circuits", "New circuit", "All new circuits"} <= entries.keys()
        assert entries["New circuit"] == "Another Tor circuit for this worker"


async def test_the_summary_says_how_tor_is_and_lanes_say_where_workers_leave(tmp_path: Path) -> None:
    async with over_tor(tmp_path, CannedTor(), hand_clock()) as (app, pilot):
        app.board.hear(TorChanged(TorState("bootstrapping", "Tor is starting, 45 %", 0.45), 0.0))
        await until(pilot, lambda: "Tor is starting, 45 %" in shown(pilot))
        app.board.hear(TorChanged(READY, 0.0))
        app.board.hear(CircuitMoved(1, None, circuit(1, 1), "first", 0.0))
        await until(pilot, lambda: "Tor, 1,204 exits" in shown(pilot) and "heron FR" in shown(pilot))
        assert toasts(app) == []


async def test_a_burst_of_moves_is_one_toast(tmp_path: Path) -> None:
    clock = hand_clock()
    async with over_tor(tmp_path, CannedTor(), clock) as (app, pilot):
        for worker in (1, 0):
            app.board.hear(move(worker, worker, worker + 2))
        await until(pilot, lambda: app.main.notices.waits)
        clock.at += BURST
        await until(pilot, lambda: toasts(app))
        assert toasts(app) == [
            "2 workers have other circuits.\n"
            "0: quetzal (192.0.2.10, DE) → [b]finch (192.0.2.12, NL)\n"
            "1: heron (192.0.2.11, FR) → plover (192.0.2.13, SE)"
        ]


def test_one_move_is_told_with_its_reason() -> None:
    words = moved([move(3, 0, 1, "refused")])
    assert words == "Worker 3: quetzal (192.0.2.10, DE) → heron (192.0.2.11, FR) (refused)."
    again = moved([move(3, 0, 1), move(3, 1, 4, "1 h old")])
    assert again == "Worker 3: quetzal (192.0.2.10, DE) → swift (192.0.2.14) (1 h old)."


def test_many_moves_are_counted_and_unknown_exits_are_called_so() -> None:
    lines = moved([move(worker, 0, 1) for worker in range(10)]).splitlines()
    assert (lines[0], len(lines), lines[-1]) == ("10 workers have other circuits.", 10, "and 2 more")
    hidden = CircuitMoved(2, circuit(2, 0, exit=None), circuit(2, 1, exit=None), "asked", 0.0)
    assert moved([hidden]) == "Worker 2: another circuit, whose exit cannot be known (asked)."


def test_a_lost_tor_interrupts_once() -> None:
    notices = Notices(Board(hand_clock()))
    lost = TorChanged(TorState("lost", "Tor has ended; jobs wait while it is started again."), 0.0)
    assert [notice.severity for notice in notices.take([lost, lost])] == ["warning"]
    assert notices.take([TorChanged(READY, 0.0)]) == []
    assert len(notices.take([lost])) == 1


def test_the_circuits(snap_compare: Any) -> None:
    """Workers, ready ones, resting exits and scores at the usual size; readable without colour."""

    async def play(pilot: Pilot[Any]) -> None:
        await shows(pilot, "quetzal")

    assert snap_compare(alone(CannedTor()), run_before=play, terminal_size=(80, 24))


def test_the_circuits_on_a_wide_screen(snap_compare: Any) -> None:
    """With the path of every circuit."""

    async def play(pilot: Pilot[Any]) -> None:
        await shows(pilot, "quetzal")

    assert snap_compare(alone(CannedTor()), run_before=play, terminal_size=(140, 20))

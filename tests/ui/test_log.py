"""The log screen: every attempt of any program, live, and a retry for each."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.alone import Alone, press, shown, shows, until
from tests.unit.attempts import attempt, line, lines
from ytsb_tui.job_logger import JobLogger
from ytsb_tui.ui.log_reading import entry_of, read_all, read_newest, read_on
from ytsb_tui.ui.screens.log import LogScreen

pytestmark = pytest.mark.anyio

EARLIER = {
    "video_id": "dQw4w9WgXcQ",
    "video_title": "An early one",
    "success": False,
    "error": "Transcript error: subtitles are disabled",
    "stage": "fetching_transcript",
    "timings": {"fetch_transcript": 1.5},
    "processing_duration": 1.6,
    "end_time": "2024-03-05T10:11:12",
}
"""As the log of an earlier tool has it: a few fields, another layout."""


def log_of(root: Path, number: int) -> JobLogger:
    logger = JobLogger(root)
    logger.log_jobs_batch([attempt(each, root) for each in range(number)])
    return logger


def screen(app: Alone) -> LogScreen:
    assert isinstance(app.alone, LogScreen)
    return app.alone


def titles(pilot: Pilot[Any]) -> list[str]:
    """The numbers of the lectures that are listed, from top to bottom."""
    app = pilot.app
    assert isinstance(app, Alone)
    return [each.title.split("Vorlesung ")[1].split()[0] for each in screen(app).attempts.shown]


async def loaded(pilot: Pilot[Any], number: int) -> None:
    app = pilot.app
    assert isinstance(app, Alone)
    await until(pilot, lambda: screen(app).attempts.reading.whole and len(screen(app).attempts) == number)


async def test_every_attempt_is_listed_the_newest_first(tmp_path: Path) -> None:
    async with Alone(LogScreen(log_of(tmp_path, 12))).run_test(size=(140, 40)) as pilot:
        await shows(pilot, "12 attempts", "✗ fetch", "✗ notes", "✓ done", "The video has no captions.")
        assert titles(pilot) == [str(number) for number in reversed(range(12))]


async def test_the_attempt_with_the_cursor_is_told_in_full(tmp_path: Path) -> None:
    async with Alone(LogScreen(log_of(tmp_path, 5))).run_test(size=(140, 34)) as pilot:
        await shows(
            pilot,
            "Vorlesung 4",
            "took",
            "worker 1",
            "YouTube refused 185.220.101.7: 429 Too Many Requests.",
            "→ Wait until",
        )
        await press(pilot, ["down"])
        await shows(pilot, "✓ done  ", "quiz ", "PDF ", "claude-sonnet-4-5", "66.4k tokens")
        assert "→" not in shown(pilot)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("~nobody-of-this-name/x.csv", "Nothing can be written there: Could not determine home directory."),
        ("x" * 300 + ".csv", "Nothing can be written there: File name too long."),
    ],
)
async def test_a_spreadsheet_where_none_can_be_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    app = Alone(LogScreen(log_of(tmp_path, 3)))
    async with app.run_test(size=(120, 30)) as pilot:
        await loaded(pilot, 3)
        await press(pilot, ["e"])
        app.screen.query_one("#ask", Input).value = name
        await press(pilot, ["enter"])
        await shows(pilot, f"{words} Choose another name.")


async def test_the_log_is_not_replaced_by_its_spreadsheet(tmp_path: Path) -> None:
    logger = log_of(tmp_path, 3)
    before = logger.file.path.read_bytes()
    app = Alone(LogScreen(logger))
    async with app.run_test(size=(240, 30)) as pilot:
        await loaded(pilot, 3)
        await press(pilot, ["e"])
        app.screen.query_one("#ask", Input).value = str(logger.file.path)
        await press(pilot, ["enter", "enter"])
        await shows(pilot, "is the log itself. Choose another name for the spreadsheet.")
    assert logger.file.path.read_bytes() == before


async def test_the_log_of_the_earlier_tool_is_shown_and_can_be_retried(tmp_path: Path) -> None:
    logger = JobLogger(tmp_path)
    logger.file.path.write_text(json.dumps([{"video_id": "aaaaaaaaaaa"}, EARLIER, {}], indent=2))
    app = Alone(LogScreen(logger))
    async with app.run_test(size=(110, 30)) as pilot:
        await shows(pilot, "3 attempts", "an attempt without a name", "aaaaaaaaaaa", "2024-03-05 10:11", "An early one")
        await press(pilot, ["r", "down", "r", "end", "r"])
        await shows(pilot, "✗ failed")
        await until(pilot, lambda: len(app.retried) == 2)
        await press(pilot, ["up"])
        await shows(pilot, "Transcript error: subtitles are disabled", "fetch         1.5s")
    assert app.retried == [("dQw4w9WgXcQ",), ("aaaaaaaaaaa",)]


async def test_a_filter_narrows_with_every_letter_and_escape_widens_it(tmp_path: Path) -> None:
    async with Alone(LogScreen(log_of(tmp_path, 20))).run_test() as pilot:
        await loaded(pilot, 20)
        await press(pilot, ["slash", *"CAPTIONS"])
        await shows(pilot, "2 of 20 attempts", "with “CAPTIONS”")
        await press(pilot, [*" vorlesung 9", "enter"])
        assert titles(pilot) == ["19", "9"]
        await press(pilot, ["slash", *"0000", "enter"])
        assert titles(pilot) == []
        await press(pilot, ["escape"])
        await loaded(pilot, 20)


async def test_what_is_looked_for_may_stand_in_the_error_or_the_stage(tmp_path: Path) -> None:
    async with Alone(LogScreen(log_of(tmp_path, 20))).run_test() as pilot:
        await loaded(pilot, 20)
        await press(pilot, ["slash", *"refused notes", "enter"])
        assert titles(pilot) == ["14", "4"]


async def test_f_shows_failures_only_and_keeps_the_cursor_on_its_attempt(tmp_path: Path) -> None:
    app = Alone(LogScreen(log_of(tmp_path, 20)))
    async with app.run_test() as pilot:
        await loaded(pilot, 20)
        await press(pilot, ["down"] * 5)
        assert screen(app).lines.cursor == 5
        await press(pilot, ["f"])
        await shows(pilot, "4 of 20 attempts", "failed only")
        assert titles(pilot) == ["19", "14", "9", "4"]
        assert screen(app).lines.cursor == 1
        await press(pilot, ["f"])
        assert screen(app).lines.cursor == 5


async def test_r_retries_what_is_marked_else_what_has_the_cursor(tmp_path: Path) -> None:
    app = Alone(LogScreen(log_of(tmp_path, 20)))
    async with app.run_test() as pilot:
        await loaded(pilot, 20)
        await press(pilot, ["r"])
        await shows(pilot, "1 job to be tried again.")
        await press(pilot, ["f", "space", "space", "space", "up", "space"])
        await shows(pilot, "2 marked", "◆ ")
        await press(pilot, ["escape"])
        assert "marked" not in shown(pilot)
        await press(pilot, ["f", "home", "space", "space", "r"])
        await shows(pilot, "2 jobs to be tried again.")
        await until(pilot, lambda: len(app.retried) == 2)
    assert app.retried == [("v0000000019",), ("v0000000014", "v0000000019")]


async def test_a_video_with_two_marked_attempts_is_retried_once(tmp_path: Path) -> None:
    logger = log_of(tmp_path, 1)
    logger.file.append([line(1), line(1).replace(b'"logged_at":"', b'"logged_at":"2')])
    app = Alone(LogScreen(logger))
    async with app.run_test() as pilot:
        await loaded(pilot, 3)
        await press(pilot, ["space", "space", "r"])
        await until(pilot, lambda: app.retried)
    assert app.retried == [("v0000000001",)]


async def test_the_spreadsheet_is_written_where_the_user_says(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "all.csv"
    async with Alone(LogScreen(log_of(tmp_path, 7))).run_test(size=(160, 24)) as pilot:
        await loaded(pilot, 7)
        await press(pilot, ["e"])
        ask = pilot.app.screen.query_one("#ask", Input)
        assert ask.value == str(tmp_path / "processing_log.csv")
        ask.value = str(target)
        await press(pilot, ["enter"])
        await shows(pilot, "7 attempts written to")
        assert pilot.app.focused is pilot.app.screen.query_one("#attempts")
        await press(pilot, ["e"])
        ask.value = str(target)
        await press(pilot, ["enter"])
        await shows(pilot, "exists; enter again replaces it.")
        await press(pilot, ["enter"])
        await shows(pilot, "7 attempts written to")
    assert len(list(csv.reader(target.read_text(encoding="utf-8-sig").splitlines()))) == 8


async def test_a_spreadsheet_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with Alone(LogScreen(log_of(tmp_path, 2))).run_test(size=(160, 24)) as pilot:
        await loaded(pilot, 2)
        await press(pilot, ["e"])
        pilot.app.screen.query_one("#ask", Input).value = str(tmp_path / "file" / "x.csv")
        await press(pilot, ["enter"])
        await shows(pilot, "The system refused (writing ")


async def test_escape_asks_no_further_and_writes_nothing(tmp_path: Path) -> None:
    app = Alone(LogScreen(log_of(tmp_path, 2)))
    async with app.run_test() as pilot:
        await loaded(pilot, 2)
        await press(pilot, ["e", "escape", "escape"])
        await until(pilot, lambda: app.answers == [None])
    assert not list(tmp_path.glob("*.csv"))


async def test_what_another_process_adds_appears_and_the_cursor_stays_on_its_attempt(tmp_path: Path) -> None:
    logger = log_of(tmp_path, 30)
    app = Alone(LogScreen(logger))
    async with app.run_test() as pilot:
        await loaded(pilot, 30)
        await press(pilot, ["down"] * 3)
        JobLogger(tmp_path).log_jobs_batch([attempt(each, tmp_path) for each in (30, 31)])
        await loaded(pilot, 32)
        assert titles(pilot)[:3] == ["31", "30", "29"]
        assert titles(pilot)[screen(app).lines.cursor] == "26"
        await shows(pilot, "32 attempts", "Vorlesung 26")


async def test_a_log_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    logger = JobLogger(tmp_path)
    logger.file.append(lines(10))
    app = Alone(LogScreen(logger))
    async with app.run_test() as pilot:
        await loaded(pilot, 10)
        await press(pilot, ["down"])
        logger.file.rebuild([line(50), *lines(10), line(51)])
        await loaded(pilot, 12)
        assert titles(pilot)[screen(app).lines.cursor] == "8"
        assert logger.clear_log()
        await shows(pilot, "Nothing was logged yet.")


async def test_a_log_that_is_missing_or_empty_says_so_and_fills_later(tmp_path: Path) -> None:
    logger = JobLogger(tmp_path)
    async with Alone(LogScreen(logger)).run_test() as pilot:
        await shows(pilot, "Nothing was logged yet.")
        await press(pilot, ["r", "space", "down", "f", "f"])
        logger.log_job(attempt(1, tmp_path))
        await shows(pilot, "1 attempt", "Vorlesung 1")


@pytest.mark.parametrize("content", [b"", b"[{", b"{}", b'[\n{"video_id":"a"}\n', b"\xff\xfe\x00"])
async def test_a_damaged_log_says_so_and_what_mends_it(tmp_path: Path, content: bytes) -> None:
    logger = JobLogger(tmp_path)
    logger.file.path.write_bytes(content)
    async with Alone(LogScreen(logger)).run_test(size=(200, 24)) as pilot:
        await shows(pilot, "is damaged", "ytsb-tui log")
        await press(pilot, ["r", "space", "f", "e", "enter"])
        await shows(pilot, "is damaged")


async def test_a_log_that_is_damaged_while_it_is_shown_keeps_what_was_read(tmp_path: Path) -> None:
    logger = log_of(tmp_path, 4)
    async with Alone(LogScreen(logger)).run_test(size=(200, 24)) as pilot:
        await loaded(pilot, 4)
        logger.file.path.write_bytes(b"[{")
        await shows(pilot, "is damaged", "Vorlesung 3")


async def test_a_long_log_shows_its_newest_attempts_before_the_rest_is_read(tmp_path: Path) -> None:
    logger = JobLogger(tmp_path)
    logger.file.append(lines(3_000))
    newest = read_newest(logger.file.path)
    assert newest is not None
    assert not newest.whole
    assert 50 < len(newest.attempts) < 500
    assert [each.identity for each in newest.attempts[-2:]] == [
        each.identity for each in read_all(logger).attempts[-2:]
    ]
    assert entry_of(logger, newest.attempts[-1])["video_id"] == "v0000002999"
    app = Alone(LogScreen(logger))
    async with app.run_test() as pilot:
        await loaded(pilot, 3_000)
        assert titles(pilot)[:2] == ["2999", "2998"]
        assert len(app.screen.query("*")) < 30


def test_what_was_appended_is_read_alone_and_anything_else_is_noticed(tmp_path: Path) -> None:
    logger = JobLogger(tmp_path)
    logger.file.append(lines(5))
    before = read_all(logger)
    logger.file.append([line(5), line(6)])
    after = read_on(logger.file.path, before)
    assert after is not None
    assert [each.id for each in after.attempts] == [each.id for each in read_all(logger).attempts]
    assert after.end == read_all(logger).end
    assert entry_of(logger, after.attempts[-1])["video_id"] == "v0000000006"
    logger.file.rebuild([*reversed(lines(7)), line(8)])
    assert read_on(logger.file.path, after) is None


async def test_text_from_outside_is_shown_as_it_is(tmp_path: Path) -> None:
    logger = JobLogger(tmp_path)
    evil = {
        **EARLIER,
        "video_title": "[b]Title[/b] \u202eevil\x1b[2J",
        "error": "[/] \n[red]x",
        "advice": "[@click=quit()]",
    }
    logger.file.path.write_text(
        json.dumps([evil, {"video_id": ["no", {"text": 1}], "timings": [], "files_created": 3}])
    )
    async with Alone(LogScreen(logger)).run_test(size=(120, 30)) as pilot:
        await shows(pilot, "2 attempts")
        await press(pilot, ["end"])
        await shows(pilot, "[b]Title[/b] evil", "[/] [red]x", "→ [@click=quit()]")


@pytest.mark.parametrize("size", [(20, 5), (80, 24), (160, 40), (250, 60)])
async def test_every_size_works(tmp_path: Path, size: tuple[int, int]) -> None:
    async with Alone(LogScreen(log_of(tmp_path, 9))).run_test(size=size) as pilot:
        await loaded(pilot, 9)
        await shows(pilot, "9 attempts", "✓")
        await pilot.resize_terminal(20, 5)
        await pilot.resize_terminal(*size)
        await shows(pilot, "9 attempts", "✓")


async def test_the_mouse_moves_the_cursor(tmp_path: Path) -> None:
    app = Alone(LogScreen(log_of(tmp_path, 9)))
    async with app.run_test() as pilot:
        await loaded(pilot, 9)
        await pilot.click("#attempts", offset=(10, 4))
        assert screen(app).lines.cursor == 3


@pytest.mark.parametrize(
    ("keys", "line"), [(["end"], 39), (["G", "g"], 0), (["pagedown", "up"], 10), (["j", "j", "k"], 1), (["up"], 0)]
)
async def test_keys_move_the_cursor(tmp_path: Path, keys: Sequence[str], line: int) -> None:
    app = Alone(LogScreen(log_of(tmp_path, 40)))
    async with app.run_test(size=(80, 24)) as pilot:
        await loaded(pilot, 40)
        await press(pilot, keys)
        assert screen(app).lines.cursor == line


async def test_every_key_has_an_id_and_says_what_it_does(tmp_path: Path) -> None:
    async with Alone(LogScreen(log_of(tmp_path, 1))).run_test() as pilot:
        ours = [active.binding for active in pilot.app.screen.active_bindings.values() if active.binding.id]
        assert {"log.retry", "log.mark", "log.filter", "log.failed", "log.export"} <= {each.id for each in ours}
        assert all(each.tooltip for each in ours if each.id and each.id.split(".")[0] in ("log", "lines"))


def snapshot_log(root: Path) -> JobLogger:
    """A log whose times do not depend on where the test runs."""
    logger = JobLogger(root)
    for number in range(40):
        entry = json.loads(line(number))
        at = f"2025-10-09T{8 + number // 6:02}:{number % 6}3:00.000+02:00"
        entry |= {"start_time": at, "end_time": at, "logged_at": at}
        entry["video_title"] = f"Lecture {number + 1}: " + ("Entropy", "Hash tables", "Caching [official]")[number % 3]
        logger.file.append([json.dumps(entry).encode()])
    return logger


def test_the_log(snap_compare: Any, tmp_path: Path) -> None:
    """Done, failed and marked attempts, and the story of one; readable without colour."""

    async def play(pilot: Pilot[Any]) -> None:
        await loaded(pilot, 40)
        await press(pilot, ["space", "down", "down", "down", "down"])
        await shows(pilot, "→ ")

    assert snap_compare(Alone(LogScreen(snapshot_log(tmp_path))), run_before=play, terminal_size=(120, 34))

"""The Add dialog: every line is accounted for before anything is queued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button, Input, TextArea

from tests.ui.alone import Alone, press, shown, shows, until
from ytsb_tui.job import Status
from ytsb_tui.samples import samples
from ytsb_tui.ui.screens.add import Added, AddScreen
from ytsb_tui.ui.widgets.line_list import LineList

pytestmark = pytest.mark.anyio

LIST = """\
Week 3: information theory
https://www.youtube.com/watch?v=aircAruvnKk
1. Huffman coding https://youtu.be/B3y0RsVCyrw?t=12
https://www.youtube.com/watch?v=aircAruvnKk&feature=share
https://www.youtube.com/playlist?list=PLZHQObOWTQDNU6R1_67000Dx_ZCJB-3pi
https://vimeo.com/76979871
dQw4w9WgXcQ
https://youtu.be/v0000000001 https://youtu.be/v0000000002
https://youtu.be/tooshort
"""
KNOWN = {"dQw4w9WgXcQ": Status.DONE, "v0000000001": Status.RUNNING, "v0000000002": Status.FAILED}


def dialog(text: str = "", base: Path = Path()) -> Alone:
    return Alone(AddScreen(text, base=base, known=KNOWN.get, subjects=["Computer Science", "Information Theory"]))


def screen(app: Alone) -> AddScreen:
    assert isinstance(app.alone, AddScreen)
    return app.alone


async def understood(pilot: Pilot[Any], number: int) -> None:
    app = pilot.app
    assert isinstance(app, Alone)
    await until(pilot, lambda: len(screen(app).understood) == number)


async def test_each_line_says_what_becomes_of_it() -> None:
    app = dialog(LIST)
    async with app.run_test(size=(140, 40)) as pilot:
        await understood(pilot, 10)
        await shows(
            pilot,
            "+ 3 new",
            "↻ 1 again",
            "✗ 2 refused",
            "= 1 duplicate",
            "✓ 1 done already",
            "▸ 1 running",
            "– 1 no link",
        )
        lines = [" ".join(line.strip(" │▌").split()) for line in shown(pilot).splitlines()]
        assert "1 – no link Week 3: information theory" in lines
        assert "4 = duplicate https://www.youtube.com/watch?v=aircAruvnKk&feature=share as on line 2" in lines
        assert any(line.startswith("5 + new https://www.youtube.com/playlist") and "playlist" in line for line in lines)
        assert "6 ✗ refused https://vimeo.com/76979871 vimeo.com is not YouTube." in lines
        assert "7 ✓ done already dQw4w9WgXcQ" in lines
        assert app.screen.query_one("#queue", Button).label == "Queue 4"


async def test_after_a_paste_enter_queues_and_the_subject_is_offered() -> None:
    app = dialog(LIST)
    async with app.run_test() as pilot:
        await understood(pilot, 10)
        await press(pilot, [*"inf", "right", "enter"])
        await until(pilot, lambda: app.answers)
    (added,) = app.answers
    assert isinstance(added, Added)
    assert added.subject == "Information Theory"
    assert [source.id for source in added.sources][:2] == ["aircAruvnKk", "B3y0RsVCyrw"]
    assert {source.kind for source in added.sources} == {"video", "playlist"}


@pytest.mark.parametrize("key", ["ctrl+s", "ctrl+enter"])
async def test_a_key_queues_from_the_text_where_enter_begins_a_line(key: str) -> None:
    app = dialog()
    async with app.run_test() as pilot:
        await press(pilot, "dQw4w9WgXcQ")
        await press(pilot, ["enter", *"aircAruvnKk", key])
        await until(pilot, lambda: app.answers)
    assert [source.id for source in app.answers[0].sources] == ["dQw4w9WgXcQ", "aircAruvnKk"]


async def test_what_is_typed_just_before_queuing_is_queued_too() -> None:
    app = dialog("https://youtu.be/dQw4w9WgXcQ\n")
    async with app.run_test() as pilot:
        await understood(pilot, 1)
        app.screen.query_one(TextArea).insert("https://youtu.be/aircAruvnKk")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.answers)
    assert len(app.answers[0].sources) == 2


async def test_the_button_queues() -> None:
    app = dialog(LIST)
    async with app.run_test() as pilot:
        await understood(pilot, 10)
        await pilot.click("#queue")
        await until(pilot, lambda: app.answers)
    assert isinstance(app.answers[0], Added)


@pytest.mark.parametrize("how", ["escape", "button"])
async def test_closing_queues_nothing(how: str) -> None:
    app = dialog(LIST)
    async with app.run_test() as pilot:
        await understood(pilot, 10)
        await (pilot.press("escape") if how == "escape" else pilot.click("#close"))
        await until(pilot, lambda: app.answers)
    assert app.answers == [None]


async def test_where_nothing_can_be_queued_the_dialog_stays() -> None:
    app = dialog("just some words\n")
    async with app.run_test() as pilot:
        await understood(pilot, 1)
        assert app.screen.query_one("#queue", Button).disabled
        await press(pilot, ["enter", "ctrl+s"])
        assert not app.answers
        assert "– 1 no link" in shown(pilot)


async def test_dropped_files_are_understood_however_the_terminal_writes_them(tmp_path: Path) -> None:
    first, second, third = samples()
    spaced = tmp_path / "my lecture.vtt"
    spaced.write_bytes(third.read_bytes())
    text = f"'{first}'\nfile://{second}\n{str(spaced).replace(' ', chr(92) + ' ')}\n"
    app = dialog(text)
    async with app.run_test() as pilot:
        await understood(pilot, 3)
        await press(pilot, ["enter"])
        await until(pilot, lambda: app.answers)
    assert [source.url for source in app.answers[0].sources] == [str(first), str(second), str(spaced)]


async def test_relative_files_start_at_the_base(tmp_path: Path) -> None:
    (tmp_path / "talk.vtt").write_bytes(samples()[0].read_bytes())
    app = dialog("talk.vtt", tmp_path)
    async with app.run_test() as pilot:
        await understood(pilot, 1)
        assert "+ 1 new" in shown(pilot)


async def test_a_list_pasted_into_the_subject_joins_the_list_and_a_subject_does_not() -> None:
    app = dialog("https://youtu.be/dQw4w9WgXcQ")
    async with app.run_test() as pilot:
        await understood(pilot, 1)
        subject = app.screen.query_one("#subject", Input)
        app.post_message(events.Paste("https://youtu.be/aircAruvnKk\nhttps://youtu.be/B3y0RsVCyrw"))
        await understood(pilot, 3)
        assert subject.value == ""
        app.post_message(events.Paste("Physics"))
        await until(pilot, lambda: subject.value == "Physics")


async def test_a_file_dropped_on_a_button_joins_the_list() -> None:
    app = dialog("https://youtu.be/dQw4w9WgXcQ")
    async with app.run_test() as pilot:
        await understood(pilot, 1)
        app.screen.query_one("#close").focus()
        app.post_message(events.Paste(f"'{samples()[0]}'"))
        await understood(pilot, 2)


async def test_a_paste_of_5000_lines_loses_nothing() -> None:
    ids = [f"v{number:010}" for number in range(5_000)]
    app = dialog()
    async with app.run_test() as pilot:
        app.post_message(events.Paste("".join(f"https://youtu.be/{each}\n" for each in ids)))
        await understood(pilot, 5_000)
        assert len(app.screen.query("*")) < 60
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.answers)
    assert [source.id for source in app.answers[0].sources] == ids


async def test_f8_goes_from_one_refused_line_to_the_next() -> None:
    app = dialog(LIST)
    async with app.run_test() as pilot:
        await understood(pilot, 10)
        lines, text = app.screen.query_one(LineList), app.screen.query_one(TextArea)
        seen = []
        for _ in range(3):
            await press(pilot, ["f8"])
            seen.append((screen(app).understood.items[lines.cursor].line, text.cursor_location[0] + 1))
        assert seen == [(6, 6), (9, 9), (6, 6)]


async def test_text_from_outside_is_shown_as_it_is() -> None:
    app = dialog("[/b] [link=x]\u202eevil\x1b[31m https://vimeo.com/[bold]\n")
    async with app.run_test(size=(140, 40)) as pilot:
        await understood(pilot, 1)
        assert "https://vimeo.com/" in shown(pilot).split("refused", 1)[1]


@pytest.mark.parametrize("size", [(20, 5), (80, 24), (250, 60)])
async def test_every_size_works(size: tuple[int, int]) -> None:
    app = dialog(LIST)
    async with app.run_test(size=size) as pilot:
        await understood(pilot, 10)
        await pilot.resize_terminal(20, 5)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert "new" in shown(pilot)


def test_the_dialog_with_refused_lines(snap_compare: Any) -> None:
    """Each kind of line; what was refused says why; readable without colour."""

    async def play(pilot: Pilot[Any]) -> None:
        await understood(pilot, 10)
        app.screen.query_one("#subject", Input).cursor_blink = False

    app = dialog(LIST)
    assert snap_compare(app, run_before=play, terminal_size=(100, 30))


def test_the_dialog_before_anything_is_pasted(snap_compare: Any) -> None:
    """Says what to paste; nothing can be queued yet."""

    async def play(pilot: Pilot[Any]) -> None:
        await shows(pilot, "Nothing to add yet.")
        app.screen.query_one(TextArea).cursor_blink = False

    app = dialog()
    assert snap_compare(app, run_before=play, terminal_size=(80, 24))

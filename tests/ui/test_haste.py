"""Somebody in a hurry: keys and clicks that come before a screen is there, or after it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style
from textual import events
from textual.css.query import NoMatches
from textual.widgets import Button, Input, TextArea

from tests.ui.boards import AppPilot, opened, until
from tests.ui.test_app import captions, screen_text, statuses, toasts, vault_with_failures
from ytsb_tui.ui.app import YtsbApp
from ytsb_tui.ui.screens.add import AddScreen
from ytsb_tui.ui.screens.confirm import Confirm
from ytsb_tui.ui.screens.main import Main
from ytsb_tui.ui.screens.palette import Commands, Palette

pytestmark = pytest.mark.anyio


def at_once(app: YtsbApp, *keys: str) -> None:
    """Press keys, none of which waits for what the one before does."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def pasted(app: YtsbApp, pilot: AppPilot, text: str) -> AddScreen:
    """The Add dialog, which has understood a text."""
    app.post_message(events.Paste(text))
    await until(pilot, lambda: isinstance(app.screen, AddScreen) and app.screen.understood.items)
    assert isinstance(app.screen, AddScreen)
    return app.screen


async def test_enter_pressed_twice_in_the_add_dialog_queues_once_and_closes_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "vault", paused=True) as (app, pilot):
        dialog = await pasted(app, pilot, captions(tmp_path / "in", "heap")[0].url)
        subject = dialog.query_one("#subject", Input)
        for _ in range(2):
            dialog.post_message(Input.Submitted(subject, ""))
        await until(pilot, lambda: list(statuses(app).values()) == ["queued"])
        assert app.screen is app.main
        await until(pilot, lambda: toasts(app))
        assert toasts(app) == ["1 job queued."]


async def test_a_second_click_on_an_answer_answers_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        answers: list[bool | None] = []
        for question in ("Leave?", "Really?"):
            app.push_screen(Confirm(question, "", "Yes"), answers.append)
            await until(pilot, lambda question=question: question in screen_text(app))  # type: ignore[misc]
        button = app.screen.query_one("#yes", Button)
        for _ in range(2):
            app.screen.post_message(Button.Pressed(button))
        await until(pilot, lambda: "Leave?" in screen_text(app))
        assert answers == [True]


@pytest.mark.parametrize("lines", [2, 8, 30])
async def test_a_list_can_be_taken_back_and_put_again(tmp_path: Path, lines: int) -> None:
    text = "\n".join(f"https://youtu.be/lect{number:07}" for number in range(lines))
    async with opened(tmp_path, paused=True) as (app, pilot):
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AddScreen))
        field = app.screen.query_one(TextArea)
        app.post_message(events.Paste(text))
        await until(pilot, lambda: field.text == text)
        for keys, left in ((["ctrl+z"], ""), (["ctrl+y"], text), (["f7", "backspace"], ""), (["ctrl+z"], text)):
            await pilot.press(*keys)
            await until(pilot, lambda left=left: field.text == left)  # type: ignore[misc]
        assert isinstance(app.screen, AddScreen)


async def test_what_is_drawn_may_be_clicked_in_the_moment_it_goes_away(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa")
    async with opened(tmp_path, paused=True) as (app, pilot):
        await until(pilot, lambda: "Nothing was said." in screen_text(app))
        gone = app.screen.query_one("#facts")
        parent, (x, y) = gone.parent, gone.region.offset
        assert parent is not None
        gone._detach()
        app.post_message(events.MouseDown(None, x, y, 0, 0, 1, False, False, False, x, y))
        await until(pilot, lambda: app.mouse_position == (x, y))
        gone._attach(parent)


async def test_a_double_click_beside_the_palette_closes_the_palette_alone(tmp_path: Path) -> None:
    async with opened(tmp_path / "vault", paused=True) as (app, pilot):
        dialog = await pasted(app, pilot, captions(tmp_path / "in", "heap")[0].url)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, Palette))
        for _ in range(2):
            app.screen.post_message(events.Click(app.screen, 0, 39, 0, 0, 1, False, False, False, 0, 39))
        await until(pilot, lambda: app.screen is dialog)
        await pilot.pause()
        assert app.screen is dialog


async def test_enter_pressed_twice_in_the_palette_runs_a_command_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await pilot.press("ctrl+p", *"more work")
        palette = app.screen
        assert isinstance(palette, Palette)
        found = palette.query_one(Commands)
        await until(pilot, lambda: found.option_count == 1 and found.highlighted == 0)
        for _ in range(3):
            palette.post_message(Input.Submitted(palette.query_one(Input), ""))
        await until(pilot, lambda: isinstance(app.screen, Main))
        await pilot.pause()
        assert app.session.workers == 3


async def test_the_palettes_list_may_be_paged_and_clicked_before_it_is_drawn(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await pilot.press("ctrl+p")
        found = app.screen.query_one(Commands)
        await until(pilot, lambda: found.option_count > 20 and found.highlighted is not None)
        found._index_to_line.clear()
        found._move_page(-1)
        found._move_page(1)
        x, y = found.region.offset
        gone = events.Click(found, 0, 0, 0, 0, 1, False, False, False, x, y, Style(meta={"option": 999}))
        found.post_message(gone)
        await pilot.pause()
        assert isinstance(app.screen, Palette)


async def test_opening_and_closing_at_once_leaves_everything_as_it_was(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa")
    async with opened(tmp_path, paused=True) as (app, pilot):
        for key in ("a", "l", "s", "question_mark", "ctrl+p", "ctrl+r"):
            at_once(app, key, "escape", key, "escape", "escape")
            await pilot.pause()
            await until(pilot, lambda: isinstance(app.screen, Main))


async def test_a_key_that_comes_before_its_screen_is_whole_waits_for_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        for action in ("next_refused", "close"):
            app.main.add("nothing")
            await app.run_action(action, app.screen)
        await until(pilot, lambda: isinstance(app.screen, AddScreen))
        await app.run_action("close", app.screen)
        await until(pilot, lambda: isinstance(app.screen, Main))


async def test_what_is_pressed_after_leaving_does_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        at_once(app, "ctrl+c", "escape", "a", "l", "slash", "f")
        app.exit()
        app.call_later(app.query_one, "#nothing")  # as a key does that comes when the screens are taken away
    assert app.return_code == 0
    assert app.return_value is None


async def test_a_widget_that_is_missing_is_told_while_nobody_leaves(tmp_path: Path) -> None:
    async def look_for_nothing() -> None:
        async with opened(tmp_path) as (app, pilot):
            app.call_later(app.query_one, "#nothing")
            await pilot.pause()

    with pytest.raises(NoMatches):
        await look_for_nothing()

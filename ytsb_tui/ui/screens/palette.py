"""The command palette: Textual's, which bears being hurried."""

from __future__ import annotations

from contextlib import suppress

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette
from textual.worker import Worker

from ytsb_tui.ui.screens.steady import Steady


class Commands(CommandList):
    """The list of commands, which may have changed since it was drawn last."""

    _is_decided = False

    def action_select(self) -> None:
        """Choose the command with the cursor; a second enter on its way chooses nothing more."""
        if self.highlighted is not None and not self._is_decided:
            self._is_decided = True
            super().action_select()

    def _move_page(self, direction: int) -> None:
        with suppress(KeyError):  # none of its lines was drawn yet
            super()._move_page(direction)  # type: ignore[arg-type]  # -1 or 1, as Textual names it

    async def _on_click(self, event: events.Click) -> None:
        event.prevent_default()
        with suppress(IndexError):  # what was clicked is not there any more
            await super()._on_click(event)


class Palette(Steady, CommandPalette):
    """Commands to choose from by a few of their letters."""

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            yield Commands() if isinstance(widget, CommandList) else widget

    def dismiss(self, result: object = None) -> AwaitComplete:
        """Close, and forget what was chosen: a second enter would choose it again."""
        self.call_next(setattr, self, "_selected_command", None)
        return super().dismiss(result)

    def _gather_commands(self, search_value: str) -> Worker[None] | None:  # type: ignore[override]
        # Letters may come after the key that closes it.
        return super()._gather_commands(search_value) if self.is_active else None

"""A question before something that cannot be taken back by the same key."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from ytsb_tui.ui.screens.steady import Steady

LOOK = 1.0
"""Seconds between two looks at whether there is still something to ask."""


class Confirm(Steady, ModalScreen[bool]):
    """Asks, and is dismissed with whether the answer is yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no"),
        Binding("left,right", "app.focus_next", "Other answer", show=False),
    ]

    def __init__(
        self,
        question: str,
        detail: str,
        yes: str,
        no: str = "Keep going",
        while_true: Callable[[], bool] | None = None,
    ) -> None:
        """`while_true` says whether there is still something to ask; once there is not, the answer is no."""
        super().__init__()
        self._while_true = while_true
        self._question, self._detail, self._yes, self._no = question, detail, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(self._question, id="question", markup=False)
            yield Static(self._detail, id="explanation", markup=False)
            with Horizontal(id="answers"):
                yield Button(f"{self._yes}  y", variant="primary", id="yes")
                yield Button(f"{self._no}  n", id="no")

    def on_mount(self) -> None:
        if self._while_true is not None:
            self.set_interval(LOOK, self._look)

    def _look(self) -> None:
        if self._while_true and not self._while_true():
            self.dismiss(False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer by key."""
        self.dismiss(answer)

"""What every screen bears: clicks and keys that come too late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete
from textual.geometry import Offset
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.screen import Screen

    Base = Screen[Any]
else:
    Base = object  # no widget of its own: Textual takes the style of a screen from its first base that is one


class Steady(Base):
    """A screen that somebody in a hurry cannot break."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close, with this result; only while it is on top.

        A second click or enter is on its way already when the first closes it,
        and would close the screen below, or end the app where there is none.
        """
        return super().dismiss(result) if self.is_active else AwaitComplete.nothing()  # type: ignore[no-untyped-call]

    def get_widget_and_offset_at(self, x: int, y: int) -> tuple[Widget | None, Offset | None]:
        """What was drawn there, unless it is gone since: a message that was clicked in the moment it went away."""
        widget, offset = super().get_widget_and_offset_at(x, y)
        return (None, None) if widget is not None and widget.parent is None else (widget, offset)

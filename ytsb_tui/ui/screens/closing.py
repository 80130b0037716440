"""Closing: every screen closes once, however often that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete

if TYPE_CHECKING:
    from textual.screen import Screen

    Base = Screen[Any]
else:
    Base = object  # no widget of its own: Textual takes the style of a screen from its first base that is one


class ClosesOnce(Base):
    """A screen that lets itself be closed while it is on top only.

    A second click or enter is on its way already when the first closes it, and
    would close the screen below, or end the app where there is none.
    """

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close, with this result."""
        return super().dismiss(result) if self.is_active else AwaitComplete.nothing()  # type: ignore[no-untyped-call]

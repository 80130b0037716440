"""Lines with a cursor: what the job table and every other list have in common."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual import events
from textual.scroll_view import ScrollView


class CursorLines(ScrollView, can_focus=True):
    """Any number of lines of which only the visible ones are drawn; one has the cursor, one may be pointed at."""

    ALLOW_SELECT = False
    STYLES: ClassVar[str]
    """What the names of its component classes begin with."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 as Textual calls it
        super().__init__(id=id)
        self._hovered = -1
        self._styles: dict[str, Style] = {}

    @property
    def cursor(self) -> int:
        """The line with the cursor."""
        raise NotImplementedError

    @property
    def number(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    @property
    def top(self) -> int:
        """How many lines the header takes."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """Cells of a line, beside the scrollbar."""
        return self.scrollable_content_region.width

    def put_cursor(self, line: int) -> None:
        """Put the cursor on a line, or on the nearest there is, and have it seen."""
        before = self.cursor
        self._go(line)
        self._repaint(before)
        self._repaint(self.cursor)
        self._reveal()
        self._told(before)

    def _go(self, line: int) -> None:
        """Have the cursor on this line."""
        raise NotImplementedError

    def _told(self, before: int) -> None:
        """Say that the cursor has moved from a line, if it has."""
        raise NotImplementedError

    def _reveal(self) -> None:
        line, first, height = self.cursor, self.scroll_offset.y, self.size.height - self.top
        if height > 0 and not first <= line < first + height:
            target = line if line < first else line - height + 1
            self.scroll_to(y=target, animate=False, force=True, immediate=True)

    def _repaint(self, line: int) -> None:
        self.refresh_lines(line + self.top, 1)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()

    def style(self, name: str) -> Style:
        """One of its styles in the current theme."""
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"{self.STYLES}--{name}")
        return self._styles[name]

    def line_at(self, y: int) -> int:
        """The line that is shown at a height; -1 for the header."""
        return y - self.top + self.scroll_offset.y if y >= self.top else -1

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover(self.line_at(event.y))

    def on_leave(self) -> None:
        self._hover(-1)

    def _hover(self, line: int) -> None:
        before, self._hovered = self._hovered, line
        if line != before:
            self._repaint(before)
            self._repaint(line)

    def action_move(self, by: int) -> None:
        """Move the cursor by lines."""
        self.put_cursor(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by screenfuls."""
        self.put_cursor(self.cursor + by * max(1, self.size.height - self.top - 1))

    def action_go(self, line: int) -> None:
        """Put the cursor on the first line, or (-1) on the last."""
        self.put_cursor(line if line >= 0 else self.number - 1)

"""A list of lines: a cursor over any number of them, of which only the visible ones are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from ytsb_tui.ui.lines import TONES, Lines, Piece
from ytsb_tui.ui.widgets.cursor_lines import CursorLines


class LineList(CursorLines):
    """Lines with a cursor; thousands of them cost no more than a screenful."""

    STYLES = "lines"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"lines--{name}" for name in ("line", "cursor", "blurred-cursor", "hover", *TONES)
    }
    DEFAULT_CSS = """
    LineList {
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > .lines--cursor {
            background: $block-cursor-background; color: $block-cursor-foreground;
            text-style: $block-cursor-text-style;
        }
        & > .lines--blurred-cursor {
            background: $block-cursor-blurred-background; color: $block-cursor-blurred-foreground;
            text-style: $block-cursor-blurred-text-style;
        }
        & > .lines--hover { background: $block-hover-background; }
        & > .lines--header { color: $text-muted; text-style: bold; }
        & > .lines--quiet { color: $text-muted; }
        & > .lines--busy { color: $text-accent; }
        & > .lines--good { color: $text-success; }
        & > .lines--bad { color: $text-error; }
        & > .lines--wait { color: $text-warning; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="lines.up", tooltip="One line up"),
        Binding("down,j", "move(1)", "Down", show=False, id="lines.down", tooltip="One line down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="lines.page_up", tooltip="One page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="lines.page_down", tooltip="One page down"),
        Binding("home,g", "go(0)", "First", show=False, id="lines.first", tooltip="To the first line"),
        Binding("end,G", "go(-1)", "Last", show=False, id="lines.last", tooltip="To the last line"),
    ]  # fmt: skip

    class Moved(Message):
        """The cursor is on another line. Posted by the list."""

    def __init__(self, lines: Lines, *, id: str | None = None) -> None:  # noqa: A002 as Textual calls it
        super().__init__(id=id)
        self._lines = lines
        self._cursor = 0

    @property
    def cursor(self) -> int:
        return self._cursor

    @property
    def number(self) -> int:
        return len(self._lines)

    @property
    def top(self) -> int:
        return 0 if self._lines.header(self.width) is None else 1

    def changed(self, cursor: int) -> None:
        """Draw other lines, with the cursor where it was on the screen if that can be."""
        before = self.cursor - self.scroll_offset.y
        self._go(cursor)
        self._fit()
        if 0 <= before < self.size.height - self.top:
            self.scroll_to(y=max(0, self.cursor - before), animate=False, force=True, immediate=True)
        self._reveal()
        self.refresh()

    def _go(self, line: int) -> None:
        self._cursor = max(0, min(line, len(self._lines) - 1))

    def _told(self, before: int) -> None:
        if self.cursor != before:
            self.post_message(self.Moved())

    def _fit(self) -> None:
        self.virtual_size = Size(self.width, len(self._lines) + self.top)

    def on_resize(self) -> None:
        self._fit()
        self._reveal()

    def render_line(self, y: int) -> Strip:
        """One line of the screen; Textual asks only for those that need painting."""
        width, ground = self.width, self.style("line")
        header = self._lines.header(width)
        if header is not None and y == 0:
            return self._strip(header, self.style("line"), width)
        line = self.line_at(y)
        if line >= len(self._lines):
            return Strip.blank(width, ground)
        if line == self.cursor:
            ground = self.style("cursor" if self.has_focus else "blurred-cursor")
        elif line == self._hovered:
            ground = self.style("hover")
        return self._strip(self._lines.pieces(line, width), ground, width)

    def _strip(self, pieces: Iterable[Piece], ground: Style, width: int) -> Strip:
        is_cursor = ground == self.style("cursor")
        segments = []
        for tone, text in pieces:
            style = ground
            if tone and not is_cursor:
                style += Style(color=self.style(tone).color, bold=self.style(tone).bold)
            segments.append(Segment(text, style))
        return Strip(segments).adjust_cell_length(width, ground)

    def on_click(self, event: events.Click) -> None:
        if 0 <= (line := self.line_at(event.y)) < len(self._lines):
            self.put_cursor(line)

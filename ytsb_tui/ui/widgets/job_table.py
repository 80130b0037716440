"""The job table: one line per job, drawn from the board."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from ytsb_tui.clock import Clock
from ytsb_tui.job import Status
from ytsb_tui.ui.columns import GAP, STATUS, Place, arrange
from ytsb_tui.ui.format import fit
from ytsb_tui.ui.row import Row
from ytsb_tui.ui.view import View
from ytsb_tui.ui.widgets.cursor_lines import CursorLines

MOST_KEPT = 2_000
"""Lines that are kept drawn."""
EMPTY = "Paste links, a list or caption files, or press a."
MARK = "◆"
TONES = ("quiet", "busy", "good", "bad", "wait")


class JobTable(CursorLines):
    """One line per job, drawn from the board.

    Events change the board; the table repaints the lines the board says have
    changed, ten times a second. So the cost is per frame and per visible
    line: never per event, never per job.
    """

    STYLES = "table"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--sorted",
        "table--cursor",
        "table--blurred-cursor",
        "table--hover",
        "table--line",
        *(f"table--{tone}" for tone in TONES),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up", tooltip="One job up"),
        Binding("down,j", "move(1)", "Down", show=False, id="table.down", tooltip="One job down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page_up", tooltip="One page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page_down", tooltip="One page down"),
        Binding("home,g", "go(0)", "First", show=False, id="table.first", tooltip="The first job"),
        Binding("end,G", "go(-1)", "Last", show=False, id="table.last", tooltip="The last job"),
        Binding("less_than_sign", "sort_next(-1)", "Sort by the column to the left", show=False, id="table.sort_left",
                tooltip="Sort by the column to the left"),
        Binding("greater_than_sign", "sort_next(1)", "Sort by the column to the right", show=False,
                id="table.sort_right", tooltip="Sort by the column to the right"),
        Binding("i", "reverse", "Reverse the order", show=False, id="table.reverse",
                tooltip="Sort the other way round"),
    ]  # fmt: skip

    class Moved(Message):
        """The cursor is on another job, posted by the table."""

    class Opened(Message):
        """A job was double-clicked, posted by the table."""

    def __init__(self, view: View, clock: Clock) -> None:
        super().__init__(id="jobs")
        self.view = view
        self._clock = clock
        self._places: tuple[Place, ...] = ()
        self._arranged_for = 0
        self._kept: dict[str, tuple[object, Strip]] = {}
        self._shown: tuple[int, int] = (0, 0)

    @property
    def cursor(self) -> int:
        return self.view.line

    @property
    def number(self) -> int:
        return len(self.view)

    @property
    def top(self) -> int:
        return 1

    def on_mount(self) -> None:
        self.rearranged()

    def draw(self, changed: Iterable[str], *, ticked: bool) -> None:
        """Repaint the visible lines of these jobs, and of those that change by the passing of time."""
        before = self.view.line
        if self.view.update(changed):
            self._follow(before)
            self.rearranged()
            return
        lines = {line for video_id in changed if (line := self.view.line_of(video_id)) is not None}
        top = self.scroll_offset.y
        for line in range(top, top + self.size.height - 1):
            if line in lines or (ticked and (row := self.view.row_at(line)) and _ticks(row)):
                self._repaint(line)

    def rearranged(self) -> None:
        """Draw everything anew: the view shows other rows, or in another order."""
        self.virtual_size = Size(self.width, len(self.view) + 1)
        self.refresh()
        self._told()

    def _follow(self, before: int) -> None:
        """Keep the cursor at its place on the screen when its job's line changed."""
        top = self.scroll_offset.y
        if top <= before < top + self.size.height - 1 and top and self.view.line != before:
            self.scroll_to(y=top + self.view.line - before, animate=False, force=True, immediate=True)

    def _go(self, line: int) -> None:
        self.view.go(line)

    def _told(self, before: int = -1) -> None:
        shown = (hash(self.view.cursor), len(self.view))
        if shown != self._shown:
            self._shown = shown
            self.post_message(self.Moved())

    def on_resize(self) -> None:
        self.rearranged()
        self._reveal()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._kept.clear()

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        self._kept.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen; Textual asks only for those that need painting."""
        width = self.width
        if width != self._arranged_for:
            self._arranged_for, self._places = width, arrange(width)
        if y == 0:
            return self._header(width)
        line = self.line_at(y)
        row = self.view.row_at(line)
        if row is None:
            return self._nothing(y, width)
        now = self._clock.now()
        marked = row.id in self.view.marks
        key = row.version, line == self.view.line, line == self._hovered, marked, width, _ticks(row) and int(now)
        kept = self._kept.get(row.id)
        if kept is not None and kept[0] == key:
            return kept[1]
        strip = self._line(row, now, marked, self._ground(line)).adjust_cell_length(width, self._ground(line))
        if len(self._kept) > MOST_KEPT:
            self._kept.clear()
        self._kept[row.id] = key, strip
        return strip

    def _nothing(self, y: int, width: int) -> Strip:
        """Where no job is; where none is at all, what to do about it."""
        words = ""
        if not len(self.view) and y == max(1, self.size.height // 3):
            words = "No job matches. Escape shows all." if self.view.board.rows else EMPTY
        return Strip([Segment(words.center(width)[:width], self.style("quiet"))]).adjust_cell_length(
            width, self.style("line")
        )

    def _ground(self, line: int) -> Style:
        if line == self.view.line:
            return self.style("cursor" if self.has_focus else "blurred-cursor")
        return self.style("hover" if line == self._hovered else "line")

    def _header(self, width: int) -> Strip:
        segments = []
        for place in self._places:
            column = place.column
            is_sorted = column is self.view.sort
            title = column.title + ("▾▴"[not self.view.reverse] if is_sorted else "")
            style = self.style("sorted" if is_sorted else "header")
            margin = " " if column is STATUS else ""
            segments += [
                Segment(margin + fit(title, place.width - len(margin), right=column.right), style),
                Segment(" " * GAP, self.style("header")),
            ]
        return Strip(segments).adjust_cell_length(width, self.style("header"))

    def _line(self, row: Row, now: float, marked: bool, ground: Style) -> Strip:
        badge = row.badge(now)
        tone = self.style(badge.tone)
        is_cursor = ground in (self.style("cursor"), self.style("blurred-cursor"))
        segments = []
        for place in self._places:
            column = place.column
            text = column.text(row, now)
            if column is STATUS:
                text = (MARK if marked else " ") + text
            style = ground
            if not is_cursor:
                if column is STATUS or (column.name == "error" and row.status is Status.FAILED):
                    style = ground + Style(color=tone.color)
                elif column.name != "title":
                    style = ground + Style(color=self.style("quiet").color)
                    if text.startswith("▸"):
                        style = ground + Style(color=tone.color)
            segments.append(Segment(fit(text, place.width, right=column.right) + " " * GAP, style))
        return Strip(segments)

    def on_click(self, event: events.Click) -> None:
        """The header sorts, a line takes the cursor, twice opens, with ctrl marks."""
        if event.y == 0:
            self._sort_at(event.x)
            return
        line = self.line_at(event.y)
        if (row := self.view.row_at(line)) is None:
            return
        self.put_cursor(line)
        if event.ctrl:
            self.view.mark(row.id)
            self._repaint(line)
        elif event.chain == 2:
            self.post_message(self.Opened())

    def _sort_at(self, x: int) -> None:
        for place in self._places:
            if place.left <= x < place.left + place.width + GAP:
                self.view.sort_by(place.column)
        self._reveal()
        self.rearranged()

    def _hover(self, line: int) -> None:
        if line != self._hovered:
            row = self.view.row_at(line)
            self.tooltip = Content(row.title) if row is not None and len(row.title) > 40 else None
        super()._hover(line)

    def action_sort_next(self, by: int) -> None:
        """Sort by the next column to the right or left; beyond the edge, in the natural order."""
        shown = [None, *(place.column for place in self._places)]
        here = shown.index(self.view.sort) if self.view.sort in shown else 0
        self.view.sort_by(shown[(here + by) % len(shown)])
        self._reveal()
        self.rearranged()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.view.reverse = not self.view.reverse
        self.view.arrange()
        self._reveal()
        self.rearranged()


def _ticks(row: Row) -> bool:
    return row.live is not None or row.retry_at is not None

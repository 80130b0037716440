"""A Markdown view: a note to scroll through, search, and follow links in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from ytsb_tui.ui.page import Link, Page, Spot

MEASURE = 88
"""Cells of the longest line; longer ones are hard to read."""
SETTLED = 0.06
"""Seconds without a further change of size before a note is drawn anew."""
PREFIX = "markdown--"


class MarkdownView(ScrollView, can_focus=True):
    """A note, drawn in a thread and scrolled by lines, so that a long one holds up nothing."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        PREFIX + name
        for name in (
            *("h1", "h2", "h3", "strong", "em", "s", "code", "mark", "quiet", "web", "note"),
            *("info", "good", "wait", "bad", "focus", "hit", "hit-here"),
        )
    }
    DEFAULT_CSS = """
    MarkdownView {
        padding: 0 1;
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > .markdown--h1 { color: $text-primary; text-style: bold; }
        & > .markdown--h2 { color: $text-accent; text-style: bold; }
        & > .markdown--h3, & > .markdown--strong { text-style: bold; }
        & > .markdown--em { text-style: italic; }
        & > .markdown--s { text-style: strike; }
        & > .markdown--code { color: $text-warning; }
        & > .markdown--mark { color: $text-warning; text-style: bold; }
        & > .markdown--quiet { color: $text-muted; }
        & > .markdown--web { color: $text-secondary; text-style: underline; }
        & > .markdown--note { color: $text-primary; text-style: underline; }
        & > .markdown--info { color: $text-primary; }
        & > .markdown--good { color: $text-success; }
        & > .markdown--wait { color: $text-warning; }
        & > .markdown--bad { color: $text-error; }
        & > .markdown--focus { text-style: reverse; }
        & > .markdown--hit { color: $text-warning; text-style: bold underline; }
        & > .markdown--hit-here { color: $text-warning; text-style: bold reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="reader.up", tooltip="One line up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="reader.down", tooltip="One line down"),
        Binding("pageup,b", "page_up", "Page up", show=False, id="reader.page_up", tooltip="One page up"),
        Binding("pagedown,space", "page_down", "Page down", show=False, id="reader.page_down",
                tooltip="One page down"),
        Binding("home,g", "scroll_home", "Top", show=False, id="reader.top", tooltip="To the beginning"),
        Binding("end,G", "scroll_end", "End", show=False, id="reader.end", tooltip="To the end"),
        Binding("n", "next(1)", "Next", id="reader.next", tooltip="The next link; while searching, the next place"),
        Binding("N", "next(-1)", "Previous", show=False, id="reader.previous",
                tooltip="The link before; while searching, the place before"),
        Binding("enter", "follow", "Follow", id="reader.follow", tooltip="Follow the link that is marked"),
    ]  # fmt: skip

    @dataclass
    class Drawn(Message):
        """A note is drawn. Posted from the thread that drew it."""

        number: int
        page: Page
        place: float | None

    class Settled(Message):
        """The note, or what is marked in it, is another. Posted by the view."""

    @dataclass
    class Followed(Message):
        """A link was clicked or chosen by key. Posted by the view."""

        link: Link

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self.hits: Sequence[tuple[Spot, ...]] = ()
        """Where the words are that were searched for."""
        self.hit: int | None = None
        """Which of them was gone to last."""
        self.link: int | None = None
        """The link that is marked."""
        self.unfolded: frozenset[int] = frozenset()
        """The callouts that were opened, by their line in the source."""
        self._hits_on: dict[int, list[int]] = {}
        self._text: str | None = None
        self._words = ""
        self._number = 0
        self._width = 0
        self._timer: Timer | None = None

    def show(self, text: str, place: float = 0.0, unfolded: frozenset[int] = frozenset()) -> None:
        """Show a note, from this place on."""
        self._text, self._words = text, ""
        self.unfolded, self.link = unfolded, None
        self._draw(place)

    def clear(self) -> None:
        """Show nothing."""
        self._text = None
        self._number += 1
        self._take(Page(), 0.0)

    def search(self, words: str) -> None:
        """Mark every place with these words, and go to the first from here on."""
        self._words, self.link = words, None
        self._find()
        here = self.scroll_offset.y
        first = next((number for number, spots in enumerate(self.hits) if spots[0].line >= here), 0)
        self.hit = None
        self._go_to_hit(first)
        self.refresh()

    def _find(self) -> None:
        self.hits = self.page.find(self._words)
        self._hits_on = {}
        for number, spots in enumerate(self.hits):
            for spot in spots:
                self._hits_on.setdefault(spot.line, []).append(number)

    @property
    def place(self) -> float:
        """The place that is shown at the top."""
        return self.page.place_of(self.scroll_offset.y)

    def _draw(self, place: float | None) -> None:
        """Have a thread draw the note; the place at the top is kept where none is named."""
        text, width, unfolded = self._text, min(MEASURE, self._room), self.unfolded
        if text is None or width <= 0:
            return
        self._number, self._width = self._number + 1, width
        number = self._number
        styles = {name.removeprefix(PREFIX): self._style(name) for name in self.COMPONENT_CLASSES}

        def work() -> None:
            from ytsb_tui.ui.markdown import draw

            self.post_message(self.Drawn(number, draw(text, width, styles, unfolded), place))

        self.run_worker(work, thread=True, exclusive=True, group="draw")

    def on_markdown_view_drawn(self, message: Drawn) -> None:
        message.stop()
        if message.number == self._number:
            self._take(message.page, self.place if message.place is None else message.place)
            self.post_message(self.Settled())

    def _take(self, page: Page, place: float) -> None:
        self.page = page
        self.virtual_size = Size(self._width, len(page.lines))
        self._find()
        self.hit = min(self.hit, len(self.hits) - 1) if self.hit is not None and self.hits else None
        self.scroll_to(y=page.line_of(place), animate=False, force=True, immediate=True)
        self.refresh()

    def on_resize(self) -> None:
        """Draw the first time at once, and again when the size stays."""
        if not self._width:
            self._draw(0)
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SETTLED, self._fit)

    def _fit(self) -> None:
        if min(MEASURE, self._room) != self._width:
            self._draw(None)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self._width:
            self._draw(None)

    def _style(self, name: str) -> Style:
        """A style without a ground of its own; its colour is as it appears on that of the view."""
        style = self.get_component_rich_style(name, partial=True)
        return style + Style(color=self.get_component_rich_style(name).color) if style.color else style

    @property
    def _room(self) -> int:
        """Cells beside the scrollbar."""
        return self.scrollable_content_region.width

    @property
    def _left(self) -> int:
        """Cells left of the text, which stands in the middle."""
        return max(0, (self._room - MEASURE) // 2)

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        line, width = y + self.scroll_offset.y, self._room
        if line >= len(self.page.lines):
            return Strip.blank(width, self.rich_style)
        strip = self.page.lines[line]
        for number in self._hits_on.get(line, ()):
            strip = self._marked(strip, line, self.hits[number], "hit-here" if number == self.hit else "hit")
        if self.link is not None:
            strip = self._marked(strip, line, self.page.spots[self.link], "focus")
        strip = Strip([Segment(" " * self._left), *strip])
        return strip.adjust_cell_length(width).apply_style(self.rich_style)

    def _marked(self, strip: Strip, line: int, spots: Sequence[Spot], name: str) -> Strip:
        """The line with its cells among `spots` in another style."""
        style = self._style(PREFIX + name)
        for spot in spots:
            if spot.line == line and spot.start < spot.end:
                before, inside, after = _cut(strip, spot)
                strip = Strip([*before, *Segment.apply_style(inside, post_style=style), *after])
        return strip

    def action_next(self, by: int) -> None:
        """Go to the next place that was searched for, or else to the next link."""
        if self.hits:
            self._go_to_hit(((-1 if self.hit is None else self.hit) + by) % len(self.hits))
        elif self.page.links:
            self._go_to_link(by)
        self.refresh()

    def _go_to_hit(self, number: int) -> None:
        if self.hits:
            self.hit = number
            self._reveal(self.hits[number][0].line)
        self.post_message(self.Settled())

    def _go_to_link(self, by: int) -> None:
        """The next link; the first on the screen, or the last, while none there is marked."""
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.size.height - 1
        lines = [spots[0].line if spots else -1 for spots in self.page.spots]
        if self.link is not None and top <= lines[self.link] <= bottom:
            self.link = (self.link + by) % len(lines)
        elif by > 0:
            self.link = next((number for number, line in enumerate(lines) if line >= top), 0)
        else:
            below = (number for number in reversed(range(len(lines))) if 0 <= lines[number] <= bottom)
            self.link = next(below, len(lines) - 1)
        self._reveal(lines[self.link])
        self.post_message(self.Settled())

    def _reveal(self, line: int) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if not top <= line < top + height:
            self.scroll_to(y=max(0, line - height // 3), animate=False, force=True, immediate=True)

    def action_follow(self) -> None:
        """Follow the link that is marked."""
        if self.link is not None:
            self._follow(self.link)

    def on_click(self, event: events.Click) -> None:
        number = event.style.meta.get("link")
        if number is not None and number < len(self.page.links):
            self.link = number
            self._follow(number)

    def _follow(self, number: int) -> None:
        link = self.page.links[number]
        if link.kind == "fold":
            self.unfolded ^= {int(link.target)}
            self._draw(None)
        else:
            self.post_message(self.Followed(link))


def _cut(strip: Strip, spot: Spot) -> Sequence[list[Segment]]:
    """The segments before, in and after some cells."""
    parts = ((0, spot.start), (spot.start, spot.end), (spot.end, strip.cell_length))
    return [list(strip.crop(start, end)) for start, end in parts]

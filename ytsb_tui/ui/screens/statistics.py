"""Statistics: what the log adds up to, drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from ytsb_tui.errors import YtsbError
from ytsb_tui.job_logger import JobLogger
from ytsb_tui.log_figures import outlines
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.charts import CHARTS, Figures
from ytsb_tui.ui.log_reading import Version
from ytsb_tui.ui.screens.steady import Steady
from ytsb_tui.ui.widgets.key_bar import KeyBar

LOOK = 2.0
"""Seconds between two looks at whether the log has changed."""


class Chart(Widget):
    """One question, and its answer as wide as there is room."""

    DEFAULT_CSS = "Chart { height: auto; padding: 0 1 1 1; }"
    ALLOW_SELECT = False

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._title, self._draw = CHARTS[name]
        self._figures: Figures | None = None

    def show(self, figures: Figures) -> None:
        """Draw these figures."""
        self._figures = figures
        self.display = bool(self._draw(figures, self.size.width).plain)
        self.refresh(layout=True)

    def render(self) -> Content:
        return self._content(self.size.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._content(width).plain.count("\n") + 1

    def _content(self, width: int) -> Content:
        if self._figures is None:
            return Content("")
        title = Content.styled(self._title(self._figures), "bold $text-primary")
        return Content("\n").join([title, self._draw(self._figures, width)])


class StatisticsScreen(Steady, Screen[None]):
    """How fast, how well, and what goes wrong."""

    HELP = """\
What every attempt in the log adds up to. The figures follow the log while jobs run.

Times of stages are those of attempts that were good; an hour of work is one in which at least one worker was busy.
"""
    DEFAULT_CSS = """
    StatisticsScreen {
        #head { height: 1; background: $panel; padding: 0 1; }
        VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
        #charts { layout: grid; grid-size: 1; grid-rows: auto; height: auto; padding-top: 1; }
    }
    StatisticsScreen.-wide #charts { grid-size: 2; grid-gutter: 1 4; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "Up", show=False, id="statistics.up", tooltip="One line up"),
        Binding("down,j", "scroll(1)", "Down", show=False, id="statistics.down", tooltip="One line down"),
        Binding("escape,q", "dismiss", "Close", id="statistics.close", tooltip="Back to the jobs"),
    ]  # fmt: skip

    @dataclass
    class Counted(Message):
        """The log was read and added up. Posted from the thread that did it."""

        figures: Figures
        version: Version

    @dataclass
    class Broken(Message):
        """The log cannot be read as it is now. Posted from the thread that reads it."""

        error: YtsbError
        version: Version

    def __init__(self, logger: JobLogger) -> None:
        super().__init__()
        self._logger = logger
        self._seen: Version | None = None
        self._reader: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        yield Static("Statistics   opening …", id="head", markup=False)
        with VerticalScroll(), Container(id="charts"):
            for name in CHARTS:
                yield Chart(name)
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self._look()
        self.set_interval(LOOK, self._look)

    def _look(self) -> None:
        """Have a thread add up the log if it has changed, unless it is still at it."""
        if self._reader is not None and not self._reader.is_finished:
            return
        logger, seen = self._logger, self._seen

        def work() -> None:
            version = Version.of(logger.file.path)
            if version == seen:
                return
            try:
                figures = Figures.of(logger.file.read(outlines))
            except YtsbError as error:
                self.post_message(self.Broken(error, version))
            else:
                self.post_message(self.Counted(figures, version))

        self._reader = self.run_worker(work, thread=True, group="log")

    @on(Counted)
    def show(self, message: Counted) -> None:
        """Draw the charts anew."""
        self._seen = message.version
        nothing = not message.figures.totals["total_jobs"]
        self.query_one("#charts").display = not nothing
        words = "Nothing was logged yet." if nothing else ""
        self._head(Content.styled(words, "$foreground 60%"))
        for chart in self.query(Chart):
            chart.show(message.figures)

    @on(Broken)
    def complain(self, message: Broken) -> None:
        """Say why there are no figures, or only those of before."""
        self._seen = message.version
        self._head(Content.styled(one_line(f"{message.error} {message.error.advice}"), "$text-warning"))

    def _head(self, words: Content) -> None:
        self.query_one("#head", Static).update(Content.styled("Statistics   ", "bold") + words)

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

"""The lanes: a line for each worker."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.board import Board, Lane
from ytsb_tui.ui.format import STAGE_WORDS, bar, countdown, fit, short
from ytsb_tui.ui.row import Row

BAR = 16
"""Cells of a progress bar."""
TELLING = 60.0
"""Seconds of work from which on a rate per hour says something."""


class Lanes(Widget):
    """Who does what, how far it is, and for how long."""

    COMPONENT_CLASSES = {f"lanes--{tone}" for tone in ("line", "quiet", "busy", "wait", "good", "number")}  # noqa: RUF012
    ALLOW_SELECT = False

    class Clicked(Message):
        """A worker's job was clicked, posted by the lanes."""

        def __init__(self, job: str) -> None:
            super().__init__()
            self.job = job

    def __init__(self, board: Board) -> None:
        super().__init__(id="lanes")
        self._board = board
        self._workers = 0
        self._drawn = 0

    def draw(self, workers: int) -> None:
        """Repaint every lane."""
        self._workers = workers
        numbers = self._numbers()
        if len(numbers) != self._drawn:
            self._drawn = len(numbers)
            self.refresh(layout=True)
        self.refresh()

    def _numbers(self) -> list[int]:
        """The workers there are, and those that still have a job to end before they leave."""
        leaving = {number for number, lane in self._board.lanes.items() if lane.job and number >= self._workers}
        return [*range(self._workers), *sorted(leaving)]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self._numbers()))

    def render_line(self, y: int) -> Strip:
        """One worker; the last line says how many more there are than fit."""
        width = self.size.width
        ground = self._style("line")
        numbers = self._numbers()
        if y >= len(numbers):
            return Strip.blank(width, ground)
        hidden = len(numbers) - self.size.height
        if hidden > 0 and y == self.size.height - 1:
            busy = sum(1 for number in numbers[y:] if (lane := self._board.lanes.get(number)) and lane.job)
            text = f" … {hidden + 1} more workers, {busy} of them busy"
            return Strip([Segment(text, self._style("quiet"))]).adjust_cell_length(width, ground)
        number = numbers[y]
        lane = self._board.lanes.get(number) or Lane()
        row = self._board.rows.get(lane.job or "")
        return Strip(self._segments(number, lane, row, width)).adjust_cell_length(width, ground)

    def _segments(self, number: int, lane: Lane, row: Row | None, width: int) -> list[Segment]:
        ground, quiet = self._style("line"), self._style("quiet")
        head = Segment(f" {number:>2} ", self._style("number"))
        done = f"{lane.ended} ended" + (f" · {lane.ended * 3600 / lane.busy:.0f}/h" if lane.busy >= TELLING else "")
        tail = fit(done if lane.ended else "", 18, right=True) + " " if width >= 110 else ""
        tail = self._exit(number) + tail if width >= 140 and self._board.circuits else tail
        if row is None or row.live is None:
            return [head, Segment(fit("· idle", width - 4 - len(tail)), quiet), Segment(tail, quiet)]
        now, live = self._board.clock.now(), row.live
        badge = row.badge(now)
        tone = self._style(badge.tone)
        clock = short(now - live.since)
        if live.doing == "retrying":
            clock = countdown(live.until - now)
            badge = badge._replace(word=f"{STAGE_WORDS[live.stage]} again")
        elif live.doing == "finished":
            clock = short(row.seconds[live.stage])
        progress = BAR if width >= 60 else 0
        state = 16 if width >= 100 else 13
        title = max(0, width - 4 - state - (progress + 6 if progress else 0) - 8 - len(tail))
        return [
            head,
            Segment(fit(str(badge), state), tone),
            Segment(fit(row.title, title), ground),
            *(self._progress(live.fraction, progress, tone) if progress else ()),
            Segment(fit(clock, 7, right=True) + " ", ground),
            Segment(tail, quiet),
        ]

    def _exit(self, number: int) -> str:
        """Where the worker leaves Tor."""
        circuit = self._board.circuits.get(number)
        words = circuit.exit.name if circuit and circuit.exit else ""
        return fit(one_line(words), 22, right=True) + " "

    def _progress(self, fraction: float | None, width: int, tone: Style) -> list[Segment]:
        if fraction is None:
            return [Segment(" " * (width + 6), self._style("line"))]
        drawn = bar(fraction, width)
        full = drawn.rstrip("╌")
        return [
            Segment(" " + full, tone),
            Segment(drawn[len(full) :], self._style("quiet")),
            Segment(f"{fraction:>4.0%} ", self._style("quiet")),
        ]

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"lanes--{name}")

    def on_click(self, event: events.Click) -> None:
        numbers = self._numbers()
        if event.y < len(numbers) and (lane := self._board.lanes.get(numbers[event.y])) and lane.job:
            self.post_message(self.Clicked(lane.job))

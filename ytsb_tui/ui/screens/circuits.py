"""Circuits: how Tor is, who leaves by which exit, and another one at the press of a key."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from ytsb_tui.circuits import Tor
from ytsb_tui.clock import Clock
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.exits import ExitLines
from ytsb_tui.ui.format import bar
from ytsb_tui.ui.screens.steady import Steady
from ytsb_tui.ui.widgets.key_bar import KeyBar
from ytsb_tui.ui.widgets.line_list import LineList

LOOK = 1.0
"""Seconds between two looks at Tor."""
MUTED = "$foreground 60%"


class CircuitsScreen(Steady, Screen[None]):
    """Every circuit, and every exit that is known."""

    HELP = """\
Each worker asks YouTube over a Tor circuit of its own, which ends at an exit: the address YouTube sees.
**t** gives the worker of this line another circuit, **T** every worker.
"""
    DEFAULT_CSS = """
    CircuitsScreen {
        #head { height: 1; background: $panel; padding: 0 1; }
        LineList { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "rotate", "New circuit", id="circuits.new", tooltip="Another circuit for the worker of this line"),
        Binding("T,shift+t", "rotate_all", "All new circuits", id="circuits.new_all",
                tooltip="Another circuit for every worker"),
        Binding("escape,q,c", "dismiss", "Close", id="circuits.close", tooltip="Back to the jobs"),
    ]  # fmt: skip

    def __init__(self, tor: Tor, clock: Clock) -> None:
        super().__init__()
        self._tor = tor
        self.lines = ExitLines(clock)

    def compose(self) -> ComposeResult:
        yield Static("Circuits", id="head", markup=False)
        yield LineList(self.lines, id="circuits")
        yield KeyBar()

    def on_mount(self) -> None:
        self._list.focus()
        self._look()
        self.set_interval(LOOK, self._look)

    def on_screen_resume(self) -> None:
        self._look()

    @property
    def _list(self) -> LineList:
        return self.query_one(LineList)

    def _look(self) -> None:
        """Show how everything stands, while somebody sees it."""
        if not self.is_active:
            return
        at = self.lines.key(self._list.cursor)
        self.lines.take(self._tor.circuits())
        line = self.lines.line_of(at)
        self._list.changed(self._list.cursor if line is None else line)
        self.query_one("#head", Static).update(self._head())

    def _head(self) -> Content:
        circuits = self.lines.circuits
        assert circuits is not None
        state = circuits.state
        line = Content.styled("Circuits   ", "bold")
        if state.phase == "bootstrapping":
            line += Content.styled(f"{bar(state.fraction, 12)} ", "$text-success")
        line += Content.styled(one_line(state.words), "" if state.phase == "ready" else "$text-warning")
        used = sum(each.worker_id is not None for each in circuits.circuits)
        counts = f"   {used} in use, {len(circuits.circuits) - used} ready, {len(circuits.resting)} resting"
        return line + Content.styled(counts, MUTED)

    def action_rotate(self) -> None:
        """Another circuit for the worker of this line."""
        worker = self.lines.worker(self._list.cursor)
        if worker is None:
            self.app.notify("This line is no worker's circuit; T gives every worker another.", markup=False)
        else:
            self._tor.rotate(worker)
            self._look()

    def action_rotate_all(self) -> None:
        """Another circuit for every worker."""
        self._tor.rotate_all()
        self._look()

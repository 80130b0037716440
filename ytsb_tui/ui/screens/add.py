"""The Add dialog: paste, see what was understood, queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.timer import Timer
from textual.widgets import Button, Input, Static, TextArea

from ytsb_tui.intake import Intake, read
from ytsb_tui.job import Status
from ytsb_tui.source import Source
from ytsb_tui.ui.screens.steady import Steady
from ytsb_tui.ui.understood import ORDER, Understood
from ytsb_tui.ui.widgets.line_list import LineList

PAUSE = 0.15
"""Seconds without a further change before a text is read."""
TONES = {"quiet": "$foreground 60%", "busy": "$text-accent", "good": "$text-success", "bad": "$text-error",
         "wait": "$text-warning"}  # fmt: skip


@dataclass(frozen=True)
class Added:
    """What the user wants queued."""

    sources: tuple[Source, ...]
    subject: str
    """The folder to file it under; "" to have one chosen."""


class Text(TextArea):
    """What names the sources, as it was typed or pasted."""

    def _recompute_cursor_offset(self) -> None:
        # While lines are taken back the cursor is still below them, and is put into its place a moment later.
        if self.cursor_location[0] < self.document.line_count:
            super()._recompute_cursor_offset()  # type: ignore[no-untyped-call]


class Subject(Input):
    """Asks for one line; what is pasted here and cannot be a subject is left to the dialog."""

    def _on_paste(self, event: events.Paste) -> None:
        if any(mark in event.text.strip() for mark in "\n/\\"):
            event.prevent_default()


class AddScreen(Steady, ModalScreen[Added | None]):
    """What was understood of a list, line by line, before anything is queued."""

    HELP = """\
Paste or drop links, playlists, lists and caption files. The list below says what becomes of each line.

**enter** in the subject, or **ctrl+s** anywhere, queues; in the text itself enter begins a new line, so that a
terminal without bracketed paste loses nothing. **escape** closes.
"""
    DEFAULT_CSS = """
    AddScreen {
        align: center middle;
        & > #dialog {
            width: 92%; max-width: 120; height: 92%; max-height: 44;
            border: round $primary; border-title-color: $text-primary; border-title-style: bold;
            border-subtitle-color: $foreground 60%;
            background: $surface; padding: 0 1;
        }
        #text { height: 1fr; min-height: 3; max-height: 10; border: none; padding: 0; background: $panel;
                scrollbar-size: 0 1; }
        #counts { height: 1; margin-top: 1; }
        LineList { height: 2fr; min-height: 1; background: $surface; }
        #bottom { height: 3; margin-top: 1; }
        #subject { width: 1fr; }
        Button { margin-left: 1; min-width: 12; }
    }
    AddScreen.-flat {
        & > #dialog { width: 100%; height: 100%; border: none; padding: 0; }
        #counts, #bottom { margin-top: 0; }
        #text { min-height: 1; max-height: 3; }
        #bottom { height: 1; }
        #subject { border: none; height: 1; padding: 0; }
        #queue { border: none; height: 1; min-width: 8; }
        #close { display: none; }
    }
    """
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-tall")]  # noqa: RUF012 as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "queue", "Queue", id="add.queue", priority=True,
                tooltip="Queue what is new in the list"),
        Binding("escape", "close", "Close", id="add.close", tooltip="Close without queuing anything"),
        Binding("f8", "next_refused", "Next refused", id="add.refused", tooltip="Go to the next line that was refused"),
    ]  # fmt: skip

    @dataclass
    class Read(Message):
        """A text was read. Posted from the thread that read it."""

        intake: Intake
        version: int

    def __init__(
        self, text: str, *, base: Path, known: Callable[[str], Status | None], subjects: Sequence[str]
    ) -> None:
        """`text` is what was pasted or dropped so far; `known` says how the job of a source stands."""
        super().__init__()
        self._first = text
        self._base = base
        self._known = known
        self._subjects = subjects
        self.understood = Understood()
        self._version = 0
        self._read_version = -1
        self._queue_when_read = False
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "Add videos, playlists and caption files"
            dialog.border_subtitle = "ctrl+s queues · f8 next refused · esc closes"
            yield Text(self._first, id="text", soft_wrap=False, show_line_numbers=False, compact=True,
                           placeholder="Paste or drop links, ids, playlists, lists or caption files")  # fmt: skip
            yield Static(id="counts", markup=False)
            yield LineList(self.understood, id="items")
            with Horizontal(id="bottom"):
                suggester = SuggestFromList(self._subjects, case_sensitive=False)
                yield Subject(placeholder="Subject (chosen for you if empty)", id="subject", suggester=suggester)
                yield Button("Queue", variant="primary", id="queue", tooltip="Queue what is new in the list (ctrl+s)")
                yield Button("Close", id="close", tooltip="Close without queuing anything (escape)")

    def on_mount(self) -> None:
        text = self.query_one(TextArea)
        text.move_cursor(text.document.end)
        self.query_one("#subject" if self._first.strip() else TextArea).focus()
        self._read()

    @on(TextArea.Changed)
    def wait_for_more(self) -> None:
        """Read the text once it is left alone for a moment."""
        self._version += 1
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._read)

    def on_paste(self, event: events.Paste) -> None:
        """Add to the list what is pasted or dropped anywhere in the dialog."""
        event.stop()
        text = self.query_one(TextArea)
        if self.focused is not text:
            joint = "" if not text.text or text.text.endswith("\n") else "\n"
            text.insert(joint + event.text, text.document.end, maintain_selection_offset=False)

    def _read(self) -> None:
        text, version, base = self.query_one(TextArea).text, self._version, self._base

        def work() -> None:
            self.post_message(self.Read(read(text, base=base), version))

        self.run_worker(work, thread=True, exclusive=True, group="read")

    @on(Read)
    def understand(self, message: Read) -> None:
        """Show what was understood, unless the text has changed meanwhile."""
        if message.version != self._version:
            return
        self._read_version = message.version
        self.understood.take(message.intake, self._known)
        lines = self.query_one(LineList)
        lines.changed(lines.cursor)
        self._count()
        if self._queue_when_read:
            self.action_queue()

    def _count(self) -> None:
        counts = self.understood.counts
        parts = [
            Content.styled(f"{badge.glyph} {counts[badge]:,} {badge.word}", TONES[badge.tone])
            for badge in ORDER
            if counts[badge]
        ]
        nothing = Content.styled("Nothing to add yet.", "$foreground 60%")
        self.query_one("#counts", Static).update(Content("   ").join(parts) if parts else nothing)
        going = self.understood.going
        button = self.query_one("#queue", Button)
        button.label = f"Queue {going:,}" if going else "Queue"
        button.disabled = not self.understood.sources

    @on(Button.Pressed, "#queue")
    @on(Input.Submitted, "#subject")
    def action_queue(self) -> None:
        """Queue what was understood, as soon as all of the text is."""
        if self._read_version != self._version:
            self._queue_when_read = True
            return
        self._queue_when_read = False
        if self.understood.sources:
            self.dismiss(Added(self.understood.sources, self.query_one("#subject", Input).value.strip()))

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Close without queuing anything."""
        self.dismiss(None)

    def action_next_refused(self) -> None:
        """Go to the next line that was refused, so that it can be put right."""
        lines = self.query_one(LineList)
        if (place := self.understood.next_refused(lines.cursor)) is not None:
            lines.put_cursor(place)
            self._go_to_line(self.understood.items[place].line)

    def on_line_list_moved(self) -> None:
        if self.understood.items:
            self._go_to_line(self.understood.items[self.query_one(LineList).cursor].line)

    def _go_to_line(self, number: int) -> None:
        """Show the line of the text an item comes from."""
        text = self.query_one(TextArea)
        text.move_cursor((number - 1, 0), center=True)

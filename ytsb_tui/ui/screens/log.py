"""The log: every attempt there ever was, and a retry for those that failed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static
from textual.worker import Worker

from ytsb_tui.errors import UsageError, YtsbError
from ytsb_tui.job_logger import JobLogger
from ytsb_tui.log_lines import Entry
from ytsb_tui.plaintext import one_line
from ytsb_tui.private import refusal
from ytsb_tui.ui.account import account
from ytsb_tui.ui.attempt import Attempt
from ytsb_tui.ui.attempts import Attempts
from ytsb_tui.ui.log_reading import Reading, Version, entry_of, read_all, read_newest, read_on
from ytsb_tui.ui.screens.steady import Steady
from ytsb_tui.ui.widgets.key_bar import KeyBar
from ytsb_tui.ui.widgets.line_list import LineList
from ytsb_tui.wording import counted

LOOK = 1.0
"""Seconds between two looks at whether the log has changed."""


@dataclass
class RetryFromLog(Message):
    """The user wants these videos worked on again. Posted by the log screen."""

    video_ids: tuple[str, ...]


class LogScreen(Steady, Screen[None]):
    """Every attempt, newest first."""

    HELP = """\
Every attempt in the vault's log, newest first; also those of other programs that write it.

**/** filters as you type, **f** shows failures only. **space** marks, **r** retries what is marked, or the attempt
with the cursor. **e** writes a spreadsheet.
"""
    DEFAULT_CSS = """
    LogScreen {
        #head { height: 1; background: $panel; padding: 0 1; }
        #ask { display: none; padding: 0 1; }
        #ask.open { display: block; }
        #panes { height: 1fr; layout: vertical; }
        LineList { height: 1fr; width: 1fr; }
        #account { height: 9; padding: 0 1; background: $surface; scrollbar-size-vertical: 1; }
        #account Static { height: auto; }
    }
    LogScreen.-wide #panes { layout: horizontal; }
    LogScreen.-wide #account { height: 1fr; width: 64; border-left: vkey $panel; }
    LogScreen.-flat #account { display: none; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (150, "-wide")]  # noqa: RUF012 as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (18, "-low")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="log.filter", tooltip="Show only attempts with these words"),
        Binding("f", "failed_only", "Failed only", id="log.failed", tooltip="Show failed attempts only, or all"),
        Binding("space", "mark", "Mark", id="log.mark", tooltip="Mark this attempt to be retried"),
        Binding("r", "retry", "Retry", id="log.retry",
                tooltip="Run what is marked, or this, again from the stage that failed"),
        Binding("e", "export", "Export CSV", id="log.export", tooltip="Write every attempt to a spreadsheet"),
        Binding("escape", "leave", "Close", id="log.close", tooltip="Drop filter and marks, or go back to the jobs"),
        Binding("q", "dismiss", "Close", show=False, id="log.quit", tooltip="Back to the jobs"),
    ]  # fmt: skip

    @dataclass
    class Loaded(Message):
        """Attempts were read. Posted from the thread that reads the log."""

        reading: Reading

    @dataclass
    class Broken(Message):
        """The log cannot be read as it is now. Posted from the thread that reads it."""

        error: YtsbError
        version: Version

    @dataclass
    class Found(Message):
        """The whole entry of an attempt was read. Posted from the thread that read it."""

        attempt: Attempt
        entry: Entry

    @dataclass
    class Exported(Message):
        """A spreadsheet was written, or could not be. Posted from the thread that wrote it."""

        words: str

    def __init__(self, logger: JobLogger) -> None:
        super().__init__()
        self._logger = logger
        self.attempts = Attempts()
        self._at: Attempt | None = None
        self._seen: Version | None = None
        self._said = ""
        self._asking = ""
        self._replace = ""
        self._reader: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        yield Static("Log", id="head", markup=False)
        yield Input(id="ask", compact=True, select_on_focus=False)
        with Container(id="panes"):
            yield LineList(self.attempts, id="attempts")
            yield VerticalScroll(Static(id="told", markup=False), id="account", can_focus=False)
        yield KeyBar()

    def on_mount(self) -> None:
        self.lines.focus()
        self._look()
        self.set_interval(LOOK, self._look)

    @property
    def lines(self) -> LineList:
        """The list of attempts."""
        return self.query_one(LineList)

    def _look(self) -> None:
        """Have a thread read what is new in the log, unless it is still at it."""
        if self._reader is not None and not self._reader.is_finished:
            return
        logger, before, seen = self._logger, self.attempts.reading, self._seen

        def work() -> None:
            version = Version.of(logger.file.path)
            if version == seen:
                return
            try:
                if seen is None and (newest := read_newest(logger.file.path)):
                    self.post_message(self.Loaded(newest))
                self.post_message(self.Loaded(read_on(logger.file.path, before) or read_all(logger)))
            except YtsbError as error:
                self.post_message(self.Broken(error, version))

        self._reader = self.run_worker(work, thread=True, group="log")

    @on(Loaded)
    def show(self, message: Loaded) -> None:
        """Show what was read, with the cursor on the attempt it was on."""
        if message.reading.whole:
            self._seen = message.reading.version
        self._said = ""
        self.attempts.take(message.reading)
        self._rearranged()

    @on(Broken)
    def complain(self, message: Broken) -> None:
        """Say why nothing, or nothing new, can be shown."""
        self._seen = message.version
        self._said = one_line(f"{message.error} {message.error.advice}")
        self._head()

    def _rearranged(self) -> None:
        line = self.attempts.line_of(self._at)
        self.lines.changed(self.lines.cursor if line is None else line)
        self._moved()
        self._head()

    def _head(self) -> None:
        """Say at the top what is shown."""
        attempts, reading = self.attempts, self.attempts.reading
        parts = [Content.styled("Log", "bold")]
        if self._said:
            parts.append(Content.styled(self._said, "$text-warning"))
        elif not reading.attempts:
            parts.append(Content("opening …" if self._seen is None else "Nothing was logged yet."))
        else:
            shown = f"{len(attempts):,} of " if len(attempts) < len(reading.attempts) else ""
            parts.append(
                Content(f"{shown}{counted(len(reading.attempts), 'attempt')}" + ("" if reading.whole else " …"))
            )
        parts += [Content.styled("failed only", "$text-error")] if attempts.failed_only else []
        parts += (
            [Content.styled(f"with “{one_line(attempts.words)}”", "$text-accent")] if attempts.words.strip() else []
        )
        parts += [Content.styled(f"{len(attempts.marks):,} marked", "$text-warning")] if attempts.marks else []
        self.query_one("#head", Static).update(Content("   ").join(parts))

    @on(LineList.Moved)
    def _moved(self) -> None:
        """Tell about the attempt with the cursor."""
        line = self.lines.cursor
        attempt = self.attempts.shown[line] if line < len(self.attempts) else None
        if attempt is None:
            self.query_one("#told", Static).update("")
        elif self._at is None or attempt.identity != self._at.identity:
            self._find(attempt)
        self._at = attempt

    def _find(self, attempt: Attempt) -> None:
        def work() -> None:
            try:
                entry = entry_of(self._logger, attempt)
            except YtsbError as error:
                entry = {"error": str(error), "advice": error.advice}
            self.post_message(self.Found(attempt, entry))

        self.run_worker(work, thread=True, exclusive=True, group="entry")

    @on(Found)
    def tell(self, message: Found) -> None:
        """Show the whole entry, unless the cursor has moved on."""
        if message.attempt is self._at:
            pane = self.query_one("#account")
            width = pane.scrollable_content_region.width
            self.query_one("#told", Static).update(account(message.attempt, message.entry, width))
            pane.scroll_home(animate=False)

    def action_filter(self) -> None:
        """Ask for words to filter by."""
        self._ask("filter", "Filter by title, id, date, stage or error", self.attempts.words)

    def action_export(self) -> None:
        """Ask where to write the spreadsheet."""
        self._ask("export", "Where to write the spreadsheet", str(self._logger.file.path.with_suffix(".csv")))

    def _ask(self, what: str, placeholder: str, value: str) -> None:
        ask = self.query_one("#ask", Input)
        self._asking = what
        ask.placeholder = placeholder
        with self.prevent(Input.Changed):
            ask.value = value
        ask.cursor_position = len(value)
        ask.add_class("open")
        ask.focus()

    @on(Input.Changed, "#ask")
    def filter(self, event: Input.Changed) -> None:
        """Filter with every letter."""
        if self._asking == "filter":
            self.attempts.words = event.value
            self.attempts.arrange()
            self._rearranged()

    @on(Input.Submitted, "#ask")
    def answer(self, event: Input.Submitted) -> None:
        """Keep the filter, or write the spreadsheet."""
        if self._asking == "export" and event.value.strip():
            try:
                path, exists = _target(event.value.strip())
            except UsageError as error:
                self._said = one_line(f"{error} {error.advice}")
                self._head()
                return
            if exists and self._replace != event.value:
                self._replace, self._said = event.value, one_line(f"{path} exists; enter again replaces it.")
                self._head()
                return
            self._write(path)
        self._close_ask()

    def _write(self, path: Path) -> None:
        def work() -> None:
            try:
                words = f"{counted(self._logger.export_csv(path), 'attempt')} written to {path}"
            except YtsbError as error:
                words = f"{error} {error.advice}"
            self.post_message(self.Exported(one_line(words)))

        self.run_worker(work, thread=True, group="export")

    @on(Exported)
    def tell_of_export(self, message: Exported) -> None:
        """Say how many attempts were written, or why none."""
        self._said = message.words
        self._head()

    def _close_ask(self) -> None:
        self._asking = self._replace = ""
        self.query_one("#ask").remove_class("open")
        self.lines.focus()

    def action_failed_only(self) -> None:
        """Show failed attempts only, or all."""
        self.attempts.failed_only = not self.attempts.failed_only
        self.attempts.arrange()
        self._rearranged()

    def action_mark(self) -> None:
        """Mark the attempt with the cursor, or unmark it, and go on to the next."""
        if self._at is not None:
            self.attempts.mark(self._at)
            self.lines.refresh()
            self.lines.action_move(1)
            self._head()

    def action_retry(self) -> None:
        """Have what is marked, or the attempt with the cursor, run again."""
        if chosen := self.attempts.chosen(self.lines.cursor):
            self.app.post_message(RetryFromLog(chosen))
            self.attempts.marks.clear()
            self._said = f"{counted(len(chosen), 'job')} to be tried again."
            self.lines.refresh()
            self._head()

    def action_leave(self) -> None:
        """Stop asking; else drop filter and marks; else close."""
        attempts = self.attempts
        if self.query_one("#ask").has_class("open"):
            self._said = ""
            self._close_ask()
            self._head()
        elif attempts.words.strip() or attempts.failed_only or attempts.marks:
            attempts.words, attempts.failed_only = "", False
            attempts.marks.clear()
            attempts.arrange()
            self._rearranged()
        else:
            self.dismiss()


def _target(name: str) -> tuple[Path, bool]:
    """The file somebody named, and whether there is one. Raises `UsageError` where there cannot be."""
    try:
        path = Path(name).expanduser()
        path.stat()
    except (FileNotFoundError, NotADirectoryError):  # whoever writes it makes its folder, or says why not
        return path, False
    except (OSError, RuntimeError, ValueError) as error:  # too long, in nobody's home, with a null byte
        raise UsageError(f"Nothing can be written there: {refusal(error)}.", advice="Choose another name.") from error
    return path, True

"""The reader: the notes and the quiz of a job, and every note they link to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from ytsb_tui.errors import UsageError
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.messages import Said
from ytsb_tui.ui.notes import counterpart, find_note, is_assessment, read_note
from ytsb_tui.ui.opening import Launch, can_browse, open_file
from ytsb_tui.ui.page import Link
from ytsb_tui.ui.screens.steady import Steady
from ytsb_tui.ui.widgets.key_bar import KeyBar
from ytsb_tui.ui.widgets.markdown_view import MarkdownView
from ytsb_tui.wording import counted


@dataclass(frozen=True)
class Reading:
    """Where one reads: a note, and the place in it that is at the top of the screen."""

    note: Path
    place: float = 0.0
    unfolded: frozenset[int] = frozenset()


class ReaderScreen(Steady, Screen[None]):
    """Notes and quiz, rendered, with links that can be followed."""

    HELP = """\
Notes and quiz of a job. **tab** switches between the two.

**n** and **N** go from link to link, **enter** or a click follows one: other notes open here, **backspace** comes
back; times and web links open the browser. **/** searches. Model answers are hidden until you follow their title.
"""
    DEFAULT_CSS = """
    ReaderScreen {
        #head { height: 1; background: $panel; padding: 0 1; }
        #title { width: 1fr; text-style: bold; }
        #tabs { width: auto; margin-left: 2; }
        #search { display: none; padding: 0 1; }
        #search.open { display: block; }
        #state { height: 1; padding: 0 1; color: $foreground 60%; }
        MarkdownView { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "switch", "Notes/Quiz", id="reader.switch", priority=True,
                tooltip="Switch between the notes and the quiz"),
        Binding("slash", "search", "Search", id="reader.search", tooltip="Search in this note"),
        Binding("backspace", "back", "Back", id="reader.back", tooltip="Back to the note you came from"),
        Binding("o", "open", "Open file", id="reader.open", tooltip="Open the file with the system's program"),
        Binding("escape,q", "leave", "Close", id="reader.close", tooltip="End the search, or go back to the jobs"),
    ]  # fmt: skip

    @dataclass
    class Fetched(Message):
        """A note was read, or could not be. Posted from the thread that read it."""

        reading: Reading
        text: str | UsageError
        came_from: Reading | None

    def __init__(
        self,
        root: Path,
        note: Path,
        *,
        browse: Callable[[str], bool] | None = None,
        launch: Launch | None = None,
    ) -> None:
        """Read `note`, whose path is relative to the vault `root`; `browse` shows an address, if it can."""
        super().__init__()
        self._root = root
        self._note = note
        self._browse = browse or self._open_address
        self._launch = launch
        self._past: list[Reading] = []
        self._said = ""

    def compose(self) -> ComposeResult:
        with Horizontal(id="head"):
            yield Static(id="title", markup=False)
            yield Static(id="tabs", markup=False)
        yield MarkdownView()
        yield Input(placeholder="Search in this note", id="search", compact=True)
        yield Static(id="state", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        self.view.focus()
        first = Reading(self._note)
        self._go(lambda: first)

    @property
    def view(self) -> MarkdownView:
        """What is read."""
        return self.query_one(MarkdownView)

    @property
    def note(self) -> Path:
        """The note that is shown, relative to the vault."""
        return self._note

    def _go(self, where: Callable[[], Reading], came_from: Reading | None = None) -> None:
        """Have a thread find a note, and read it."""
        here = self._here()

        def work() -> None:
            reading = here
            try:
                reading = where()
                text = read_note(self._root, reading.note)
            except UsageError as error:
                self.post_message(self.Fetched(reading, error, came_from))
            else:
                self.post_message(self.Fetched(reading, text, came_from))

        self.run_worker(work, thread=True, exclusive=True, group="fetch")

    def _here(self) -> Reading:
        return Reading(self._note, self.view.place, self.view.unfolded)

    @on(Fetched)
    def show(self, message: Fetched) -> None:
        """Show what was read; where it could not be, say why and stay, unless there is nothing to stay at."""
        error = message.text if isinstance(message.text, UsageError) else None
        if error is not None and (message.came_from or self.view.page.lines):
            self._say(f"{error} {error.advice}")
            self.refresh_bindings()
            return
        if message.came_from is not None:
            self._past.append(message.came_from)
        self._note = message.reading.note
        self._close_search()
        self._said = ""
        if isinstance(message.text, str):
            self.view.show(message.text, message.reading.place, message.reading.unfolded)
        elif error is not None:
            self.view.clear()
            self._say(f"{error} {error.advice}")
        self._describe()
        self.refresh_bindings()

    def _describe(self) -> None:
        """Say at the top which note this is."""
        quiz = is_assessment(self._note)
        stem = (counterpart(self._note) if quiz else self._note).stem
        folder = "" if self._note.parent == Path() else f"  {one_line(self._note.parent.as_posix())}"
        title = Content.assemble(one_line(stem.replace("_", " ")), (folder, "not bold $foreground 60%"))
        self.query_one("#title", Static).update(title)
        names = [("Notes", not quiz), ("Quiz", quiz)]
        tabs = [
            Content.styled(f" ● {name} " if here else f" ○ {name} ", "bold $text-accent" if here else "$foreground 60%")
            for name, here in names
        ]
        self.query_one("#tabs", Static).update(Content("").join(tabs))

    @on(MarkdownView.Settled)
    def settle(self) -> None:
        """Say what is marked now, instead of what happened before."""
        self._say("")

    def _tell(self) -> None:
        """Say at the bottom what went wrong, or what is marked."""
        view = self.view
        words = self.query_one("#search", Input).value.strip()
        state = Content(self._said)
        if self._said:
            state = state.stylize("$text-warning")
        elif words and view.hits:
            here = 0 if view.hit is None else view.hit + 1
            state = Content(
                f"{here} of {counted(len(view.hits), 'place')} with “{one_line(words)}”  n N move, esc ends"
            )
        elif words:
            state = Content(f"Nothing here reads “{one_line(words)}”.")
        elif view.link is not None:
            state = Content(f"enter {_meaning(view.page.links[view.link])}")
        else:
            state = Content(one_line(self._note.as_posix()))
        self.query_one("#state", Static).update(state)

    def _say(self, words: str) -> None:
        self._said = one_line(words)
        self._tell()

    @on(MarkdownView.Followed)
    def follow(self, message: MarkdownView.Followed) -> None:
        """Open a web address in the browser, another note here."""
        self._said = ""
        link = message.link
        if link.kind == "web":
            shown = self._browse(link.target)
            self._say(f"Opened {link.target}" if shown else f"There is no browser here to open {link.target} with.")
        elif link.target.startswith("#"):
            self._say("Links to a heading of the same note are not followed.")
        else:
            self._go(lambda: Reading(find_note(self._root, link.target)), self._here())

    def _open_address(self, address: str) -> bool:
        if not self.app.is_web and not can_browse():
            return False
        self.app.open_url(address)
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim what cannot be done now."""
        return (bool(self._past) or None) if action == "back" else True

    def action_switch(self) -> None:
        """Show the quiz of the notes, or the notes of the quiz."""
        self._said = ""
        other = counterpart(self._note)
        self._go(lambda: Reading(other))

    def action_back(self) -> None:
        """Go back to where the last link was followed."""
        if self._past:
            before = self._past.pop()
            self._go(lambda: before)

    def action_open(self) -> None:
        """Open the file with the system's program."""
        try:
            open_file(self._root, self._note, lambda words: self.app.post_message(Said(words, "error")), self._launch)
        except UsageError as error:
            self._say(f"{error} {error.advice}")
        else:
            self._say(f"Opening {self._note.as_posix()}")

    def action_search(self) -> None:
        """Ask what to search for."""
        search = self.query_one("#search", Input)
        search.add_class("open")
        search.focus()

    @on(Input.Changed, "#search")
    def search(self, event: Input.Changed) -> None:
        """Search with every letter."""
        self._said = ""
        self.view.search(event.value)

    @on(Input.Submitted, "#search")
    def stop_typing(self) -> None:
        """Keep what was found, and give the keys back to the note."""
        self.query_one("#search", Input).remove_class("open")
        self.view.focus()

    def action_leave(self) -> None:
        """End the search, or else close the reader."""
        if self.query_one("#search", Input).value or self.query_one("#search", Input).has_class("open"):
            self._close_search()
        else:
            self.dismiss()

    def _close_search(self) -> None:
        search = self.query_one("#search", Input)
        search.remove_class("open")
        search.value = ""
        self.view.focus()


def _meaning(link: Link) -> str:
    """What following a link does."""
    if link.kind == "fold":
        return "shows or hides this"
    return f"opens {one_line(link.target)}"

"""Help: every key as it is mapped now, and what the glyphs mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ytsb_tui.ui.screens.steady import Steady

LAST = ("table.", "app.")
"""What the ids of keys begin with that only move about, and before these, that are the same on every screen."""
GLYPHS = (
    ("·", "queued", "waits for a worker"),
    ("▸", "notes", "a worker is in this stage"),
    ("▹", "notes waits", "a worker waits for its turn at what the stage needs"),
    ("↻", "12:34 retry", "failed; tried again by itself when the time is up"),
    ("✓", "done", "every stage is finished"),
    ("✗", "failed", "the error says why, and what to do"),
    ("–", "cancelled", "by you; r goes on where it stopped"),
)


class Entry(Horizontal):
    """A line, and what it means; that is broken beside it where it has no room."""

    def __init__(self, name: str, meaning: str, *, classes: str = "") -> None:
        super().__init__(
            Static(name, classes="name", markup=False),
            Static(meaning, classes="meaning", markup=False),
            classes=classes,
        )


class Help(Steady, ModalScreen[None]):
    """What each key does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "Close", id="help.close"),
    ]

    def __init__(self, keys: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self._keys = list(keys)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog"):
            yield Static("Keys", id="keys")
            for keys, meaning in self._meanings():
                yield Entry(keys, meaning, classes="key")
            yield Static("Status", classes="head")
            for glyph, word, meaning in GLYPHS:
                yield Entry(f"{glyph} {word}", meaning)
            yield Static("Paste or drop a list, links or caption files anywhere to add them.", classes="head")
            yield Static("Keys can be changed under [keys] in the settings file.", id="hint", markup=False)

    def _meanings(self) -> Iterator[tuple[str, str]]:
        """Each key, with the others that do the same, and what it does; those of the app come after the screen's."""
        named: dict[str, tuple[list[str], Binding]] = {}
        bindings = [active.binding for active in self._keys if active.binding.id and active.binding.description]
        for binding in sorted(bindings, key=lambda each: [str(each.id).startswith(prefix) for prefix in LAST]):
            if not binding.key.startswith("shift+"):
                named.setdefault(str(binding.id), ([], binding))[0].append(self.app.get_key_display(binding))
        for keys, binding in named.values():
            yield " ".join(dict.fromkeys(keys)), binding.tooltip or binding.description

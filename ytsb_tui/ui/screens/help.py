"""Help: every key as it is mapped now, and what the glyphs mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

MOVING = "table."
"""What the ids of keys begin with that only move about; they are listed last."""
GLYPHS = (
    ("·", "queued", "waits for a worker"),
    ("▸", "notes", "a worker is in this stage"),
    ("▹", "notes waits", "a worker waits for its turn at what the stage needs"),
    ("↻", "12:34 retry", "failed; tried again by itself when the time is up"),
    ("✓", "done", "every stage is finished"),
    ("✗", "failed", "the error says why, and what to do"),
    ("–", "cancelled", "by you; r goes on where it stopped"),
)


class Help(ModalScreen[None]):
    """What each key does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "Close", id="help.close"),
    ]

    def __init__(self, keys: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self._keys = list(keys)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog"):
            yield Static(self._text(), markup=False)

    def _text(self) -> Content:
        lines = [Content.styled("Keys", "bold")]
        named: dict[str, tuple[list[str], Binding]] = {}
        bindings = [active.binding for active in self._keys if active.binding.id and active.binding.description]
        for binding in sorted(bindings, key=lambda binding: str(binding.id).startswith(MOVING)):
            if not binding.key.startswith("shift+"):
                named.setdefault(str(binding.id), ([], binding))[0].append(self.app.get_key_display(binding))
        for keys, binding in named.values():
            shown = " ".join(dict.fromkeys(keys))
            lines.append(Content.assemble((f"{shown:>12}  ", "$text-accent"), binding.tooltip or binding.description))
        lines += [Content(""), Content.styled("Status", "bold")]
        for glyph, word, meaning in GLYPHS:
            lines.append(Content.assemble((f"{glyph} {word:<13} ", "$text-accent"), meaning))
        lines += [Content(""), Content("Paste or drop a list, links or caption files anywhere to add them.")]
        lines.append(Content.styled("Keys can be changed under [keys] in the settings file.", "$foreground 60%"))
        return Content("\n").join(lines)

"""Pastes in terminals that do not mark them: a list of links would be a mass of keys, each of which does something."""

from __future__ import annotations

import os
import select
from codecs import getincrementaldecoder
from contextlib import suppress
from typing import Any, cast

from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.drivers.linux_driver import LinuxDriver

MASS = 8
"""Characters nobody types at once."""
PORTION = 4_096
SILENCE = 0.05
"""Seconds without a further character after which a paste is over."""
LOOK = 0.1


class Marks:
    """Where the terminal's own marks of a paste are, over everything it sends."""

    def __init__(self) -> None:
        self._is_inside = False
        self._tail = ""

    @property
    def is_open(self) -> bool:
        """Whether a paste was begun and not ended, or the mark of one may have been cut in two."""
        begin = self._tail.rfind("\x1b[")
        return self._is_inside or (begin >= 0 and BRACKETED_PASTE_START.startswith(self._tail[begin:]))

    def follow(self, text: str) -> None:
        """Read on."""
        around = self._tail + text
        begun, ended = around.rfind(BRACKETED_PASTE_START), around.rfind(BRACKETED_PASTE_END)
        if begun != ended:
            self._is_inside = begun > ended
        self._tail = around[1 - len(BRACKETED_PASTE_START) :]


def is_mass(text: str) -> bool:
    """Whether nobody can have typed this at once; a key that is held down can repeat one character as often."""
    return len(text) >= MASS and len(set(text)) > 1 and all(char.isprintable() or char in "\r\n\t" for char in text)


def marked(text: str) -> str:
    """The text, up to the first escape sequence, as a terminal with marks would send it."""
    plain, escape, rest = text.partition("\x1b")
    lines = plain.replace("\r\n", "\n").replace("\r", "\n")
    return f"{BRACKETED_PASTE_START}{lines}{BRACKETED_PASTE_END}{escape}{rest}"


class Forgiving:
    """A terminal to write to that may go away: what is written from then on is lost, and nobody waits for it."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write, if there is anything to write to."""
        with suppress(OSError, ValueError):
            self._file.write(text)

    def flush(self) -> None:
        """Have it written now, if there is anything to write to."""
        with suppress(OSError, ValueError):
            self._file.flush()

    def fileno(self) -> int:
        """The terminal's number."""
        return int(self._file.fileno())


class PastingDriver(LinuxDriver):
    """Textual's, but a mass of plain characters that comes at once is a paste in every terminal.

    Nor does it stumble over a terminal that is gone, or over being told to
    continue when nobody had stopped it, which a closing terminal does.
    """

    def start_application_mode(self) -> None:
        """Take the terminal."""
        if not isinstance(self._file, Forgiving):
            self._file = cast(Any, Forgiving(self._file))
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual does not say

    def _sigcont_application(self, *_: object) -> None:
        if self._must_signal_resume:
            super()._sigcont_application()

    def run_input_thread(self) -> None:
        """Read the terminal until the app ends."""
        with suppress(OSError, EOFError):  # the terminal is gone, which a signal tells the app as well
            self._read_on(XTermParser(self._debug), Marks())

    def _read_on(self, parser: XTermParser, marks: Marks) -> None:
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        while not self.exit_event.is_set():
            text = decode(self._read(LOOK))
            is_unmarked = not marks.is_open and is_mass(text)
            marks.follow(text)
            while is_unmarked and "\x1b" not in text and (more := decode(self._read(SILENCE))):
                marks.follow(more)
                text += more
            if text:
                for event in parser.feed(marked(text) if is_unmarked else text):
                    self.process_message(event)
            for event in parser.tick():
                self.process_message(event)

    def _read(self, patience: float) -> bytes:
        """What the terminal has sent, waited for that many seconds at most; raises when there is none any more."""
        if not select.select([self.fileno], [], [], patience)[0]:
            return b""
        if not (sent := os.read(self.fileno, PORTION)):
            raise EOFError
        return sent

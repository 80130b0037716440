"""File names that every system, and Obsidian, can live with."""

from __future__ import annotations

import re
import unicodedata

from ytsb_tui.plaintext import HIDDEN

LONGEST = 215
"""Bytes of a name in UTF-8. File systems allow 255; the rest is room for `Assessment_`, a number and `.pdf.tmp`."""

_FORBIDDEN = frozenset('[]#^|/\\:*?"<>')
_BETWEEN_WORDS = re.compile(r"(?<=\w)\s{0,9}[/\\]\s{0,9}(?=\w)")
"""What would be a path in the name of a subject: `Physics/Heat`, `TCP / IP`."""
_INVISIBLE = {"Cc", "Cf", "Cs"}
"""Unicode categories of controls, of bidi and zero-width marks, and of lone surrogates."""
_RESERVED = re.compile(r"\A(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]|pdfs)(?=[ .]|\Z)", re.IGNORECASE)
"""Names Windows keeps for devices, whatever follows the dot; and the folder of the PDFs."""


def safe_name(text: str, fallback: str) -> str:
    """`text` as a file or folder name without extension; `fallback` if nothing of it may stay.

    Spaces become `_`, forbidden and invisible characters are dropped. It is one
    path component, never hidden, at most `LONGEST` bytes, and its own safe name.
    """
    for candidate in (text, fallback):
        shown = "".join(" " if mark.isspace() else mark for mark in candidate if _may_stay(mark))
        spaced = " ".join(unicodedata.normalize("NFC", shown).split()).strip(" .").replace(" ", "_")
        if name := cut(_RESERVED.sub(r"\1_", spaced)):
            return name
    return "Untitled"


def folder_name(subject: str, fallback: str) -> str:
    """A subject as the safe name of its one folder: `Physics/Heat` is filed under `Physics-Heat`."""
    return safe_name(_BETWEEN_WORDS.sub("-", subject), fallback)


def same_name(name: str) -> str:
    """What two names have in common that Obsidian, macOS or Windows takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _may_stay(mark: str) -> bool:
    if mark.isspace():
        return True
    return mark not in _FORBIDDEN and unicodedata.category(mark) not in _INVISIBLE and not HIDDEN.match(mark)


def cut(name: str) -> str:
    """The beginning of `name` that fits into `LONGEST` bytes, cut between characters as a reader sees them."""
    if len(name.encode()) <= LONGEST:
        return name
    short = name.encode()[:LONGEST].decode(errors="ignore")
    end = len(short)
    while end and _continues(name[end]):
        end -= 1
    return (short[:end] or short).rstrip("._")


def _continues(mark: str) -> bool:
    """Whether `mark` belongs to the character before it: an accent, a vowel sign, a skin tone."""
    return unicodedata.category(mark).startswith("M") or "\U0001f3fb" <= mark <= "\U0001f3ff"

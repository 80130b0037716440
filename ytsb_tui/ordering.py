"""An order: everything a command line names, in its arguments and in the texts given with -f."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ytsb_tui import caption_file, intake, plaintext
from ytsb_tui.errors import BadCaptions, UsageError
from ytsb_tui.intake import Refused
from ytsb_tui.plaintext import one_line
from ytsb_tui.source import ID, Source
from ytsb_tui.wording import counted

LARGEST = 20_000_000
"""Bytes of a text; a list of a hundred thousand links has a quarter of that."""
MOST_LISTED = 10
"""Refused lines that are told one by one."""


@dataclass(frozen=True)
class Order:
    """What was understood, each source once."""

    sources: tuple[Source, ...]
    duplicates: int
    refused: tuple[tuple[str, Refused], ...]
    """What could not be taken, each with the name of the text it stands in ("" for an argument)."""
    prose: int = 0
    """Lines of texts that name nothing, beside others that do."""

    def complaints(self) -> list[str]:
        """A sentence for each of the first that could not be taken, and how many more there are."""
        told = []
        for place, line in self.refused[:MOST_LISTED]:
            where = f"{place}, line {line.line}: " if place else ""
            told.append(one_line(f"{where}{line.text[:100]} - {line.reason}"))
        if (more := len(self.refused) - MOST_LISTED) > 0:
            told.append(f"... and {counted(more, 'more line')} that cannot be taken.")
        return told


def read_orders(arguments: Sequence[str], lists: Iterable[str]) -> Order:
    """Read the arguments, a source or a saved page each, and the texts `lists` names ("-" for the standard input).

    Raises `UsageError` when a text cannot be read, or nothing that could be
    worked on was named.
    """
    pages = [name for name in arguments if name.lower().endswith(intake.PAGES) and os.path.isfile(name)]
    others = [name for name in arguments if name not in pages]
    texts = [("", "\n".join(map(_argument, others)), Path.cwd())] + [_text(name) for name in (*pages, *lists)]
    sources: dict[str, Source] = {}
    named = duplicates = 0
    prose: list[tuple[str, Refused]] = []
    refused: list[tuple[str, Refused]] = []
    for name, text, base in texts:
        found = intake.read(text, base=base)
        if name in pages and not found.sources:
            refused.append(("", Refused(0, name, intake.NOTHING_IN_PAGE)))
            continue
        named += len(found.sources)
        duplicates += len(found.duplicates)
        for line in found.refused:
            (prose if name and line.is_prose else refused).append((name, line))
        for source in found.sources:
            sources.setdefault(source.id, source)
    if not sources and not refused and not prose:
        raise UsageError("Nothing was named.", advice="Name a video, a playlist or a caption file; --help shows how.")
    if not sources:
        order = Order((), 0, (*refused, *prose))
        raise UsageError("\n  ".join(("Nothing of that can be worked on:", *order.complaints())))
    return Order(tuple(sources.values()), duplicates + named - len(sources), tuple(refused), len(prose))


def _argument(argument: str) -> str:
    """An argument as a line of a text.

    What is there on the disk is a path, even if it is called `Talk # 1.srt`;
    what else has the form of a video id is one, even if it might be a word in
    a text.
    """
    if not os.path.exists(argument):
        return f"https://youtu.be/{argument}" if ID.fullmatch(argument) else argument
    path = os.path.join(os.curdir, argument)
    return re.escape(path) if "#" in path else path


def _text(name: str) -> tuple[str, str, Path]:
    if name == "-":
        name = "the standard input"
        return name, _decoded(name, sys.stdin.buffer.read(LARGEST + 1)), Path.cwd()
    path = Path(name)
    if path.suffix.lower() in caption_file.SUFFIXES and path.suffix.lower() != ".txt":
        raise UsageError(f"{name} is a caption file, not a list.", advice="Name it without -f.")
    try:
        with path.open("rb") as file:
            return name, _decoded(name, file.read(LARGEST + 1)), path.absolute().parent
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from error


def _decoded(name: str, data: bytes) -> str:
    if len(data) > LARGEST:
        raise UsageError(f"{name} is larger than {LARGEST // 1_000_000} MB: no list is.")
    try:
        return plaintext.decode(data)
    except BadCaptions as error:
        raise UsageError(f"{name} cannot be read: {error}", advice="Save the list as plain text in UTF-8.") from error

"""An order: everything a command line names, in its arguments and in the texts given with -f."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ytsb_tui import caption_file, intake, plaintext
from ytsb_tui.errors import UsageError
from ytsb_tui.intake import Refused
from ytsb_tui.source import Source


@dataclass(frozen=True)
class Order:
    """What was understood, each source once."""

    sources: tuple[Source, ...]
    duplicates: int
    refused: tuple[tuple[str, Refused], ...]
    """What could not be taken, each with the name of the text it stands in ("" for an argument)."""


def read_orders(arguments: Sequence[str], lists: Iterable[str]) -> Order:
    """Read the arguments, a source each, and the texts `lists` names ("-" for the standard input).

    Raises `UsageError` when a text cannot be read, or nothing at all was named.
    """
    texts = [("", "\n".join(arguments), Path.cwd())] + [_text(name) for name in lists]
    sources: dict[str, Source] = {}
    named = duplicates = 0
    refused: list[tuple[str, Refused]] = []
    for name, text, base in texts:
        found = intake.read(text, base=base)
        named += len(found.sources)
        duplicates += len(found.duplicates)
        refused += [(name, line) for line in found.refused]
        for source in found.sources:
            sources.setdefault(source.id, source)
    if not sources and not refused:
        raise UsageError("Nothing was named.", advice="Name a video, a playlist or a caption file; --help shows how.")
    return Order(tuple(sources.values()), duplicates + named - len(sources), tuple(refused))


def _text(name: str) -> tuple[str, str, Path]:
    if name == "-":
        return "the standard input", plaintext.decode(sys.stdin.buffer.read()), Path.cwd()
    path = Path(name)
    if path.suffix.lower() in caption_file.SUFFIXES and path.suffix.lower() != ".txt":
        raise UsageError(f"{name} is a caption file, not a list.", advice="Name it without -f.")
    try:
        return name, plaintext.decode(path.read_bytes()), path.absolute().parent
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from error

"""The log as bytes: a JSON array of objects, one entry a line.

    [
    {"video_id":"..."},
    {"video_id":"..."}
    ]

Files of any other layout are read as well: the earlier tool's, or ours after
somebody's `jq`, editor or power cut.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import msgspec

Entry = dict[str, Any]
_entries = msgspec.json.Decoder(list[Entry])

OPENING, SEPARATOR, CLOSING = b"[\n", b",\n", b"\n]\n"
EMPTY = b"[]\n"

_NOTHING = b" \t\r\n\0"
"""Bytes that tell nothing: blanks, and what a power cut leaves of a block."""
_CHUNK = 1 << 20
_object_start = re.compile(r"(?:^|[\[,])[^\S\n]*(?=\{)", re.MULTILINE)


def line_of(entry: Mapping[str, Any]) -> bytes:
    """The line of an entry: compact UTF-8 JSON; NaN becomes null, half a character (a lone surrogate) becomes `�`."""
    try:
        return msgspec.json.encode(entry)
    except UnicodeEncodeError:
        return msgspec.json.encode(_with_whole_characters(entry))


def _with_whole_characters(value: Any) -> Any:
    """What `json` read, with `�` for halves of characters: nothing else here can bear them."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
    return value


def projection(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of the file of these lines: a piece for each, and one for the end."""
    before = OPENING
    for line in lines:
        yield before + line
        before = SEPARATOR
    yield CLOSING if before is SEPARATOR else EMPTY


def lines_in(content: bytes) -> Iterator[memoryview]:
    """The lines of a file laid out as ours. Raises `ValueError` for any other layout."""
    if not (content.startswith(OPENING) and content.endswith(CLOSING)):
        raise ValueError("it is not one entry a line")
    view, start = memoryview(content), len(OPENING)
    while (end := content.find(SEPARATOR, start)) != -1:
        yield view[start:end]
        start = end + len(SEPARATOR)
    yield view[start : -len(CLOSING)]


def entries_in(content: bytes) -> list[Entry]:
    """The entries of a JSON array of objects, whatever its layout, encoding or NaNs.

    Raises `ValueError`, which says in words what is wrong.
    """
    try:
        return _entries.decode(content)
    except (ValueError, RecursionError):
        entries = _decoded(content)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("it is not an array of objects")
    return entries


def _decoded(content: bytes) -> Any:
    if not content.strip(_NOTHING):
        raise ValueError("it is empty")
    try:
        return _with_whole_characters(json.loads(content))
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} is not whole") from error
    except UnicodeDecodeError as error:
        raise ValueError("it holds bytes that are no text") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


@dataclass(frozen=True)
class Difference:
    """Where a file stops agreeing with the lines it should hold."""

    agreeing: int
    """How many lines agree."""
    torn: bool
    """Whether the rest is but the beginning of what should stand there: nothing in it is lost by writing it anew."""


def compare(file: IO[bytes], lines: Iterable[bytes]) -> Difference | None:
    """How the file differs from the projection of `lines`, None when it does not; in constant memory."""
    agreeing, piece, found = 0, b"", b""
    for piece in projection(lines):
        if (found := file.read(len(piece))) != piece:
            break
        agreeing += 1
    else:
        agreeing, piece, found = agreeing - 1, b"", b""
    found += file.read(_CHUNK)
    if not piece and not found:
        return None
    rest = found.rstrip(_NOTHING)
    torn = rest.strip() in (b"", b"]", b"[]") or piece.startswith(rest)
    return Difference(agreeing, torn and not file.read(1))


def salvage(content: bytes) -> tuple[list[Entry], bool]:
    """Every entry that can be made out, and whether the file is an array of entries and nothing else.

    An entry is an object with a `video_id`; around damage, reading goes on at
    the next object.
    """
    try:
        entries = entries_in(content)
    except ValueError:
        encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8"
        entries = list(_objects(content.decode(encoding, "replace")))
        return [entry for entry in entries if _is_attempt(entry)], False
    attempts = [entry for entry in entries if _is_attempt(entry)]
    return attempts, len(attempts) == len(entries)


def _objects(text: str) -> Iterator[Entry]:
    decoder = json.JSONDecoder()
    at = 0
    while start := _object_start.search(text, at):
        try:
            entry, at = decoder.raw_decode(text, start.end())
        except (ValueError, RecursionError):
            at = start.end() + 1
        else:
            yield _with_whole_characters(entry)


def _is_attempt(entry: Entry) -> bool:
    return isinstance(entry.get("video_id"), str)


class _Identity(msgspec.Struct, frozen=True):
    """What no two attempts share, of whatever type it is in a file from elsewhere."""

    video_id: Any = None
    attempt_id: Any = None
    logged_at: Any = None


_identity = msgspec.json.Decoder(_Identity)


@dataclass(frozen=True)
class Sorted:
    """A file's entries, as its journal sees them."""

    foreign: list[Entry]
    """Attempts the journal does not know."""
    known: int
    """How many of the journal's lines are in the file, whatever their layout."""
    altered: bool
    """Whether an attempt the journal knows reads differently in the file; the journal is right."""


def sort_out(entries: list[Entry], lines: Iterable[bytes]) -> Sorted:
    """Tell a file's entries apart by the journal's lines."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        places[repr(msgspec.convert(entry, _Identity))].append(place)
    same: set[int] = set()
    altered: set[int] = set()
    known = 0
    for line in lines:
        identity = _identity.decode(line)
        if alike := places.get(repr(identity)):
            entry = msgspec.json.decode(line)
            equal = {place for place in alike if entries[place] == entry}
            same |= equal
            known += bool(equal)
            if identity.logged_at is not None:
                altered |= set(alike) - equal
    ours = same | altered
    foreign = [entry for place, entry in enumerate(entries) if place not in ours]
    return Sorted(foreign, known, altered=ours > same)

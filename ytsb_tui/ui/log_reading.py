"""A log read for the screen: the newest attempts at once, then all, then what is added.

Of each attempt only what a line shows is kept, and where in the file its entry
is: a log of 50,000 attempts has a hundred megabytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ytsb_tui.job_logger import JobLogger
from ytsb_tui.log_lines import CLOSING, SEPARATOR, Entry, entries_in, lines_in
from ytsb_tui.ui.attempt import Attempt

SCREENFUL = 256 * 1024
"""Bytes from the end of a log that surely hold more attempts than a screen shows."""

_decode = msgspec.json.Decoder(Attempt).decode
_entry = msgspec.json.Decoder(Entry)


@dataclass(frozen=True)
class Version:
    """Which state of a file was read; unlike that of the file when somebody has written to it."""

    size: int = 0
    changed: int = 0
    inode: int = 0

    @classmethod
    def of(cls, path: Path) -> Version:
        """The state of a file; that of an empty one where there is none."""
        try:
            facts = os.stat(path)
        except OSError:
            return cls()
        return cls(facts.st_size, facts.st_mtime_ns, facts.st_ino)


@dataclass(frozen=True)
class Reading:
    """What was read of a log."""

    attempts: Sequence[Attempt]
    """Oldest first."""
    version: Version
    end: int = 0
    """Where in the file the last entry ends; 0 where it is not laid out one entry a line."""
    last: bytes = b""
    """The last entry, so that it can be told whether the file has only grown."""
    whole: bool = True
    """Whether these are all attempts, or the newest alone."""


def read_newest(path: Path) -> Reading | None:
    """The newest attempts, at once; None where the file is short, or laid out in another way."""
    version = Version.of(path)
    if version.size <= SCREENFUL:
        return None
    try:
        with path.open("rb") as file:
            file.seek(version.size - SCREENFUL)
            tail = file.read(SCREENFUL)
        first = tail.find(SEPARATOR)
        if first < 0 or not tail.endswith(CLOSING):
            return None
        start = version.size - SCREENFUL + first
        return Reading([attempt for attempt, _ in _lines(tail[first:], start)], version, whole=False)
    except (OSError, ValueError):
        return None


def read_all(logger: JobLogger) -> Reading:
    """Every attempt. Raises `VaultError` or `StageError` where the log is damaged or cannot be read."""
    version = Version.of(logger.file.path)
    return logger.file.read(lambda content: _parse(content, version))


def read_on(path: Path, before: Reading) -> Reading | None:
    """All attempts after others were appended to what was read; None where more than that has happened."""
    version = Version.of(path)
    if not before.end or version.size <= before.version.size:
        return None
    start = before.end - len(before.last)
    try:
        with path.open("rb") as file:
            file.seek(start)
            tail = file.read()
        added = tail.removeprefix(before.last)
        if len(added) == len(tail) or not (added.startswith(SEPARATOR) and added.endswith(CLOSING)):
            return None
        grown = list(_lines(added, before.end))
        attempts = [*before.attempts, *(attempt for attempt, _ in grown)]
        last = grown[-1][1]
        return Reading(attempts, version, before.end + len(added) - len(CLOSING), last)
    except (OSError, ValueError):
        return None


def _lines(tail: bytes, at: int) -> Iterator[tuple[Attempt, bytes]]:
    """The entries of a log's end, which stands `at` in the file and begins with what separates entries."""
    for line in tail[len(SEPARATOR) : -len(CLOSING)].split(SEPARATOR):
        at += len(SEPARATOR)
        yield _decode(line).kept((at, at + len(line))), line
        at += len(line)


def _parse(content: bytes, version: Version) -> Reading:
    attempts, at, line = [], 0, memoryview(b"")
    try:
        for line in lines_in(content):
            at += len(SEPARATOR)  # as long as the opening
            attempts.append(_decode(line).kept((at, at + len(line))))
            at += len(line)
    except (ValueError, RecursionError):
        return Reading([msgspec.convert(entry, Attempt).kept(None) for entry in entries_in(content)], version)
    return Reading(attempts, version, at, bytes(line))


def entry_of(logger: JobLogger, attempt: Attempt) -> Entry:
    """The whole entry of an attempt; empty where the file does not have it any more. Raises as `read_all` does."""
    if attempt.place is not None:
        start, end = attempt.place
        try:
            with logger.file.path.open("rb") as file:
                file.seek(start)
                entry = _entry.decode(file.read(end - start))
            if msgspec.convert(entry, Attempt).identity == attempt.identity:
                return entry
        except (OSError, ValueError):
            pass  # rewritten since: it is looked for in the whole file
    identity = attempt.identity
    entries = reversed(logger.get_all_jobs())
    return next((each for each in entries if msgspec.convert(each, Attempt).identity == identity), {})

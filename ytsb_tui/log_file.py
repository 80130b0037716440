"""The log on disk: it grows in place, and is mended from the journal.

An append overwrites the closing bracket with the new lines and the next
bracket, in one write: its cost does not depend on how long the log is. Where
a crash tears that write, `reconcile` mends the file at the next start.
"""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TypeVar

from filelock import FileLock, Timeout

from ytsb_tui.clock import Clock, SystemClock
from ytsb_tui.errors import VaultError, from_os_error
from ytsb_tui.log_lines import CLOSING, EMPTY, SEPARATOR, Entry, compare, projection, salvage, sort_out
from ytsb_tui.presence import Presence
from ytsb_tui.private import kind_of, refuse_link
from ytsb_tui.settings import PRIVATE
from ytsb_tui.whole_file import creating, replacing

T = TypeVar("T")

TAIL = 64
"""Bytes from the end within which the closing bracket must stand."""
LARGEST_FOREIGN = 512 * 1024 * 1024
"""A file that is not ours and has more bytes is kept aside unread."""
LOCK_SECONDS = 30.0
DAMAGED = "Run `ytsb-tui log` in that vault: it mends the log from the journal and keeps the damaged file beside it."

_sync = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True)
class Reconciled:
    """What it took to make the file agree with the journal."""

    appended: int = 0
    """Entries of the journal that the file lacked, and now has."""
    foreign: list[Entry] = field(default_factory=list)
    """Attempts the journal does not know: import them, then `rebuild`; until then the file is as it was."""
    kept: Path | None = None
    """The copy of a file that held anything the journal did not."""


class LogFile:
    """The one file, shared with every thread and process that adds to it."""

    def __init__(self, path: Path, clock: Clock | None = None, *, of_vault: bool = False) -> None:
        """The folder of a log that is no vault's is made where there is none; a vault that is gone stays gone."""
        self.path = path
        self._presence = Presence(path.parent) if of_vault else None
        self._clock = clock or SystemClock()
        self._turn = threading.Lock()
        self._lock = FileLock(path.parent / PRIVATE / "log.lock", poll_interval=0.005, thread_local=False)

    def read(self, parse: Callable[[bytes], T]) -> T:
        """What `parse` makes of the file, or of an empty array where there is no file.

        Reading takes no lock: a file that `parse` refuses with a `ValueError`
        may have been in the middle of an append, and is read once more under
        the lock. Raises `VaultError` when it is damaged for good.
        """
        try:
            return parse(self._content())
        except ValueError:
            with self._alone("reading"):
                content = self._content()
        try:
            return parse(content)
        except ValueError as error:
            raise VaultError(f"The log {self.path} is damaged: {error}.", advice=DAMAGED) from error

    def append(self, lines: Sequence[bytes]) -> None:
        """Add entries, each the JSON of one object without a line break; on disk when it returns.

        Raises `StageError` when the system refuses (the file is then as it
        was), `VaultError` when the file does not end as a log does.
        """
        if not lines:
            return
        with self._alone("writing"):
            if not self.path.exists():
                self._replace(lines)
                return
            with open(self.path, "r+b", buffering=0) as file:
                _extend(file, SEPARATOR.join(lines))

    def reconcile(self, lines: Callable[[], Iterable[bytes]]) -> Reconciled:
        """Compare the file with the journal's entries, and mend it.

        `lines` gives the journal's lines in order, anew at each call. Meant
        for the start, before anything is appended: what a dying process tore
        is mended, and nothing that others wrote is lost.
        """
        with self._alone("checking"):
            if not self.path.exists():
                return Reconciled(self._replace(lines()) if any(True for _ in lines()) else 0)
            with open(self.path, "rb") as file:
                difference = compare(file, lines())
            if difference is None:
                return Reconciled()
            if difference.torn:
                return Reconciled(self._replace(lines()) - difference.agreeing)
            readable = self.path.stat().st_size <= LARGEST_FOREIGN
            entries, whole = salvage(self.path.read_bytes()) if readable else ([], False)
            found = sort_out(entries, lines())
            kept = None if whole and not found.foreign and not found.altered else self._keep("kept")
            appended = 0 if found.foreign else self._replace(lines()) - found.known
            return Reconciled(appended, found.foreign, kept)

    def rebuild(self, lines: Iterable[bytes]) -> None:
        """Write the whole file anew: readers see the old one or the new one."""
        with self._alone("writing"):
            self._replace(lines)

    def clear(self) -> Path | None:
        """Start an empty log; returns the copy of the old one, None where there was none."""
        with self._alone("clearing"):
            if not self.path.exists():
                return None
            backup = self._keep("backup")
            self._replace(())
            return backup

    def _replace(self, lines: Iterable[bytes]) -> int:
        """Write every line to a new file that takes the old one's place; returns how many there are."""
        pieces = 0
        with replacing(self.path) as file:
            for piece in projection(lines):
                file.write(piece)
                pieces += 1
        return pieces - 1

    def _keep(self, kind: str) -> Path:
        """Copy the file beside itself, under a name that is not taken."""
        stamp = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        suffixes = ("", *(f"-{number}" for number in range(2, 1000)))
        names = (self.path.with_name(f"{self.path.stem}.{stamp}{suffix}.{kind}.json") for suffix in suffixes)
        side = next(name for name in names if not name.exists())
        with open(self.path, "rb") as source, creating(side) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        return side

    def _content(self) -> bytes:
        with self._refusals(f"reading {self.path}"):
            self._check()
            return self.path.read_bytes() if self.path.exists() else EMPTY

    def _check(self) -> None:
        refuse_link(self.path)
        refuse_link(self.path.parent / PRIVATE)
        if kind_of(self.path) not in (stat.S_IFREG, None):
            raise VaultError(f"{self.path} is not a file.", advice="Move it away; the log belongs there.")

    @contextmanager
    def _alone(self, doing: str) -> Iterator[None]:
        """Hold the log: first among our threads, which wait without polling, then among processes."""
        with self._turn, self._refusals(f"{doing} {self.path}"), ExitStack() as stack:
            self._check()
            try:
                stack.enter_context(self._folder().held(self._lock, LOCK_SECONDS))
            except Timeout:
                raise VaultError(
                    f"Another program has held {self._lock.lock_file} for {LOCK_SECONDS:.0f} seconds.",
                    advice="Close the other ytsb-tui, or whatever holds that file.",
                ) from None
            yield

    def _folder(self) -> Presence:
        if self._presence is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        return self._presence or Presence(self.path.parent)

    @contextmanager
    def _refusals(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            refusal = self._presence.refusal if self._presence else from_os_error
            raise refusal(error, doing) from error


def _extend(file: IO[bytes], entries: bytes) -> None:
    """Put `entries` before the closing bracket; undone when the system refuses half-way."""
    size = os.fstat(file.fileno()).st_size
    start = max(0, size - TAIL)
    file.seek(start)
    tail = file.read(TAIL)
    body = tail.rstrip().removesuffix(b"]").rstrip()
    empty = start == 0 and body == b"["
    if not tail.rstrip().endswith(b"]") or not (empty or body.endswith(b"}")):
        raise VaultError(f"The log {file.name} is damaged at its end.", advice=DAMAGED)
    seam = start + len(body)
    addition = (b"\n" if empty else SEPARATOR) + entries + CLOSING
    unwritten = memoryview(addition.ljust(size - seam))
    file.seek(seam)
    try:
        while unwritten:
            unwritten = unwritten[file.write(unwritten) :]
        _sync(file.fileno())
    except OSError:
        with suppress(OSError):
            file.seek(seam)
            file.write(tail[len(body) :])
            file.truncate(size)
        raise

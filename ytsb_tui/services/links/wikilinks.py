"""Wikilinks between the notes of a vault."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ytsb_tui.errors import NotWritable, Stopped
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.links.index import CLOSED, LinkIndex, is_damage, telling
from ytsb_tui.services.links.mentions import Mention
from ytsb_tui.services.links.prose import with_links
from ytsb_tui.services.links.words import keys
from ytsb_tui.services.vault.vault import Vault

MOST_RELATED = 5
"""Notes that are called related to one."""
_MOST_CHANGED = 20
"""Earlier notes that are looked at for mentions of a new one."""
_MOST_LISTENED = 100_000
"""Characters of a transcript that are searched for other notes' names."""
_TRIES = 3
"""How often a note is read again because somebody else changed it meanwhile."""

Result = TypeVar("Result")


class WikiLinks:
    """Which notes of a vault name each other, linked. Threads may share it.

    Other notes are read and changed one at a time, and only where nobody else
    has changed them meanwhile.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._opening = threading.Lock()
        self._index: LinkIndex | None = None
        self._is_closed = False

    def close(self) -> None:
        """Let go of the index, whoever is at it; they, and who comes to it later, hear `Stopped`."""
        self._is_closed = True  # for who is just making it, and would be waited for
        with self._opening:
            if self._index is not None:
                self._index.close()

    def related(self, job: VideoProcessingJob) -> list[str]:
        """Stems of notes on the job's concepts, or before it has any, of notes named in its transcript."""
        return self._repairing(lambda index: self._related(job, index))

    def connect(self, job: VideoProcessingJob) -> int:
        """Link the job's note to others and up to 20 others to it; see `stages.Links`."""
        path = job.notes_filepath
        assert path is not None
        return self._repairing(lambda index: self._connect(path, index))

    def _related(self, job: VideoProcessingJob, index: LinkIndex) -> list[str]:
        if job.concepts:
            found = index.about([phrase for phrase in map(keys, job.concepts) if phrase], MOST_RELATED + 1)
        else:
            said = job.transcript.text[:_MOST_LISTENED] if job.transcript else ""
            named = Counter(mention.note for mention in index.find(f"{job.title}\n{said}"))
            found = [Path(note) for note, _ in named.most_common(MOST_RELATED + 1)]
        others = (path for path in found if path != job.notes_filepath and index.video_of(path) != job.video_id)
        return [path.stem for path in others][:MOST_RELATED]

    def _connect(self, path: Path, index: LinkIndex) -> int:
        if not self._learn(path, index):
            return 0
        others = self._link(path, index)
        return others + sum(
            self._link(earlier, index, path.as_posix()) for earlier in index.mentioning(path, _MOST_CHANGED)
        )

    def _link(self, path: Path, index: LinkIndex, only: str = "") -> int:
        """Link the notes that are named in one, or `only` one of them; how many were."""

        def find(text: str) -> Iterator[Mention]:
            for mention in index.find(text, only):
                is_other = mention.note != path.as_posix() and (self._vault.root / mention.note).exists()
                if is_other and index.is_clear(mention.name):
                    yield mention

        for _ in range(_TRIES):
            try:
                text = self._vault.read(path)
            except (FileNotFoundError, NotWritable):
                index.drop(path)
                return 0
            linked, notes = with_links(text, find)
            if not notes:
                return 0
            if self._vault.exchange(path, text, linked):
                with suppress(FileNotFoundError):  # moved since: learnt where it is, at the next start
                    index.touch(path, (self._vault.root / path).stat())
                return len(notes)
        return 0

    def _learn(self, path: Path, index: LinkIndex) -> bool:
        """Have the index know a note as it is now; False if it is gone, or not for us to read."""
        try:
            facts = (self._vault.root / path).stat()
            index.put(path, self._vault.read(path), facts)
        except (FileNotFoundError, NotWritable):
            index.drop(path)
            return False
        return True

    def _refresh(self, index: LinkIndex) -> None:
        """Learn what was added, changed, moved or deleted since the index was last used."""
        known = dict(index.stamps())
        for path, facts in self._vault.notes():
            if self._is_closed:
                raise Stopped(CLOSED)
            if known.pop(path.as_posix(), None) != (facts.st_mtime_ns, facts.st_size):
                self._learn(path, index)
        for gone in known:
            index.drop(Path(gone))

    def _repairing(self, work: Callable[[LinkIndex], Result]) -> Result:
        """Do work on the index; if it is damaged, make it anew and do the work again."""
        with telling():
            index = self._opened()
            try:
                return work(index)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                index.renew()
                self._refresh(index)
                return work(index)

    def _opened(self) -> LinkIndex:
        """The index, brought up to date when it is first asked for."""
        with self._opening:
            if self._is_closed:
                raise Stopped(CLOSED)
            if self._index is None:
                index = LinkIndex(self._vault.private / "links.db")
                try:
                    self._refresh(index)
                except BaseException:
                    index.close()
                    raise
                self._index = index
            return self._index

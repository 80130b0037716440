"""The vault: the folder notes are written to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import count
from pathlib import Path

from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.documents import keep_user_part
from ytsb_tui.services.vault.folder import Folder
from ytsb_tui.services.vault.names import cut
from ytsb_tui.services.vault.places import Places
from ytsb_tui.services.vault.versions import says_the_same
from ytsb_tui.settings import PRIVATE

REPLACED = "replaced"
"""In its own folder: notes as they were before other words took their place."""


class Vault:
    """An Obsidian vault. Threads may share one; processes may share its folder."""

    def __init__(self, root: Path) -> None:
        """Open the vault at `root`, making it if need be. Raises `VaultError`."""
        self._folder = Folder(root)
        self._places = Places(self._folder)

    @property
    def root(self) -> Path:
        """What every path is relative to."""
        return self._folder.root

    @property
    def private(self) -> Path:
        """The folder for what is the program's own."""
        return self.root / PRIVATE

    def lock(self) -> AbstractContextManager[None]:
        """Keep every other thread and process from writing. Hold it for writes only; it does not nest."""
        return self._folder.lock()

    def subjects(self) -> list[str]:
        """The folders notes are filed under."""
        return self._folder.folders()

    def notes(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Every Markdown file."""
        return self._folder.notes()

    def place(self, job: VideoProcessingJob) -> VideoProcessingJob:
        """The job with its files' places; see `stages.Vault`.

        A note keeps its place, and is found again where the user has moved it.
        """
        with self.lock():
            path = self._places.find(job)
            quiz = self._places.quiz(job, path) if job.has_assessment() else None
        return replace(
            job,
            subject=path.parts[0] if len(path.parts) > 1 else job.subject,
            notes_filepath=path,
            assessment_filepath=quiz,
        )

    def inside(self, path: Path) -> Path:
        """Where a file of the vault is on the disk; see `stages.Vault`."""
        return self._folder.target(path)

    def read(self, path: Path) -> str:
        """A note as it is; bytes that are no UTF-8 come as lone surrogates. Raises `FileNotFoundError`."""
        return self._folder.read(path)

    def write(self, path: Path, text: str) -> Path | None:
        """Write a note; see `stages.Vault`. Whatever happens, the file is whole: the new one or the old."""
        with self.lock():
            try:
                before = self._folder.read(path)
            except FileNotFoundError:
                before = ""
            loses_nothing = not before or self._places.is_claim(before) or says_the_same(before, text)
            kept = None if loses_nothing else self._keep(path, before)
            self._folder.replace(path, keep_user_part(before, text))
            return kept

    def exchange(self, path: Path, old: str, new: str) -> bool:
        """Write `new` if the note still reads `old`; whether it did."""
        with self.lock():
            unchanged = self._reads(path, old)
            if unchanged:
                self._folder.replace(path, new)
            return unchanged

    def _reads(self, path: Path, text: str) -> bool:
        """Whether that is what a note reads, if there is one."""
        try:
            return self._folder.read(path) == text
        except FileNotFoundError:
            return False

    def _keep(self, path: Path, text: str) -> Path:
        """Put a note's text where replaced ones are kept, under the time it was last changed.

        A process that was killed before it wrote the new one has put it there already.
        """
        stem = f"{cut(path.stem)} {self._folder.changed(path):%Y-%m-%d %H.%M.%S}"
        names = (stem if number == 1 else f"{stem}_{number}" for number in count(1))
        places = (Path(PRIVATE, REPLACED, f"{name}.md") for name in names)
        return next(at for at in places if self._folder.create(at, text, durable=True) or self._reads(at, text))

    def sweep(self) -> None:
        """Remove what a killed process left behind. Call it once, before any work."""
        with self.lock():
            self._folder.sweep()
            self._places.unclaim()

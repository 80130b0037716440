"""The vault: the folder notes are written to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import count
from pathlib import Path

from ytsb_tui.errors import NotWritable
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.documents import keep_user_part
from ytsb_tui.services.vault.folder import Folder
from ytsb_tui.services.vault.names import cut
from ytsb_tui.services.vault.places import Places
from ytsb_tui.services.vault.versions import says_the_same
from ytsb_tui.settings import PRIVATE

REPLACED = "replaced"
"""In its own folder: notes as they were before other words took their place."""
_SETTLING = 0.1
"""Seconds after which a note that reads nothing is taken for an empty one."""
_TRIES = 10
"""How often a note is written anew because somebody else has written to it meanwhile."""


class Vault:
    """An Obsidian vault. Threads may share one; processes may share its folder."""

    def __init__(self, root: Path, pause: Callable[[float], object] = time.sleep) -> None:
        """Open the vault at `root`, making it if need be; `pause` waits for seconds. Raises `VaultError`."""
        self._pause = pause
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
            for _ in range(_TRIES):
                there = self._settled(path)
                before = there or ""
                loses_nothing = not before or self._places.is_claim(before) or says_the_same(before, text)
                kept = None if loses_nothing else self._keep(path, before)
                if self._folder.exchange(path, there, keep_user_part(before, text)):
                    return kept
        raise NotWritable(f"Another program writes to {path} all the time.", advice="Close it, then retry.")

    def exchange(self, path: Path, old: str, new: str) -> bool:
        """Write `new` if the note still reads `old`; whether it did."""
        with self.lock():
            return self._folder.text(path) == old and self._folder.exchange(path, old, new)

    def _settled(self, path: Path) -> str | None:
        """What a note reads, if there is one. Editors empty a file before they write it anew: that is waited for."""
        text = self._folder.text(path)
        if text == "":
            self._pause(_SETTLING)
            text = self._folder.text(path)
        return text

    def _keep(self, path: Path, text: str) -> Path:
        """Put a note's text where replaced ones are kept, under the time it was last changed.

        A process that was killed before it wrote the new one has put it there already.
        """
        stem = f"{cut(path.stem)} {self._folder.changed(path):%Y-%m-%d %H.%M.%S}"
        names = (stem if number == 1 else f"{stem}_{number}" for number in count(1))
        places = (Path(PRIVATE, REPLACED, f"{name}.md") for name in names)
        return next(at for at in places if self._folder.create(at, text, durable=True) or self._folder.text(at) == text)

    def sweep(self) -> None:
        """Remove what a killed process left behind. Call it once, before any work."""
        with self.lock():
            self._folder.sweep()
            self._places.unclaim()

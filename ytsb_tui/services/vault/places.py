"""Where each note is, or will be.

File names are unique in the whole vault, whatever their case, because Obsidian
links by name. What is taken is learnt from one look at the vault, kept up to
date by ourselves, and checked against the disk again at every claim: people and
other programs add files too. For a note that is gone it is looked once more.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.documents import frontmatter
from ytsb_tui.services.vault.folder import Folder
from ytsb_tui.services.vault.names import folder_name, safe_name, same_name
from ytsb_tui.services.vault.properties import is_assessment, video_id_of

ASSESSMENT = "Assessment_"
"""What the file of an assessment is called, before the stem of its note."""
GENERAL = "General"
"""The subject of what has no other."""

_HEAD = 8192
"""Bytes within which our notes say which video they are about."""


class Places:
    """The names that are taken in a vault, and by which videos. Call it under the vault's lock."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._looked = False
        self._taken: dict[str, str] = {}
        """The file that has, or may yet ask for, a name."""
        self._by_video: dict[str, str] = {}
        self._quizzes: dict[str, str] = {}

    def find(self, job: VideoProcessingJob) -> Path:
        """Where the job's note goes: the place it has, or a new one that is its own from now on."""
        if not self._looked:
            self._look()
        path = self._kept(job) or self._claim(job)
        self._note(path, job.video_id)
        return path

    def quiz(self, job: VideoProcessingJob, note: Path) -> Path:
        """Where the assessment goes that belongs to a note: beside it, unless there is one elsewhere already."""
        beside, moved = note.with_name(ASSESSMENT + note.name), self._quizzes.get(job.video_id)
        for path in (beside, job.assessment_filepath, moved and Path(moved)):
            if path and self._folder.exists(path) and self._is_quiz_of(path, job.video_id):
                return path
        return beside

    def unclaim(self) -> None:
        """Remove claims that a killed process never made good."""
        for path, facts in list(self._folder.notes()):
            if facts.st_size < 100 and self.is_claim(self._head(path)):
                self._folder.remove(path)

    def is_claim(self, text: str) -> bool:
        """Whether that is what a file says until its note is written."""
        return text == _claim(video_id_of(text))

    def _look(self) -> None:
        """Learn of the notes that are not known yet."""
        known = set(self._taken.values())
        for path, _ in self._folder.notes():
            if path.as_posix() in known:
                continue
            head = self._head(path)
            if path.stem.startswith(ASSESSMENT) and is_assessment(head):
                self._taken[same_name(path.stem)] = path.as_posix()
                self._quizzes[video_id_of(head)] = path.as_posix()
            else:
                self._note(path, video_id_of(head))
        self._looked = True

    def _note(self, path: Path, video_id: str) -> None:
        """Remember a note; the name of its assessment is its own too."""
        self._taken[same_name(path.stem)] = path.as_posix()
        self._taken.setdefault(same_name(ASSESSMENT + path.stem), path.as_posix())
        if video_id:
            self._by_video[video_id] = path.as_posix()

    def _kept(self, job: VideoProcessingJob) -> Path | None:
        """The place the job's note has: where the job says, or where the user has moved it."""
        path = job.notes_filepath
        there = self._found(job)
        if path and there is None:  # it may have been moved since
            self._look()
            there = self._found(job)
        if there is not None:
            return there
        if path and self._taken.get(same_name(path.stem), path.as_posix()) == path.as_posix():
            return path if self._folder.create(path, _claim(job.video_id)) else None
        return None

    def _found(self, job: VideoProcessingJob) -> Path | None:
        """The job's note, if it is where somebody has known it to be."""
        moved = self._by_video.get(job.video_id)
        places = (job.notes_filepath, Path(moved) if moved else None)
        return next(
            (path for path in places if path and self._folder.exists(path) and self._is_ours(path, job.video_id)), None
        )

    def _claim(self, job: VideoProcessingJob) -> Path:
        wanted = folder_name(job.subject, GENERAL)
        subject = next((name for name in self._folder.folders() if same_name(name) == same_name(wanted)), wanted)
        title = safe_name(job.title, job.video_id)
        stems = (title if number == 1 else f"{title}_{number}" for number in count(1))
        return next(
            path
            for path in (Path(subject, f"{stem}.md") for stem in stems if self._is_free(stem))
            if self._folder.create(path, _claim(job.video_id))
        )

    def _is_free(self, stem: str) -> bool:
        """Whether no note and no assessment is called so, in any folder."""
        for name in (stem, ASSESSMENT + stem):
            known = self._taken.get(same_name(name))
            if known is not None and self._folder.exists(known):
                return False
            if any(self._folder.exists(Path(folder, f"{name}.md")) for folder in (".", *self._folder.folders())):
                return False
        return True

    def _is_ours(self, path: Path, video_id: str) -> bool:
        """Whether note and assessment there are about the video, as far as they exist."""
        files = (path, path.with_name(ASSESSMENT + path.name))
        return all(video_id_of(self._head(file)) == video_id for file in files if self._folder.exists(file))

    def _is_quiz_of(self, path: Path, video_id: str) -> bool:
        head = self._head(path)
        return is_assessment(head) and video_id_of(head) == video_id

    def _head(self, path: Path) -> str:
        try:
            return self._folder.head(path, _HEAD)
        except (FileNotFoundError, PermissionError):
            return ""


def _claim(video_id: str) -> str:
    """What a file says until its note is written."""
    return frontmatter({"video_id": video_id}) + "\n"

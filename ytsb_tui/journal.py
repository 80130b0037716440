"""A vault opened for work: its store, its log, and the lock that says whose it is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock

from ytsb_tui.clock import Clock
from ytsb_tui.errors import from_os_error
from ytsb_tui.job import Failure, Stage, Status, VideoProcessingJob
from ytsb_tui.job_logger import LOG_NAME, entry_line
from ytsb_tui.log_file import LogFile
from ytsb_tui.log_lines import line_of
from ytsb_tui.owner import own
from ytsb_tui.private import private_folder
from ytsb_tui.store import Standing, Store
from ytsb_tui.wording import counted

QUIZ = "Assessment_"
"""How the earlier tool's names of assessments begin."""


@dataclass(frozen=True)
class Submission:
    """What became of the jobs somebody asked for."""

    new: tuple[VideoProcessingJob, ...] = ()
    known: tuple[Standing, ...] = ()
    """Those with something left to do."""
    done: tuple[VideoProcessingJob, ...] = ()
    """Jobs whose every stage is finished and whose files are there."""

    @property
    def queued(self) -> tuple[VideoProcessingJob, ...]:
        """The jobs to work on."""
        return (*self.new, *(standing.job for standing in self.known))

    @property
    def ids(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(job.video_id for job in self.queued)


@dataclass
class Journal:
    """What the pipeline writes down, on disk. One process at a time works on a vault."""

    root: Path
    store: Store
    log_file: LogFile
    clock: Clock
    owner: FileLock
    notices: list[str] = field(default_factory=list)
    """What had to be put right when the vault was opened, a sentence each."""

    @classmethod
    def open(cls, root: Path, clock: Clock, *, for_a_moment: bool = False) -> Journal:
        """Open the journal of the vault at `root`, and put right what a crash left behind.

        Who has it open `for_a_moment` is waited for. Raises `VaultBusy` when
        another process works on the vault, `VaultError` when a newer version
        has, `Ours` when the system refuses.
        """
        try:
            state = private_folder(root)
            owner = own(state, clock, for_a_moment=for_a_moment)
        except OSError as error:
            raise from_os_error(error, f"opening the vault {root}") from error
        try:
            log_file = LogFile(root / LOG_NAME, of_vault=True)
            store = Store(state, root)
        except BaseException as error:
            owner.release()
            if isinstance(error, OSError):
                raise from_os_error(error, f"opening {error.filename or state}") from error
            raise
        journal = cls(root, store, log_file, clock, owner)
        try:
            journal._put_right()
        except BaseException:
            journal.close()
            raise
        return journal

    def _put_right(self) -> None:
        if self.store.damaged:
            self.notices.append(
                f"The journal was damaged and is kept as {self.store.damaged}; a new one was made from the log."
            )
        if interrupted := self.store.recover():
            self.notices.append(f"{counted(interrupted, 'job was', 'jobs were')} interrupted and will be resumed.")
        found = self.log_file.reconcile(self.store.entries)
        if found.foreign:
            self.store.adopt([adopted(entry, self.root) for entry in found.foreign])
            self.log_file.rebuild(self.store.entries())
            self.notices.append(f"{counted(len(found.foreign), 'attempt')} taken over from {LOG_NAME}.")
        if found.kept:
            self.notices.append(f"{LOG_NAME} was not as we left it; what was there is kept as {found.kept.name}.")

    def close(self) -> None:
        """Let go of the vault."""
        self.store.close()
        self.owner.release()

    def submit(
        self, jobs: Iterable[VideoProcessingJob], plan: Sequence[Stage], *, restart_at: Stage | None = None
    ) -> Submission:
        """Queue what is not finished yet.

        A known job keeps what it has: only its missing stages will run. A new
        subject or source given for it wins. With `restart_at` that stage and
        all after it are run again whatever is finished.
        """
        found = self.survey(jobs, plan, anew=restart_at is not None)
        for standing in found.known:
            self.store.requeue(standing, restart_at=restart_at)
        self.store.add(found.new)
        return found

    def survey(self, jobs: Iterable[VideoProcessingJob], plan: Sequence[Stage], *, anew: bool = False) -> Submission:
        """What would become of jobs somebody asks for; with `anew` none of them counts as done."""
        new: list[VideoProcessingJob] = []
        known: list[Standing] = []
        done: list[VideoProcessingJob] = []
        for job in jobs:
            standing = self.store.standing(job.video_id)
            if standing is None:
                new.append(self.store.with_transcript(job).facts())
            elif not anew and is_done(standing, plan):
                done.append(standing.job)
            else:
                subject = job.subject or standing.job.subject
                known.append(replace(standing, job=replace(standing.job, url=job.url, subject=subject)))
        return Submission(tuple(new), tuple(known), tuple(done))

    def commit(self, job: VideoProcessingJob, stage: Stage) -> None:
        """Make a finished stage durable."""
        self.store.commit(job, stage)

    def keep_partial(self, job: VideoProcessingJob, stage: Stage, text: str) -> None:
        """Keep what a broken-off stage left, and what the job has used so far."""
        self.store.keep_partial(job, stage, text)

    def end(self, job: VideoProcessingJob, status: Status) -> bytes:
        """End an attempt; returns its entry for the log.

        Should we die before that is in the log, the log is brought up at the
        next start.
        """
        entry = entry_line(job, self.clock.now())
        self.store.end(job, status, entry)
        return entry

    def log(self, entry: bytes) -> None:
        """Add an attempt that has ended to the log."""
        self.log_file.append([entry])


def is_done(standing: Standing, plan: Sequence[Stage]) -> bool:
    """Whether a job has every stage of `plan`, and its files are still there."""
    if standing.status is not Status.DONE:
        return False
    if standing.imported:
        files = [path for paths in standing.job.files.values() for path in paths]
        return bool(files) and all(os.path.isfile(standing.job.output_dir / path) for path in files)
    return all(standing.job.has(stage) for stage in plan)


def adopted(entry: dict[str, Any], root: Path) -> tuple[VideoProcessingJob, Status, bytes]:
    """A log entry somebody else wrote, as a job of ours."""
    line = line_of(entry)
    entry = msgspec.json.decode(line)

    def words(name: str) -> str:
        value = entry.get(name)
        return value if isinstance(value, str) else ""

    success = entry.get("success") is True
    stage = next((stage for stage in Stage if stage.log_name == entry.get("stage")), Stage.FETCH)
    failure = Failure(
        stage,
        words("error_class") or "Unknown",
        words("error") or "No reason was logged.",
        words("advice") or "Retry it: it starts from the beginning.",
        entry.get("is_retryable") is not False,
    )
    job = VideoProcessingJob(
        video_id=words("video_id"),
        url=words("url"),
        subject=words("subject"),
        output_dir=root,
        video_title=words("video_title"),
        stage="completed" if success else stage.log_name,
        failure=None if success else failure,
        notes_filepath=_adopted_file(entry, "notes_filepath", ".md"),
        assessment_filepath=_adopted_file(entry, "assessment_filepath", ".md", quiz=True),
        notes_pdf_path=_adopted_file(entry, "notes_pdf_path", ".pdf"),
        assessment_pdf_path=_adopted_file(entry, "assessment_pdf_path", ".pdf", quiz=True),
    )
    job = replace(job, url=job.url or job.watch_url or "")
    return job, Status.DONE if success else Status.FAILED, line


def _adopted_file(entry: dict[str, Any], name: str, suffix: str, *, quiz: bool = False) -> Path | None:
    """A file of such an entry, inside the vault; an entry that does not say which is which is told by their names."""
    created = entry.get("files_created")
    made = [Path(path) for path in created if isinstance(path, str)] if isinstance(created, list) else []
    alike = (path for path in made if path.suffix == suffix and path.name.startswith(QUIZ) == quiz)
    named = entry.get(name)
    path = Path(named) if isinstance(named, str) else next(alike, Path())
    parts = path.parts[-3 if suffix == ".pdf" else -2 :]
    return Path(*parts) if parts and ".." not in parts and not Path(*parts).is_absolute() else None

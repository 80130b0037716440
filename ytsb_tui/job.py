"""A job: one source's way through the pipeline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from os.path import isfile as is_file  # says no, where `Path.is_file` raises, of a name that is too long
from pathlib import Path
from typing import Any

from ytsb_tui import __version__
from ytsb_tui.circuits import Circuit
from ytsb_tui.clock import iso
from ytsb_tui.errors import StageError, Unfinished
from ytsb_tui.transcript import Transcript
from ytsb_tui.usage import Usage


class Stage(StrEnum):
    """The six steps, in order. "failed" is an outcome, not a stage."""

    FETCH = "fetch"
    NOTES = "notes"
    ASSESSMENT = "assessment"
    WRITE = "write"
    LINKS = "links"
    EXPORT = "export"

    @property
    def timing_key(self) -> str:
        """Its name among the log's `timings`."""
        return _LOG_NAMES[self][0]

    @property
    def log_name(self) -> str:
        """The log's `stage` while a job is in it."""
        return _LOG_NAMES[self][1]


_LOG_NAMES = {
    Stage.FETCH: ("fetch_transcript", "fetching_transcript"),
    Stage.NOTES: ("generate_notes", "generating_notes"),
    Stage.ASSESSMENT: ("generate_assessment", "generating_assessment"),
    Stage.WRITE: ("write_files", "writing_files"),
    Stage.LINKS: ("process_links", "processing_links"),
    Stage.EXPORT: ("export_pdfs", "exporting_pdfs"),
}


class Status(StrEnum):
    """Where a job stands between attempts."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Failure:
    """Why an attempt ended without success."""

    stage: Stage
    kind: str
    """The class in `ytsb_tui.errors`, for example "NoCaptions"."""
    message: str
    advice: str
    retryable: bool

    @classmethod
    def of(cls, stage: Stage, error: Unfinished) -> Failure:
        """What the user is told of `error`."""
        retryable = isinstance(error, StageError) and error.policy.retryable
        return cls(stage, type(error).__name__, str(error), error.advice, retryable)


CACHE_SECONDS = 300.0
"""How long a model's cache keeps a transcript that is not asked for."""


@dataclass(frozen=True)
class VideoProcessingJob:
    """One video's (or caption file's) way through the pipeline.

    A job is a value: no stage changes the job it is given, it returns the
    next one. So a worker can hand its job to the screen without a lock.
    Paths are relative to `output_dir`, so that a vault can be moved.
    """

    video_id: str
    """YouTube's 11 characters, or `file-` and 12 of the caption file's SHA-256."""
    url: str
    """Where it comes from: a watch URL, or the absolute path of a caption file."""
    subject: str = ""
    """The folder it is filed under; "" until the user or the notes stage has chosen."""
    worker_id: int | None = None
    """The number of the thread that runs, or last ran, it."""
    output_dir: Path = Path("notes")

    video_title: str = ""
    channel: str = ""
    duration: float = 0.0
    language: str = ""
    captions: str = ""
    method: str = ""
    cues: int = 0
    chapters: int = 0
    transcript: Transcript | None = None

    author: str = ""
    model: str = ""
    concepts: tuple[str, ...] = ()
    coverage: float | None = None
    related: tuple[str, ...] = ()
    """Stems of earlier notes that share concepts with this one."""
    study_notes: str = ""
    questions: int = 0
    assessment_content: str = ""
    usage: Mapping[Stage, Usage] = field(default_factory=dict)
    """What each stage has used so far, failed tries included."""
    partials: Mapping[Stage, str] = field(default_factory=dict)
    """What a broken-off stage left for its author to go on from."""

    notes_filepath: Path | None = None
    assessment_filepath: Path | None = None
    replaced: tuple[Path, ...] = ()
    """Where the versions are kept whose place those two took, if they said something else."""
    links_added: int = 0
    pdf_subdir: str = "pdfs"
    pdf_theme: str = ""
    notes_pdf_path: Path | None = None
    assessment_pdf_path: Path | None = None

    seconds: Mapping[Stage, float] = field(default_factory=dict)
    """How long each finished stage took, whichever attempt ran it."""
    lengths: Mapping[Stage, int] = field(default_factory=dict)
    """Characters of each artifact."""
    hashes: Mapping[Stage, str] = field(default_factory=dict)
    """SHA-256 of each artifact."""

    stage: str = "created"
    """As the log calls it: "created", a stage's `log_name`, or "completed"."""
    attempt: int = 1
    resumed_from: Stage | None = None
    started_at: float | None = None
    """Seconds since the epoch at which the attempt began."""
    ended_at: float | None = None
    processing_duration: float = 0.0
    """Seconds the attempt took."""
    failure: Failure | None = None
    retry_count: int = 0
    last_retry_at: float | None = None
    next_retry_at: float | None = None
    circuit: str = ""
    exit_node: str = ""
    exit_address: str = ""
    exit_country: str = ""

    @property
    def files(self) -> Mapping[Stage, tuple[Path, ...]]:
        """What each stage left in the vault, relative to `output_dir`."""
        made = {
            Stage.WRITE: (self.notes_filepath, self.assessment_filepath),
            Stage.EXPORT: (self.notes_pdf_path, self.assessment_pdf_path),
        }
        return {stage: tuple(path for path in paths if path) for stage, paths in made.items()}

    @property
    def success(self) -> bool:
        """Whether every stage that was asked for is done."""
        return self.stage == "completed" and self.failure is None

    @property
    def title(self) -> str:
        """What to call it before, and after, its title is known."""
        return self.video_title or (Path(self.url).name if self.is_file else self.video_id)

    @property
    def is_file(self) -> bool:
        """Whether it comes from a caption file instead of YouTube."""
        return "://" not in self.url

    @property
    def watch_url(self) -> str | None:
        """The video on YouTube; None for a caption file whose name does not tell its video."""
        return None if self.video_id.startswith("file-") else f"https://www.youtube.com/watch?v={self.video_id}"

    @property
    def total_usage(self) -> Usage:
        """Tokens and dollars of all stages."""
        return sum(self.usage.values(), Usage())

    @property
    def cache_missed(self) -> bool:
        """Whether the assessment paid anew for a transcript that the notes had just put into the model's cache."""
        notes, assessment = self.usage.get(Stage.NOTES), self.usage.get(Stage.ASSESSMENT)
        if notes is None or assessment is None or self.resumed_from is Stage.ASSESSMENT:
            return False
        kept = self.seconds.get(Stage.NOTES, 0.0) < CACHE_SECONDS
        return kept and notes.cache_write_tokens > 0 and assessment.cache_read_tokens == 0

    def has(self, stage: Stage) -> bool:
        """Whether `stage` ran, and what it wrote is still on disk."""
        return stage in self.seconds and all(is_file(self.output_dir / path) for path in self.files.get(stage, ()))

    def has_transcript(self) -> bool:
        """Whether the fetch stage is finished."""
        return Stage.FETCH in self.seconds

    def has_notes(self) -> bool:
        """Whether the notes are generated."""
        return Stage.NOTES in self.seconds

    def has_assessment(self) -> bool:
        """Whether the assessment is generated."""
        return Stage.ASSESSMENT in self.seconds

    def time_link(self, seconds: float) -> str | None:
        """The URL of this second of the video, None where there is no video to link to."""
        return self.watch_url and f"https://youtu.be/{self.video_id}?t={int(seconds)}"

    def ran(self, stage: Stage, seconds: float) -> VideoProcessingJob:
        """The job after `stage` took `seconds`."""
        text = self.artifact(stage)
        if text is None:
            return replace(self, seconds={**self.seconds, stage: seconds})
        return replace(
            self,
            seconds={**self.seconds, stage: seconds},
            lengths={**self.lengths, stage: len(text)},
            hashes={**self.hashes, stage: hashlib.sha256(text.encode()).hexdigest()},
        )

    def used(self, stage: Stage, usage: Usage) -> VideoProcessingJob:
        """The job after calls for `stage` used `usage` more."""
        return replace(self, usage={**self.usage, stage: self.usage.get(stage, Usage()) + usage})

    def told(self, transcript: Transcript) -> VideoProcessingJob:
        """The job with its transcript, and what that says of the video."""
        return replace(
            self,
            transcript=transcript,
            video_title=transcript.title,
            channel=transcript.channel,
            duration=transcript.duration,
            language=transcript.language,
            captions=transcript.captions,
            method=transcript.method,
            cues=len(transcript.cues),
            chapters=len(transcript.chapters),
        )

    def over(self, circuit: Circuit | None) -> VideoProcessingJob:
        """The job after its fetch went over this Tor circuit, or none."""
        relay = circuit and circuit.exit
        return replace(
            self,
            circuit=circuit.name if circuit else "",
            exit_node=relay.nickname if relay else "",
            exit_address=relay.address if relay else "",
            exit_country=relay.country if relay else "",
        )

    def artifact(self, stage: Stage) -> str | None:
        """The text `stage` made: the transcript's words, the notes, the assessment; None for the others."""
        if stage is Stage.FETCH:
            return self.transcript.text if self.transcript else ""
        return {Stage.NOTES: self.study_notes, Stage.ASSESSMENT: self.assessment_content}.get(stage)

    def facts(self) -> VideoProcessingJob:
        """The job without its long texts: what events carry and screens keep."""
        return replace(self, transcript=None, study_notes="", assessment_content="", partials={})

    def to_json(self) -> dict[str, Any]:
        """Everything known about the job, in types JSON has; paths include `output_dir`."""
        usage = self.total_usage
        made = [path for paths in self.files.values() for path in paths]

        def place(path: Path | None) -> str | None:
            return None if path is None else str(self.output_dir / path)

        def exists(path: Path | None) -> bool:
            return path is not None and is_file(self.output_dir / path)

        return {
            "video_id": self.video_id,
            "url": self.url,
            "subject": self.subject or None,
            "worker_id": self.worker_id,
            "video_title": self.video_title or None,
            "transcript": self.transcript.text if self.transcript else None,
            "transcript_metadata": {
                "duration": self.duration,
                "length": self.lengths.get(Stage.FETCH, 0),
                "method": self.method or None,
            },
            "study_notes": self.study_notes or None,
            "assessment_content": self.assessment_content or None,
            "has_transcript": self.has_transcript(),
            "has_notes": self.has_notes(),
            "has_assessment": self.has_assessment(),
            "notes_length": self.lengths.get(Stage.NOTES, 0),
            "assessment_length": self.lengths.get(Stage.ASSESSMENT, 0),
            "output_dir": str(self.output_dir),
            "notes_filepath": place(self.notes_filepath),
            "assessment_filepath": place(self.assessment_filepath),
            "notes_file_exists": exists(self.notes_filepath),
            "assessment_file_exists": exists(self.assessment_filepath),
            "replaced_files": [str(self.output_dir / path) for path in self.replaced],
            "pdf_subdir": self.pdf_subdir,
            "pdf_theme": self.pdf_theme or None,
            "notes_pdf_path": place(self.notes_pdf_path),
            "assessment_pdf_path": place(self.assessment_pdf_path),
            "notes_pdf_exists": exists(self.notes_pdf_path),
            "assessment_pdf_exists": exists(self.assessment_pdf_path),
            "stage": self.stage,
            "success": self.success,
            "error": self.failure.message if self.failure else None,
            "error_class": self.failure.kind if self.failure else None,
            "advice": self.failure.advice if self.failure else None,
            "is_retryable": self.failure is not None and self.failure.retryable,
            "start_time": iso(self.started_at),
            "end_time": iso(self.ended_at),
            "processing_duration": round(self.processing_duration, 3),
            "timings": {stage.timing_key: round(self.seconds.get(stage, 0.0), 3) for stage in Stage}
            if self.success
            else {stage.timing_key: round(seconds, 3) for stage, seconds in self.seconds.items()},
            "attempt": self.attempt,
            "attempt_id": f"{self.video_id}#{self.attempt}",
            "resumed_from": self.resumed_from,
            "retry_count": self.retry_count,
            "last_retry_time": iso(self.last_retry_at),
            "next_retry_time": iso(self.next_retry_at),
            "files_created": [str(self.output_dir / path) for path in made if exists(path)],
            "total_files": sum(exists(path) for path in made),
            "channel": self.channel or None,
            "duration": self.duration,
            "language": self.language or None,
            "captions": self.captions or None,
            "cues": self.cues,
            "chapters": self.chapters,
            "author": self.author or None,
            "model": self.model or None,
            "concepts": list(self.concepts),
            "coverage": self.coverage,
            "questions": self.questions,
            "related": list(self.related),
            "links_added": self.links_added,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "cache_missed": self.cache_missed,
            "cost": usage.cost,
            "circuit": self.circuit or None,
            "exit_node": self.exit_node or None,
            "exit_address": self.exit_address or None,
            "exit_country": self.exit_country or None,
            "artifact_hashes": {str(stage): digest for stage, digest in self.hashes.items()},
            "app_version": __version__,
        }


LONG_TEXTS = ("transcript", "study_notes", "assessment_content")
"""The fields of `to_json` that a log entry leaves out: they are in the vault and its store."""

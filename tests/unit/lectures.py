"""Jobs whose transcript is a caption file or made up, and what the outline author makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.captions.files import CaptionFiles
from ytsb_tui.services.outline.author import OutlineAuthor
from ytsb_tui.study import Question
from ytsb_tui.transcript import Cue, Transcript

VIDEO = "dQw4w9WgXcQ"


class Quiet:
    """A watch nobody looks at; counts how often it was asked whether to go on."""

    def __init__(self) -> None:
        self.checks = 0

    def progress(self, fraction: float | None, text: str = "") -> None:
        assert fraction is None or 0 <= fraction <= 1

    def check(self) -> None:
        self.checks += 1


def job_of(transcript: Transcript) -> VideoProcessingJob:
    """A job whose transcript is fetched."""
    return VideoProcessingJob(
        VIDEO,
        f"https://www.youtube.com/watch?v={VIDEO}",
        transcript=transcript,
        video_title=transcript.title,
        duration=transcript.duration,
    )


def lecture(path: Path) -> VideoProcessingJob:
    """A caption file as a job."""
    return job_of(CaptionFiles().fetch(VideoProcessingJob("file-0123456789ab", str(path)), Quiet()))


def told(texts: Iterable[str], *, timed: bool = True, title: str = "", language: str = "") -> VideoProcessingJob:
    """A job in which each text is a caption of four seconds."""
    cues = tuple(
        Cue(4.0 * place if timed else 0.0, 4.0 * place + 4 if timed else 0.0, text) for place, text in enumerate(texts)
    )
    duration = cues[-1].end if cues else 0.0
    return job_of(Transcript(cues, title=title, duration=duration, timed=timed, language=language))


def outlined(job: VideoProcessingJob) -> VideoProcessingJob:
    """The job with its outline."""
    notes = OutlineAuthor().notes(job, (), Quiet())
    return replace(
        job, study_notes=notes.body, concepts=notes.concepts, coverage=notes.coverage, author=OutlineAuthor.name
    )


def quizzed(job: VideoProcessingJob) -> tuple[Question, ...]:
    """Its questions."""
    return OutlineAuthor().assessment(job, Quiet()).questions

"""The six stages, and the tools they need: the product on one page.

A stage takes a job and returns the next one; it does its work or raises. It
does not time, skip, retry, log or catch: the pipeline does each of these once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.study import Assessment, Notes
from ytsb_tui.transcript import Transcript
from ytsb_tui.usage import Usage
from ytsb_tui.watch import Watch


class Transcripts(Protocol):
    """Where transcripts come from."""

    def fetch(self, job: VideoProcessingJob, watch: Watch) -> Transcript:
        """The transcript of `job.url`. Raises `StageError`."""


class Author(Protocol):
    """What writes notes and assessments."""

    @property
    def name(self) -> str:
        """ "outline", "claude"."""

    @property
    def model(self) -> str:
        """The model's id, "" for an author without one."""

    def notes(self, job: VideoProcessingJob, related: Sequence[str], watch: Watch) -> Notes:
        """Study notes on `job.transcript`. `related` are stems of earlier notes it may refer to.

        Goes on from `job.partials` where an earlier try left something.
        """

    def assessment(self, job: VideoProcessingJob, watch: Watch) -> Assessment:
        """Questions on `job.transcript`, aware of `job.study_notes`."""

    def estimate(self, job: VideoProcessingJob, stage: Stage) -> Usage:
        """What `stage` (notes or assessment) will use at the most likely; free authors say `Usage()`."""


class Subjects(Protocol):
    """Under which folder a note is filed."""

    def choose(self, title: str, concepts: Sequence[str], suggested: str) -> str:
        """An existing subject that fits, else a new one; never empty, always a safe folder name."""


class Documents(Protocol):
    """How notes and assessments look as Markdown."""

    def note(self, job: VideoProcessingJob) -> str:
        """The whole note: frontmatter, title, video link, `job.study_notes`, related notes, the user's marker."""

    def assessment(self, job: VideoProcessingJob, assessment: Assessment) -> str:
        """The quiz, from its first `## ` section on, answers folded away at the end."""

    def assessment_note(self, job: VideoProcessingJob) -> str:
        """The whole assessment file around `job.assessment_content`."""


class Vault(Protocol):
    """The output folder."""

    def place(self, job: VideoProcessingJob) -> VideoProcessingJob:
        """The job with `subject`, `notes_filepath` (and `assessment_filepath` if it has one) decided and claimed."""

    def write(self, path: Path, text: str) -> Path | None:
        """Write a note atomically, keeping the part below the user's marker of the file it replaces.

        Where the rest of that file said something else, by the user's hand or
        an earlier answer, it is kept whole: returns where.
        """

    def inside(self, path: Path) -> Path:
        """Where a file of the vault is on the disk. Raises `NotWritable` if it leads out, also by a symbolic link."""


class Links(Protocol):
    """Wikilinks between the notes of a vault."""

    def related(self, job: VideoProcessingJob) -> Sequence[str]:
        """Stems of the notes that share concepts with the job's transcript or concepts, closest first."""

    def connect(self, job: VideoProcessingJob) -> int:
        """Link the job's note to others and others to it; returns how many links were added."""


class Pdfs(Protocol):
    """What draws PDFs."""

    @property
    def theme(self) -> str:
        """The name of the theme."""

    def render(self, source: Path, target: Path, watch: Watch) -> None:
        """Draw the Markdown file `source` as `target`, atomically. Raises `RenderFailed`, `NoRenderer`."""


@dataclass(frozen=True)
class Tools:
    """One worker's tools. Sessions are not thread-safe, so every worker has its own."""

    transcripts: Transcripts
    author: Author
    subjects: Subjects
    documents: Documents
    vault: Vault
    links: Links
    pdfs: Pdfs
    watch: Watch


def fetch_transcript_and_title(job: VideoProcessingJob, tools: Tools) -> VideoProcessingJob:
    """What was said, and the title page of the video."""
    transcript = tools.transcripts.fetch(job, tools.watch)
    return job.over(transcript.circuit).told(replace(transcript, circuit=None))


def generate_study_notes(job: VideoProcessingJob, tools: Tools) -> VideoProcessingJob:
    """Notes, and with them the concepts and the subject."""
    notes = tools.author.notes(job, tools.links.related(job), tools.watch)
    title = job.video_title or notes.title or job.title
    named = replace(
        job,
        video_title=title,
        study_notes=notes.body,
        concepts=notes.concepts,
        coverage=notes.coverage,
        author=tools.author.name,
        model=tools.author.model,
        subject=job.subject or tools.subjects.choose(title, notes.concepts, notes.subject),
    ).used(Stage.NOTES, notes.usage)
    return replace(named, related=tuple(tools.links.related(named)))


def generate_assessment(job: VideoProcessingJob, tools: Tools) -> VideoProcessingJob:
    """Questions that ask about what the notes left out as well."""
    assessment = tools.author.assessment(job, tools.watch)
    return replace(
        job,
        assessment_content=tools.documents.assessment(job, assessment),
        questions=len(assessment.questions),
    ).used(Stage.ASSESSMENT, assessment.usage)


def write_markdown_files(job: VideoProcessingJob, tools: Tools) -> VideoProcessingJob:
    """The only stage under the vault's lock."""
    job = tools.vault.place(job)
    assert job.notes_filepath is not None
    kept = [tools.vault.write(job.notes_filepath, tools.documents.note(job))]
    if job.assessment_filepath is not None:
        kept.append(tools.vault.write(job.assessment_filepath, tools.documents.assessment_note(job)))
    return replace(job, replaced=tuple(path for path in kept if path))


def process_obsidian_links(job: VideoProcessingJob, tools: Tools) -> VideoProcessingJob:
    """Wikilinks in the new note, and in earlier notes that mention it."""
    return replace(job, links_added=tools.links.connect(job))


def export_pdfs(job: VideoProcessingJob, tools: Tools) -> VideoProcessingJob:
    """A PDF beside each Markdown file, in its folder's `pdfs`."""

    def draw(source: Path | None) -> Path | None:
        if source is None:
            return None
        target = source.parent / job.pdf_subdir / f"{source.stem}.pdf"
        tools.pdfs.render(tools.vault.inside(source), tools.vault.inside(target), tools.watch)
        return target

    return replace(
        job,
        pdf_theme=tools.pdfs.theme,
        notes_pdf_path=draw(job.notes_filepath),
        assessment_pdf_path=draw(job.assessment_filepath),
    )


@dataclass(frozen=True)
class Step:
    """How a stage is run."""

    run: Callable[[VideoProcessingJob, Tools], VideoProcessingJob]
    resource: str
    """The gate it passes: few may use a costly resource at once."""
    local: bool = False
    """Whether it touches the vault, and so has to run where the vault is."""


PIPELINE: Mapping[Stage, Step] = {
    Stage.FETCH: Step(fetch_transcript_and_title, "fetch"),
    Stage.NOTES: Step(generate_study_notes, "generate"),
    Stage.ASSESSMENT: Step(generate_assessment, "generate"),
    Stage.WRITE: Step(write_markdown_files, "vault", local=True),
    Stage.LINKS: Step(process_obsidian_links, "links", local=True),
    Stage.EXPORT: Step(export_pdfs, "export", local=True),
}


def resource_of(stage: Stage, job: VideoProcessingJob) -> str:
    """The gate a job passes for a stage: caption files need not wait for YouTube."""
    return "files" if stage is Stage.FETCH and job.is_file else PIPELINE[stage].resource


PAID = (Stage.NOTES, Stage.ASSESSMENT)
"""The stages that may cost money."""

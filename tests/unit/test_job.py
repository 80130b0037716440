"""What a job promises: it is a value, and the log can rely on the names of its fields."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.attempts import attempt
from ytsb_tui.errors import Busy, Cancelled, NoCaptions, StageError
from ytsb_tui.job import LONG_TEXTS, Failure, Stage, VideoProcessingJob
from ytsb_tui.transcript import Cue, Transcript
from ytsb_tui.usage import Usage

# fmt: off
PROMISED = {
    "video_id", "url", "subject", "worker_id", "video_title", "transcript_metadata", "has_notes", "has_assessment",
    "notes_length", "assessment_length", "output_dir", "notes_filepath", "assessment_filepath", "notes_file_exists",
    "assessment_file_exists", "pdf_subdir", "notes_pdf_path", "assessment_pdf_path", "notes_pdf_exists",
    "assessment_pdf_exists", "stage", "success", "error", "start_time", "end_time", "processing_duration", "timings",
    "retry_count", "last_retry_time", "next_retry_time", "is_retryable", "files_created", "total_files",
}
# fmt: on
"""Names users of the log know; they must not change."""


@pytest.fixture
def job(tmp_path: Path) -> VideoProcessingJob:
    return VideoProcessingJob("dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcQ", output_dir=tmp_path)


@pytest.fixture
def written(job: VideoProcessingJob) -> VideoProcessingJob:
    """A job whose note is on the disk."""
    (job.output_dir / "AI").mkdir()
    (job.output_dir / "AI" / "Entropy.md").write_text("# Entropy")
    return replace(job, notes_filepath=Path("AI", "Entropy.md")).ran(Stage.WRITE, 0.7)


def test_the_log_finds_every_name_it_was_promised_and_more(job: VideoProcessingJob) -> None:
    for each in (job, attempt(0), attempt(4)):
        fields = json.loads(json.dumps(each.to_json()))
        assert fields.keys() >= PROMISED | {*LONG_TEXTS}
        assert len(fields) >= 50
        assert fields["transcript_metadata"].keys() == {"duration", "length", "method"}


def test_a_success_has_a_time_for_every_stage_and_a_failure_for_those_that_ran(job: VideoProcessingJob) -> None:
    failed = job.ran(Stage.FETCH, 5.2)
    assert failed.to_json()["timings"] == {"fetch_transcript": 5.2}
    assert replace(failed, stage="completed").to_json()["timings"] == {
        "fetch_transcript": 5.2,
        "generate_notes": 0.0,
        "generate_assessment": 0.0,
        "write_files": 0.0,
        "process_links": 0.0,
        "export_pdfs": 0.0,
    }


def test_only_what_is_on_the_disk_counts_as_a_file(written: VideoProcessingJob) -> None:
    gone = replace(written, assessment_filepath=Path("AI", "Assessment_Entropy.md")).to_json()
    note = str(written.output_dir / "AI" / "Entropy.md")
    assert (gone["files_created"], gone["total_files"]) == ([note], 1)
    assert (gone["notes_file_exists"], gone["assessment_file_exists"], gone["notes_pdf_exists"]) == (True, False, False)


def test_a_stage_is_done_while_what_it_wrote_is_there(written: VideoProcessingJob) -> None:
    assert (written.has(Stage.WRITE), written.has(Stage.EXPORT)) == (True, False)
    (written.output_dir / "AI" / "Entropy.md").unlink()
    assert not written.has(Stage.WRITE)


def test_a_finished_stage_leaves_its_time_and_what_identifies_its_text(job: VideoProcessingJob) -> None:
    done = replace(job, study_notes="Überblick").ran(Stage.NOTES, 20.3)
    assert (done.seconds, done.lengths) == ({Stage.NOTES: 20.3}, {Stage.NOTES: 9})
    assert len(done.hashes[Stage.NOTES]) == 64
    assert done.ran(Stage.LINKS, 0.1).lengths == done.lengths
    assert job.seconds == {}


def test_facts_have_no_long_texts_and_everything_else(job: VideoProcessingJob) -> None:
    transcript = Transcript((Cue(0.0, 1.0, "words"),))
    whole = replace(
        job, transcript=transcript, study_notes="notes", assessment_content="quiz", partials={Stage.NOTES: "half"}
    )
    assert whole.facts() == job
    assert whole.to_json()["transcript"] == "words"


def test_what_calls_used_adds_up_and_one_unknown_price_makes_the_sum_unknown(job: VideoProcessingJob) -> None:
    known = job.used(Stage.NOTES, Usage(1, 2, 3, 4, 0.25)).used(Stage.NOTES, Usage(1, cost=0.25))
    assert known.used(Stage.ASSESSMENT, Usage(output_tokens=8, cost=0.5)).total_usage == Usage(2, 10, 3, 4, 1.0)
    assert known.used(Stage.ASSESSMENT, Usage(cost=None)).to_json()["cost"] is None


@pytest.mark.parametrize(
    ("video_id", "url", "title", "link"),
    [
        ("dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcQ", "dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcQ?t=754"),
        (
            "dQw4w9WgXcQ",
            "/talks/Entropy [dQw4w9WgXcQ].vtt",
            "Entropy [dQw4w9WgXcQ].vtt",
            "https://youtu.be/dQw4w9WgXcQ?t=754",
        ),
        ("file-0123456789ab", "/talks/Entropy.srt", "Entropy.srt", None),
    ],
)
def test_what_a_job_is_called_and_where_its_minutes_are(video_id: str, url: str, title: str, link: str | None) -> None:
    job = VideoProcessingJob(video_id, url)
    assert (job.title, job.time_link(754.9)) == (title, link)
    assert replace(job, video_title="Entropy").title == "Entropy"


@pytest.mark.parametrize(
    ("error", "retryable"),
    [(Busy("Later."), True), (NoCaptions("None."), False), (Cancelled("Cancelled by you."), False)],
)
def test_a_failure_says_what_happened_and_what_to_do(error: StageError | Cancelled, retryable: bool) -> None:
    failure = Failure.of(Stage.NOTES, error)
    assert failure == Failure(Stage.NOTES, type(error).__name__, str(error), error.advice, retryable)


def test_every_stage_has_the_names_users_of_the_log_know() -> None:
    assert {str(stage): (stage.timing_key, stage.log_name) for stage in Stage} == {
        "fetch": ("fetch_transcript", "fetching_transcript"),
        "notes": ("generate_notes", "generating_notes"),
        "assessment": ("generate_assessment", "generating_assessment"),
        "write": ("write_files", "writing_files"),
        "links": ("process_links", "processing_links"),
        "export": ("export_pdfs", "exporting_pdfs"),
    }

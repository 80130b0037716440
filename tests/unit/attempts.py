"""Attempts as the pipeline leaves them, for tests and benchmarks of the log."""

from __future__ import annotations

from pathlib import Path

from ytsb_tui.errors import Blocked, NoCaptions
from ytsb_tui.job import Failure, Stage, VideoProcessingJob
from ytsb_tui.job_logger import entry_line
from ytsb_tui.usage import Usage

START = 1_760_000_000.0
FAILURES = {
    Stage.FETCH: Failure.of(Stage.FETCH, NoCaptions("The video has no captions.")),
    Stage.NOTES: Failure.of(Stage.NOTES, Blocked("YouTube refused 185.220.101.7: 429 Too Many Requests.")),
}


def attempt(number: int, vault: Path = Path("notes")) -> VideoProcessingJob:
    """The attempt `number`: every fifth fails, three workers take turns, nothing else repeats."""
    failure = FAILURES[Stage.FETCH if number % 2 else Stage.NOTES] if number % 5 == 4 else None
    title = f"Entropie, naïve Bayes und “das Übrige” — Vorlesung {number} 中文"
    began = START + 7.0 * number
    finished = [
        stage for stage in Stage if failure is None or list(Stage).index(stage) < list(Stage).index(failure.stage)
    ]
    seconds = {stage: 0.5 + (number * 7 + place) % 13 for place, stage in enumerate(finished)}
    took = sum(seconds.values()) or 1.25
    return VideoProcessingJob(
        video_id=f"v{number:010}",
        url=f"https://www.youtube.com/watch?v=v{number:010}",
        subject="Information Theory",
        worker_id=number % 3,
        output_dir=vault,
        video_title=title,
        channel="Lectures & Seminars",
        duration=3725.4,
        language="de",
        captions="automatic",
        method="youtube-transcript-api",
        cues=812,
        author="claude",
        model="claude-sonnet-4-5",
        concepts=("entropy", "cross-entropy", "Kullback–Leibler divergence", "mutual information"),
        related=("Bayes_Theorem", "Huffman_Coding"),
        study_notes="## Overview\n" + "a paragraph of notes\n" * 20,
        assessment_content="## Gap Analysis\n" + "a question\n" * 20,
        usage={
            Stage.NOTES: Usage(21_000, 2_100, 0, 20_500, 0.14),
            Stage.ASSESSMENT: Usage(400, 1_900, 20_500, 0, 0.03),
        },
        notes_filepath=Path(f"AI/Entropie_{number}.md") if failure is None else None,
        assessment_filepath=Path(f"AI/Assessment_Entropie_{number}.md") if failure is None else None,
        seconds=seconds,
        lengths={stage: 1000 + number for stage in finished},
        hashes={stage: f"{number:064x}" for stage in finished},
        stage=failure.stage.log_name if failure else "completed",
        started_at=began,
        ended_at=began + took,
        processing_duration=took,
        failure=failure,
        circuit="worker-1",
        exit_node="relay-a, Germany",
        exit_address="185.220.101.7",
    )


def line(number: int) -> bytes:
    """The log's line of the attempt `number`."""
    return entry_line(attempt(number), START + 7.0 * number + 60)


def lines(number: int) -> list[bytes]:
    """The lines of the first attempts."""
    return [line(each) for each in range(number)]

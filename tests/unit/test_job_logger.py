from __future__ import annotations

import csv
import json
import os
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import jq as libjq
import pytest

from tests.unit.attempts import START, attempt, line
from ytsb_tui.errors import Ours, VaultError
from ytsb_tui.job import LONG_TEXTS, Stage, VideoProcessingJob
from ytsb_tui.job_logger import JobLogger, create_default_logger, entry_line
from ytsb_tui.log_figures import Fared
from ytsb_tui.log_lines import line_of
from ytsb_tui.transcript import Cue, Transcript

FIGURES = {
    "total_jobs",
    "successful",
    "failed",
    "success_rate",
    "average_duration",
    "total_files_created",
    "error_types",
    "stages",
}


@pytest.fixture
def logger(tmp_path: Path) -> JobLogger:
    return create_default_logger(tmp_path / "notes")


@pytest.fixture
def ten(logger: JobLogger) -> JobLogger:
    logger.log_jobs_batch(attempt(number) for number in range(10))
    return logger


def written(logger: JobLogger, entries: Iterable[dict[str, Any]], indent: int | None = 2) -> JobLogger:
    logger.file.path.parent.mkdir(parents=True, exist_ok=True)
    logger.file.path.write_text(json.dumps(list(entries), indent=indent))
    return logger


# An entry

TYPES: dict[str, tuple[type, ...]] = {
    "video_id": (str,),
    "url": (str,),
    "subject": (str,),
    "worker_id": (int,),
    "video_title": (str,),
    "transcript_metadata": (dict,),
    "has_notes": (bool,),
    "has_assessment": (bool,),
    "notes_length": (int,),
    "assessment_length": (int,),
    "output_dir": (str,),
    "notes_filepath": (str,),
    "assessment_filepath": (str,),
    "notes_file_exists": (bool,),
    "assessment_file_exists": (bool,),
    "pdf_subdir": (str,),
    "notes_pdf_path": (str,),
    "assessment_pdf_path": (str,),
    "notes_pdf_exists": (bool,),
    "assessment_pdf_exists": (bool,),
    "stage": (str,),
    "success": (bool,),
    "error": (str,),
    "start_time": (str,),
    "end_time": (str,),
    "processing_duration": (float, int),
    "timings": (dict,),
    "retry_count": (int,),
    "last_retry_time": (str,),
    "next_retry_time": (str,),
    "is_retryable": (bool,),
    "files_created": (list,),
    "total_files": (int,),
}
"""The names that must not change, and what stands under them when it is not null."""


@pytest.mark.parametrize(
    "job",
    [attempt(0), attempt(4), attempt(9), VideoProcessingJob("abc", "https://youtu.be/abc")],
    ids=lambda job: job.stage,
)
def test_an_entry_has_every_name_that_users_of_the_log_know(job: VideoProcessingJob) -> None:
    whole = job.to_json()
    entry = json.loads(entry_line(job, START))
    assert len(whole) >= 50
    assert [*entry] == [*(name for name in whole if name not in LONG_TEXTS), "logged_at"]
    for name, types in TYPES.items():
        assert entry[name] is None or isinstance(entry[name], types), name
    assert [*entry["transcript_metadata"]] == ["duration", "length", "method"]
    assert datetime.fromisoformat(entry["logged_at"]).timestamp() == START
    assert datetime.fromisoformat(entry["logged_at"]).tzinfo is not None


def test_an_entry_leaves_out_the_long_texts() -> None:
    job = replace(attempt(0), transcript=Transcript((Cue(0.0, 1.0, "spoken"),)))
    assert job.to_json()["transcript"] == "spoken"
    assert b"spoken" not in entry_line(job, START)
    assert b"a paragraph of notes" not in entry_line(job, START)


@pytest.mark.parametrize("title", ["two\nlines\r\u2028\x00\x1b[31m\x7f", "half \udcff", '"]}\n]', "中文 😀"])
def test_an_entry_is_one_line_of_json_whatever_the_title(title: str) -> None:
    written = entry_line(replace(attempt(0), video_title=title), START)
    assert not set(written) & set(range(32))
    assert json.loads(written)["video_title"] == title.replace("\udcff", "�")


# Reading


def test_a_log_that_does_not_exist_is_an_empty_one(logger: JobLogger) -> None:
    assert logger.get_all_jobs() == logger.get_failed_jobs() == logger.get_successful_jobs() == []
    assert logger.get_statistics() == {
        "total_jobs": 0,
        "successful": 0,
        "failed": 0,
        "success_rate": 0.0,
        "average_duration": 0.0,
        "total_files_created": 0,
        "error_types": {},
        "stages": {},
    }
    assert logger.get_breakdown().workers == {}
    assert not logger.file.path.parent.exists(), "reading leaves nothing behind"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"\0" * 4096, "it is empty"),
        (b"{}", "it is not an array of objects"),
        (b"null", "it is not an array of objects"),
        (b"[1]", "it is not an array of objects"),
        (b"[\n" + line(0) + b",\n" + line(1)[:50], "line 3 is not whole"),
        (b"\xff\xfe\0", "it holds bytes that are no text"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"[\n" + b"[" * 100_000 + b"\n]\n", "it is nested too deeply"),
    ],
    ids=["empty", "zeros", "object", "null", "numbers", "torn", "binary", "deep", "deep line"],
)
def test_a_damaged_log_is_never_taken_for_an_empty_one(logger: JobLogger, content: bytes, said: str) -> None:
    logger.file.path.parent.mkdir()
    logger.file.path.write_bytes(content)
    for read in (logger.get_all_jobs, logger.get_failed_jobs, logger.get_statistics, logger.get_breakdown):
        with pytest.raises(VaultError, match=f"is damaged: {said}.") as refused:
            read()
        assert "ytsb-tui log" in refused.value.advice
    assert logger.file.path.read_bytes() == content


def test_a_logger_takes_a_log_or_a_vault(tmp_path: Path) -> None:
    assert JobLogger(tmp_path).file.path == tmp_path / "processing_log.json"
    assert JobLogger(tmp_path / "other.json").file.path == tmp_path / "other.json"


def test_attempts_are_found_by_outcome_and_by_stage(ten: JobLogger) -> None:
    assert [job["video_id"] for job in ten.get_all_jobs()] == [f"v{number:010}" for number in range(10)]
    assert [job["video_id"] for job in ten.get_failed_jobs()] == ["v0000000004", "v0000000009"]
    assert len(ten.get_successful_jobs()) == len(ten.get_jobs_by_stage("completed")) == 8
    assert [job["error_class"] for job in ten.get_jobs_by_stage("generating_notes")] == ["Blocked"]
    assert [job["error"] for job in ten.get_jobs_by_stage(Stage.FETCH)] == ["The video has no captions."]
    assert ten.get_jobs_by_stage("fetching") == []


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_the_layout_of_the_file_makes_no_difference(ten: JobLogger, indent: int | None) -> None:
    read = (ten.get_all_jobs(), ten.get_failed_jobs(), ten.get_statistics(), ten.get_breakdown())
    written(ten, ten.get_all_jobs(), indent)
    assert (ten.get_all_jobs(), ten.get_failed_jobs(), ten.get_statistics(), ten.get_breakdown()) == read


def test_one_logger_serves_every_thread(logger: JobLogger) -> None:
    threads = [
        threading.Thread(target=logger.log_jobs_batch, args=[map(attempt, range(first, first + 5))])
        for first in range(0, 40, 5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job["video_id"] for job in logger.get_all_jobs()) == [f"v{number:010}" for number in range(40)]


# Figures


def test_the_log_adds_up(ten: JobLogger) -> None:
    found = ten.get_statistics()
    durations = [attempt(number).processing_duration for number in range(10)]
    assert set(found) == FIGURES
    assert (found["total_jobs"], found["successful"], found["failed"]) == (10, 8, 2)
    assert found["success_rate"] == 0.8
    assert found["average_duration"] == pytest.approx(sum(durations) / 10)
    assert found["error_types"] == {"Blocked": 1, "NoCaptions": 1}
    assert found["stages"] == {"completed": 8, "generating_notes": 1, "fetching_transcript": 1}


def test_files_on_disk_are_counted(logger: JobLogger) -> None:
    job = attempt(0, logger.file.path.parent)
    for path in (job.notes_filepath, job.assessment_filepath):
        assert path is not None
        (job.output_dir / path).parent.mkdir(parents=True, exist_ok=True)
        (job.output_dir / path).touch()
    logger.log_job(job)
    assert logger.get_statistics()["total_files_created"] == 2


def test_the_time_is_broken_down_by_stage_and_by_worker(logger: JobLogger) -> None:
    """Two workers side by side for 10 s, then a pause that counts for nobody, then one of them for 5 s."""

    def ran(worker: int, start: float, seconds: float, failed: bool = False) -> VideoProcessingJob:
        job = replace(attempt(4 if failed else 0), worker_id=worker, seconds=dict.fromkeys(Stage, seconds / 6))
        return replace(job, started_at=START + start, ended_at=START + start + seconds, processing_duration=seconds)

    logger.log_jobs_batch([ran(1, 0, 10), ran(0, 0, 4), ran(0, 4, 6, failed=True), ran(0, 5000, 5)])
    found = logger.get_breakdown()
    assert found.workers == {0: Fared(3, 5.0, 2 / 3), 1: Fared(1, 10.0, 1.0)}
    assert [*found.stage_seconds] == [stage.timing_key for stage in Stage]
    assert found.stage_seconds["write_files"] == pytest.approx(19 / 6 / 3, abs=0.001)
    assert found.busy_seconds == pytest.approx(15)
    assert found.parallelism == pytest.approx(25 / 15)
    assert found.per_hour == pytest.approx(3 * 3600 / 15)


def test_tor_exits_and_their_countries_are_told_apart_by_how_they_fared(logger: JobLogger) -> None:
    def over(number: int, node: str, country: str) -> VideoProcessingJob:
        address = f"192.0.2.{len(node)}" if node else ""
        return replace(attempt(number), exit_node=node, exit_address=address, exit_country=country)

    logger.log_jobs_batch([over(0, "", ""), over(1, "heron", "DE"), over(4, "swift", ""), over(2, "swift", "")])
    found = logger.get_breakdown()
    assert [*found.exits] == ["swift 192.0.2.5", "heron 192.0.2.5"]
    assert {name: (fared.count, fared.success_rate) for name, fared in found.countries.items()} == {
        "": (2, 0.5),
        "DE": (1, 1.0),
    }


def test_entries_of_an_earlier_tool_are_read_just_as_well(logger: JobLogger) -> None:
    written(
        logger,
        [
            {"video_id": "a", "worker_id": 0, "stage": "completed", "success": True, "processing_duration": 10.0}
            | {"start_time": START, "end_time": START + 10, "total_files": 4, "timings": {"fetch_transcript": 5.2}},
            {"video_id": "b", "worker_id": None, "stage": "generating_assessment", "success": False}
            | {"error": "API rate limit exceeded: 429 Too Many Requests", "start_time": "2025-10-17T09:00:00"},
            {"video_id": "c", "success": False, "error": None, "processing_duration": "long", "timings": None},
            {"video_id": "d", "success": False, "worker_id": "one", "start_time": "yesterday", "end_time": []},
        ],
    )
    found = logger.get_statistics()
    assert (found["total_jobs"], found["failed"], found["success_rate"]) == (4, 3, 0.25)
    assert (found["average_duration"], found["total_files_created"]) == (10.0, 4)
    assert found["error_types"] == {"unknown": 2, "API rate limit exceeded": 1}
    assert [job["video_id"] for job in logger.get_failed_jobs()] == ["b", "c", "d"]
    broken = logger.get_breakdown()
    assert broken.stage_seconds == {"fetch_transcript": 5.2}
    assert broken.workers == {0: Fared(1, 10.0, 1.0), None: Fared(3, 0.0, 0.0)}
    assert broken.busy_seconds == 10.0


def test_numbers_that_are_none_do_not_spoil_the_averages(logger: JobLogger) -> None:
    written(logger, [{"video_id": "a", "success": True, "processing_duration": value} for value in (float("nan"), 3)])
    assert logger.get_statistics()["average_duration"] == 3.0


# As a spreadsheet


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_log_becomes_a_spreadsheet(ten: JobLogger, tmp_path: Path) -> None:
    path = tmp_path / "exports" / "log.csv"
    assert ten.export_csv(path) == 10
    found = rows(path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel takes a file without the mark for Latin-1"
    assert [row["video_id"] for row in found] == [job["video_id"] for job in ten.get_all_jobs()]
    assert found[0]["video_title"] == attempt(0).video_title
    assert (found[0]["success"], found[4]["success"]) == ("true", "false")
    assert (found[0]["timings.fetch_transcript"], found[9]["timings.fetch_transcript"]) == ("0.5", "")
    assert found[0]["transcript_metadata.length"] == "1000"
    assert found[0]["related"] == "Bayes_Theorem; Huffman_Coding"
    assert [path.name for path in path.parent.iterdir()] == ["log.csv"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_cell_is_taken_for_a_formula(logger: JobLogger, tmp_path: Path, start: str) -> None:
    text = f'{start}HYPERLINK("https://evil")'
    written(logger, [{"video_id": "a", "error": text, "related": [text], text: 1, "cost": -1, "half": "\ud800"}])
    logger.export_csv(tmp_path / "log.csv")
    (row,) = rows(tmp_path / "log.csv")
    assert row == {
        "video_id": "a",
        "error": f"'{text}",
        "related": f"'{text}",
        f"'{text}": "1",
        "cost": "-1",
        "half": "�",
    }


def test_an_empty_log_makes_an_empty_spreadsheet(logger: JobLogger, tmp_path: Path) -> None:
    assert logger.export_csv(tmp_path / "log.csv") == 0
    assert rows(tmp_path / "log.csv") == []


def test_a_pipe_is_written_to_and_no_file_takes_its_place(ten: JobLogger, tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    assert ten.export_csv(pipe) == 10
    reader.join(60)
    assert read[0].count(b"\r\n") == 11
    assert pipe.is_fifo()


def test_a_spreadsheet_that_cannot_be_written_says_so(ten: JobLogger, tmp_path: Path) -> None:
    with pytest.raises(Ours, match="writing"):
        ten.export_csv(tmp_path)


# Starting over


def test_clearing_the_log_keeps_a_backup(ten: JobLogger) -> None:
    content = ten.file.path.read_bytes()
    backup = ten.clear_log()
    assert backup is not None
    assert backup.read_bytes() == content
    assert ten.get_all_jobs() == []
    ten.log_job(attempt(0))
    second = ten.clear_log()
    assert second is not None
    assert second != backup
    assert backup.read_bytes() == content


def test_clearing_no_log_is_nothing(logger: JobLogger) -> None:
    assert logger.clear_log() is None


# The commands that users of the log know, word for word

ALL = "."
FAILED = ".[] | select(.success == false) | {video_id, error, stage, worker_id}"
BY_WORKER = """group_by(.worker_id) | map({
  worker: .[0].worker_id,
  count: length,
  avg_duration: ([.[] | .processing_duration] | add / length),
  success_rate: ([.[] | select(.success)] | length) / length
})"""
TIMINGS = """[.[] | select(.success)] | map(.timings) | {
  fetch: ([.[].fetch_transcript] | add / length),
  notes: ([.[].generate_notes] | add / length),
  assessment: ([.[].generate_assessment] | add / length),
  write: ([.[].write_files] | add / length),
  export: ([.[].export_pdfs] | add / length)
}"""


def jq(query: str, path: Path) -> Any:
    """Everything jq (libjq itself, of 1.7 or newer: 1.6 refuses a bare division in an object) makes of a log."""
    return libjq.compile(query).input_text(path.read_text(encoding="utf-8")).all()


def test_jq_shows_the_log(ten: JobLogger) -> None:
    assert jq(ALL, ten.file.path) == [ten.get_all_jobs()]


def test_jq_finds_the_failed_jobs(ten: JobLogger) -> None:
    assert jq(FAILED, ten.file.path) == [
        {"video_id": job.video_id, "error": job.failure.message, "stage": job.stage, "worker_id": job.worker_id}
        for job in map(attempt, range(10))
        if job.failure
    ]


def test_jq_compares_the_workers(ten: JobLogger) -> None:
    (found,) = jq(BY_WORKER, ten.file.path)
    for worker, figures in zip(range(3), found, strict=True):
        mine = [job for job in map(attempt, range(10)) if job.worker_id == worker]
        assert (figures["worker"], figures["count"]) == (worker, len(mine))
        assert figures["avg_duration"] == pytest.approx(sum(job.processing_duration for job in mine) / len(mine))
        assert figures["success_rate"] == pytest.approx(sum(job.success for job in mine) / len(mine))
        ours = ten.get_breakdown().workers[worker]
        assert figures["avg_duration"] == pytest.approx(ours.avg_duration)
        assert figures["success_rate"] == pytest.approx(ours.success_rate)


def test_jq_averages_the_stages(ten: JobLogger) -> None:
    (found,) = jq(TIMINGS, ten.file.path)
    successful = [job for job in map(attempt, range(10)) if job.success]
    names = dict(zip(Stage, ("fetch", "notes", "assessment", "write", "", "export"), strict=True))
    assert found == {
        name: pytest.approx(sum(job.seconds[stage] for job in successful) / len(successful))
        for stage, name in names.items()
        if name
    }


def test_a_log_that_jq_wrote_back_is_still_ours(ten: JobLogger) -> None:
    before = ten.get_all_jobs()
    path = ten.file.path
    path.write_text(json.dumps(jq("reverse", path)[0], indent=2, sort_keys=True))
    assert ten.get_all_jobs() == before[::-1]
    known = [line_of(entry) for entry in before]
    result = ten.file.reconcile(lambda: known)
    assert (result.appended, result.foreign, result.kept) == (0, [], None)
    assert ten.get_all_jobs() == before

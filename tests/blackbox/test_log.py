"""Looking at what happened, and trying again."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.blackbox.program import Json, Program, log_of, notes_of
from tests.world import World
from tests.world.faults import Fault
from ytsb_tui.plaintext import visible

Lectures = Callable[[int], list[str]]
README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture
def mixed(program: Program, lectures: Lectures) -> list[Json]:
    """The log of a run in which two jobs succeeded and one failed."""
    (program.desk / "bad.srt").write_text("no captions at all")
    assert program("run", *lectures(2), "bad.srt", "--no-pdf").code == 1
    return log_of(program.desk / "notes")


def test_a_vault_that_is_not_there_has_no_log(program: Program) -> None:
    for command in (("log",), ("log", "stats"), ("log", "export-csv", "x.csv")):
        told = program(*command, "--out", "tpyo")
        assert (told.code, told.out) == (2, "")
        assert "There is no vault tpyo. Name it with --out." in told.err


def test_an_empty_vault_has_an_empty_log(program: Program) -> None:
    (program.desk / "notes").mkdir()
    assert program("log").out == "Nothing was logged yet.\n"
    assert program("log", "--failed").out == "No attempt failed.\n"
    assert program("log", "stats").out == "Nothing was logged yet.\n"
    assert program("log", "export-csv", "none.csv").out == "0 attempts written to none.csv\n"
    assert list((program.desk / "notes").iterdir()) == []


def test_the_log_shows_every_attempt(program: Program, mixed: list[Json]) -> None:
    shown = program("log").out.splitlines()
    assert [line.split()[2] for line in shown[1:]] == [entry["video_id"] for entry in mixed]
    assert [line for line in shown if re.search(r"✗ .*bad\.srt  fetching_transcript: bad\.srt", line)]
    assert len(program("log", "-n", "1").out.splitlines()) == 2
    assert [line for line in shown if line != line.rstrip()] == []
    failed = program("log", "--failed").out
    assert "bad.srt" in failed
    assert "lecture" not in failed


@pytest.mark.parametrize("odd", ["[/b] [link=https://e.vil]x", "\x1b]0;x\x07\u202e", 10**400, -1e308, {"a": [1]}])
def test_a_log_from_elsewhere_is_shown_whatever_is_in_it(program: Program, odd: Any) -> None:
    (program.desk / "notes").mkdir()
    names = ("worker_id", "logged_at", "processing_duration", "error", "stage", "total_files", "exit_node", "url")
    entry = {"video_id": "dQw4w9WgXcQ", "timings": {"write_files": odd}, **dict.fromkeys(names, odd)}
    log = json.dumps([entry, {**entry, "success": True}])
    (program.desk / "notes" / "processing_log.json").write_text(log)
    for command in (("log",), ("log", "stats"), ("log", "export-csv", "attempts.csv")):
        told = program(*command)
        assert told.code == 0, told
        assert told.out == visible(told.out)
    shown = program("log").out
    assert shown.count("dQw4w9WgXcQ") == 2
    if isinstance(odd, str):
        assert shown.count(visible(odd)) >= 4


def test_the_statistics_agree_with_the_log(program: Program, mixed: list[Json]) -> None:
    shown = program("log", "stats").out
    assert shown.startswith("3 attempts: 2 successful, 1 failed (66.7% success), ")
    assert re.search(r"^BadCaptions +1", shown, re.MULTILINE)
    assert program("log", "--out", "notes", "stats").out == program("log", "stats", "--out", "notes").out == shown


def test_a_spreadsheet_has_a_row_for_each_attempt(program: Program, mixed: list[Json]) -> None:
    assert program("log", "export-csv", "attempts.csv").out == "3 attempts written to attempts.csv\n"
    rows = list(csv.DictReader(io.StringIO((program.desk / "attempts.csv").read_text("utf-8-sig"))))
    assert [row["video_id"] for row in rows] == [entry["video_id"] for entry in mixed]
    assert [row["success"] for row in rows] == [str(entry["success"]).lower() for entry in mixed]
    assert all(float(row["timings.generate_notes"]) > 0 for row in rows if row["success"] == "true")


def test_a_spreadsheet_may_go_to_another_program(program: Program, mixed: list[Json]) -> None:
    told = program("log", "export-csv", "-")
    assert told.err == ""
    assert [row["video_id"] for row in csv.DictReader(io.StringIO(told.out))] == [each["video_id"] for each in mixed]
    assert not (program.desk / "-").exists()


def commands_of_the_readme() -> list[str]:
    return [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("jq ")]


ALSO = [
    "cat notes/processing_log.json | jq '.'",
    "cat notes/processing_log.json | jq '.[] | select(.success == false)'",
    "cat notes/processing_log.json | jq '[.[] | {video: .video_title, worker: .worker_id, success: .success, "
    "duration: .processing_duration, stage: .stage}]'",
]


def jq(program: Program, command: str) -> Any:
    """What a command line prints."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    done = subprocess.run(command, shell=True, cwd=program.desk, capture_output=True, text=True, check=False)
    if "unexpected '/'" in done.stderr:
        pytest.skip("this jq is older than 1.7, which the README names")
    assert done.returncode == 0, (command, done.stderr)
    return json.loads(done.stdout)


def test_the_commands_for_jq_run_as_they_are_printed(program: Program, mixed: list[Json]) -> None:
    failed, timings = [command for command in commands_of_the_readme() if "group_by" not in command]
    (bad,) = [entry for entry in mixed if not entry["success"]]
    good = [entry for entry in mixed if entry["success"]]
    assert jq(program, failed) == {name: bad[name] for name in ("video_id", "error", "stage", "worker_id")}
    average = jq(program, timings)
    assert list(average) == ["fetch", "notes", "assessment", "write", "export"]
    assert average["notes"] == pytest.approx(sum(entry["timings"]["generate_notes"] for entry in good) / 2)
    assert jq(program, ALSO[0]) == mixed
    assert jq(program, ALSO[1]) == bad
    assert [row["video"] for row in jq(program, ALSO[2])] == [entry["video_title"] for entry in mixed]


def test_jq_compares_the_workers(program: Program, mixed: list[Json]) -> None:
    (command,) = [command for command in commands_of_the_readme() if "group_by" in command]
    told = jq(program, command)
    assert {row["worker"] for row in told} == {entry["worker_id"] for entry in mixed}
    assert sum(row["count"] for row in told) == 3
    assert sum(row["count"] * row["success_rate"] for row in told) == pytest.approx(2)


def test_a_retry_of_something_unknown_is_told(program: Program, mixed: list[Json]) -> None:
    told = program("retry", "dQw4w9WgXcQ")
    assert (told.code, told.out) == (2, "")
    assert "There is no job dQw4w9WgXcQ in notes. `ytsb-tui log` shows the ids." in told.err


def test_what_failed_is_retried_once_it_can_go_well(program: Program, mixed: list[Json]) -> None:
    assert program("retry", "--failed", "--no-pdf").code == 1
    (program.desk / "bad.srt").write_text((program.desk / "lecture 0.srt").read_text().replace("lecture", "talk"))
    told = program("retry", "--failed", "--no-pdf")
    assert (told.code, "1 done in" in told.out) == (0, True)
    (bad,) = [entry["video_id"] for entry in mixed if not entry["success"]]
    attempts = [entry for entry in log_of(program.desk / "notes") if entry["video_id"] == bad]
    assert [(entry["attempt"], entry["success"]) for entry in attempts] == [(1, False), (2, False), (3, True)]
    assert program("retry", "--failed", "--no-pdf").out.startswith("There is nothing to retry.")


def test_a_named_job_is_retried_alone(program: Program, mixed: list[Json]) -> None:
    (good,) = [entry for entry in mixed if entry["video_title"] == "lecture 1"]
    assert program("retry", good["video_id"], "--from", "assessment", "--no-pdf").code == 0
    entries = log_of(program.desk / "notes")
    assert [entry["video_id"] for entry in entries[3:]] == [good["video_id"]]
    assert entries[3]["resumed_from"] == "assessment"


def test_watching_waits_for_the_automatic_retry(program: Program, youtube: World) -> None:
    soon = {**youtube.environment, "YTSB_RETRY_MINUTES": "0.05"}
    (video,) = youtube.youtube.catalog.videos
    youtube.youtube.faults.append(Fault("reset"))
    told = program("run", f"https://youtu.be/{video}", "--no-pdf", "--proxy", youtube.router.http(), **soon)
    assert told.code == 1
    assert "The next automatic retry is due at" in told.out
    assert "`ytsb-tui retry --watch` waits for it." in told.out
    youtube.youtube.faults.clear()
    assert program("retry", "--watch", "--no-pdf", "--proxy", youtube.router.http(), **soon).code == 0
    assert [entry["success"] for entry in log_of(program.desk / "notes")] == [False, True]
    assert len(notes_of(program.desk / "notes")) == 2

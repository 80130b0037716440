"""Disks, files and folders that are not as they should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox.program import Program, lecture, leftovers, log_of, notes_of, srt

Lectures = Callable[[int], list[str]]
Disk = Callable[[str], Path]

SENTENCE = "Sentence {0} is about topic {0}, because the definition of topic {0} is important for what follows in {0}."


def test_a_file_that_vanishes_during_the_run_fails_alone_and_can_be_retried(
    program: Program, lectures: Lectures
) -> None:
    names = lectures(3)
    with program.started("run", *names, "--no-pdf", "--json", "--workers", "1", in_step=True) as running:
        running.until("stage_started")
        content = (program.desk / names[2]).read_text()
        (program.desk / names[2]).unlink()
        ended = running.ended()
    assert ended.code == 1
    (failed,) = [entry for entry in log_of(program.desk / "notes") if not entry["success"]]
    assert failed["error"] == f"There is no file {program.desk / names[2]}."
    assert len(notes_of(program.desk / "notes")) == 4
    (program.desk / names[2]).write_text(content)
    assert program("retry", failed["video_id"], "--no-pdf").code == 0
    assert len(notes_of(program.desk / "notes")) == 6


def test_a_read_only_vault_can_be_looked_at_and_is_not_written_to(
    program: Program, lectures: Lectures, disk: Disk
) -> None:
    vault = disk("size=4m")
    names = lectures(1)
    assert program("run", *names, "--no-pdf", "--out", vault).code == 0
    disk("ro")
    told = program("run", *names, "--no-pdf", "--out", vault)
    assert (told.code, told.out) == (2, "")
    assert "No permission" in told.err
    assert "or choose another with --out." in told.err
    assert "lecture 0" in program("log", "--out", vault).out
    assert "1 attempt: 1 successful" in program("log", "stats", "--out", vault).out
    assert program("doctor", "--out", vault).code == 1


def test_a_full_disk_stops_the_run_and_loses_nothing(program: Program, disk: Disk) -> None:
    vault = disk("size=400k")
    names = [f"{number}.srt" for number in range(8)]
    for number, name in enumerate(names):
        sentences = [SENTENCE.format(100 * number + place) for place in range(200)]
        (program.desk / name).write_text(srt(*sentences))
    told = program("run", *names, "--no-pdf", "--out", vault)
    assert told.code == 1
    assert "The disk is full" in told.out
    assert "Free some space and start again: finished stages are kept." in told.out
    assert len(told.out.splitlines()) < 20
    written = log_of(vault) if (vault / "processing_log.json").exists() else []
    assert leftovers(vault) == []
    for note in vault.rglob("*.md"):
        assert note.read_text().rstrip().endswith("## My Notes") or note.name.startswith("Assessment_")
    disk("size=20m")
    again = program("run", *names, "--no-pdf", "--out", vault)
    assert again.code == 0
    assert len(notes_of(vault)) == 16
    entries = log_of(vault)
    assert entries[: len(written)] == written
    assert len([entry for entry in entries if entry["success"]]) == 8


def test_a_disk_that_is_full_before_anything_is_kept_is_told(program: Program, lectures: Lectures, disk: Disk) -> None:
    vault = disk("size=64k")
    told = program("run", *lectures(1), "--no-pdf", "--out", vault)
    assert told.code == 2
    assert "The disk is full" in told.err
    assert "permission" not in told.err


def test_a_journal_that_is_no_database_is_kept_and_made_again(program: Program, lectures: Lectures) -> None:
    names = lectures(2)
    program("run", names[0], "--no-pdf")
    vault = program.desk / "notes"
    (vault / ".ytsb/state.db").write_bytes(b"no database" * 999)
    for journal in vault.glob(".ytsb/state.db-*"):
        journal.unlink()
    told = program("run", *names, "--no-pdf")
    assert told.code == 0
    assert "The journal was damaged and is kept as" in told.out
    assert "1 to do, 1 already done." in told.out
    assert [path.read_bytes()[:11] for path in vault.glob(".ytsb/state.damaged-*.db")] == [b"no database"]
    assert len(log_of(vault)) == 2


TORN = {"emptied": "", "begun": "[\n", "zeroed by a power cut": "\0" * 200}
DAMAGED = {
    "an object": "{",
    "an empty object": "[\n{}",
    "prose": "not json at all",
    "half an entry": '[{"video_id": "x"',
}


@pytest.mark.parametrize(
    ("damage", "kept"),
    [*((text, 0) for text in TORN.values()), *((text, 1) for text in DAMAGED.values())],
    ids=[*TORN, *DAMAGED],
)
def test_a_log_that_is_damaged_is_kept_and_made_again(
    program: Program, lectures: Lectures, damage: str, kept: int
) -> None:
    names = lectures(2)
    program("run", names[0], "--no-pdf")
    vault = program.desk / "notes"
    (vault / "processing_log.json").write_text(damage)
    told = program("run", *names, "--no-pdf")
    assert told.code == 0
    assert [entry["video_title"] for entry in log_of(vault)] == ["lecture 0", "lecture 1"]
    assert [path.read_text() for path in vault.glob("processing_log.*.kept.json")] == [damage] * kept


def test_a_log_cut_short_is_completed_from_the_journal(program: Program, lectures: Lectures) -> None:
    program("run", *lectures(2), "--no-pdf")
    log = program.desk / "notes/processing_log.json"
    whole = log.read_bytes()
    log.write_bytes(whole[: len(whole) * 2 // 3])
    assert "lecture 1" in program("log").out
    assert log.read_bytes() == whole


def test_the_log_of_an_earlier_tool_is_taken_over(program: Program, lectures: Lectures) -> None:
    vault = program.desk / "notes"
    vault.mkdir()
    earlier = [
        {"video_id": "dQw4w9WgXcQ", "url": "https://youtu.be/dQw4w9WgXcQ", "success": False, "stage": "failed"},
        {"video_id": "abcdefghijk", "url": "https://youtu.be/abcdefghijk", "success": True, "stage": "completed"},
    ]
    (vault / "processing_log.json").write_text(json.dumps(earlier, indent=2))
    shown = program("log", "--failed").out
    assert "dQw4w9WgXcQ" in shown
    assert "abcdefghijk" not in shown
    assert "2 attempts: 1 successful, 1 failed (50.0% success)" in program("log", "stats").out
    assert program("run", *lectures(1), "--no-pdf").code == 0
    assert log_of(vault)[:2] == earlier
    assert program("log", "export-csv", "attempts.csv").out == "3 attempts written to attempts.csv\n"


def test_a_folder_in_the_place_of_the_log_is_told(program: Program, lectures: Lectures) -> None:
    (program.desk / "notes/processing_log.json").mkdir(parents=True)
    for told in (program("run", *lectures(1), "--no-pdf"), program("log")):
        assert told.code == 2
        assert "processing_log.json is not a file. Move it away; the log belongs there." in told.err


def test_captions_of_nothing_but_noise_are_refused_in_words(program: Program) -> None:
    noise = {
        "binary.srt": b"\0\1\2\3" * 500,
        "blank.vtt": b"WEBVTT\n\n",
        "page.xml": b"<html><body>404</body></html>",
        "bomb.ttml": b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;&a;">]><tt>&c;</tt>',
        "cut.json3": b'{"events": [{"segs": [{"utf8": "he',
    }
    for name, content in noise.items():
        (program.desk / name).write_bytes(content)
    (program.desk / "good.srt").write_text(lecture(1))
    told = program("run", *noise, "good.srt", "--no-pdf")
    assert told.code == 1
    assert "1 done, 5 failed" in told.out
    assert {entry["error_class"] for entry in log_of(program.desk / "notes") if not entry["success"]} == {"BadCaptions"}

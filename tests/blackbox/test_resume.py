"""What is finished stays finished, whatever happens to the program."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox.program import PATIENCE, Program, leftovers, log_of, notes_of, talkative
from ytsb_tui.samples import samples

Lectures = Callable[[int], list[str]]
ROUNDS = 8


@pytest.mark.parametrize("seed", range(2))
def test_killed_again_and_again_it_finishes_every_job_and_no_stage_twice(
    program: Program, lectures: Lectures, seed: int
) -> None:
    dice = random.Random(seed)
    command = ["run", *lectures(4), *map(str, samples()[:2]), "--json", "--workers", "3"]
    vault = program.desk / "notes"
    finished: Counter[tuple[str, str]] = Counter()
    for _ in range(ROUNDS):
        known = set(finished)
        with program.started(*command, in_step=True) as running:
            left = dice.randint(1, 40)
            for event in running.events():
                if event["event"].startswith("stage_"):
                    place = event["video_id"], event["stage"]
                    assert place not in known, f"{place} was finished before"
                    finished[place] += event["event"] == "stage_finished"
                left -= 1
                if not left:
                    running.process.kill()
            running.process.wait(PATIENCE)
            assert running.leaves_nobody(), "a renderer outlived the program"
        finished = +finished
    last = program(*command)
    assert last.code == 0
    assert set(finished.values()) <= {1}
    entries = log_of(vault)
    assert len({entry["video_id"] for entry in entries}) == len(entries) == 6
    assert all(entry["success"] for entry in entries)
    assert len(notes_of(vault)) == len(list(vault.rglob("*.pdf"))) == 12
    assert leftovers(vault) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("arguments", [["--no-pdf"], []], ids=["", "while PDFs are drawn"])
def test_a_signal_ends_the_run_at_once_and_keeps_everything(
    program: Program, lectures: Lectures, number: signal.Signals, arguments: list[str]
) -> None:
    command = ["run", *lectures(5), *arguments]
    with program.started(*command, "--json", in_step=True) as running:
        seen = [running.until("stage_finished", 4)]
        running.process.send_signal(number)
        ended = running.ended()
    seen += [event for event in ended.events if event["event"] == "stage_finished"]
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert ended.events[-1]["event"] == "run_ended"
    told = program(*command, "--json")
    assert told.code == 0
    again = {(event["video_id"], event["stage"]) for event in told.events if event["event"] == "stage_started"}
    assert again.isdisjoint((event["video_id"], event["stage"]) for event in seen)
    assert len(log_of(program.desk / "notes")) == 5


def test_a_person_who_interrupts_is_told_how_to_go_on(program: Program) -> None:
    command = ["run", *talkative(program.desk, 25), "--no-pdf", "--workers", "1"]
    with program.started(*command, in_step=True) as running:
        assert running.process.stdout is not None
        assert running.process.stdout.readline() == b"25 to do.\n"
        running.process.stdout.readline()
        running.process.send_signal(signal.SIGINT)
        ended = running.ended()
    assert ended.code == 130
    assert "Interrupted. Everything finished is kept." in ended.out
    assert "Run the same command again, or `ytsb-tui retry`, to go on where it stopped." in ended.out
    assert program("retry", "--no-pdf").code == 0
    assert len(notes_of(program.desk / "notes")) == 50


def stages_run(program: Program, *arguments: str) -> list[str]:
    told = program(*arguments, "--json")
    assert told.code == 0
    return [event["stage"] for event in told.events if event["event"] == "stage_started"]


def test_a_deleted_note_is_written_again_from_what_is_stored(program: Program, lectures: Lectures) -> None:
    (name,) = lectures(1)
    program("run", name, "--no-pdf")
    (note,) = (program.desk / "notes").rglob("lecture_0.md")
    before = note.read_text()
    note.unlink()
    (program.desk / name).rename(program.desk / "moved.srt")
    assert stages_run(program, "run", "moved.srt", "--no-pdf") == ["write", "links"]
    assert note.read_text().split("\n## ", 1)[1] == before.split("\n## ", 1)[1]


def test_a_deleted_pdf_is_drawn_again_and_nothing_else(program: Program, lectures: Lectures) -> None:
    command = ["run", *lectures(1)]
    program(*command)
    (pdf,) = (program.desk / "notes").rglob("pdfs/lecture_0.pdf")
    pdf.unlink()
    assert stages_run(program, *command) == ["export"]
    assert pdf.is_file()


def test_pdfs_can_be_added_later(program: Program, lectures: Lectures) -> None:
    command = ["run", *lectures(1)]
    program(*command, "--no-pdf")
    assert stages_run(program, *command) == ["export"]


def test_what_a_user_wrote_below_the_mark_survives(program: Program, lectures: Lectures) -> None:
    program("run", *lectures(1), "--no-pdf")
    vault = program.desk / "notes"
    (entry,) = log_of(vault)
    note = program.desk / entry["notes_filepath"]
    mine = "\nIs this on the exam? ![[drawing.png]] \u00e9\n"
    note.write_text(note.read_text().replace("## Core Concepts", "## Mine, above") + mine)
    assert stages_run(program, "retry", entry["video_id"], "--from", "notes", "--no-pdf") == [
        "notes",
        "assessment",
        "write",
        "links",
    ]
    assert note.read_text().endswith(mine)
    assert "## Mine, above" not in note.read_text()


def test_a_note_that_was_moved_is_found_where_it_is(program: Program, lectures: Lectures) -> None:
    program("run", *lectures(1), "--no-pdf")
    vault = program.desk / "notes"
    (vault / "Exams").mkdir()
    for path in list(vault.rglob("*.md")):
        path.rename(vault / "Exams" / path.name)
    told = program("run", *lectures(1), "--no-pdf")
    assert told.code == 0
    assert [path.parent.name for path in vault.rglob("*.md")] == ["Exams", "Exams"]


@pytest.mark.parametrize("name", ["lecture_0.md", "My own name.md"])
def test_answers_stay_where_they_are_when_the_note_is_moved_without_its_quiz(
    program: Program, lectures: Lectures, name: str
) -> None:
    program("run", *lectures(1), "--no-pdf")
    vault = program.desk / "notes"
    (note,) = (path for path in vault.rglob("*.md") if not path.name.startswith("Assessment_"))
    (quiz,) = vault.rglob("Assessment_*.md")
    quiz.write_text(quiz.read_text() + "\nMy answer.\n")
    (vault / "Week 3").mkdir()
    note.rename(vault / "Week 3" / name)
    told = program("retry", log_of(vault)[0]["video_id"], "--from", "write", "--no-pdf")
    assert told.code == 0, told
    assert sorted(vault.rglob("*.md")) == sorted([quiz, vault / "Week 3" / name])
    assert quiz.read_text().endswith("\nMy answer.\n")
    assert f"[[{quiz.stem}|Assessment]]" in (vault / "Week 3" / name).read_text()
    assert f"[[{Path(name).stem}" in quiz.read_text()


def test_what_a_user_wrote_above_the_mark_is_kept_when_the_note_is_made_anew(
    program: Program, lectures: Lectures
) -> None:
    program("run", *lectures(2), "--no-pdf")
    vault = program.desk / "notes"
    entry = log_of(vault)[0]
    note = program.desk / entry["notes_filepath"]
    linked = program("retry", entry["video_id"], "--from", "write", "--no-pdf", "--json")
    assert '"replaced_files": []' in linked.out, "nobody had changed it"
    edited = note.read_bytes().replace(b"\n# ", b"\n# My \xff ", 1)
    note.write_bytes(edited)
    told = program("retry", entry["video_id"], "--from", "write", "--no-pdf")
    (kept,) = vault.joinpath(".ytsb/replaced").iterdir()
    assert kept.read_bytes() == edited
    assert f"What was there before is kept: {kept.relative_to(vault)}" in told.out
    assert [Path(path).name for path in log_of(vault)[-1]["replaced_files"]] == [kept.name]
    assert b"# My \xff" not in note.read_bytes()
    later = program("retry", entry["video_id"], "--from", "links", "--no-pdf")
    assert "is kept" not in later.out


def test_a_vault_can_be_moved(program: Program, lectures: Lectures) -> None:
    program("run", *lectures(1), "--no-pdf")
    (program.desk / "notes").rename(program.desk / "Vault")
    assert program("run", *lectures(1), "--no-pdf", "--out", "Vault").out.startswith("1 already done.")


def test_output_that_nobody_reads_ends_the_run_and_fails_no_job(program: Program, lectures: Lectures) -> None:
    command = ["run", *lectures(5), "--no-pdf", "--json"]
    with program.started(*command, in_step=True) as running:
        running.until("stage_started")
        assert running.process.stdout is not None
        running.process.stdout.close()
        assert running.process.wait(PATIENCE) == 1
        assert running.process.stderr is not None
        assert running.process.stderr.read() == b"5 to do.\n"
    assert program(*command).code == 0
    assert [entry["success"] for entry in log_of(program.desk / "notes")] == [True] * 5


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_no_success(program: Program, lectures: Lectures) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with program.started("run", *lectures(1), "--no-pdf", out=full) as running:
        os.close(full)
        assert running.process.wait(PATIENCE) != 0

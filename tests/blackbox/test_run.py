"""What a run makes, says and exits with."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.blackbox.online import Online, link
from tests.blackbox.program import CAPTIONS, PATIENCE, Program, leftovers, log_of, notes_of, srt
from tests.world import World
from tests.world.catalog import lecture as youtube_lecture
from tests.world.faults import Fault

ESCAPE = "\x1b"
EVENTS = {
    "run_started",
    "stage_waiting",
    "stage_started",
    "stage_progress",
    "stage_retried",
    "stage_finished",
    "job_ended",
    "job_stopped",
    "resource_paused",
    "run_stopped",
    "run_ended",
}

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler's pdftotext is not installed")


def text_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout


def test_the_demo_ends_with_notes_quizzes_and_pdfs_and_says_where(program: Program) -> None:
    told = program("demo")
    vault = program.desk / "ytsb-demo"
    assert told.code == 0
    assert re.search(r"^3 done in .* The vault is ytsb-demo$", told.out, re.MULTILINE)
    notes = [name for name in notes_of(vault) if not name.startswith("Assessment_")]
    assert len(notes) == 3
    assert notes_of(vault) == sorted([*notes, *(f"Assessment_{name}" for name in notes)])
    assert [path.stem for path in sorted(vault.rglob("*.pdf"))] == [Path(name).stem for name in notes_of(vault)]
    again = program("demo")
    assert (again.code, again.out) == (0, "3 already done.\nThe vault is ytsb-demo\n")
    assert len(log_of(vault)) == 3


def test_a_pipe_gets_plain_lines(program: Program, lectures: Callable[[int], list[str]]) -> None:
    told = program("run", *lectures(2), "--no-pdf", TERM="xterm-256color")
    assert told.code == 0
    assert ESCAPE not in told.out + told.err
    assert re.fullmatch(
        r"2 to do\.\n\[1/2\] ✓ lecture \d  .*\n\[2/2\] ✓ lecture \d  .*\n2 done in .* The vault is notes\n", told.out
    )


def on_a_terminal(program: Program, *arguments: str, columns: int = 80, **variables: str) -> str:
    """Everything the program writes to a terminal of its own."""
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    shown = b""
    with program.started(*arguments, out=terminal, in_step=False, TERM="xterm-256color", **variables) as running:
        os.close(terminal)
        try:
            while piece := os.read(screen, 65536):
                shown += piece
        except OSError:  # how Linux tells that nobody writes any more
            pass
        running.process.wait(PATIENCE)
    os.close(screen)
    return shown.decode()


def test_a_terminal_shows_how_far_it_is_and_how_long_it_will_take(
    online: Online,
) -> None:
    online.world.youtube.faults.append(Fault("slow", "watch", seconds=1.5))
    links = map(link, range(3))
    shown = on_a_terminal(online.program, "run", *links, "--author", "outline", "--workers", "1")
    assert "0 of 3" in shown
    assert re.search(r"about 0:0\d left", shown)
    assert re.search(r"fetching .*lect0000001", shown)
    assert "3 done in" in shown
    frames = re.sub(r"\x1b\[[\d;?]*\w", "", shown)
    assert max(map(len, re.split(r"[\r\n]+", frames))) <= 80


def test_without_colour_a_terminal_is_as_good(program: Program, lectures: Callable[[int], list[str]]) -> None:
    shown = on_a_terminal(program, "run", *lectures(1), "--no-pdf", NO_COLOR="1")
    assert "✓ lecture 0" in shown
    assert not re.search(r"\x1b\[[\d;]*3\dm", shown)


def test_a_terminal_that_knows_few_characters_is_enough(program: Program, lectures: Callable[[int], list[str]]) -> None:
    told = program("run", *lectures(1), "--no-pdf", PYTHONIOENCODING="ascii")
    assert (told.code, "1 done" in told.out) == (0, True)


def test_each_line_of_json_is_an_event(program: Program, lectures: Callable[[int], list[str]]) -> None:
    (program.desk / "broken.srt").write_bytes(b"\0\1\2" * 99)
    told = program("run", *lectures(2), "broken.srt", "--no-pdf", "--json")
    names = [event["event"] for event in told.events]
    assert told.code == 1
    assert (names[0], names[-1]) == ("run_started", "run_ended")
    assert set(names) <= EVENTS
    assert all("at" in event for event in told.events)
    assert told.events[-1].items() >= {"done": 2, "failed": 1, "waiting": 0}.items()
    failed = [event for event in told.events if event["event"] == "job_ended" and not event["success"]]
    assert [(event["title"], event["error_class"], event["stage"]) for event in failed] == [
        ("broken.srt", "BadCaptions", "fetching_transcript")
    ]
    assert "3 to do." in told.err


def test_json_of_a_run_with_nothing_to_do_is_a_run(program: Program, lectures: Callable[[int], list[str]]) -> None:
    for _ in range(2):
        told = program("run", *lectures(1), "--no-pdf", "--json")
    assert [event["event"] for event in told.events] == ["run_started", "run_ended"]


def test_some_failed_is_exit_code_1_and_says_what_may_help(program: Program) -> None:
    (program.desk / "good.srt").write_text(srt("Entropy is a measure of disorder."))
    (program.desk / "bad.srt").write_text("1\nno captions at all\n")
    told = program("run", "good.srt", "bad.srt", "gone.srt", "--no-pdf")
    assert told.code == 1
    assert "gone.srt - There is no such file." in told.out
    assert re.search(r"✗ bad.srt  fetch: bad.srt.* Give captions as .srt", told.out)
    assert "1 done, 1 failed in" in told.out
    assert "retry --failed" not in told.out


def test_two_lectures_of_one_title_get_two_notes(program: Program) -> None:
    for folder in ("a", "b"):
        (program.desk / folder).mkdir()
        (program.desk / folder / "talk.srt").write_text(srt(f"Entropy is a measure of disorder {folder}."))
    told = program("run", "a/talk.srt", "b/talk.srt", "--no-pdf", "--subject", "S")
    assert told.code == 0
    assert notes_of(program.desk / "notes") == [
        "Assessment_talk.md",
        "Assessment_talk_2.md",
        "talk.md",
        "talk_2.md",
    ]


@pytest.mark.parametrize("name", ["..", "../../x", "/etc", "CON", "...", "a/b\\c", "\U0001f600" * 300, ".hidden"])
def test_no_subject_leads_out_of_the_vault(program: Program, name: str) -> None:
    (program.desk / "talk.srt").write_text(srt("Entropy is a measure of disorder."))
    told = program("run", "talk.srt", "--no-pdf", "--subject", name)
    assert told.code == 0
    (note,) = program.desk.rglob("talk.md")
    vault = program.desk / "notes"
    assert note.parent.parent == vault
    assert not note.parent.name.startswith(".")
    assert sorted(path.name for path in program.desk.iterdir()) == ["notes", "talk.srt"]


def test_a_subject_with_a_slash_is_one_folder_that_can_be_read(program: Program) -> None:
    (program.desk / "talk.srt").write_text(srt("Entropy is a measure of disorder."))
    assert program("run", "talk.srt", "--no-pdf", "--subject", "Physics/Heat").code == 0
    assert (program.desk / "notes" / "Physics-Heat" / "talk.md").is_file()


def test_a_file_name_as_long_as_names_may_be(program: Program) -> None:
    name = "\U0001f600" * 62 + ".srt"
    (program.desk / name).write_text(srt("Entropy is a measure of disorder."))
    assert program("run", name, "--no-pdf").code == 0
    assert len(notes_of(program.desk / "notes")) == 2


def test_no_title_leads_out_of_the_vault_or_breaks_a_note(program: Program, loopback: World) -> None:
    titles = [
        "\U0001f600" * 300,
        "../../x",
        "/etc/passwd",
        "---\ntitle: mine",
        "a: b # c",
        "]] [[x|y]] ^z",
        "<img src=file:///etc/passwd>",
        "CON",
        "\u202egnp.exe",
        "",
    ]
    for number, title in enumerate(titles):
        loopback.youtube.catalog.add(replace(youtube_lecture(number), title=title))
    links = [f"https://youtu.be/{video}" for video in loopback.youtube.catalog.videos]
    told = program("run", *links, "--no-pdf", "--proxy", loopback.router.http(), **loopback.environment)
    assert told.code == 0
    vault = program.desk / "notes"
    assert len(notes_of(vault)) == 2 * len(titles)
    assert {path.parent.parent for path in program.desk.rglob("*.md")} == {vault}
    for entry in log_of(vault):
        note = program.desk / entry["notes_filepath"]
        assert len(note.name.encode()) <= 255
        told_of = yaml.safe_load(note.read_text(encoding="utf-8").split("\n---\n")[0].removeprefix("---\n"))
        assert told_of["video_id"] == entry["video_id"]
        assert "\n" not in told_of["title"]


@needs_poppler
def test_a_transcript_can_neither_read_files_nor_run_anything(program: Program) -> None:
    secret = program.desk / "secret.txt"
    secret.write_text("the-secret-itself")
    picture = program.desk / "secret.svg"
    picture.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text y="20">the-secret-itself</text></svg>')
    (program.desk / "talk.srt").write_text(
        srt(
            f"Entropy is <img src='{picture.as_uri()}'> a measure of disorder.",
            f"![entropy]({picture.as_uri()}) The definition of entropy is important.",
            f"<iframe src='{secret.as_uri()}'></iframe> Entropy never decreases.",
            f"<link rel='attachment' href='{secret.as_uri()}'> Because entropy grows, time has a direction.",
            f"<object data='{secret.as_uri()}'></object><script>alert(1)</script> In the end entropy wins.",
            f"---\ntitle: [[../../{secret.name}]]\n---\n[entropy](javascript:alert(1)) is not energy.",
        )
    )
    assert program("run", "talk.srt").code == 0
    pdfs = list(program.desk.rglob("*.pdf"))
    assert len(pdfs) == 2
    for pdf in pdfs:
        assert "the-secret-itself" not in text_of(pdf)
        assert b"EmbeddedFile" not in pdf.read_bytes()
    for note in program.desk.rglob("*.md"):
        words = note.read_text()
        assert "the-secret-itself" not in words
        assert isinstance(yaml.safe_load(words.split("---\n")[1]), dict)


def test_the_second_run_on_a_vault_says_who_has_it(program: Program, lectures: Callable[[int], list[str]]) -> None:
    with program.started("run", *lectures(4), "--no-pdf", "--json", in_step=True) as first:
        first.until("stage_started")
        first.process.send_signal(signal.SIGSTOP)
        second = program("run", *lectures(1), "--no-pdf")
        assert program("log").code == 0
        first.process.send_signal(signal.SIGCONT)
        assert first.ended().code == 0
    assert second.code == 2
    assert f"The vault notes is worked on by process {first.process.pid}" in second.err


@pytest.mark.skipif(not CAPTIONS.is_dir(), reason="the real captions are not beside this checkout")
class TestRealCaptions:
    """Captions as people and machines really write them: of five languages, of seconds and of hours."""

    def test_all_of_them_in_one_go(self, program: Program) -> None:
        files = sorted(path for path in CAPTIONS.iterdir() if path.suffix != ".md")
        told = program("run", *files, "--workers", "3")
        vault = program.desk / "notes"
        assert told.code == 1
        assert f"{len(files) - 1} done, 1 failed in" in told.out
        assert "chapters.en.vtt holds the video's chapters, not its captions." in told.out
        entries = log_of(vault)
        assert len(entries) == len(files)
        assert leftovers(vault) == []
        stems = {note.stem for note in vault.rglob("*.md")}
        for entry in entries:
            if not entry["success"]:
                assert entry["error_class"] == "BadCaptions"
                continue
            for kind in ("notes", "assessment"):
                path = program.desk / entry[f"{kind}_filepath"]
                words = path.read_text(encoding="utf-8")
                assert yaml.safe_load(words.split("---\n")[1])["video_id"] == entry["video_id"]
                assert {link.split("|")[0].split("#")[0] for link in re.findall(r"\[\[(.+?)\]\]", words)} <= stems
                assert all(seconds(mark) <= entry["duration"] for mark in re.findall(r"\(((?:\d+:)?\d+:\d\d)\)", words))
                assert (program.desk / entry[f"{kind}_pdf_path"]).read_bytes().startswith(b"%PDF-")


def seconds(mark: str) -> int:
    """A time mark like 1:02:03."""
    total = 0
    for part in mark.split(":"):
        total = total * 60 + int(part)
    return total

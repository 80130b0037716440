"""The app in a real terminal: an evening's list pasted, a failure put right, notes read, and left again."""

from __future__ import annotations

import pytest

from tests.blackbox.program import Program, lecture, log_of, notes_of
from tests.blackbox.terminal import needs_tmux, terminal

pytestmark = needs_tmux

WITHOUT_TIMES = "This is no caption file at all, it has no times.\n"


@pytest.mark.parametrize(("columns", "lines"), [(120, 36), (80, 24)])
def test_an_evening_in_a_terminal(program: Program, columns: int, lines: int) -> None:
    """Paste a messy list, see what fails and why, put it right, retry, read, and leave."""
    desk, vault = program.desk, program.desk / "vault"
    for number, name in enumerate(("one.srt", "two.srt")):
        (desk / name).write_text(lecture(number))
    (desk / "three.srt").write_text(WITHOUT_TIMES)
    (desk / "list").write_text("- one.srt\n\n'two.srt'\n2) one.srt\nthree.srt\nhttps://vimeo.com/76979871\n")

    with terminal(program, columns, lines, "--out", "vault", "--author", "outline", "--no-pdf") as inside:
        inside.shows("Paste links, a list or caption files, or press a.", "a adds videos and files")
        inside.paste(desk / "list")
        inside.shows("+ 3 new", "✗ 1 refused", "= 1 duplicate", "vimeo.com is not YouTube.")
        inside.press("Enter")
        inside.shows("✓ 2 done", "✗ 1 failed")

        inside.press("f")
        inside.shows("✗ failed", "three.srt", "fetch: ")
        (desk / "three.srt").write_text(lecture(2))
        inside.press("r")
        inside.shows("✓ 3 done")

        inside.press("Escape")
        inside.shows("✓ done")
        inside.press("Enter")
        inside.shows("● Notes", "Core Concepts")
        inside.press("Tab")
        inside.shows("● Quiz")
        inside.press("Escape")
        inside.shows("✓ 3 done")
        inside.press("q")
        inside.shows("The vault is vault", "exit code 0")

    assert [entry["success"] for entry in log_of(vault)].count(True) == 3
    (failed,) = (entry for entry in log_of(vault) if not entry["success"])
    again = log_of(vault)[-1]
    assert (again["video_id"], again["attempt"], again["success"]) == (failed["video_id"], 2, True)
    assert failed["error_class"] == "BadCaptions"
    assert len(notes_of(vault)) == 6


def test_a_paste_that_the_terminal_does_not_mark_presses_no_keys(program: Program) -> None:
    """The letters of a link quit, cancel, retry and rotate; a list of links must do none of that."""
    for number, name in enumerate(("quartz.srt", "xRtq.srt")):
        (program.desk / name).write_text(lecture(number))
    lines = [
        "# qxRtTpcs, quickly",
        "quartz.srt",
        "xRtq.srt",
        *(f"https://vimeo.com/{n}" for n in range(200)),
        "the end",
    ]

    with terminal(program, 120, 36, "--out", "vault", "--author", "outline", "--no-pdf") as inside:
        inside.shows("Paste links, a list or caption files, or press a.", "a adds videos and files")
        inside.send("\r".join(lines) + "\r")
        inside.shows("+ 2 new", "✗ 200 refused", "– 1 no link")
        inside.press("C-s")
        inside.shows("✓ 2 done")
        inside.press("q")
        inside.shows("exit code 0")
    assert len(log_of(program.desk / "vault")) == 2

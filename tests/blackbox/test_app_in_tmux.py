"""The app in a real terminal: an evening's list pasted, a failure put right, notes read, and left again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.blackbox.program import PATIENCE, Program, lecture, log_of, notes_of, soon

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

SOON = 30.0
"""Seconds after which what has not come up on the screen will not."""
WITHOUT_TIMES = "This is no caption file at all, it has no times.\n"


@dataclass(frozen=True)
class Terminal:
    """A terminal of tmux with the program in it, on a server of its own."""

    socket: str

    def tmux(self, *arguments: str | Path) -> str:
        """What a command of tmux prints."""
        command = ["tmux", "-L", self.socket, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout

    def press(self, *keys: str) -> None:
        """Press keys, by the names tmux has for them."""
        self.tmux("send-keys", "-t", "app", *keys)

    def paste(self, text: Path) -> None:
        """Paste a text as a terminal does."""
        self.tmux("load-buffer", "-b", "list", text)
        self.tmux("paste-buffer", "-p", "-b", "list", "-t", "app")

    def send(self, text: str) -> None:
        """Paste a text as a terminal does that does not mark what is pasted."""
        self.tmux("send-keys", "-t", "app", "-l", text)

    def shown(self) -> str:
        """What is on the screen, or has scrolled out of it."""
        return self.tmux("capture-pane", "-p", "-S", "-", "-t", "app")

    def shows(self, *words: str, within: float = SOON) -> None:
        """Wait until all of these words are on the screen."""
        there = soon(lambda: all(word in self.shown() for word in words), within)
        assert there, f"{words} never came up; the screen shows\n{self.shown()}"


@contextmanager
def terminal(program: Program, columns: int, lines: int, *arguments: str) -> Iterator[Terminal]:
    """The program in a terminal of this size; whatever happens, nothing of it outlives the block."""
    inside = Terminal(f"ytsb-{os.getpid()}-{columns}")
    settings = program.desk.parent / "tmux.conf"
    settings.write_text("set -g remain-on-exit on\nset -g escape-time 0\nset -g status off\n")
    size = ["-x", str(columns), "-y", str(lines)]
    home = program.desk.parent / "home"
    command = ["env", "-i", f"PATH={os.environ['PATH']}", f"HOME={home}", "LANG=C.UTF-8", "TERM=tmux-256color"]
    command += [sys.executable, "-m", "ytsb_tui", *arguments]
    command = ["sh", "-c", '"$@"; echo "exit code $?"', "sh", *command]
    inside.tmux("-u", "-f", settings, "new-session", "-d", "-s", "app", *size, "-c", program.desk, *command)
    try:
        yield inside
    finally:
        inside.tmux("kill-server")


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

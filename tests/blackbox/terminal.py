"""The program in a real terminal, that of tmux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.blackbox.program import PATIENCE, Program, soon

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

SOON = 120.0
"""Seconds after which what has not come up on the screen will not."""
NUMBERS = count()
RUN = '"$@"; echo "exit code $?"'
"""What the terminal's shell does with the program."""


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

    def pid(self) -> int:
        """The process of the program, which the terminal's shell has started."""
        shell = self.tmux("display-message", "-p", "-t", "app", "#{pane_pid}").strip()
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        assert len(children) == 1, children
        return int(children[0])

    def shown(self) -> str:
        """What is on the screen, or has scrolled out of it."""
        return self.tmux("capture-pane", "-p", "-S", "-", "-t", "app")

    def shows(self, *words: str, within: float = SOON) -> None:
        """Wait until all of these words are on the screen."""
        there = soon(lambda: all(word in self.shown() for word in words), within)
        assert there, f"{words} never came up; the screen shows\n{self.shown()}"


@contextmanager
def terminal(
    program: Program, columns: int, lines: int, *arguments: str | Path, shell: str = RUN, **variables: str
) -> Iterator[Terminal]:
    """The program in a terminal of this size; whatever happens, nothing of it outlives the block."""
    inside = Terminal(f"ytsb-{os.getpid()}-{next(NUMBERS)}")
    settings = program.desk.parent / "tmux.conf"
    settings.write_text("set -g remain-on-exit on\nset -g escape-time 0\nset -g status off\n")
    size = ["-x", str(columns), "-y", str(lines)]
    given = {**program.variables(variables), "TERM": "tmux-256color"}
    command = ["env", "-i", *(f"{name}={value}" for name, value in given.items())]
    command += [sys.executable, "-m", "ytsb_tui", *map(str, arguments)]
    command = ["sh", "-c", shell, "sh", *command]
    inside.tmux("-u", "-f", settings, "new-session", "-d", "-s", "app", *size, "-c", program.desk, *command)
    try:
        yield inside
    finally:
        # A test may have ended it already.
        subprocess.run(["tmux", "-L", inside.socket, "kill-server"], capture_output=True, check=False)

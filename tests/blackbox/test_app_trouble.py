"""The app when something is in its way: left, killed, suspended, without room, out of sight, in a browser."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.blackbox.online import THREE, Online, kinds, link, video_id
from tests.blackbox.program import PATIENCE, Program, leftovers, log_of, notes_of, soon, srt
from tests.blackbox.terminal import SOON, Terminal, needs_tmux, terminal
from tests.world.claude import Behaviour
from tests.world.faults import Fault

PLAIN = ("--author", "outline", "--no-pdf")
EMPTY = "Paste links, a list or caption files, or press a."
STALLED = Behaviour(ending="stall", after=0.4)


def ask_and_leave(inside: Terminal) -> None:
    inside.press("q")
    inside.shows("Leave while 1 job is running?")
    inside.press("y")


LEAVING: dict[str, Callable[[Terminal], object]] = {
    "q": ask_and_leave,
    "ctrl+c": lambda inside: inside.press("C-c"),
    "SIGTERM": lambda inside: os.kill(inside.pid(), signal.SIGTERM),
    "the terminal's end": lambda inside: os.kill(inside.pid(), signal.SIGHUP),
}


@needs_tmux
@pytest.mark.parametrize("how", LEAVING)
def test_it_can_be_left_while_youtube_says_nothing(online: Online, how: str) -> None:
    """Long before the worker's own time limit; the job is back in the queue."""
    fault = Fault("silent", endpoint="player")
    online.world.youtube.faults.append(fault)
    with terminal(online.program, 100, 30, link(0), "--workers", "1", YTSB_FETCH_DEADLINE="3600") as inside:
        assert soon(lambda: "player" in online.world.youtube.asked(), SOON)
        inside.shows("▸ fetch")
        LEAVING[how](inside)
        inside.shows("exit code 0")
    online.world.youtube.faults.remove(fault)
    told = online.run(link(0))
    assert told.code == 0, told
    assert [entry["success"] for entry in online.log] == [True]


@needs_tmux
def test_it_does_not_outlive_its_terminal(program: Program, lectures: Callable[[int], list[str]]) -> None:
    with terminal(program, 100, 30, *PLAIN, *lectures(1)) as inside:
        inside.shows("✓ 1 done")
        app = inside.pid()
        os.kill(int(inside.tmux("display-message", "-p", "#{pid}")), signal.SIGKILL)
        assert soon(lambda: not Path(f"/proc/{app}").exists(), SOON)
    assert program("run", *lectures(1), "--no-pdf").code == 0


@needs_tmux
@pytest.mark.parametrize("how", ["kill-session", "SIGKILL"])
def test_it_does_not_outlive_its_terminal_while_it_asks_something(online: Online, how: str) -> None:
    online.world.youtube.goes_wrong("silent", "player")
    with terminal(online.program, 100, 30, link(0), "--workers", "1", YTSB_FETCH_DEADLINE="3600") as inside:
        inside.shows("▸ fetch")
        inside.press("q")
        inside.shows("Leave while 1 job is running?")
        app = inside.pid()
        if how == "SIGKILL":
            os.kill(int(inside.tmux("display-message", "-p", "#{pid}")), signal.SIGKILL)
        else:
            inside.tmux("kill-session", "-t", "app")
        assert soon(lambda: not Path(f"/proc/{app}").exists(), SOON)


@needs_tmux
def test_to_be_told_to_continue_without_having_been_stopped_changes_nothing(program: Program) -> None:
    with terminal(program, 100, 30, *PLAIN) as inside:
        inside.shows(EMPTY)
        os.kill(inside.pid(), signal.SIGCONT)
        inside.press("l")
        inside.shows("Nothing was logged yet.")
        inside.press("Escape")
        inside.shows(EMPTY)
        inside.press("q")
        inside.shows("exit code 0")


@needs_tmux
def test_it_can_be_left_in_the_middle_of_an_answer_which_is_not_paid_for_twice(online: Online) -> None:
    online.claude.next.append(STALLED)
    with terminal(online.program, 100, 30, link(0), "--workers", "1") as inside:
        assert online.claude.stalled.wait(SOON)
        inside.press("C-c")
        inside.shows("exit code 0")
    told = online.run(link(0))
    assert told.code == 0, told
    assert online.world.youtube.asked() == THREE
    assert len(online.calls(0)) == 3
    assert [entry["success"] for entry in online.log] == [True]


@needs_tmux
def test_killed_in_the_middle_of_an_answer_it_goes_on_at_the_next_start(online: Online) -> None:
    online.claude.next.append(STALLED)
    with terminal(online.program, 100, 30, link(0), "--workers", "1") as inside:
        assert online.claude.stalled.wait(SOON)
        os.kill(inside.pid(), signal.SIGKILL)
        inside.shows("exit code 137")
    with terminal(online.program, 100, 30, "--workers", "1") as inside:
        inside.shows("✓ 1 done")
        inside.press("q")
        inside.shows("exit code 0")
    assert online.world.youtube.asked() == THREE
    assert [(entry["video_id"], entry["success"]) for entry in online.log] == [(video_id(0), True)]
    assert kinds(online.claude.calls)["assessment"] == 1


@needs_tmux
def test_suspended_it_lets_go_of_the_terminal_and_comes_back(program: Program) -> None:
    shell = '"$@"; echo "back in the shell"; read _; fg; echo "exit code $?"'
    with terminal(program, 100, 30, *PLAIN, shell=f"set -m; {shell}") as inside:
        inside.shows(EMPTY)
        inside.press("C-z")
        inside.shows("back in the shell")
        inside.press("Enter")
        inside.shows(EMPTY)
        inside.press("?")
        inside.shows("Add videos, playlists and caption files")
        inside.press("C-c")
        inside.shows("exit code 0")


@needs_tmux
def test_a_terminal_that_gets_tiny_and_large_again_loses_nothing(
    program: Program, lectures: Callable[[int], list[str]]
) -> None:
    with terminal(program, 100, 30, *lectures(3), *PLAIN) as inside:
        inside.shows("✓ 3 done")
        inside.tmux("resize-window", "-t", "app", "-x", "20", "-y", "5")
        inside.shows("Status", "✓ done")
        inside.tmux("resize-window", "-t", "app", "-x", "100", "-y", "30")
        inside.shows("✓ 3 done", "lecture 2", "a Add")


@needs_tmux
def test_a_disk_that_gets_full_stops_the_run_and_p_goes_on_when_there_is_room(
    program: Program, disk: Callable[[str], Path]
) -> None:
    vault = disk("size=400k")
    names = [f"{number}.srt" for number in range(8)]
    for number, name in enumerate(names):
        sentences = (f"Sentence {n} of lecture {number} is about topic {n}, which is important." for n in range(200))
        (program.desk / name).write_text(srt(*sentences))
    with terminal(program, 140, 36, *names, "--out", vault, *PLAIN) as inside:
        inside.shows("stopped, p goes on: The disk is full")
        assert soon(lambda: " running" not in inside.shown(), SOON), inside.shown()
        disk("size=20m")
        inside.press("p")
        assert soon(lambda: "p goes on" not in inside.shown(), SOON), inside.shown()
        inside.press("R")  # should one have failed where it wrote its files
        inside.shows("✓ 8 done")
        inside.press("q")
        inside.shows("exit code 0")
    assert len(notes_of(vault)) == 16
    assert leftovers(vault) == []
    assert len([entry for entry in log_of(vault) if entry["success"]]) == 8


@needs_tmux
def test_a_desktop_is_told_when_a_batch_is_over(program: Program, lectures: Callable[[int], list[str]]) -> None:
    recorded = program.desk / "recorded"
    recorded.touch()
    with terminal(program, 100, 30, *PLAIN, YTSB_NOTIFY="desktop") as inside:
        inside.shows(EMPTY)
        inside.tmux("pipe-pane", "-t", "app", f"cat > '{recorded}'")
        inside.send(" ".join(f"'{name}'" for name in lectures(2)))
        inside.shows("+ 2 new")
        inside.press("Enter")
        inside.shows("✓ 2 done")
        assert soon(lambda: b"\x1b]9;ytsb-tui: 2 jobs done in " in recorded.read_bytes(), SOON)


class Browser:
    """What stands between `textual serve` and a tab: the app's standard input and output, in packets."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.shown = ""
        self._process = process

    def shows(self, words: str) -> None:
        """Read on until these words were drawn."""
        assert self._process.stdout is not None
        while words not in self.shown:
            kind, size = self._process.stdout.read(1), self._process.stdout.read(4)
            assert kind, f"it ended; it has shown {self.shown!r}"
            text = self._process.stdout.read(int.from_bytes(size, "big"))
            if kind == b"D":
                self.shown += text.decode()

    def send(self, kind: bytes, text: bytes) -> None:
        """Send keys ("D"), or say something of the tab ("M")."""
        assert self._process.stdin is not None
        self._process.stdin.write(kind + len(text).to_bytes(4, "big") + text)
        self._process.stdin.flush()


@contextmanager
def tab(program: Program) -> Iterator[Browser]:
    """The app in a tab of a browser, as `textual serve` starts one for each."""
    with subprocess.Popen(
        [sys.executable, "-m", "ytsb_tui", *PLAIN],
        cwd=program.desk,
        env={
            **program.variables({}),
            "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
            "COLUMNS": "120",
            "ROWS": "36",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stdout is not None
            while process.stdout.readline() != b"__GANGLION__\n":
                assert process.poll() is None
            browser = Browser(process)
            yield browser
            browser.send(b"M", json.dumps({"type": "quit"}).encode())
            process.stdout.read()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def test_in_browsers_the_first_tab_works_and_the_second_looks_on(
    program: Program, lectures: Callable[[int], list[str]]
) -> None:
    (name,) = lectures(1)
    with tab(program) as first:
        first.shows("a adds videos and files")
        with tab(program) as second:
            second.shows("only looking on")
            first.send(b"D", f"\x1b[200~'{name}'\x1b[201~".encode())
            first.shows("+ 1 new")
            first.send(b"D", b"\r")
            first.shows("✓ 1 done")
            second.shows("✓ 1 done")
    assert [entry["success"] for entry in log_of(program.desk / "notes")] == [True]

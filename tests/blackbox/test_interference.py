"""What others do to a program that is at work: lock its store, freeze it, set the clock, start it twice."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.blackbox.online import THREE, Online, kinds, link, video_id
from tests.blackbox.program import Program, Running, leftovers, log_of, notes_of, soon, talkative

Lectures = Callable[[int], list[str]]

HOLD = """
import sqlite3, sys
sql = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
sql.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_program_has(store: Path) -> Iterator[None]:
    """Somebody looks into the store with a tool that locks it."""
    command = [sys.executable, "-c", HOLD, str(store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate()


def test_a_store_that_another_program_locks_for_ten_seconds_is_waited_for(program: Program, lectures: Lectures) -> None:
    names = lectures(40)  # more than a pipe holds of their events, so it is at work when the lock is taken
    vault = program.desk / "notes"
    with program.started("run", *names, "--no-pdf", "--json", "--workers", "1") as running:
        running.until("job_ended")
        with another_program_has(vault / ".ytsb/state.db"):
            threading.Event().wait(10)
            assert running.process.poll() is None
        told = running.ended()
    assert told.code == 0, told
    assert [entry["success"] for entry in log_of(vault)] == [True] * 40
    assert len(notes_of(vault)) == 80


def test_of_four_started_at_once_one_works_and_the_others_say_who(online: Online) -> None:
    fault = online.world.youtube.goes_wrong("silent")
    command = ["run", link(0), link(1), "--author", "outline"]
    with (
        online.program.started(*command, YTSB_FETCH_DEADLINE="600") as one,
        online.program.started(*command, YTSB_FETCH_DEADLINE="600") as two,
        online.program.started(*command, YTSB_FETCH_DEADLINE="600") as three,
        online.program.started(*command, YTSB_FETCH_DEADLINE="600") as four,
    ):
        everybody = (one, two, three, four)
        assert soon(lambda: len(at_work(everybody)) == 1)
        (winner,) = at_work(everybody)
        online.world.youtube.faults.remove(fault)
        told = {running: running.ended() for running in everybody}
    assert told[winner].code == 0, told[winner]
    for running in everybody:
        if running is not winner:
            assert told[running].code == 2
            assert f"The vault notes is worked on by process {winner.process.pid} on" in told[running].err
            assert "Wait for it to end, or stop it with Ctrl+C." in told[running].err
    assert [entry["success"] for entry in online.log] == [True, True]
    assert len(notes_of(online.vault)) == 4


def at_work(everybody: tuple[Running, ...]) -> list[Running]:
    """Those that have not ended."""
    return [running for running in everybody if running.process.poll() is None]


def test_frozen_in_the_middle_of_a_fetch_it_goes_on_and_fails_nothing(online: Online) -> None:
    fault = online.world.youtube.goes_wrong("silent", "player")
    with online.program.started("run", link(0), "--json", "--author", "outline", YTSB_FETCH_DEADLINE="2") as running:
        running.until("stage_started")
        assert soon(lambda: "player" in online.world.youtube.asked())
        freeze(running, seconds=4)
        online.world.youtube.faults.remove(fault)
        told = running.ended()
    assert told.code == 0, told
    assert [entry["success"] for entry in online.log] == [True]
    assert online.world.youtube.asked(video_id(0))[-3:] == THREE


def test_frozen_in_the_middle_of_an_answer_it_goes_on_and_pays_once(online: Online) -> None:
    with online.started(link(0)) as running:
        next(event for event in running.events() if (event["event"], event.get("stage")) == ("stage_started", "notes"))
        freeze(running, seconds=3)
        told = running.ended()
    assert told.code == 0, told
    assert kinds(online.claude.calls) == {"notes": 1, "assessment": 1}
    assert [entry["success"] for entry in online.log] == [True]


def freeze(running: Running, seconds: float) -> None:
    """A laptop's lid is closed, and opened again."""
    running.process.send_signal(signal.SIGSTOP)
    threading.Event().wait(seconds)
    running.process.send_signal(signal.SIGCONT)


@contextmanager
def read_only(vault: Path) -> Iterator[None]:
    """From now on nothing in the vault can be opened for writing; skips where that is not allowed."""
    aside = vault.parent / "aside"
    aside.mkdir()
    if shutil.which("mount") is None or subprocess.run(["mount", "--bind", vault, aside], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        # Nobody writes there, as somebody might in the vault itself, which forbids the change.
        subprocess.run(["mount", "-o", "remount,bind,ro", aside], check=True)
        subprocess.run(["mount", "--bind", aside, vault], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", vault], check=True)
    finally:
        subprocess.run(["umount", "-l", aside], check=True)


def test_a_vault_that_is_taken_away_in_mid_run_stops_it_and_is_not_made_anew(program: Program) -> None:
    vault, away = program.desk / "notes", program.desk / "away"
    command = ["run", *talkative(program.desk, 40), "--no-pdf", "--workers", "1"]
    with program.started(*command, in_step=True) as running:
        assert running.process.stdout is not None
        assert b"40 to do." in running.process.stdout.readline()
        assert b"[1/40]" in running.process.stdout.readline()
        vault.rename(away)
        told = running.ended()
    assert told.code == 1
    assert "The vault notes is gone. Bring the folder back and start again." in told.out
    assert not vault.exists()
    away.rename(vault)
    written = log_of(vault)
    assert program(*command).code == 0
    entries = log_of(vault)
    assert entries[: len(written)] == written
    assert len({entry["video_id"] for entry in entries if entry["success"]}) == 40
    assert len(notes_of(vault)) == 80


def test_a_vault_that_gets_read_only_in_mid_run_stops_it_and_loses_nothing(program: Program) -> None:
    vault, names = program.desk / "notes", talkative(program.desk, 40)
    command = ["run", *names, "--no-pdf", "--workers", "1"]
    with program.started(*command, in_step=True) as running:
        assert running.process.stdout is not None
        assert b"40 to do." in running.process.stdout.readline()
        assert b"[1/40]" in running.process.stdout.readline()
        with read_only(vault):
            told = running.ended()
    assert told.code == 1
    assert "Read-only file system" in told.out
    assert "Give yourself write permission on the vault, or choose another with --out." in told.out
    written = log_of(vault)
    again = program(*command)
    assert again.code == 0
    assert leftovers(vault) == []
    entries = log_of(vault)
    assert entries[: len(written)] == written
    assert sorted(f"{entry['video_title']}.srt" for entry in entries if entry["success"]) == sorted(names)

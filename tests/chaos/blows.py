"""Where a program is killed, and how it is done from outside: nothing in the product knows of it."""

from __future__ import annotations

import contextlib
import functools
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.blackbox.program import PATIENCE, Json, Program, Running
from tests.chaos.autopsy import LOG
from ytsb_tui.settings import PRIVATE

STATE = ".ytsb/state.db"


@dataclass(frozen=True)
class Blow:
    """One place to kill the program at."""

    place: str
    calls: str = ""
    """The system calls it dies entering; "" for an event of the run, or a moment of its start."""
    path: str = ""
    """The file of the vault they are about; "" for any."""
    most: int = 1
    """It dies at one of the first so many."""
    least: int = 1
    tears: bool = False
    """Whether the end of the log is torn as well, as when the power fails before the disk has all of it."""


AT_RANDOM = (Blow("at any moment", most=60), Blow("while it starts"))
"""These need nothing but a signal."""
AT_WRITES = (
    Blow("before a store commit", "pwrite64", f"{STATE}-wal", 120),
    Blow("before a store commit is synced", "fdatasync", f"{STATE}-wal", 40),
    Blow("while the store is made or tidied up", "pwrite64,fsync,ftruncate", STATE, 12),
    Blow("between store commit and log append", "write", LOG, 8),
    Blow("inside the log append", "fdatasync", LOG, 8, tears=True),
    Blow("before the log takes its place", "rename,renameat,renameat2", "", 1),
    Blow("between temporary file and rename", "rename,renameat,renameat2", "", 30),
    Blow("before a temporary file is synced", "fsync", "", 30),
    Blow("between a name and its claim", "link,linkat", "", 8),
    Blow("before a temporary name is removed", "unlink,unlinkat", "", 8),
    Blow("inside the index of links", "pwrite64", ".ytsb/links.db-wal", 120),
    Blow("before the owner is named", "openat", ".ytsb/owner.json", 1),
)
"""These are aimed by strace, which sees every system call."""
AT_PDFS = (
    Blow("inside a PDF", "fsync", "", 3),
    Blow("between a PDF and its name", "rename,renameat,renameat2", "", 4),
)
AT_BATCHES = (
    Blow("before a batch is announced", "rename,renameat,renameat2", "", 1),
    Blow("between announcement and submission", "fsync", PRIVATE, 1),
    Blow("between submission and ticket", "rename,renameat,renameat2", "", 2, least=2),
    Blow("after a ticket took its place", "fsync", PRIVATE, 2, least=2),
)


@functools.cache
def why_not_aimed() -> str:
    """Why calls cannot be aimed at here; "" when they can."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        return "strace is not installed"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "new")
        tried = subprocess.run(
            [*_strace(Path(folder, "trace"), Blow("", "mkdir", "", 1), 1), "mkdir", str(target)],
            capture_output=True,
            check=False,
        )
        if target.exists() or tried.returncode not in (-signal.SIGKILL, 128 + signal.SIGKILL):
            return "strace may not be used here"
    return ""


@dataclass(frozen=True)
class Struck:
    """What became of a run that was to be killed."""

    died: bool
    """False when it ended before the blow."""
    events: tuple[Json, ...]

    @property
    def opened(self) -> bool:
        """Whether it got as far as working: everything an earlier run left is put right then."""
        return any(event["event"] == "run_started" for event in self.events)


def strike(program: Program, command: Sequence[str], vault: Path, blow: Blow, dice: random.Random) -> Struck:
    """Run the program, kill it at the place, and wait until nothing of it is left."""
    number = dice.randint(blow.least, blow.most)
    trace = program.desk.parent / "trace"
    if blow.calls:
        aimed = replace(blow, path=str(vault.resolve() / blow.path) if blow.path else "")
        program = replace(program, through=tuple(_strace(trace, aimed, number)))
    trace.unlink(missing_ok=True)
    with program.started(*command, "--json") as running, _bounded(running):
        if blow.calls:
            finishing = threading.Thread(target=_finish_off, args=(trace, running), daemon=True)
            finishing.start()
        elif blow.place == "while it starts":
            time.sleep(dice.random() * 0.7)
            running.process.kill()
        seen: list[Json] = []
        for event in running.events():
            seen.append(event)
            if not blow.calls and len(seen) == number:
                time.sleep(dice.random() * 0.03)
                running.process.kill()
        code = running.process.wait(60)
        if blow.calls:
            finishing.join(60)
        assert running.leaves_nobody(60), "a renderer outlived the program"
    assert code in (0, -signal.SIGKILL, 128 + signal.SIGKILL), f"it ended with {code} by itself: {seen[-3:]}"
    if code and blow.tears:
        _tear(vault / LOG, dice)
    return Struck(code != 0, tuple(seen))


@contextlib.contextmanager
def _bounded(running: Running) -> Iterator[None]:
    """Fail, rather than wait for ever, when the program hangs."""
    too_long = threading.Timer(10 * PATIENCE, running.process.send_signal, (signal.SIGABRT,))
    too_long.start()
    try:
        yield
    finally:
        too_long.cancel()


def _strace(trace: Path, blow: Blow, number: int) -> list[str]:
    calls = blow.calls
    about = ["-P", blow.path] if blow.path else []
    kill = f"inject={calls}:signal=SIGKILL:when={number}"
    return ["strace", "-f", "-y", "-qq", "-o", str(trace), *about, "-e", f"trace={calls}", "-e", kill]


def _finish_off(trace: Path, running: Running) -> None:
    """Kill the whole program once any process of it was: a renderer that dies alone is replaced."""
    while running.process.poll() is None:
        with contextlib.suppress(OSError):
            if "+++ killed by SIGKILL" in trace.read_text(errors="replace"):
                running.kill_traced()
        time.sleep(0.002)


def _tear(log: Path, dice: random.Random) -> None:
    """Cut the file inside what was added last."""
    content = log.read_bytes()
    seam = content.rstrip(b"]\n").rfind(b"\n{")
    if seam > 0:
        log.write_bytes(content[: dice.randint(seam, len(content) - 1)])

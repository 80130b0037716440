"""Where a program is killed, and how it is done from outside: nothing in the product knows of it."""

from __future__ import annotations

import contextlib
import functools
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tests.blackbox.program import PATIENCE, Json, Program, Running, soon
from tests.chaos.autopsy import LOG, is_claim
from ytsb_tui.settings import PRIVATE

STATE = f"{PRIVATE}/state.db"
RENAME = "?rename,?renameat,renameat2"
"""Which of them there are depends on the processor."""
WRITE = "pwrite64,write"
"""Which of them SQLite uses depends on how it was built; likewise below."""
SYNC = "fdatasync,fsync"
DRAWING = "*/pdfs/.ytsb-*.tmp"
"""What is there of a PDF while it is drawn."""


@dataclass(frozen=True)
class Blow:
    """One place to kill the program at."""

    place: str
    calls: str = ""
    """The system calls it dies entering."""
    path: str = ""
    """The file of the vault they are about, for the tracer to look at no others."""
    about: str = ""
    """A pattern for what the tracer writes of the call: whether it is one of this place."""
    most: int = 1
    """It dies at one of the first so many of a thread."""
    least: int = 1
    moment: Literal["", "event", "start", "drawing"] = ""
    """What it is killed at where it is no call."""
    tears: bool = False
    """Whether the end of the log is torn as well, as when the power fails before the disk has all of it."""
    torn: bool = False
    """Whether that is how the run finds the log."""


AT_RANDOM = (Blow("at any moment", most=60, moment="event"), Blow("while it starts", moment="start"))
"""These need nothing but a signal."""
AT_WRITES = (
    Blow("before a store commit", WRITE, f"{STATE}-wal", most=120),
    Blow("before a store commit is synced", SYNC, f"{STATE}-wal", most=40),
    Blow("between store commit and log append", "write", LOG, most=8),
    Blow("inside the log append", SYNC, LOG, most=8, tears=True),
    Blow("inside the index of links", WRITE, f"{PRIVATE}/links.db-wal", most=120),
    Blow("between a note and its name", RENAME, "", r"\(new\)", most=30),
    Blow("between a linked note and its name", RENAME, "", r"\(linked\)", most=30, least=3),
    Blow("before a file is synced", "fsync", "", r"/\.ytsb-\w+\.tmp>", most=30),
    Blow("before a name is synced", "fsync", "Course", most=30),
    Blow("before a name is claimed", "?link,linkat", "", r'\.md"', most=8),
    Blow("before an unfinished name is removed", "?unlink,unlinkat", "", r'/\.ytsb-\w+\.tmp"', most=8),
    Blow("before the owner is named", "openat", f"{PRIVATE}/owner.json"),
    Blow("between a log made anew and its name", RENAME, "", rf'/{LOG}"', torn=True),
    Blow("while the store is made or tidied up", f"{WRITE},{SYNC},ftruncate", STATE, most=12),
)
"""These are aimed by strace, which sees every system call. The last may need a run that comes to its end."""
AT_PDFS = (
    Blow("inside a PDF", most=3, moment="drawing"),
    Blow("between a PDF and its name", RENAME, "", r'\.pdf"', most=6),
)
AT_BATCHES = (
    Blow("before a batch is announced", RENAME, "", r"\(announcement\)"),
    Blow("between announcement and submission", "fsync", PRIVATE, r"\(announcement\)"),
    Blow("between submission and ticket", RENAME, "", r"\(ticket\)", least=2, most=2),
    Blow("after a ticket has its name", "fsync", PRIVATE, r"\(ticket\)", least=2, most=2),
)


@functools.cache
def why_not_aimed() -> str:
    """Why calls cannot be aimed at here; "" when they can."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        return "strace is not installed"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "new")
        tried = subprocess.run(
            [*_strace(Path(folder, "trace"), Blow("", "?mkdir,mkdirat"), 1), "mkdir", str(target)],
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
    hit: bool
    """Whether it died where it was to."""
    events: tuple[Json, ...]

    @property
    def opened(self) -> bool:
        """Whether it got as far as working: everything an earlier run left is put right then."""
        return any(event["event"] == "run_started" for event in self.events)


def strike(
    program: Program, command: Sequence[str], vault: Path, blow: Blow, number: int, dice: random.Random
) -> Struck:
    """Run the program, kill it at the `number`-th such place, and wait until nothing of it is left."""
    trace = program.desk.parent / "trace"
    if blow.calls:
        aimed = replace(blow, path=str(vault.resolve() / blow.path) if blow.path else "")
        program = replace(program, through=tuple(_strace(trace, aimed, number)))
    trace.unlink(missing_ok=True)
    if blow.torn:
        _tear(vault / LOG, dice)
    with program.started(*command, "--json", in_step=True) as running, _bounded(running):
        killer = threading.Thread(target=_kill, args=(running, vault, trace, blow, number, dice.random()), daemon=True)
        killer.start()
        seen: list[Json] = []
        for event in running.events():
            seen.append(event)
            if blow.moment == "event" and len(seen) == number:
                time.sleep(dice.random() * 0.03)
                running.process.kill()
        code = running.process.wait(PATIENCE)
        killer.join(PATIENCE)
        assert running.leaves_nobody(), "a renderer outlived the program"
    assert code in (0, -signal.SIGKILL, 128 + signal.SIGKILL), f"it ended with {code} by itself: {seen[-3:]}"
    hit = code != 0
    if blow.calls and blow.about:
        hit = hit and re.search(blow.about, _last_call(trace, number, vault)) is not None
    elif blow.moment == "drawing":
        hit = hit and any(vault.glob(DRAWING))
    if code and blow.tears:
        _tear(vault / LOG, dice)
    return Struck(code != 0, hit, tuple(seen))


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


def _kill(running: Running, vault: Path, trace: Path, blow: Blow, number: int, chance: float) -> None:
    """What the tracer does not do: a kill by the clock, or of the whole program once any process of it was killed."""
    if blow.calls:
        soon(lambda: running.process.poll() is not None or "+++ killed by SIGKILL" in _text(trace), 10 * PATIENCE)
        running.kill_traced()  # a renderer that dies alone is replaced
    elif blow.moment == "start":
        time.sleep(chance * 0.7)
        running.process.kill()
    elif blow.moment == "drawing":
        drawn: set[Path] = set()
        while running.process.poll() is None and len(drawn) < number:
            drawn.update(vault.glob(DRAWING))
            time.sleep(0.002)
        time.sleep(chance * 0.2)
        running.process.kill()


def _text(trace: Path) -> str:
    return trace.read_text(errors="replace") if trace.exists() else ""


def _last_call(trace: Path, number: int, vault: Path) -> str:
    """The call the program died entering, and what it would have put where."""
    entered: Counter[str] = Counter()
    for line in _text(trace).splitlines():
        thread, _, call = line.partition(" ")
        entered[thread] += call.strip()[:3] not in ("<..", "+++", "---")
        if entered[thread] == number:
            return call + _purpose(call, vault)
    return ""


def _purpose(call: str, vault: Path) -> str:
    """What the names in a call do not tell, but the files it leaves do."""
    if "batches.json" in call or f"/{PRIVATE}>" in call:
        written = re.search(r'"([^"]*\.tmp)"', call)
        file = Path(written[1]) if written else vault / PRIVATE / "batches.json"
        text = file.read_text() if file.exists() else ""
        return " (announcement)" if '"batch": ""' in text else " (ticket)" if text else ""
    if note := re.search(r'"([^"]*\.tmp)", "([^"]*\.md)"', call):
        new, old = (file.read_text() if file.exists() else "" for file in map(Path, note.groups()))
        return " (new)" if not old or is_claim(old) else " (linked)" if new.count("[[") > old.count("[[") else ""
    return ""


def _tear(log: Path, dice: random.Random) -> None:
    """Cut the file inside what was added last."""
    content = log.read_bytes() if log.exists() else b""
    seam = content.rstrip(b"]\n").rfind(b"\n{")
    if seam > 0:
        log.write_bytes(content[: dice.randint(seam, len(content) - 1)])

"""The installed program as its users have it, in a home of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

PATIENCE = 300.0
"""Seconds after which a program that does not end is killed, and its test fails."""
PAGE = 4096
"""Bytes: the least a pipe can hold."""
CAPTIONS = Path(__file__).resolve().parents[2] / "../shared/captions"
"""Real captions, where this checkout lies beside them."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """What a program that has ended leaves to its caller."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[Json]:
        """The lines of `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Program:
    """Runs `ytsb-tui` in the folder `desk`, with nothing of the caller's environment but the path."""

    desk: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    through: tuple[str, ...] = ()
    """A command that runs it: a tracer, a clock of its own."""
    module: str = "ytsb_tui"

    def __call__(self, *arguments: str | Path, stdin: str | bytes = b"", **variables: str) -> Ended:
        """Run it to its end; fails when it takes too long or shows a traceback."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            self._command(*arguments),
            cwd=self.desk,
            env=self.variables(variables),
            input=given,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        ended = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ended.out + ended.err, ended
        return ended

    @contextlib.contextmanager
    def started(
        self, *arguments: str | Path, out: int = subprocess.PIPE, in_step: bool = False, **variables: str
    ) -> Iterator[Running]:
        """Start it in a session of its own; whatever happens, nothing of it outlives the block.

        With `in_step` it waits wherever it has printed a page that is not read yet: it does not get away from a test
        that is held up.
        """
        with subprocess.Popen(
            self._command(*arguments),
            cwd=self.desk,
            env=self.variables(variables),
            stdin=subprocess.DEVNULL if out == subprocess.PIPE else out,
            stdout=out,
            stderr=subprocess.PIPE if out == subprocess.PIPE else out,
            start_new_session=True,
            bufsize=0,  # what was read ahead would be missing in what `ended` returns
            pipesize=PAGE if in_step else -1,
        ) as process:
            try:
                yield Running(process, self.desk)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _command(self, *arguments: str | Path) -> list[str]:
        return [*self.through, sys.executable, "-m", self.module, *map(str, arguments)]

    def variables(self, more: Mapping[str, str]) -> dict[str, str]:
        """The whole environment it is given."""
        home = str(self.desk.parent / "home")
        own = {"PATH": os.environ["PATH"], "HOME": home, "XDG_CONFIG_HOME": f"{home}/.config", "LANG": "C.UTF-8"}
        return {**own, **self.environment, **more}


@dataclass(frozen=True)
class Running:
    """A program that has not ended yet."""

    process: subprocess.Popen[bytes]
    desk: Path
    """The folder it runs in, as do its children."""

    def events(self) -> Iterator[Json]:
        """The events of `--json`, as they are printed."""
        assert self.process.stdout is not None
        for line in _lines(self.process.stdout):
            yield json.loads(line)

    def until(self, event: str, number: int = 1) -> Json:
        """Wait for the `number`-th of these events."""
        for seen in self.events():
            number -= seen["event"] == event
            if not number:
                return seen
        raise AssertionError(f"it ended without {event}: {self.ended()}")

    def ended(self, within: float = PATIENCE) -> Ended:
        """What it leaves, waited for at most that many seconds."""
        out, err = self.process.communicate(timeout=within)
        return Ended(self.process.returncode, (out or b"").decode(), (err or b"").decode())

    def commands(self) -> str:
        """What `ps` shows of it and its children; others may tell secrets that are the same."""
        found = []
        for pid in (self.process.pid, *self._children()):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                found.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        return "\n".join(found)

    def leaves_nobody(self, within: float = 60.0) -> bool:
        """Whether, once it has ended, its child processes end too."""
        return soon(lambda: not self._children(), within)

    def kill_traced(self) -> None:
        """Kill the program itself, where another command runs it."""
        for pid, parent in _processes():
            if parent == self.process.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _children(self) -> list[int]:
        return [pid for pid, _ in _processes() if pid != self.process.pid and _folder_of(pid) == self.desk.resolve()]


def _folder_of(pid: int) -> Path | None:
    with contextlib.suppress(OSError):
        return Path(os.readlink(f"/proc/{pid}/cwd"))
    return None


def _processes() -> Iterator[tuple[int, int]]:
    """Every process that has not ended, and its parent."""
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            state, parent = place.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                yield int(place.parent.name), int(parent)


def _lines(pipe: IO[bytes]) -> Iterator[bytes]:
    """Whole lines; the last one of a killed program may be torn."""
    for line in pipe:
        if line.endswith(b"\n"):
            yield line


def soon(true: Callable[[], object], within: float = 120.0) -> bool:
    """Whether something gets true within that many seconds."""
    end = time.monotonic() + within
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def srt(*sentences: str, every: int = 5) -> str:
    """Captions that say one sentence after the other."""

    def at(second: int) -> str:
        return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02},000"

    return "".join(
        f"{number}\n{at(number * every)} --> {at(number * every + every - 1)}\n{sentence}\n\n"
        for number, sentence in enumerate(sentences, 1)
    )


TOPICS = ("entropy", "osmosis", "inflation", "recursion", "photosynthesis", "gravity", "grammar", "probability")


def lecture(number: int) -> str:
    """A short lecture of captions, unlike the others."""
    topic = f"{TOPICS[number % len(TOPICS)]}"
    return srt(
        f"Welcome to lecture {number}, which is about {topic}.",
        f"A definition of {topic} says what changes and what stays.",
        f"The most common mistake about {topic} is to measure it only once.",
        f"Because {topic} is hard to see, we draw a diagram of it.",
        f"In the end {topic} explains observation {number} of the experiment.",
    )


def talkative(desk: Path, number: int) -> list[str]:
    """Lectures with titles so long that a few lines about them are a page."""
    titles = [f"lecture {place} " + "on and on and on " * 12 for place in range(number)]
    for place, title in enumerate(titles):
        (desk / f"{title.strip()}.srt").write_text(lecture(place))
    return [f"{title.strip()}.srt" for title in titles]


def log_of(vault: Path) -> list[Json]:
    """Every entry of a vault's log, which must be whole."""
    entries: list[Json] = json.loads((vault / "processing_log.json").read_text(encoding="utf-8"))
    return entries


def notes_of(vault: Path) -> list[str]:
    """The names of all Markdown files."""
    return sorted(path.name for path in vault.rglob("*.md"))


def leftovers(vault: Path) -> list[Path]:
    """Temporary files that nobody cleaned up."""
    return [path for path in vault.rglob("*") if "tmp" in path.suffix or path.name.startswith(".ytsb-")]

"""What may grow, by how much, and whether it kept to that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.soak.gauge import Reading, slope

LARGEST_WAL = 12.0
"""Megabytes; SQLite empties it once it has 4, when nobody reads."""
LARGEST_OWN_LOG = 2.0
"""Megabytes; the program's own log and the one before it."""


@dataclass(frozen=True)
class Allowance:
    """What a job may leave behind, in kilobytes, and what may come and go."""

    enough: int
    """Jobs from which on slopes say something: in a shorter run caches are still being filled."""
    memory: float
    """In the process: its row, and the names that links go by."""
    store: float
    """In the journal: its transcript, notes and questions, and what its attempts came to."""
    links: float
    """In the index of links: the words of its notes."""
    log: float
    children: float = 0.0
    """In the processes that draw PDFs."""
    connections: int = 0
    """Connections that may be kept for the next call."""
    helpers: int = 0
    """Threads that asyncio may start for its screens, and keeps."""


@dataclass(frozen=True)
class Verdict:
    """What one quantity came to."""

    name: str
    figures: str
    bound: str
    kept: bool

    def __str__(self) -> str:
        return f"{'kept  ' if self.kept else 'BROKEN'}  {self.name:<26}{self.figures:<66}{self.bound}"


def judge(readings: Sequence[Reading], before: Reading, after: Reading, allowed: Allowance) -> list[Verdict]:
    """Every quantity against its bound; `before` the vault was opened, `after` it was closed."""
    rests = [reading for reading in readings if reading.resting]
    first, last = rests[len(rests) // 2 - 1], rests[-1]
    verdicts = []

    def count(name: str, of: Callable[[Reading], int], more: int, what: str, *, kept: bool) -> None:
        began, ended = of(first), of(last)
        bound = "as many" + (f", and {more} {what}" if more else "")
        verdicts.append(Verdict(f"{name} at rest", f"{began} half-way, {ended} at last", bound, ended <= began + more))
        began, ended = of(before), of(after)
        more = more if kept else 0
        bound = bound if kept else "as many"
        verdicts.append(Verdict(f"{name} once closed", f"{began} before, {ended} after", bound, ended <= began + more))

    def growth(name: str, of: Callable[[Reading], float], most: float) -> None:
        figures = f"{of(first):.1f} MB half-way, {of(last):.1f} at last"
        if last.jobs < allowed.enough:
            verdicts.append(Verdict(name, figures, "too short a run to judge", kept=True))
            return
        grew = slope(readings, of)
        bound = f"at most {most:g} KB a job"
        verdicts.append(Verdict(name, f"{figures}, {grew:+.2f} MB per 1,000 jobs", bound, grew * 1.024 <= most))

    def size(name: str, of: Callable[[Reading], float], most: float) -> None:
        largest = max(map(of, readings))
        verdicts.append(Verdict(name, f"{largest:.1f} MB at the most", f"at most {most:g} MB", largest <= most))

    count("files", lambda reading: reading.files, allowed.connections, "connections", kept=True)
    count("threads", lambda reading: reading.threads, allowed.helpers, "of asyncio's", kept=False)
    growth("memory", lambda reading: reading.memory, allowed.memory)
    growth("memory of PDF processes", lambda reading: reading.children, allowed.children)
    growth("journal", lambda reading: reading.store, allowed.store)
    growth("index of links", lambda reading: reading.links, allowed.links)
    growth("log", lambda reading: reading.log, allowed.log)
    size("write-ahead log", lambda reading: reading.wal, LARGEST_WAL)
    size("the program's own log", lambda reading: reading.own_log, LARGEST_OWN_LOG)
    return verdicts


HEAD = (
    f"{'jobs':>7}{'minutes':>9}{'a second':>10}{'memory':>9}{'PDFs':>8}{'files':>11}{'threads':>11}"
    f"{'journal':>9}{'its WAL':>9}{'links':>8}{'log':>7}"
)


def line(since: Sequence[Reading]) -> str:
    """A line of the table: the last reading, and after a slash the most since the one before it."""
    first, last = since[0], since[-1]
    pace = (last.jobs - first.jobs) / max(last.seconds - first.seconds, 0.001)
    files = f"{last.files}/{max(reading.files for reading in since)}"
    threads = f"{last.threads}/{max(reading.threads for reading in since)}"
    wal = f"{max(reading.wal for reading in since):.1f}"
    return (
        f"{last.jobs:>7,}{last.seconds / 60:>9.1f}{pace:>10.2f}{last.memory:>9.1f}{last.children:>8.1f}{files:>11}"
        f"{threads:>11}{last.store:>9.1f}{wal:>9}{last.links:>8.1f}{last.log:>7.2f}"
    )

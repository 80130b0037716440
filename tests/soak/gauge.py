"""What the process has of everything, read again and again while it works."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.children import children

EVERY = 2.0
"""Seconds between two readings."""
SETTLING = 30.0
"""Seconds that threads which are about to end are given at the most."""
MEGA = 2**20


@dataclass(frozen=True)
class Reading:
    """One look, after so many jobs."""

    jobs: int
    seconds: float
    resting: bool
    """Whether nothing was being worked on."""
    memory: float
    """Megabytes that only this process has, as Linux counts them (USS)."""
    children: float
    """Megabytes that the processes have which draw its PDFs."""
    files: int
    threads: int
    store: float
    """Megabytes of the journal; so are the rest."""
    wal: float
    links: float
    log: float
    own_log: float


class Gauge:
    """Reads a vault and the process that works on it."""

    def __init__(self, vault: Path, jobs: Callable[[], int]) -> None:
        """`jobs` says how many have ended so far."""
        self._vault = vault
        self._jobs = jobs
        self._began = time.monotonic()
        self._others = set(children())
        """Processes that are no part of the program: the worlds."""
        self._turn = threading.Lock()
        self.readings: list[Reading] = []

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read every `EVERY` seconds meanwhile."""
        over = threading.Event()

        def read() -> None:
            while not over.wait(EVERY):
                self.readings.append(self.look())

        thread = threading.Thread(target=read, name="gauge", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def rest(self, threads: int) -> Reading:
        """A reading while nothing is worked on; waits until those threads that are ending have, down to `threads`."""
        until = time.monotonic() + SETTLING
        while self.look().threads > threads and time.monotonic() < until:
            time.sleep(0.05)
        gc.collect()
        self.readings.append(self.look(resting=True))
        return self.readings[-1]

    def look(self, *, resting: bool = False) -> Reading:
        """One reading; never two at once, which would count the files that each other opens."""
        with self._turn:
            return self._look(resting)

    def _look(self, resting: bool) -> Reading:
        own = self._vault / ".ytsb"
        return Reading(
            jobs=self._jobs(),
            seconds=time.monotonic() - self._began,
            resting=resting,
            memory=_private("self"),
            children=sum(map(_private, set(children()) - self._others)),
            files=len(os.listdir("/proc/self/fd")) - 1,
            threads=threading.active_count(),
            store=_size(own / "state.db"),
            wal=_size(own / "state.db-wal"),
            links=_size(own / "links.db"),
            log=_size(self._vault / "processing_log.json"),
            own_log=sum(map(_size, (own / "logs").glob("*"))),
        )


def slope(readings: Sequence[Reading], of: Callable[[Reading], float]) -> float:
    """How much more there is of something after another 1,000 jobs: least squares over the second half."""
    most = readings[-1].jobs
    points = [(reading.jobs / 1000, of(reading)) for reading in readings if reading.jobs >= most / 2]
    middle = sum(x for x, _ in points) / len(points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * y for x, y in points) / spread if spread else 0.0


def _private(process: int | str) -> float:
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:  # a child that has ended meanwhile
        return 0.0
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_")) / 1024


def _size(file: Path) -> float:
    try:
        return file.stat().st_size / MEGA
    except OSError:
        return 0.0

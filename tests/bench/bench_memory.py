"""Memory over a thousand jobs: what a finished job leaves behind in the process.

The index of links keeps the names of each note, and the outcome of the run the
facts of each job; all else goes when its job is done.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from tempfile import TemporaryDirectory

from ytsb_tui.engine import Engine
from ytsb_tui.events import Event, JobEnded
from ytsb_tui.intake import read
from ytsb_tui.plain import Outcome
from ytsb_tui.settings import Settings

JOBS = 1000
LOOKS = (100, 300, 600, 1000)
SENTENCES = 40
TARGET = 10.0
"""Kilobytes a job."""


def main() -> None:
    if not Path("/proc/self/statm").exists():
        print("needs Linux")
        return
    with TemporaryDirectory() as folder:
        sizes = run(Path(folder))
    print(", ".join(f"{size:.1f} MB after {jobs} jobs" for jobs, size in sizes.items()))
    few, many = LOOKS[-2:]
    slope = (sizes[many] - sizes[few]) * 1024 / (many - few)
    print(f"from {few} jobs on, when caches are full: {slope:.1f} KB a job (target: below {TARGET:.0f})")


def run(folder: Path) -> dict[int, float]:
    """Megabytes after so many jobs, worked on by the tools of a real run with the offline author."""
    engine = Engine(Settings(out=folder / "notes", author="outline", pdf=False))
    sources = read("\n".join(map(str, captions(folder))), base=folder).sources
    engine.submit(engine.job(source.id, source.url) for source in sources)
    outcome = Outcome(JOBS)
    sizes: dict[int, float] = {}

    def tell(event: Event) -> None:
        outcome(event)
        if isinstance(event, JobEnded) and len(outcome.done) in LOOKS:
            sizes[len(outcome.done)] = resident()

    engine.pool(tell).run(3)
    engine.close()
    assert len(outcome.done) == JOBS
    return sizes


def captions(folder: Path) -> list[Path]:
    """A lecture of three minutes for each job, in words of which some recur and some are its own."""
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghilmnoprstuv", k=chance.randint(3, 11))) for _ in range(20_000)]
    made = []
    for number in range(JOBS):
        own = chance.sample(words, 400)
        lines = []
        for place in range(SENTENCES):
            minute, second = divmod(place * 5, 60)
            said = " ".join(chance.choices(own, k=12)).capitalize()
            lines.append(f"{place + 1}\n00:{minute:02}:{second:02},000 --> 00:{minute:02}:{second:02},900\n{said}.\n")
        made.append(folder / f"Lecture {number} on {' '.join(own[:3])}.srt")
        made[-1].write_text("\n".join(lines))
    return made


def resident() -> float:
    """Megabytes this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()

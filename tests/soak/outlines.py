"""Thousands of caption files in one process, by the outline author: batch after batch, each by new workers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tests.soak.gauge import Gauge
from tests.soak.verdicts import Allowance
from ytsb_tui import intake
from ytsb_tui.engine import Engine
from ytsb_tui.events import Event, JobEnded
from ytsb_tui.settings import Settings

ALLOWED = Allowance(enough=2_000, memory=4, store=24, links=12, log=4)
WORKERS = 3
BATCHES = 10
SENTENCES = 10
COURSES = 40


def soak(folder: Path, jobs: int, rested: Callable[[Gauge], object]) -> Gauge:
    """Work on so many files; `rested` hears of each batch's end."""
    ended = 0

    def tell(event: Event) -> None:
        nonlocal ended
        ended += isinstance(event, JobEnded)

    engine = Engine(Settings(out=folder / "vault", author="outline", pdf=False))
    gauge = Gauge(folder / "vault", lambda: ended)
    with gauge.reading():
        idle = gauge.look().threads
        for numbers in batches(jobs):
            sources = intake.read("\n".join(str(captions(folder, number)) for number in numbers), base=folder).sources
            submission = engine.submit(engine.job(source.id, source.url) for source in sources)
            engine.pool(tell, among=submission.ids).run(WORKERS)
            gauge.rest(idle)
            rested(gauge)
    engine.close()
    assert ended == jobs, f"{ended} jobs ended"
    return gauge


def batches(jobs: int) -> Iterator[range]:
    """The numbers of so many jobs, in portions alike."""
    for batch in range(BATCHES):
        yield range(batch * jobs // BATCHES, (batch + 1) * jobs // BATCHES)


def captions(folder: Path, number: int) -> Path:
    """A short lecture, in words of which some recur and some are its own."""
    chance = random.Random(number)
    own = chance.sample(_words(), 60)
    lines = []
    for place in range(SENTENCES):
        said = " ".join(chance.choices(own, k=10)).capitalize()
        lines.append(f"{place + 1}\n00:00:{place * 5:02},000 --> 00:00:{place * 5 + 4:02},900\n{said}.\n")
    course = _words()[number % COURSES].capitalize()
    file = folder / f"{course} - Lecture {number} on {' '.join(own[:3])}.srt"
    file.write_text("\n".join(lines))
    return file


@cache
def _words() -> list[str]:
    chance = random.Random(7)
    return ["".join(chance.choices("abcdefghilmnoprstuv", k=chance.randint(3, 11))) for _ in range(20_000)]

"""What the board hears: the workers' events, and what the journal says. Knows no Textual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ytsb_tui.events import Event, JobEvent
from ytsb_tui.glance import Glance, Glimpse
from ytsb_tui.job import Stage, Status

MANY = 2_000
"""Jobs that are told at once."""


@dataclass(frozen=True)
class Told(JobEvent):
    """How a job stands in the journal, told by who changed it there."""

    status: Status


@dataclass(frozen=True)
class Seen:
    """Jobs as the journal has them now."""

    jobs: Sequence[Glimpse]
    seconds: Mapping[str, Mapping[Stage, float]]
    """How long their finished stages took, by id."""
    unseen: Mapping[Status, int] = field(default_factory=dict)
    """How many more there are, which are still being read."""


News = Event | Seen


def portions(glance: Glance, size: int, ids: Sequence[str] | None = None, most: int = -1) -> Iterator[Seen]:
    """These jobs of a vault, else all (the first so many) in the order in which they are shown."""
    unseen, ids = Counter(glance.counts()), glance.ids(most) if ids is None else ids
    for begin in range(0, len(ids), size):
        portion = ids[begin : begin + size]
        jobs = glance.jobs(portion)
        unseen.subtract(job.status for job in jobs)
        yield Seen(jobs, glance.seconds(portion), +unseen)

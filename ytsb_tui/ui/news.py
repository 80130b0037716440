"""What the board hears: the workers' events, and what the journal says. Knows no Textual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ytsb_tui.events import Event, JobEvent
from ytsb_tui.glance import Glimpse
from ytsb_tui.job import Stage, Status


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

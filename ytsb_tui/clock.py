"""The time, as something that can be handed in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for people, ticks for durations: the wall may be set back, ticks never are."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def ticks(self) -> float:
        """Seconds since some moment; only differences mean anything."""


@dataclass(frozen=True)
class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        return time.time()

    def ticks(self) -> float:
        return time.monotonic()


def iso(at: float | None) -> str | None:
    """ISO 8601 local time with offset, to the millisecond."""
    return None if at is None else datetime.fromtimestamp(at).astimezone().isoformat(timespec="milliseconds")


def spell(seconds: float) -> str:
    """A duration for people: `8.3 s`, `2:05`, `1:02:05`; none is below zero, though a clock be set back."""
    seconds = max(0.0, seconds)
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

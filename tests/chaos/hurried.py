"""The headless program by a clock that runs faster: `python -m tests.chaos.hurried TIMES VAULT [LIST]`.

With a list it is run on it, without one the failed jobs are retried. Pauses
that servers ask for, and those the program takes by itself, are shorter by so
much; nothing else is changed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from ytsb_tui import settings
from ytsb_tui.clock import SystemClock
from ytsb_tui.headless import Run
from ytsb_tui.ordering import read_orders

WORKERS = 8


@dataclass(frozen=True)
class Hurried(SystemClock):
    """The machine's clocks, so many times as fast."""

    times: float
    began: float
    """Seconds since the epoch, when it was as late here as everywhere."""

    def now(self) -> float:
        return self.began + (super().now() - self.began) * self.times

    def ticks(self) -> float:
        return super().ticks() * self.times


def main(times: str, vault: str, *lists: str) -> int:
    """Run or retry; the exit code."""
    chosen = settings.load({"out": Path(vault), "workers": WORKERS, "pdf": False, "subject": "Course"}, file=None)
    with Run(chosen, clock=Hurried(float(times), SystemClock().now())) as work:
        if lists:
            return work.order(read_orders((), lists))
        return work.retry((), failed_only=True, watch=False, restart_at=None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

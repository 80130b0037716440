"""The columns of the job table: which fit a width, what they show, what they sort by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ytsb_tui.job import Stage, Status
from ytsb_tui.ui.format import NOTHING, STAGE_WORDS, money, short
from ytsb_tui.ui.row import Row

GAP = 1
"""Cells between two columns."""


@dataclass(frozen=True)
class Column:
    """One fact about a job."""

    name: str
    title: str
    least: int
    """Cells it needs to be shown at all."""
    most: int
    """Cells beyond which more room does not help it."""
    text: Callable[[Row, float], str]
    """What a cell shows of a row at a time."""
    key: Callable[[Row], Any]
    """What it sorts by."""
    right: bool = False
    help: str = ""


@dataclass(frozen=True)
class Place:
    """A column in its place on a line."""

    column: Column
    left: int
    width: int


def _stage_text(stage: Stage) -> Callable[[Row, float], str]:
    def text(row: Row, now: float) -> str:
        live = row.live
        if live and live.stage is stage and live.doing != "finished":
            return f"▸{short(now - live.since)}" if live.doing == "working" else "▹"
        if stage in row.seconds:
            return short(row.seconds[stage])
        if row.status is Status.FAILED and row.failure and row.failure.stage == stage:
            return "✗"
        return "·"

    return text


def _stage_key(stage: Stage) -> Callable[[Row], float]:
    return lambda row: row.seconds.get(stage, -1.0)


def _worker_text(row: Row, now: float) -> str:
    worker = row.live.worker_id if row.live else row.facts.worker_id
    return NOTHING if worker is None else str(worker)


def _worker_key(row: Row) -> int:
    worker = row.live.worker_id if row.live else row.facts.worker_id
    return -1 if worker is None else worker


def _tries(row: Row) -> int:
    begun = row.seconds or row.failure or row.live or row.status is Status.DONE
    return row.facts.attempt if begun else 0


STANDING = (Status.RUNNING, Status.FAILED, Status.QUEUED, Status.CANCELLED, Status.DONE)
"""Sorted by status, what happens now comes first, then what wants something."""

STATUS = Column(
    "status", "Status", 13, 15, lambda row, now: str(row.badge(now)), lambda row: STANDING.index(row.status)
)
TITLE = Column("title", "Title", 24, 72, lambda row, now: row.title, lambda row: row.title.casefold())
SUBJECT = Column("subject", "Subject", 10, 22, lambda row, now: row.subject, lambda row: row.subject.casefold())
WORKER = Column("worker", "W", 2, 2, _worker_text, _worker_key, right=True, help="The worker that ran, or runs, it")
STAGES = tuple(
    Column(stage, STAGE_WORDS[stage].capitalize() if stage is not Stage.EXPORT else "PDF", 6, 6,
           _stage_text(stage), _stage_key(stage), right=True, help="Seconds this stage took")
    for stage in Stage
)  # fmt: skip
TOTAL = Column(
    "total", "Total", 7, 7, lambda row, now: short(row.total(now)) if row.seconds or row.live else NOTHING,
    lambda row: row.total(0.0) if not row.live else row.total(row.live.since), right=True,
    help="Time of all its stages",
)  # fmt: skip
TRIES = Column(
    "tries", "Tries", 5, 5, lambda row, now: str(_tries(row) or NOTHING), _tries, right=True,
    help="How often it was begun",
)  # fmt: skip
COST = Column(
    "cost", "Cost", 6, 7, lambda row, now: money(row.cost), lambda row: -1.0 if row.cost is None else row.cost,
    right=True, help="US dollars",
)  # fmt: skip
ERROR = Column(
    "error", "Last error", 16, 200, lambda row, now: row.error or row.whereabouts,
    lambda row: (not row.error, row.error.casefold()),
)  # fmt: skip

COLUMNS = (STATUS, TITLE, SUBJECT, WORKER, *STAGES, TOTAL, TRIES, COST, ERROR)
"""From left to right."""
IMPORTANCE: Sequence[tuple[Column, ...]] = (
    (STATUS, TITLE),
    (TOTAL,),
    (ERROR,),
    (TRIES,),
    STAGES,
    (WORKER,),
    (SUBJECT,),
    (COST,),
)
"""Who gets room first; a group comes whole or not at all, and nobody before those ahead of it."""
SHARES = {"title": 3, "error": 3, "subject": 1, "status": 1}
"""Who gets how much of the room that is left."""


def arrange(width: int) -> tuple[Place, ...]:
    """The columns that fit `width` cells, each in its place, using all of the width they can use."""
    chosen: set[Column] = set()
    room = width + GAP
    for group in IMPORTANCE:
        need = sum(column.least + GAP for column in group)
        if chosen and need > room:
            break
        chosen.update(group)
        room -= need
    widths = {column: column.least for column in COLUMNS if column in chosen}
    _share(widths, room)
    places, left = [], 0
    for column, wide in widths.items():
        places.append(Place(column, left, wide))
        left += wide + GAP
    return tuple(places)


def _share(widths: dict[Column, int], room: int) -> None:
    """Give the room that is left to the columns that can use it."""
    while room > 0:
        growing = [column for column in widths if column.name in SHARES and widths[column] < column.most]
        if not growing:
            return
        parts = sum(SHARES[column.name] for column in growing)
        for column in growing:
            more = min(max(1, room * SHARES[column.name] // parts), column.most - widths[column], room)
            widths[column] += more
            room -= more

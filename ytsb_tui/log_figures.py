"""What the log adds up to."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ytsb_tui.job import Stage
from ytsb_tui.log_lines import Entry, entries_in, lines_in


class Outline(msgspec.Struct, gc=False):
    """What figures need of an entry. Of any type: the log may come from elsewhere."""

    success: Any = None
    stage: Any = None
    error: Any = None
    error_class: Any = None
    worker_id: Any = None
    processing_duration: Any = None
    timings: Any = None
    total_files: Any = None
    start_time: Any = None
    end_time: Any = None
    logged_at: Any = None
    exit_node: Any = None
    exit_address: Any = None
    exit_country: Any = None


_outline = msgspec.json.Decoder(Outline)
_entry = msgspec.json.Decoder(Entry)


def outlines(content: bytes) -> list[Outline]:
    """The outline of every entry of a log. Raises `ValueError` when it is not one."""
    try:
        return [_outline.decode(line) for line in lines_in(content)]
    except (ValueError, RecursionError):
        return [msgspec.convert(entry, Outline) for entry in entries_in(content)]


def select(content: bytes, wanted: Callable[[Outline], bool]) -> list[Entry]:
    """The wanted entries of a log; the others are not decoded. Raises `ValueError` when it is not one."""
    try:
        return [_entry.decode(line) for line in lines_in(content) if wanted(_outline.decode(line))]
    except (ValueError, RecursionError):
        return [entry for entry in entries_in(content) if wanted(msgspec.convert(entry, Outline))]


def statistics(attempts: Sequence[Outline]) -> dict[str, Any]:
    """The log in eight figures, the same eight for an empty one."""
    successful = sum(bool(attempt.success) for attempt in attempts)
    errors = Counter(_error_type(attempt) for attempt in attempts if not attempt.success)
    stages = Counter(str(attempt.stage) for attempt in attempts)
    return {
        "total_jobs": len(attempts),
        "successful": successful,
        "failed": len(attempts) - successful,
        "success_rate": _share(successful, len(attempts)),
        "average_duration": _mean(_numbers(attempt.processing_duration for attempt in attempts)),
        "total_files_created": int(sum(_numbers(attempt.total_files for attempt in attempts))),
        "error_types": dict(errors.most_common()),
        "stages": dict(stages.most_common()),
    }


@dataclass(frozen=True)
class Fared:
    """How the attempts fared that have something in common, such as their worker."""

    count: int
    avg_duration: float
    """Seconds an attempt took."""
    success_rate: float
    """0..1."""


@dataclass(frozen=True)
class Breakdown:
    """Where the time went."""

    stage_seconds: Mapping[str, float]
    """Average seconds of each timing key over the successful attempts, in the order of the stages."""
    workers: Mapping[int | None, Fared]
    """By worker id; None gathers the attempts that name none."""
    exits: Mapping[str, Fared]
    """By the Tor exit's nickname and address, the most used first; without the attempts that name none."""
    countries: Mapping[str, Fared]
    """By the exit's country, "" where it is unknown, the most frequent first."""
    busy_seconds: float
    """How long at least one worker was at work."""
    parallelism: float
    """How many workers were at work on average while any was."""
    per_hour: float
    """Successful attempts per hour of work."""

    @classmethod
    def of(cls, attempts: Sequence[Outline]) -> Breakdown:
        """The breakdown of these attempts, in any order."""
        seconds: defaultdict[str, list[float]] = defaultdict(list)
        workers: defaultdict[int | None, list[Outline]] = defaultdict(list)
        exits: defaultdict[str, list[Outline]] = defaultdict(list)
        countries: defaultdict[str, list[Outline]] = defaultdict(list)
        spans: list[tuple[float, float]] = []
        for attempt in attempts:
            workers[attempt.worker_id if isinstance(attempt.worker_id, int) else None].append(attempt)
            if leaves := " ".join(str(part) for part in (attempt.exit_node, attempt.exit_address) if part):
                exits[leaves].append(attempt)
                countries[str(attempt.exit_country or "")].append(attempt)
            start, end = _moment(attempt.start_time), _moment(attempt.end_time)
            if start is not None and end is not None and start <= end:
                spans.append((start, end))
            if attempt.success and isinstance(attempt.timings, dict):
                for key, value in attempt.timings.items():
                    seconds[key].extend(_numbers([value]))
        busy = _covered(spans)
        keys = (stage.timing_key for stage in Stage)
        return cls(
            {key: _mean(seconds[key]) for key in keys if seconds[key]},
            {worker: _fared(workers[worker]) for worker in sorted(workers, key=_none_last)},
            _most_first(exits),
            _most_first(countries),
            busy,
            _share(sum(end - start for start, end in spans), busy),
            3600 * _share(sum(bool(attempt.success) for attempt in attempts), busy),
        )


MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
STEPS = (MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 364 * DAY)
"""The stretches of time that attempts are counted in, in seconds."""
MOST = 1e12
"""What no number in the log comes near."""
LAST_DAY = 253_000_000_000.0
"""Seconds since the epoch beyond which no calendar goes."""


@dataclass(frozen=True)
class Timeline:
    """How many attempts ended when."""

    begin: float = 0.0
    """Seconds since the epoch at which the first stretch begins."""
    step: float = MINUTE
    """Seconds of a stretch, one of `STEPS`."""
    done: tuple[int, ...] = ()
    """Successful attempts in each stretch."""
    failed: tuple[int, ...] = ()

    @classmethod
    def of(cls, attempts: Iterable[Outline], most: int) -> Timeline:
        """These attempts, in any order, in at most `most` stretches; those without a time are left out.

        What a single wrong clock dates decades away is left out with everything before it.
        """
        ended = sorted((at, bool(attempt.success)) for attempt in attempts if (at := _ended(attempt)) is not None)
        if not ended:
            return cls()
        last = ended[-1][0]
        for step in STEPS:
            begin = _floor(ended[0][0], step)
            if last < begin + most * step:
                break
        else:
            begin = _floor(last, step) - (most - 1) * step
        done, failed = Counter[int](), Counter[int]()
        for at, success in ended:
            (done if success else failed)[int((at - begin) // step)] += 1
        stretches = range(int((last - begin) // step) + 1)
        return cls(begin, step, tuple(done[each] for each in stretches), tuple(failed[each] for each in stretches))


def _ended(attempt: Outline) -> float | None:
    times = (_moment(time) for time in (attempt.end_time, attempt.logged_at, attempt.start_time))
    return next((time for time in times if time is not None and DAY <= time < LAST_DAY), None)


def _floor(at: float, step: float) -> float:
    """The beginning of the stretch `at` lies in, by the clock on the wall."""
    offset = datetime.fromtimestamp(at).astimezone().utcoffset()
    ahead = offset.total_seconds() if offset else 0.0
    return (at + ahead) // step * step - ahead


def _most_first(groups: Mapping[str, Sequence[Outline]]) -> dict[str, Fared]:
    return {name: _fared(groups[name]) for name in sorted(groups, key=lambda name: (-len(groups[name]), name))}


def _fared(attempts: Sequence[Outline]) -> Fared:
    return Fared(
        len(attempts),
        _mean(_numbers(attempt.processing_duration for attempt in attempts)),
        _share(sum(bool(attempt.success) for attempt in attempts), len(attempts)),
    )


def _error_type(attempt: Outline) -> str:
    """The error's class, or where the log names none, what the message says before its first colon."""
    if attempt.error_class:
        return str(attempt.error_class)
    words = str(attempt.error or "").split(":")[0].split()
    return " ".join(words[:8]) or "unknown"


def figure(value: Any) -> float | None:
    """A number of the log; None for what is none, or for one that nothing there can be."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < MOST else None


def _numbers(values: Iterable[Any]) -> list[float]:
    return [known for value in values if (known := figure(value)) is not None]


def _mean(numbers: Sequence[float]) -> float:
    return _share(sum(numbers), len(numbers))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _none_last(worker: int | None) -> tuple[bool, int]:
    return worker is None, worker or 0


def _moment(time: Any) -> float | None:
    """Seconds since the epoch of an ISO 8601 string, or of a number that is that already."""
    if isinstance(time, str):
        try:
            return datetime.fromisoformat(time).timestamp()
        except (ValueError, OverflowError):
            return None
    return next(iter(_numbers([time])), None)


def _covered(spans: Iterable[tuple[float, float]]) -> float:
    """How many seconds lie in at least one span."""
    covered, reached = 0.0, -math.inf
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered

"""What the log adds up to, drawn: a chart for each question one may have. Knows no screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from textual.content import Content

from ytsb_tui.clock import spell
from ytsb_tui.job import Stage
from ytsb_tui.log_figures import DAY, HOUR, MINUTE, Breakdown, Fared, Outline, Timeline, statistics
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.format import STAGE_WORDS, bar, short
from ytsb_tui.ui.plots import Bar, axis, bars, columns
from ytsb_tui.wording import counted

STRETCHES = 60
"""Columns of the throughput at most: as many as fit 80 cells."""
HEIGHT = 5
"""Lines of a column."""
GUTTER = 7
"""Cells left of the columns."""
MOST_ERRORS = MOST_EXITS = 12
MUTED = "$foreground 60%"
STEP_WORDS = {
    MINUTE: "a minute",
    10 * MINUTE: "ten minutes",
    HOUR: "an hour",
    6 * HOUR: "six hours",
    DAY: "a day",
    7 * DAY: "a week",
    28 * DAY: "four weeks",
    364 * DAY: "a year",
}


@dataclass(frozen=True)
class Figures:
    """What a log adds up to."""

    totals: Mapping[str, Any]
    parts: Breakdown
    timeline: Timeline

    @classmethod
    def of(cls, attempts: Sequence[Outline]) -> Figures:
        """The figures of these attempts."""
        return cls(statistics(attempts), Breakdown.of(attempts), Timeline.of(attempts, STRETCHES))


def overview(figures: Figures, width: int) -> Content:
    """How many there were, and how they ended."""
    totals, parts = figures.totals, figures.parts
    rate = totals["success_rate"]
    drawn = bar(rate, max(10, min(40, width - 16)))
    full = drawn.rstrip("╌")
    counts = Content.assemble(
        f"{counted(totals['total_jobs'], 'attempt')}   ",
        (f"✓ {totals['successful']:,} done", "$text-success"),
        "   ",
        (f"✗ {totals['failed']:,} failed", "$text-error"),
        f"   {counted(totals['total_files_created'], 'file')}",
    )
    meter = Content.assemble((full, "$text-success"), (drawn[len(full) :], MUTED), f"  {rate:.1%} good")
    speed = f"{spell(totals['average_duration'])} an attempt · {parts.per_hour:,.1f} done an hour of work"
    busy = f"{spell(parts.busy_seconds)} of work · {parts.parallelism:.1f} workers busy at a time"
    return Content("\n").join([counts, meter, Content.styled(speed, MUTED), Content.styled(busy, MUTED)])


def throughput(figures: Figures, width: int) -> Content:
    """What was done when, and what failed."""
    timeline = figures.timeline
    if not timeline.done:
        return Content.styled("No attempt says when it ended.", MUTED)
    thickness = max(1, min(4, (width - GUTTER) // len(timeline.done)))
    shown = max(1, (width - GUTTER) // thickness)
    done, failed = timeline.done[-shown:], timeline.failed[-shown:]
    begin = timeline.begin + (len(timeline.done) - len(done)) * timeline.step
    lines = []
    for number, line in enumerate(columns(done, HEIGHT, thickness)):
        scale = f"{max(done):,}" if number == 0 else "done" if number == HEIGHT - 1 else ""
        lines.append(Content.assemble((f"{scale[: GUTTER - 2]:>{GUTTER - 2}} │", MUTED), (line, "$text-success")))
    reach = thickness * len(done)
    lines.append(Content.styled(" " * (GUTTER - 1) + "└" + "─" * reach, MUTED))
    if any(failed):
        (line,) = columns(failed, 1, thickness)
        lines.append(Content.assemble(("failed ", MUTED), (line, "$text-error"), (f" at most {max(failed):,}", MUTED)))
    marks = [
        (0, _date(begin, timeline.step)),
        (reach // 2, _date(begin + reach // 2 // thickness * timeline.step, timeline.step)),
    ]
    lines.append(Content.styled(" " * GUTTER + axis(marks, width - GUTTER), MUTED))
    return Content("\n").join(lines)


def throughput_title(figures: Figures) -> str:
    """What a column of it stands for."""
    return f"Done in {STEP_WORDS[figures.timeline.step]}"


def stages(figures: Figures, width: int) -> Content:
    """Where the time of a good attempt goes."""
    names = {stage.timing_key: STAGE_WORDS[stage] for stage in Stage}
    seconds = figures.parts.stage_seconds
    if not seconds:
        return Content.styled("No attempt was successful yet.", MUTED)
    whole = sum(seconds.values()) or 1.0
    return bars(
        [Bar(names[key], value, f"{short(value)} {value / whole:>4.0%}") for key, value in seconds.items()], width
    )


def workers(figures: Figures, width: int) -> Content:
    """How much each worker did, and how well."""
    found = figures.parts.workers.items()
    return _fared({"unknown" if worker is None else f"worker {worker}": fared for worker, fared in found}, width)


def exits(figures: Figures, width: int) -> Content:
    """How each Tor exit fared; nothing where none was used."""
    found = list(figures.parts.exits.items())
    more = len(found) - MOST_EXITS
    tail = Content.styled(f"\nand {more:,} more exits" if more > 0 else "", MUTED)
    return _fared({one_line(name): fared for name, fared in found[:MOST_EXITS]}, width) + tail


def countries(figures: Figures, width: int) -> Content:
    """How the exits of each country fared; nothing where none was used."""
    return _fared({one_line(name) or "unknown": fared for name, fared in figures.parts.countries.items()}, width)


def _fared(groups: Mapping[str, Fared], width: int) -> Content:
    """How many attempts each had, how long one took, and how many were good."""
    chart = [
        Bar(name, fared.count, f"{fared.count:,} · {short(fared.avg_duration)} · {fared.success_rate:.0%}",
            "$text-primary")
        for name, fared in groups.items()
    ]  # fmt: skip
    return bars(chart, width)


def errors(figures: Figures, width: int) -> Content:
    """What went wrong, the most frequent first."""
    found = list(figures.totals["error_types"].items())
    if not found:
        return Content.styled("Nothing: every attempt was good.", MUTED)
    chart = [Bar(one_line(name), count, f"{count:,}", "$text-error") for name, count in found[:MOST_ERRORS]]
    more = len(found) - MOST_ERRORS
    tail = Content.styled(f"\nand {more:,} more kinds" if more > 0 else "", MUTED)
    return bars(chart, width) + tail


CHARTS: Mapping[str, tuple[Callable[[Figures], str], Callable[[Figures, int], Content]]] = {
    "overview": (lambda figures: "All attempts", overview),
    "throughput": (throughput_title, throughput),
    "stages": (lambda figures: "Average time of a stage", stages),
    "workers": (lambda figures: "Workers: attempts, average, good", workers),
    "exits": (lambda figures: "Tor exits: attempts, average, good", exits),
    "countries": (lambda figures: "Their countries: attempts, average, good", countries),
    "errors": (lambda figures: "What went wrong", errors),
}
"""Every chart by its name: its title, and how it is drawn at a width."""


def _date(at: float, step: float) -> str:
    moment = datetime.fromtimestamp(at)
    return moment.strftime("%Y-%m-%d" if step >= DAY else "%m-%d %H:%M")

"""The processing log on a terminal or in a pipe."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ytsb_tui.clock import SystemClock, spell
from ytsb_tui.errors import NotWritable, VaultBusy
from ytsb_tui.job_logger import JobLogger, create_default_logger
from ytsb_tui.journal import Journal
from ytsb_tui.log_figures import Fared, figure
from ytsb_tui.plaintext import one_line
from ytsb_tui.wording import counted

NOTHING = "Nothing was logged yet."
WIDEST = 500
"""Columns for a pipe, where an attempt is one line."""


def open_log(vault: Path) -> JobLogger:
    """The log of a vault, mended from its journal first unless somebody works on it just now or it is read-only."""
    logger = create_default_logger(vault)
    if logger.file.path.exists():
        with suppress(VaultBusy, NotWritable):
            Journal.open(vault, SystemClock(), for_a_moment=True).close()
    return logger


def show_attempts(logger: JobLogger, *, failed: bool, last: int) -> None:
    """The newest attempts, one a line: when, what, how it ended, how long, which worker, why."""
    entries = logger.get_failed_jobs() if failed else logger.get_all_jobs()
    console = Console(highlight=False, markup=False, emoji=False)
    if not entries:
        console.print("No attempt failed." if failed else NOTHING)
        return
    table = _table("when", "id", "seconds", "worker", "what")
    for column in table.columns[:-1]:
        column.no_wrap = True
    table.columns[-1].overflow = "fold"
    for entry in entries[-last:]:
        table.add_row(
            _words(entry, "logged_at")[:16].replace("T", " "),
            Text(_words(entry, "video_id")),
            Text(_seconds(entry.get("processing_duration")), justify="right"),
            _words(entry, "worker_id"),
            outcome(entry),
        )
    if console.is_terminal:
        console.print(table)
        return
    console.width = WIDEST
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():  # not as wide as the longest of them
        console.out(line.rstrip(), highlight=False)


def outcome(entry: dict[str, Any]) -> Text:
    """What became of which video, and why."""
    url = _words(entry, "url")
    title = _words(entry, "video_title") or (url if "://" in url else Path(url).name)
    if entry.get("success") is True:
        return Text.assemble(("✓ ", "green"), title)
    why = one_line(f"{_words(entry, 'error')} {_words(entry, 'advice')}")
    return Text.assemble(("✗ ", "red"), title, (f"  {_words(entry, 'stage')}: ", "red"), why)


def show_statistics(logger: JobLogger) -> None:
    """The log in figures: outcomes, stages, workers, Tor exits and their countries, errors."""
    figures, parts = logger.get_statistics(), logger.get_breakdown()
    console = Console(highlight=False, markup=False, emoji=False)
    if not figures["total_jobs"]:
        console.print(NOTHING)
        return
    console.print(
        f"{counted(figures['total_jobs'], 'attempt')}: {figures['successful']} successful, {figures['failed']} failed "
        f"({figures['success_rate']:.1%} success), {spell(figures['average_duration'])} on average, "
        f"{counted(figures['total_files_created'], 'file')}"
    )
    console.print(f"{parts.per_hour:.1f} jobs an hour, {parts.parallelism:.1f} workers busy at a time on average\n")
    stages = _table("stage", "average", "")
    longest = max(parts.stage_seconds.values(), default=0.0) or 1.0
    for name, seconds in parts.stage_seconds.items():
        stages.add_row(name, f"{seconds:.2f} s", "█" * round(30 * seconds / longest))
    console.print(stages, "")
    workers = {"" if worker is None else str(worker): fared for worker, fared in parts.workers.items()}
    for title, groups in (("worker", workers), ("Tor exit", parts.exits), ("country", parts.countries)):
        if groups:
            console.print(_fared(title, groups), "")
    if figures["error_types"]:
        errors = _table("error", "attempts")
        for name, count in figures["error_types"].items():
            errors.add_row(Text(one_line(name)), str(count))
        console.print(errors)


def _fared(title: str, groups: Mapping[str, Fared]) -> Table:
    """How the attempts of each group fared."""
    table = _table(title, "attempts", "average", "success")
    for name, fared in groups.items():
        words = Text(one_line(name) or "?")
        table.add_row(words, str(fared.count), spell(fared.avg_duration), f"{fared.success_rate:.1%}")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name)
    return table


def _words(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    return "" if value is None else one_line(str(value))


def _seconds(value: Any) -> str:
    seconds = figure(value)
    return "" if seconds is None else f"{seconds:.1f}"

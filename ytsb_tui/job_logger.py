"""The processing log: every attempt at every job.

logger = create_default_logger(Path("notes"))
logger.get_statistics()["success_rate"]
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ytsb_tui.clock import Clock, SystemClock, iso
from ytsb_tui.errors import UsageError, from_os_error
from ytsb_tui.job import LONG_TEXTS, Stage, VideoProcessingJob
from ytsb_tui.log_figures import Breakdown, Outline, outlines, select, statistics
from ytsb_tui.log_file import LogFile
from ytsb_tui.log_lines import Entry, entries_in, line_of
from ytsb_tui.whole_file import replacing

LOG_NAME = "processing_log.json"

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet run a cell instead of showing it."""

_INNER_START = re.compile(r"([;\t\r\n]\s*)(?=[=+\-@＝＋－＠])")
"""Where a cell would begin for a spreadsheet that splits at semicolons, as some countries' do."""


def entry_line(job: VideoProcessingJob, logged_at: float) -> bytes:
    """The line of an attempt that ended: all that is known of the job but its long texts."""
    entry = {name: value for name, value in job.to_json().items() if name not in LONG_TEXTS}
    return line_of({**entry, "logged_at": iso(logged_at)})


def create_default_logger(base_dir: Path) -> JobLogger:
    """The logger of the vault `base_dir`."""
    return JobLogger(base_dir / LOG_NAME)


class JobLogger:
    """Reads and writes a processing log, from any thread.

    A log that does not exist is an empty one; a damaged one raises
    `VaultError`, and is never taken for empty.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        """`path` is a log, or the vault it lies in."""
        self._clock = clock or SystemClock()
        self.file = LogFile(path if path.suffix == ".json" else path / LOG_NAME, self._clock)

    def log_job(self, job: VideoProcessingJob) -> None:
        """Add an entry for `job` as it is now."""
        self.log_jobs_batch([job])

    def log_jobs_batch(self, jobs: Iterable[VideoProcessingJob]) -> None:
        """Add an entry for each job: all of them, or none where the system refuses."""
        now = self._clock.now()
        self.file.append([entry_line(job, now) for job in jobs])

    def get_all_jobs(self) -> list[Entry]:
        """Every attempt, oldest first."""
        return self.file.read(entries_in)

    def get_failed_jobs(self) -> list[Entry]:
        """The attempts that failed, oldest first."""
        return self._select(lambda attempt: not attempt.success)

    def get_successful_jobs(self) -> list[Entry]:
        """The attempts that succeeded, oldest first."""
        return self._select(lambda attempt: bool(attempt.success))

    def get_jobs_by_stage(self, stage: Stage | str) -> list[Entry]:
        """The attempts that ended in a stage, by its name in the log ("fetching_transcript", "completed", ...)."""
        name = stage.log_name if isinstance(stage, Stage) else stage
        return self._select(lambda attempt: bool(attempt.stage == name))

    def get_statistics(self) -> dict[str, Any]:
        """The log in eight figures.

        total_jobs, successful, failed, success_rate (0..1), average_duration
        (seconds), total_files_created, error_types and stages (each a count
        by name, the most frequent first).
        """
        return statistics(self.file.read(outlines))

    def get_breakdown(self) -> Breakdown:
        """Where the time went: by stage, by worker, and how many jobs an hour."""
        return Breakdown.of(self.file.read(outlines))

    def export_csv(self, path: Path) -> int:
        """Write every attempt as a row of a spreadsheet; returns how many.

        Nested fields get columns like `timings.write_files`, lists are joined
        with "; ", and no cell can be taken for a formula.

        Raises `UsageError` where it would take the place of the log itself,
        `Ours` when the system refuses.
        """
        if os.path.realpath(path) == os.path.realpath(self.file.path):
            raise UsageError(f"{path} is the log itself.", advice="Choose another name for the spreadsheet.")
        entries = self.get_all_jobs()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A pipe or device, such as /dev/stdout, is written to; a file would take its place.
            is_stream = path.exists() and not path.is_file() and not path.is_dir()
            with path.open("wb") if is_stream else replacing(path) as file:
                _write_csv(entries, file, "utf-8-sig")
        except OSError as error:
            raise from_os_error(error, f"writing {path}") from error
        return len(entries)

    def print_csv(self, file: IO[bytes]) -> None:
        """Write the same to a stream, for another program: without the mark that spreadsheets know UTF-8 by."""
        _write_csv(self.get_all_jobs(), file, "utf-8")
        file.flush()

    def clear_log(self) -> Path | None:
        """Start an empty log; returns the backup of the old one, None where there was none.

        A vault's journal keeps its attempts: `ytsb-tui` writes those it still
        has to the log again.
        """
        return self.file.clear()

    def _select(self, wanted: Callable[[Outline], bool]) -> list[Entry]:
        return self.file.read(lambda content: select(content, wanted))


def _write_csv(entries: Iterable[Entry], file: IO[bytes], encoding: str) -> None:
    rows = [dict(_flat(entry)) for entry in entries]
    columns = dict.fromkeys(name for row in rows for name in row)
    text = io.TextIOWrapper(file, encoding, "replace", newline="")
    writer = csv.writer(text)
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    text.detach()


def _flat(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _cell(value: Any) -> Any:
    """What a spreadsheet shows for a value; Excel knows an apostrophe as "this is text"."""
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    value = f"'{value}" if value.startswith(FORMULA_STARTS) else value
    return _INNER_START.sub(r"\1'", value)

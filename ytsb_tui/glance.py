"""A look into a vault's journal from beside whoever works on it: cheap, and without changing anything."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ytsb_tui.errors import VaultError
from ytsb_tui.job import Stage, Status
from ytsb_tui.log_figures import figure
from ytsb_tui.plaintext import one_line
from ytsb_tui.private import kind_of, refusal
from ytsb_tui.settings import PRIVATE
from ytsb_tui.store import VERSION, reading


class Used(msgspec.Struct, gc=False, frozen=True):
    """What one stage has used; see `usage.Usage`."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost: float | None = 0.0


class Flaw(msgspec.Struct, gc=False, frozen=True):
    """Why the last attempt failed; see `job.Failure`."""

    stage: Stage
    kind: str
    message: str
    advice: str
    retryable: bool


class Brief(msgspec.Struct, frozen=True):
    """What a line about a job shows: the fields of a `VideoProcessingJob` of these names, paths as text."""

    video_id: str
    url: str
    subject: str = ""
    worker_id: int | None = None
    video_title: str = ""
    duration: float = 0.0
    author: str = ""
    model: str = ""
    usage: dict[str, Used] = {}
    failure: Flaw | None = None
    attempt: int = 1
    next_retry_at: float | None = None
    resumed_from: Stage | None = None
    started_at: float | None = None
    ended_at: float | None = None
    processing_duration: float = 0.0
    questions: int = 0
    links_added: int = 0
    notes_filepath: str | None = None
    assessment_filepath: str | None = None
    replaced: tuple[str, ...] = ()
    notes_pdf_path: str | None = None
    assessment_pdf_path: str | None = None


class Glimpse(msgspec.Struct, frozen=True):
    """One job, as the journal has it."""

    turn: int
    """Its place in the order in which jobs were queued."""
    status: Status
    brief: Brief


class Past(msgspec.Struct, frozen=True):
    """An attempt that is over, as the log tells it. Of any type: the log may come from elsewhere."""

    attempt: Any = None
    success: Any = None
    error: Any = None
    start_time: Any = None
    processing_duration: Any = None

    @property
    def number(self) -> int:
        """Which attempt at its job it was."""
        return int(figure(self.attempt) or 1)

    @property
    def when(self) -> str:
        """When it began, to the minute: `2025-10-09 14:31`."""
        return one_line(self.start_time)[:16].replace("T", " ") if isinstance(self.start_time, str) else ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return figure(self.processing_duration) or 0.0

    @property
    def words(self) -> str:
        """How it ended."""
        return "✓ done" if self.success is True else f"✗ {one_line(str(self.error or 'failed')[:400])}"


_brief, _past = msgspec.json.Decoder(Brief), msgspec.json.Decoder(Past)


class Glance:
    """A connection that only reads. A vault nobody has worked on yet is an empty one."""

    def __init__(self, root: Path) -> None:
        """Raises `VaultError` where `root` cannot be a vault or be looked at, or belongs to a newer version."""
        if _kind_of(root) not in (stat.S_IFDIR, None):
            raise VaultError(f"{root} is a file, not a folder.", advice="Choose a folder with --out.")
        self._path = root / PRIVATE / "state.db"
        self._seen = -1
        self._stood: dict[str, tuple[str, float | None]] = {}
        """The status of each job, and when it is to be retried."""
        self._last_attempt = 0
        self._sql: sqlite3.Connection | None = None
        self._connect()

    def _connect(self) -> None:
        path = self._path
        if _kind_of(path) != stat.S_IFREG:
            return
        try:
            self._sql = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False)
            self._sql.execute("PRAGMA query_only=1")
            (version,) = self._sql.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError:
            self.close()  # whoever opens the vault for work puts it right, or says why not
            return
        if version > VERSION:
            self.close()
            raise VaultError(f"{path} was written by a newer ytsb-tui.", advice="Upgrade ytsb-tui to open it.")

    def close(self) -> None:
        """Let go of the file."""
        if self._sql is not None:
            self._sql.close()
            self._sql = None

    def ids(self, number: int = -1) -> list[str]:
        """The jobs (the first so many): what is not done in the order of the queue, then the newest of the rest."""
        found: list[str] = []
        for which in ("status!='done' ORDER BY seq", "status='done' ORDER BY seq DESC"):
            left = number - len(found) if number >= 0 else -1
            found += [video_id for (video_id,) in self._rows(f"SELECT id FROM job WHERE {which} LIMIT ?", left)]
        return found

    def jobs(self, ids: Sequence[str]) -> list[Glimpse]:
        """These jobs, in this order."""
        rows = self._rows(f"SELECT id, seq, status, facts FROM job WHERE id IN ({', '.join('?' * len(ids))})", *ids)
        with reading(self._path):
            found = {
                video_id: Glimpse(turn, Status(status), _brief.decode(facts)) for video_id, turn, status, facts in rows
            }
        return [found[video_id] for video_id in ids if video_id in found]

    def counts(self) -> dict[Status, int]:
        """How many jobs have each status."""
        rows = self._rows("SELECT status, count(*) FROM job GROUP BY status")
        with reading(self._path):
            return {Status(status): n for status, n in rows}

    def seconds(self, ids: Sequence[str]) -> dict[str, dict[Stage, float]]:
        """How long each finished stage of these jobs took."""
        found: dict[str, dict[Stage, float]] = {}
        query = f"SELECT job_id, stage, seconds FROM checkpoint WHERE job_id IN ({', '.join('?' * len(ids))})"
        with reading(self._path):
            for video_id, stage, took in self._rows(query, *ids):
                found.setdefault(video_id, {})[Stage(stage)] = took
        return found

    def attempts(self, video_id: str) -> list[Past]:
        """The attempts at a job, oldest first."""
        rows = self._rows("SELECT entry FROM attempt WHERE job_id=? ORDER BY n", video_id)
        with reading(self._path):
            return [_past.decode(entry) for (entry,) in rows]

    def changed(self) -> bool:
        """Whether another connection has written since the last time this was asked.

        Where there was no journal yet, it looks for one. Raises `VaultError`
        where that belongs to a newer version.
        """
        if self._sql is None:
            self._connect()
        before = self._seen
        for (version,) in self._rows("PRAGMA data_version"):
            self._seen = version
        return self._seen != before

    def changed_ids(self) -> list[str]:
        """The jobs that may have changed since the last time this was asked, in the order of the queue.

        Those that run, have another status or time of a retry, or ended an
        attempt: nothing else happens to a job that would be seen.
        """
        ended = set()
        for last, video_id in self._rows("SELECT n, job_id FROM attempt WHERE n>? ORDER BY n", self._last_attempt):
            self._last_attempt = last
            ended.add(video_id)
        retries = dict(self._rows("SELECT id, next_retry_at FROM job WHERE status='failed'"))
        rows = self._rows("SELECT id, status FROM job ORDER BY seq")  # of the index alone, which is small
        before, now = self._stood, {video_id: (status, retries.get(video_id)) for video_id, status in rows}
        self._stood = now
        return [
            video_id
            for video_id, stands in now.items()
            if stands[0] == Status.RUNNING or stands != before.get(video_id) or video_id in ended
        ]

    def _rows(self, query: str, *values: object) -> list[Any]:
        if self._sql is None:
            return []
        try:
            return self._sql.execute(query, values).fetchall()
        except sqlite3.DatabaseError:
            return []  # gone, or being replaced: there is nothing to see


def _kind_of(path: Path) -> int | None:
    try:
        return kind_of(path)
    except (OSError, ValueError) as error:
        raise VaultError(f"{path} cannot be looked at: {refusal(error)}.", advice="Check the disk.") from error

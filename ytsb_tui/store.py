"""The journal: what was asked for, what is finished, and what every attempt came to.

One SQLite file. A finished stage commits its artifact and its facts in one
transaction that is on the disk before the next stage begins, so recovery
after a crash is one UPDATE. Knows nothing of threads, screens or the log file.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ytsb_tui.errors import NotWritable, Ours, OutOfSpace, Stopped, VaultError
from ytsb_tui.job import Stage, Status, VideoProcessingJob
from ytsb_tui.transcript import Transcript

VERSION = 1
_SCHEMA = """
CREATE TABLE job(
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    status TEXT NOT NULL,
    next_retry_at REAL,
    facts BLOB NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX job_by_turn ON job(status, seq);
CREATE TABLE checkpoint(
    job_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    seconds REAL NOT NULL,
    artifact BLOB,
    PRIMARY KEY(job_id, stage)
);
CREATE TABLE partial(
    job_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY(job_id, stage)
);
CREATE TABLE attempt(
    n INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL,
    entry BLOB NOT NULL
);
CREATE INDEX attempt_of_job ON attempt(job_id);
"""
_WAIT_FOR_LOCK = 30.0
# Made now, since msgspec crashes when two threads at once have it learn a type.
_job = msgspec.json.Decoder(VideoProcessingJob, dec_hook=lambda kind, value: kind(value))
_transcript = msgspec.json.Decoder(Transcript)


@dataclass(frozen=True)
class Standing:
    """A job as the journal knows it."""

    job: VideoProcessingJob
    status: Status
    imported: bool
    """Whether it is known as done from an older log only, so that nothing of it can be resumed."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What is decoded meanwhile is of the journal at `path`; raises `VaultError` where it cannot be read."""
    try:
        yield
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise VaultError(
            f"{path} holds a job that cannot be read: {error}.",
            advice="Another version may have written it. Move that file away and start again: "
            "what is done is taken over from the log.",
        ) from error


class Store:
    """The jobs, checkpoints and attempts of one vault. Safe to use from many threads."""

    def __init__(self, folder: Path, output_dir: Path, patience: float = _WAIT_FOR_LOCK) -> None:
        """Open, or create, `folder/state.db`; `patience` is how many seconds another program may lock it.

        A file that is no database any more is moved aside, and `damaged` says
        where to. Raises `VaultError` when it was written by a newer version or
        cannot be opened.
        """
        self.path = folder / "state.db"
        self.output_dir = output_dir
        self.damaged: Path | None = None
        self._lock = threading.RLock()
        self._patience = patience
        try:
            self._sql = self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or not self.path.is_file():
                meant = _translated(error, self.path)
                if isinstance(meant, OutOfSpace | NotWritable):
                    raise meant from error
                locked = "locked" in str(error)
                advice = "Close the program that has it open." if locked else "Check the disk, and its permissions."
                raise VaultError(f"{self.path} cannot be opened: {error}.", advice=advice) from error
            self.damaged = self._move_aside()
            self._sql = self._open()

    def _open(self) -> sqlite3.Connection:
        self.path.touch(0o600)
        sql = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        try:
            self.path.chmod(0o600)
            sql.execute("PRAGMA journal_mode=WAL")
            sql.execute("PRAGMA synchronous=FULL")
            sql.execute("BEGIN IMMEDIATE")
            (version,) = sql.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise VaultError(
                    f"{self.path} was written by a newer ytsb-tui.", advice="Upgrade ytsb-tui to work on this vault."
                )
            if version == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    sql.execute(statement)
                sql.execute(f"PRAGMA user_version={VERSION}")
            sql.execute("COMMIT")
            if sql.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("damaged")
        except BaseException:
            sql.close()
            raise
        return sql

    def _move_aside(self) -> Path:
        target = self.path.with_name(f"state.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}.db")
        for suffix in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.rename(target.with_name(target.name + suffix))
        return target

    def close(self) -> None:
        """Close the file; a worker that comes back to it later hears `Stopped`."""
        with self._lock:
            self._sql.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._sql.execute("BEGIN IMMEDIATE")
                try:
                    yield self._sql
                    self._sql.execute("COMMIT")
                except BaseException:
                    if self._sql.in_transaction:
                        self._sql.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise _translated(error, self.path) from error

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            try:
                return self._sql.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise _translated(error, self.path) from error

    def recover(self) -> int:
        """Put the jobs of a process that died back into the queue; returns how many."""
        with self._transaction() as sql:
            return sql.execute("UPDATE job SET status='queued' WHERE status='running'").rowcount

    def add(self, jobs: Iterable[VideoProcessingJob]) -> None:
        """Queue jobs that are new, at the end, in their order."""
        with self._transaction() as sql:
            (last,) = sql.execute("SELECT COALESCE(MAX(seq), 0) FROM job").fetchone()
            sql.executemany(
                "INSERT INTO job(id, seq, status, facts) VALUES(?, ?, 'queued', ?)",
                ((job.video_id, last + place, _packed(job)) for place, job in enumerate(jobs, 1)),
            )

    def keep_transcript(self, job: VideoProcessingJob) -> None:
        """Keep the transcript of a job that need not have been asked for; where it was, its outcome stays."""
        with self._lock:
            known = self._rows("SELECT facts FROM job WHERE id=?", job.video_id)
            if known and job.transcript:
                seconds = job.seconds[Stage.FETCH]
                with reading(self.path):
                    before = self._unpacked(known[0][0], {})
                job = before.told(job.transcript).ran(Stage.FETCH, seconds)
            self.commit(job, Stage.FETCH)

    def with_transcript(self, job: VideoProcessingJob) -> VideoProcessingJob:
        """The job with the transcript that is kept for it; the job as it is where none is."""
        for seconds, artifact in self._rows(
            "SELECT seconds, artifact FROM checkpoint WHERE job_id=? AND stage=?", job.video_id, Stage.FETCH
        ):
            with reading(self.path):
                return job.told(_transcript.decode(artifact)).ran(Stage.FETCH, seconds)
        return job

    def wake(self, video_id: str) -> None:
        """Queue a failed job as it is: its automatic retry is due."""
        with self._transaction() as sql:
            sql.execute(
                "UPDATE job SET status='queued', next_retry_at=NULL WHERE id=? AND status='failed'", (video_id,)
            )

    def requeue(self, seen: Standing, *, restart_at: Stage | None = None) -> None:
        """Queue a known job again, under the source and subject it has in `seen`.

        With `restart_at` this stage and all after it are forgotten. A job that a
        worker has, or has finished since it was `seen`, is left alone.
        """
        video_id, dropped = seen.job.video_id, list(Stage)[list(Stage).index(restart_at) :] if restart_at else []
        with self._transaction() as sql:
            ((status, facts),) = sql.execute("SELECT status, facts FROM job WHERE id=?", (video_id,))
            if status != seen.status or status == Status.RUNNING:
                return
            job = replace(self._unpacked(facts, {}), url=seen.job.url, subject=seen.job.subject)
            sql.execute(
                "UPDATE job SET status='queued', next_retry_at=NULL, facts=? WHERE id=?", (_packed(job), video_id)
            )
            for stage in dropped:
                sql.execute("DELETE FROM checkpoint WHERE job_id=? AND stage=?", (video_id, stage))
                sql.execute("DELETE FROM partial WHERE job_id=? AND stage=?", (video_id, stage))

    def due(self) -> list[tuple[float, str]]:
        """The failed jobs that will be retried by themselves: when (seconds since the epoch), and which."""
        return self._rows(
            "SELECT next_retry_at, id FROM job WHERE status='failed' AND next_retry_at IS NOT NULL ORDER BY 1"
        )

    def claim(self, among: frozenset[str] | None = None) -> VideoProcessingJob | None:
        """The next queued job, now running, with everything its finished stages left; None when none waits.

        `among` restricts the choice to these ids: a run works on what it was
        asked for.
        """
        with self._transaction() as sql:
            for (video_id,) in sql.execute("SELECT id FROM job WHERE status='queued' ORDER BY seq"):
                if among is None or video_id in among:
                    sql.execute("UPDATE job SET status='running' WHERE id=?", (video_id,))
                    return self.load(video_id)
        return None

    def load(self, video_id: str) -> VideoProcessingJob:
        """A job with its artifacts. Raises `KeyError` for an unknown id."""
        with self._lock, reading(self.path):
            rows = self._rows("SELECT facts FROM job WHERE id=?", video_id)
            if not rows:
                raise KeyError(video_id)
            done = {
                Stage(stage): (seconds, artifact)
                for stage, seconds, artifact in self._rows(
                    "SELECT stage, seconds, artifact FROM checkpoint WHERE job_id=?", video_id
                )
            }
            partials = dict(self._rows("SELECT stage, text FROM partial WHERE job_id=?", video_id))
            job = self._unpacked(rows[0][0], {stage: seconds for stage, (seconds, _) in done.items()})
            transcript = done.get(Stage.FETCH)
            return replace(
                job,
                transcript=_transcript.decode(transcript[1]) if transcript else None,
                study_notes=_text(done.get(Stage.NOTES)),
                assessment_content=_text(done.get(Stage.ASSESSMENT)),
                partials={Stage(stage): text for stage, text in partials.items()},
            )

    def commit(self, job: VideoProcessingJob, stage: Stage) -> None:
        """Make a finished stage durable: its artifact, its time and the job's facts, or nothing of them."""
        artifact = msgspec.json.encode(job.transcript) if stage is Stage.FETCH else job.artifact(stage)
        if isinstance(artifact, str):
            artifact = artifact.encode()
        with self._transaction() as sql:
            sql.execute(
                "INSERT OR REPLACE INTO checkpoint(job_id, stage, seconds, artifact) VALUES(?, ?, ?, ?)",
                (job.video_id, stage, job.seconds[stage], artifact),
            )
            sql.execute("DELETE FROM partial WHERE job_id=? AND stage=?", (job.video_id, stage))
            sql.execute("UPDATE job SET facts=? WHERE id=?", (_packed(job), job.video_id))

    def keep_partial(self, job: VideoProcessingJob, stage: Stage, text: str) -> None:
        """Keep what a broken-off stage left, and what the job has used so far."""
        with self._transaction() as sql:
            if text:
                sql.execute(
                    "INSERT OR REPLACE INTO partial(job_id, stage, text) VALUES(?, ?, ?)", (job.video_id, stage, text)
                )
            sql.execute("UPDATE job SET facts=? WHERE id=?", (_packed(job), job.video_id))

    def end(self, job: VideoProcessingJob, status: Status, entry: bytes) -> None:
        """End an attempt: the job's outcome and its log entry in one transaction."""
        with self._transaction() as sql:
            sql.execute(
                "UPDATE job SET status=?, next_retry_at=?, facts=? WHERE id=?",
                (status, job.next_retry_at, _packed(job), job.video_id),
            )
            sql.execute("INSERT INTO attempt(job_id, entry) VALUES(?, ?)", (job.video_id, entry))

    def release(self, video_id: str) -> None:
        """Put a running job back where it stood in the queue."""
        with self._transaction() as sql:
            sql.execute("UPDATE job SET status='queued' WHERE id=? AND status='running'", (video_id,))

    def withdraw(self, video_id: str) -> bool:
        """Take a job that no worker has yet out of the queue; False when a worker was faster."""
        with self._transaction() as sql:
            taken = sql.execute("UPDATE job SET status='cancelled' WHERE id=? AND status='queued'", (video_id,))
            return taken.rowcount == 1

    def give_up(self, video_id: str) -> bool:
        """Have a failed job not be retried by itself; False where that was not to come."""
        with self._transaction() as sql:
            coming = "id=? AND status='failed' AND next_retry_at IS NOT NULL"
            for (facts,) in sql.execute(f"SELECT facts FROM job WHERE {coming}", (video_id,)).fetchall():
                job = replace(self._unpacked(facts, {}), next_retry_at=None)
                sql.execute("UPDATE job SET next_retry_at=NULL, facts=? WHERE id=?", (_packed(job), video_id))
                return True
        return False

    def standing(self, video_id: str) -> Standing | None:
        """How a job stands, without its long texts; None for an unknown id."""
        return next(iter(self._standings("WHERE id=?", video_id)), None)

    def standings(self) -> list[Standing]:
        """All jobs in the order they were queued, without their long texts."""
        return self._standings("")

    def _standings(self, where: str, *values: object) -> list[Standing]:
        with self._lock, reading(self.path):
            only = f"WHERE job_id IN (SELECT id FROM job {where})"
            seconds: dict[str, dict[Stage, float]] = {}
            for job_id, stage, took in self._rows(f"SELECT job_id, stage, seconds FROM checkpoint {only}", *values):
                seconds.setdefault(job_id, {})[Stage(stage)] = took
            rows = self._rows(f"SELECT id, status, facts FROM job {where} ORDER BY seq", *values)
            return [
                Standing(
                    self._unpacked(facts, seconds.get(video_id, {})),
                    Status(status),
                    imported=status == Status.DONE and video_id not in seconds,
                )
                for video_id, status, facts in rows
            ]

    def counts(self, among: frozenset[str] | None = None) -> dict[Status, int]:
        """How many jobs have each status."""
        found = dict.fromkeys(Status, 0)
        with reading(self.path):
            for video_id, status in self._rows("SELECT id, status FROM job"):
                if among is None or video_id in among:
                    found[Status(status)] += 1
        return found

    def entries(self) -> Iterator[bytes]:
        """The log entry of every attempt, oldest first, a thousand at a time."""
        last = 0
        while rows := self._rows("SELECT n, entry FROM attempt WHERE n>? ORDER BY n LIMIT 1000", last):
            for last, entry in rows:  # noqa: B007 the outer loop goes on from the last one
                yield entry

    def adopt(self, found: Sequence[tuple[VideoProcessingJob, Status, bytes]]) -> None:
        """Take over attempts from a log somebody else wrote; a job that is not known yet gets their outcome."""
        with self._transaction() as sql:
            (last,) = sql.execute("SELECT COALESCE(MAX(seq), 0) FROM job").fetchone()
            for place, (job, status, entry) in enumerate(found, 1):
                sql.execute("INSERT INTO attempt(job_id, entry) VALUES(?, ?)", (job.video_id, entry))
                sql.execute(
                    "INSERT INTO job(id, seq, status, facts) VALUES(?, ?, ?, ?) ON CONFLICT(id) DO UPDATE "
                    "SET status=excluded.status, facts=excluded.facts WHERE NOT EXISTS "
                    "(SELECT 1 FROM checkpoint WHERE job_id=excluded.id) AND status NOT IN ('queued', 'running')",
                    (job.video_id, last + place, status, _packed(job)),
                )

    def _unpacked(self, facts: bytes, seconds: dict[Stage, float]) -> VideoProcessingJob:
        with reading(self.path):
            job = _job.decode(facts)
        return replace(job, output_dir=self.output_dir, seconds=seconds)


def _packed(job: VideoProcessingJob) -> bytes:
    return msgspec.json.encode(replace(job.facts(), seconds={}), enc_hook=str)


def _text(checkpoint: tuple[float, bytes | None] | None) -> str:
    return (checkpoint[1] or b"").decode() if checkpoint else ""


def _translated(error: sqlite3.Error, path: Path) -> Exception:
    text = str(error)
    if "closed" in text:
        return Stopped("The vault was closed.")
    if "full" in text:
        return OutOfSpace(f"The disk is full (writing {path}).")
    if "readonly" in text or "read-only" in text:
        return NotWritable(f"{path} may not be written to.")
    if isinstance(error, sqlite3.ProgrammingError):
        return error
    return Ours(f"{path}: {text}.", advice="Check the disk, and that no other program has the file open.")

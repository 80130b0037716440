"""A vault open for work: what every front end builds its runs on."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ytsb_tui.appraisal import Appraisal
from ytsb_tui.budget import Budget
from ytsb_tui.circuits import Tor
from ytsb_tui.clock import Clock, SystemClock
from ytsb_tui.discreet import discreet
from ytsb_tui.errors import UsageError
from ytsb_tui.events import Listener, safely
from ytsb_tui.gates import Gate
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.journal import Journal, Submission
from ytsb_tui.pipeline import Rules
from ytsb_tui.pool import Pool
from ytsb_tui.private import LOGS
from ytsb_tui.services.tor.route import expand_over
from ytsb_tui.services.tor.service import TorService
from ytsb_tui.services.youtube.playlists import Expansion, expand
from ytsb_tui.settings import PRIVATE, Settings
from ytsb_tui.source import Source
from ytsb_tui.watch import Watch
from ytsb_tui.workshop import Workshop, plan_of

MOST_WORKERS = 64
"""The most a user can have, except in economy mode, where workers only wait."""
MOST_ECONOMICAL = 500
"""Jobs that wait for the same batch at once."""
LOG_SIZE = 1_000_000
"""Bytes of the program's own log, of which one older one is kept."""


class DiscreetFormatter(logging.Formatter):
    """Writes log records, tracebacks included, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return discreet(super().format(record))


class OwnLog(RotatingFileHandler):
    """The program's own log. On a full disk a record is lost, and not printed over the screen."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Let go of a record that cannot be written: the stage that meets the same disk says what is wrong."""


class Engine:
    """The journal and the tools of one vault, and pools of workers over them."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        """Open the vault, and put right what a crash left behind.

        Raises `YtsbError` where the vault or a setting cannot work, `VaultBusy`
        when another process works on the vault.
        """
        self.settings = settings
        self.clock = clock or SystemClock()
        self.plan, notices = plan_of(settings)
        self._tor = TorService(settings, self.clock) if settings.tor else None
        self.tor: Tor | None = self._tor
        """Tor, where it is in use."""
        self.workshop = Workshop(settings, self._tor)
        if settings.budget is not None and self.workshop.price_is_unknown():
            raise UsageError(
                f"The prices of {self.workshop.author.model} are unknown, so a budget cannot be kept.",
                advice=f"Write them into {settings.prices}, or leave --budget out.",
            )
        self.journal = Journal.open(settings.out, self.clock)
        self._log = _own_log(settings.out / PRIVATE / LOGS / "ytsb-tui.log")
        logging.getLogger().addHandler(self._log)
        self.workshop.sweep()
        self.notices = (*notices, *self.journal.notices)
        """What the user should know about the vault and this machine, a sentence each."""
        self.budget = Budget(settings.budget)

    def close(self) -> None:
        """Let go of the vault."""
        if self._tor is not None:
            self._tor.close()
        self.workshop.close()
        self.journal.close()
        logging.getLogger().removeHandler(self._log)
        self._log.close()

    def job(self, video_id: str, url: str, title: str = "") -> VideoProcessingJob:
        """A new job, filed as the settings say."""
        return VideoProcessingJob(
            video_id, url, subject=self.settings.subject, output_dir=self.settings.out, video_title=title
        )

    def hear(self, tell: Listener) -> None:
        """Whom Tor, where it is in use, tells how it is; a pool's listener takes over."""
        if self._tor is not None:
            self._tor.hear(safely(tell))

    def expand(self, source: Source, watch: Watch) -> Expansion:
        """A playlist or channel, to be followed; nothing is asked for yet."""
        limit = self.settings.playlist_limit
        if self._tor is not None:
            return Expansion(expand_over(self._tor, source, limit, watch), limit)
        return Expansion(expand(source, limit=limit, proxy=self.settings.proxy, watch=watch), limit)

    def submit(self, jobs: Iterable[VideoProcessingJob], *, restart_at: Stage | None = None) -> Submission:
        """Queue what of these jobs is not finished; see `Journal.submit`."""
        return self.journal.submit(jobs, self.plan, restart_at=restart_at)

    def survey(self, jobs: Iterable[VideoProcessingJob]) -> Submission:
        """What of these jobs is not finished; see `Journal.survey`."""
        return self.journal.survey(jobs, self.plan)

    def pool(self, tell: Listener, *, among: frozenset[str] | None = None, appraisal: Appraisal | None = None) -> Pool:
        """Workers, none yet, over the queue or those jobs `among` it; `tell` hears of everything they do.

        With `appraisal` they only fetch, and over its queue.
        """
        settings, records = self.settings, appraisal or self.journal
        self.hear(tell)
        if self._tor is not None:
            self._tor.start()
        rules = Rules(
            plan=appraisal.plan if appraisal else self.plan,
            gates=self._gates(),
            clock=self.clock,
            records=records,
            budget=self.budget,
            tell=tell,
            retries=settings.retries,
            retry_seconds=settings.retry_minutes * 60,
        )
        return Pool(records.store, rules, self.workshop.tools, among=among)

    def workers_for(self, jobs: int) -> int:
        """How many workers these jobs are given: one each in economy mode, else as many as were asked for."""
        return max(1, min(jobs, MOST_ECONOMICAL)) if self.settings.economy else self.settings.workers

    def _gates(self) -> dict[str, Gate]:
        settings = self.settings
        capacities = {
            "fetch": settings.fetch_limit,
            "files": MOST_WORKERS,
            "generate": 10_000 if settings.economy else settings.generate_limit,
            "vault": 1,
            "links": MOST_WORKERS,
            "export": settings.export_limit,
        }
        return {name: Gate(name, capacity, self.clock) for name, capacity in capacities.items()}


def _own_log(file: Path) -> logging.Handler:
    """Takes what goes wrong inside, ours or a library's, into the vault and not over the screen."""
    handler = OwnLog(file, maxBytes=LOG_SIZE, backupCount=1, encoding="utf-8", delay=True)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(DiscreetFormatter("%(asctime)s %(levelname)s %(name)s %(threadName)s %(message)s"))
    return handler

"""A session: the vault's engine and workers, and one thread for everything that may block."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from ytsb_tui.circuits import Tor
from ytsb_tui.clock import Clock
from ytsb_tui.errors import BadStart, Bug, Stopped, VaultBusy, VaultError, YtsbError, gone
from ytsb_tui.events import RunStopped
from ytsb_tui.glance import Glance
from ytsb_tui.job import Stage, Status, VideoProcessingJob
from ytsb_tui.settings import Settings
from ytsb_tui.source import Source
from ytsb_tui.source import video as video_source
from ytsb_tui.ui.arrivals import Arrivals, outcome
from ytsb_tui.ui.messages import CannotOpen, Opened, Owned, Said
from ytsb_tui.ui.news import MANY, News, Told, portions

if TYPE_CHECKING:
    from ytsb_tui.engine import Engine
    from ytsb_tui.journal import Submission
    from ytsb_tui.pool import Pool

log = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks at a vault that another process works on."""
PATIENCE = 1.5
"""Seconds the end of the program waits for workers to leave."""


class Hear(Protocol):
    """The board's ear."""

    def __call__(self, event: News) -> object: ...


Report = Callable[[Opened | Owned | CannotOpen | Said], object]


class Session:
    """A vault that is open on the screen.

    Every method returns at once. What touches the disk is done in turn on one
    thread; what comes of it is told to the board (`hear`) and to the app
    (`report`).
    """

    def __init__(self, settings: Settings, clock: Clock, hear: Hear, report: Report) -> None:
        self.settings = settings
        self.workers = settings.workers
        self.paused = False
        self.owned_by: VaultBusy | None = None
        """Says which other process works on the vault, if one does."""
        self.engine: Engine | None = None
        self.pool: Pool | None = None
        self.closing = False
        self._clock = clock
        self._hear = hear
        self._report = report
        self._steering = threading.Lock()
        """Held for moments: whoever steers means the pool there is, and one that is new does as was asked before."""
        self._errands: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run_errands, name="errands", daemon=True)

    @property
    def is_ready(self) -> bool:
        """Whether the vault is ours and work can be asked for."""
        return self.engine is not None

    @property
    def tor(self) -> Tor | None:
        """Tor, where it is in use."""
        return self.engine.tor if self.engine else None

    def open(self) -> None:
        """Open the vault for work; where another process does that, look at it."""
        if not self._thread.is_alive():
            self._thread.start()
        self._errands.put(self._open)

    def close(self) -> None:
        """Have the workers put their jobs back, and let go of the vault; waits a moment at the most."""
        with self._steering:
            self.closing = True
            if self.pool is not None:
                self.pool.stop(Stopped("Interrupted."))
        if self._thread.is_alive():
            self._errands.put(None)
            self._thread.join(PATIENCE)

    def add(self, sources: Sequence[Source], subject: str = "") -> None:
        """Queue what the sources name; lists are expanded beside everything else."""
        self._errands.put(lambda: self._add(tuple(sources), subject))

    def _add(self, sources: Sequence[Source], subject: str) -> None:
        engine, _ = self._at_work()

        def job(video_id: str, url: str, title: str = "") -> VideoProcessingJob:
            made = engine.job(video_id, url, title)
            return replace(made, subject=subject or made.subject)

        def expand(source: Source) -> None:
            Arrivals(self._queue, self._errands.put).run(
                engine.expand(source, _Until(self)),
                lambda found: job(found.video_id, video_source(found.video_id).url, found.title),
                lambda words, broke_off: self._report(
                    Said(f"{source.id}: {words}", "error" if broke_off else "information")
                ),
            )

        for source in sources:
            if source.kind not in ("video", "file"):
                threading.Thread(target=self._guard, args=(partial(expand, source),), name="list", daemon=True).start()
        if single := [job(source.id, source.url) for source in sources if source.kind in ("video", "file")]:
            self._submit(single)

    def retry(self, jobs: Sequence[tuple[str, str]], *, restart_at: Stage | None = None) -> None:
        """Run known jobs, each an id and its URL, again."""
        out = self.settings.out
        again = [VideoProcessingJob(video_id, url, output_dir=out) for video_id, url in jobs]
        self._errands.put(lambda: self._submit(again, restart_at=restart_at, words="again"))

    def wake(self, ids: Iterable[str]) -> None:
        """Begin the automatic retries of these jobs."""
        self._errands.put(lambda: self._wake(tuple(ids)))

    def cancel(self, ids: Iterable[str]) -> None:
        """Stop working on these jobs, or never begin; what has failed is not retried by itself any more."""
        self._errands.put(lambda: self._cancel(tuple(ids)))

    def pause(self) -> None:
        """Begin no further job."""
        with self._steering:
            self.paused = True
            if self.pool is not None:
                self.pool.pause()

    @property
    def is_running_out(self) -> bool:
        """Whether nothing further is begun in this run, but something is still worked on."""
        return self.pool is not None and self.pool.stopped_by is not None and not self.pool.stopping

    def resume(self) -> None:
        """Go on after a pause, or after the run was stopped."""
        with self._steering:
            self.paused = False
            if self.pool is None:
                return
            if self.pool.stopping:
                self._errands.put(self._begin_anew)
            self.pool.resume()

    def _begin_anew(self) -> None:
        """Have other workers, after those before have put back what they were on, or could not."""
        engine, before = self.engine, self.pool
        assert engine is not None
        assert before is not None
        if self.closing or not before.stopping:  # asked for again, while this was still to be done
            return
        if before.join(PATIENCE):
            engine.journal.store.recover()
        self._have_pool(engine)
        self.resize()

    def _have_pool(self, engine: Engine) -> Pool:
        """Have a new pool, without workers yet; where the program ends meanwhile it never has any."""
        pool = engine.pool(self._hear)
        with self._steering:
            self.engine, self.pool = engine, pool
            if self.paused:
                pool.pause()
            if self.closing:
                pool.stop(Stopped("Interrupted."))
        return pool

    def staff(self) -> None:
        """Have as many workers as are wanted; in economy mode as many as there are jobs."""
        self._errands.put(self._staff)

    def _staff(self) -> None:
        if self.engine is not None and self.settings.economy:
            counts = self.engine.journal.store.counts()
            self.workers = self.engine.workers_for(counts[Status.QUEUED] + counts[Status.RUNNING])
        self.resize()

    def resize(self, workers: int | None = None) -> None:
        """Have this many workers, or as many as were wanted last; those too many leave after the job they are on."""
        with self._steering:
            self.workers = self.workers if workers is None else workers
            if self.pool is not None:
                self.pool.resize(self.workers)

    def _run_errands(self) -> None:
        while (errand := self._errands.get()) is not None:
            self._guard(errand)
        self._close()

    def _guard(self, errand: Callable[[], object]) -> None:
        """Run an errand; what goes wrong is told."""
        try:
            errand()
        except YtsbError as error:
            self._report(Said(f"{error} {error.advice}".strip(), "error"))
        except Exception as error:  # a bug here must not end the thread that everything goes through
            log.exception("unexpected %s in an errand", type(error).__name__)
            self._report(Said(f"{type(error).__name__}: {error}. {Bug.advice}", "error"))

    def _open(self) -> None:
        from ytsb_tui.engine import Engine

        if self.engine is not None or self.closing:  # asked for twice: who has it open would be we ourselves
            return
        if self.owned_by is not None and not self.settings.out.is_dir():
            raise gone(self.settings.out)
        try:
            engine = Engine(self.settings, self._clock)
        except VaultBusy as error:
            was_looking_on, self.owned_by = self.owned_by is not None, error
            if not was_looking_on:
                threading.Thread(target=self._guard, args=(self._look_on,), name="viewer", daemon=True).start()
            self._report(Owned(error))
            return
        except YtsbError as error:
            self._report(CannotOpen(error))
            return
        self.owned_by = None
        try:
            self._tell_history()
        except YtsbError as error:
            engine.close()
            self._report(CannotOpen(error))
            return
        pool = self._have_pool(engine)
        self._report(Opened(engine.notices))
        warm_up = partial(self._guard, partial(self._warm_up, engine, pool))
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()

    def _warm_up(self, engine: Engine, pool: Pool) -> None:
        """Load what takes seconds; say what would keep the author from writing before anybody begins to work."""
        try:
            if warning := engine.workshop.prepare_author():
                self._report(Said(warning, "warning"))
            self.staff()
            if Stage.EXPORT in engine.plan:
                engine.workshop.warm_renderer(_Until(self))
        except Stopped:
            return
        except YtsbError as error:
            pool.stop(error)
            self._hear(RunStopped(str(error), error.advice, self._clock.now(), isinstance(error, BadStart)))

    def _tell_history(self) -> None:
        """The jobs as they are now that a crash is put right, and how long their stages took."""
        with closing(Glance(self.settings.out)) as glance:
            for portion in portions(glance, MANY):
                self._hear(portion)

    def _close(self) -> None:
        if self.pool is not None:
            self.pool.join(PATIENCE / 2)
        if self.engine is not None:
            self.engine.close()

    def _look_on(self) -> None:
        """Follow what the other process does."""
        moment, has_looked = threading.Event(), False
        with closing(Glance(self.settings.out)) as glance:
            while self.owned_by is not None and not self.closing:
                if glance.changed():
                    ids = glance.changed_ids()
                    for portion in portions(glance, MANY, ids if has_looked else None):
                        self._hear(portion)
                    has_looked = True
                moment.wait(LOOK)

    def _submit(
        self, jobs: Sequence[VideoProcessingJob], *, restart_at: Stage | None = None, words: str = "queued"
    ) -> None:
        """Queue jobs, and say what became of them."""
        submission = self._queue(jobs, restart_at)
        self._report(Said(outcome(len(submission.queued), len(submission.done), "job", words) + "."))

    def _at_work(self) -> tuple[Engine, Pool]:
        """What the vault is worked on with. Raises `VaultError` where its opening came to nothing."""
        if self.engine is None or self.pool is None:
            raise self.owned_by or VaultError("The vault could not be opened.")
        return self.engine, self.pool

    def _queue(self, jobs: Sequence[VideoProcessingJob], restart_at: Stage | None = None) -> Submission:
        engine, pool = self._at_work()
        began = self._clock.now()
        submission = engine.submit(jobs, restart_at=restart_at)
        for job in submission.queued:
            self._tell(job.video_id, began)
        self._attend(pool)
        return submission

    def _wake(self, ids: Sequence[str]) -> None:
        assert self.engine is not None
        assert self.pool is not None
        for video_id in ids:
            began = self._clock.now()
            self.engine.journal.store.wake(video_id)
            self._tell(video_id, began)
        self._attend(self.pool)

    def _attend(self, pool: Pool) -> None:
        """Have the workers look at the queue, which has grown."""
        if self.settings.economy:
            self._staff()
        pool.wake()

    def _cancel(self, ids: Sequence[str]) -> None:
        engine, pool = self._at_work()
        for video_id in ids:
            began = self._clock.now()
            if not engine.journal.store.give_up(video_id):
                pool.cancel(video_id)
            self._tell(video_id, began)

    def _tell(self, video_id: str, at: float) -> None:
        """Tell the board how a job stands in the journal; workers tell of running ones themselves."""
        assert self.engine is not None
        standing = self.engine.journal.store.standing(video_id)
        if standing is not None and standing.status != "running":
            self._hear(Told(standing.job, at, standing.status))


class _Until:
    """The watch of a list that is being expanded: it ends with the session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def progress(self, fraction: float | None, text: str = "") -> None:
        pass

    def check(self) -> None:
        if self._session.closing:
            raise Stopped("The program is ending.")

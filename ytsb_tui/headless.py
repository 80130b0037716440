"""A run without a screen: jobs in, a vault out, and an exit code."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime
from types import FrameType

from rich.console import Console
from rich.text import Text

from ytsb_tui.appraisal import Appraisal, price
from ytsb_tui.clock import Clock, iso, spell
from ytsb_tui.engine import Engine
from ytsb_tui.errors import Stopped, UsageError, YtsbError, from_os_error
from ytsb_tui.events import Event, ResourcePaused
from ytsb_tui.job import Stage, Status, VideoProcessingJob
from ytsb_tui.live import Live
from ytsb_tui.ordering import Order
from ytsb_tui.plain import FrontEnd, JsonLines, Lines, Outcome
from ytsb_tui.plaintext import one_line
from ytsb_tui.pool import Pool
from ytsb_tui.services.youtube.playlists import Withheld
from ytsb_tui.settings import Settings
from ytsb_tui.source import Source
from ytsb_tui.source import video as source_of
from ytsb_tui.stages import PAID
from ytsb_tui.usage import Usage
from ytsb_tui.wording import counted

GOOD, SOME_FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes."""
LONGEST_PAUSE = 600.0
"""Seconds a run waits for a server by itself; for longer it stops and says when to go on."""


class Paper(Console):
    """A console that says when nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        """Let the error through: a worker that is printing must not end the program."""
        raise


class Run:
    """One vault, open for work without a screen."""

    def __init__(self, settings: Settings, *, as_json: bool = False, clock: Clock | None = None) -> None:
        """Open the vault. Raises `YtsbError` where that, or a setting, cannot work."""
        self._json = JsonLines(sys.stdout) if as_json else None
        self._console = Paper(stderr=as_json, highlight=False)
        self._engine = Engine(settings, clock)
        self._settings = settings
        self._store = self._engine.journal.store
        self._lists_broke_off = False
        self._engine.hear(self._json or Lines(self._console, 0))
        for notice in self._engine.notices:
            self.say(notice, style="yellow")

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exception: object) -> None:
        self._engine.close()

    def say(self, words: str, *, style: str = "") -> None:
        """Tell the user something; with `--json`, beside the objects."""
        self._console.print(Text(one_line(words), style=style), soft_wrap=True)

    def order(self, order: Order, *, estimate: bool = False) -> int:
        """Work on everything an order names; returns the exit code."""
        for complaint in order.complaints():
            self.say(complaint, style="yellow")
        jobs = {job.video_id: job for job in self._jobs(order)}
        if not jobs:
            raise UsageError("Nothing of that can be worked on.")
        submission = (self._engine.survey if estimate else self._engine.submit)(jobs.values())
        counts = {
            "to do": len(submission.queued),
            "already done": len(submission.done),
            "named twice": order.duplicates,
            "refused": len(order.refused),
            "without a link": order.prose,
        }
        self.say(", ".join(f"{number} {what}" for what, number in counts.items() if number) + ".")
        code = self._appraise(submission.queued) if estimate else self.work(submission.queued)
        incomplete = self._lists_broke_off or any(not place for place, _ in order.refused)
        return code or (SOME_FAILED if incomplete else GOOD)

    def retry(self, ids: Sequence[str], *, failed_only: bool, watch: bool, restart_at: str | None) -> int:
        """Work again on the named jobs, or on the failed or unfinished ones; returns the exit code."""
        standings = self._store.standings()
        unknown = set(ids) - {standing.job.video_id for standing in standings}
        if unknown:
            raise UsageError(
                f"There is no job {', '.join(sorted(unknown))} in {self._settings.out}.",
                advice="`ytsb-tui log` shows the ids.",
            )
        if ids:
            chosen = [standing for standing in standings if standing.job.video_id in ids]
        elif failed_only:
            chosen = [standing for standing in standings if standing.status is Status.FAILED]
        elif watch:
            chosen = [standing for standing in standings if standing.status is Status.QUEUED]
        else:
            chosen = [standing for standing in standings if standing.status is not Status.DONE]
        stage = Stage(restart_at) if restart_at else None
        submission = self._engine.submit((standing.job for standing in chosen), restart_at=stage)
        jobs = list(submission.queued)
        if watch and not ids:
            jobs += [self._store.load(video_id).facts() for _, video_id in self._store.due()]
        if not jobs:
            self.say("There is nothing to retry.")
        return self.work(jobs, watch=watch)

    def _appraise(self, jobs: Sequence[VideoProcessingJob]) -> int:
        """Say what the paid stages of these jobs would use. Transcripts are fetched, and kept; nothing is paid."""
        author = self._engine.workshop.author
        with closing(Appraisal(self._store)) as appraisal:
            code = self.work(appraisal.missing(jobs), appraisal=appraisal)
            prices = [price(job, author, self._engine.plan) for job in appraisal.told(jobs)]
        total = sum(prices, Usage())
        cost = "of unknown price" if total.cost is None else f"for about ${total.cost:.2f}"
        read = total.input_tokens + total.cache_write_tokens + total.cache_read_tokens
        self.say(
            f"{counted(len(prices), 'job')}: about {read:,} tokens in and {total.output_tokens:,} out, "
            f"{cost} with {author.model or author.name}.",
            style="bold",
        )
        if self._json:
            self._json.print(event="estimate", at=iso(self._engine.clock.now()), jobs=len(prices), **asdict(total))
        return code

    def _jobs(self, order: Order) -> Iterator[VideoProcessingJob]:
        """A job for each video and file of the order, those of its playlists and channels included."""
        for source in order.sources:
            if source.kind in ("video", "file"):
                yield self._engine.job(source.id, source.url)
            else:
                yield from self._expanded(source)

    def _expanded(self, source: Source) -> Iterator[VideoProcessingJob]:
        def tell(entry: Withheld) -> None:
            self.say(f"{source.id}: {entry.title or entry.video_id} - {entry.reason}", style="yellow")

        expansion = self._engine.expand(source, _Patience())
        for video in expansion.videos(tell):
            yield self._engine.job(video.video_id, source_of(video.video_id).url, video.title)
        videos = counted(expansion.found, "video")
        if trouble := expansion.trouble("Run the same command again"):
            self._lists_broke_off = True
            where = f"the list broke off after {videos}. " if expansion.found else ""
            self.say(f"{source.id}: {where}{trouble}", style="red")
        else:
            self.say(f"{source.id}: {videos}{expansion.besides}")

    def work(
        self,
        jobs: Sequence[VideoProcessingJob],
        *,
        watch: bool = False,
        appraisal: Appraisal | None = None,
    ) -> int:
        """Work on queued jobs until nothing is left to do; returns the exit code.

        With `watch` that includes automatic retries that are due later, with
        `appraisal` nothing but fetching what an estimate needs. Raises
        `BadSetup` before anything is done when there is no key to the author.
        """
        plan = appraisal.plan if appraisal else self._engine.plan
        paid = any(stage in plan and not job.has(stage) for stage in PAID for job in jobs)
        if paid and (warning := self._engine.workshop.prepare_author()):
            self.say(warning, style="yellow")
        outcome = Outcome(len(jobs))
        workers = self._engine.workers_for(len(jobs))
        front_end = self._front_end(len(jobs), plan, workers)

        def tell(event: Event) -> None:
            outcome(event)
            try:
                front_end(event)
            except OSError as error:
                pool.stop(from_os_error(error, "printing"))
            if isinstance(event, ResourcePaused) and event.until - event.at > LONGEST_PAUSE and not watch:
                pool.stop(_too_long(event))

        among = frozenset(job.video_id for job in jobs)
        pool = self._engine.pool(tell, among=among, appraisal=appraisal)
        began = self._engine.clock.ticks()
        if self._json:
            self._json.print(event="run_started", at=iso(self._engine.clock.now()), jobs=len(jobs), plan=list(plan))
        if jobs:
            with _stopping_on_signals(pool), front_end:
                pool.run(workers, watch=watch)
        self._sum_up(outcome, pool, self._engine.clock.ticks() - began, ordered=appraisal is None)
        return _exit_code(outcome, pool)

    def _front_end(self, jobs: int, plan: Sequence[Stage], workers: int) -> FrontEnd:
        if self._json:
            return self._json
        if self._console.is_terminal:
            return Live(self._console, jobs, plan, workers, self._engine.clock)
        return Lines(self._console, jobs, self._engine.clock)

    def _sum_up(self, outcome: Outcome, pool: Pool, seconds: float, *, ordered: bool) -> None:
        spent = self._engine.budget.spent
        failed = list(outcome.failed.values())  # a worker that has not left yet may still add to them
        counts = {"done": len(outcome.done), "failed": len(failed), "waiting": outcome.waiting}
        if self._json:
            at = iso(self._engine.clock.now())
            cost = round(spent, 6) if outcome.cost_known else None
            self._json.print(event="run_ended", at=at, **counts, seconds=round(seconds, 3), cost=cost)
            return
        price = f", ${spent:.2f}" if spent else ""
        price = price if outcome.cost_known else ", cost unknown"
        what = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
        ended = f"{what} in {spell(seconds)}{price}. " if what else ""
        if not ordered:
            self.say(f"{ended}What was fetched is kept; nothing was ordered.")
            return
        self.say(f"{ended}The vault is {self._settings.out}", style="bold")
        if pool.stopped_by and not outcome.stopped:
            self.say(f"{pool.stopped_by} {pool.stopped_by.advice}", style="yellow")
        here = "" if self._settings.out == Settings.out else f" --out {shlex.quote(str(self._settings.out))}"
        if coming := [job.next_retry_at for job in failed if job.next_retry_at]:
            first = datetime.fromtimestamp(min(coming)).strftime("%H:%M")
            self.say(f"The next automatic retry is due at {first}: `ytsb-tui retry --watch{here}` waits for it.")
        if any(job.retryable for job in failed):
            self.say(f"`ytsb-tui retry --failed{here}` tries the failed ones again now, from the stage that failed.")
        elif outcome.waiting:
            self.say(f"Run the same command again, or `ytsb-tui retry{here}`, to go on where it stopped.")


class _Patience:
    """The watch of a list that is being expanded: Ctrl+C ends the program, which holds nothing yet."""

    def progress(self, fraction: float | None, text: str = "") -> None:
        pass

    def check(self) -> None:
        pass


def _too_long(pause: ResourcePaused) -> YtsbError:
    until = datetime.fromtimestamp(pause.until).strftime("%H:%M")
    return YtsbError(
        f"{pause.reason} That pause would last until {until}.", advice="Start again then; nothing that is done is lost."
    )


def _exit_code(outcome: Outcome, pool: Pool) -> int:
    if isinstance(pool.stopped_by, Stopped) and not outcome.stopped:
        return INTERRUPTED
    return SOME_FAILED if outcome.failed or outcome.waiting else GOOD


@contextmanager
def _stopping_on_signals(pool: Pool) -> Iterator[None]:
    """Ctrl+C and SIGTERM stop the pool, which keeps everything; a second one ends the program at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        if pool.stopping:
            raise KeyboardInterrupt
        pool.stop(Stopped("Interrupted.", advice="Everything finished is kept."))

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

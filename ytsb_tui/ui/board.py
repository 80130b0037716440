"""The board: every job of the vault, as the screen knows it. Knows no Textual."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ytsb_tui.circuits import Circuit, TorState
from ytsb_tui.clock import Clock
from ytsb_tui.events import (
    CircuitMoved,
    Event,
    JobEnded,
    JobEvent,
    JobStopped,
    ResourcePaused,
    RunStopped,
    StageEvent,
    StageFinished,
    StageProgress,
    StageRetried,
    StageStarted,
    StageWaiting,
    TorChanged,
)
from ytsb_tui.glance import Glimpse
from ytsb_tui.job import Stage, Status, VideoProcessingJob
from ytsb_tui.ui.news import News, Seen, Told
from ytsb_tui.ui.row import EARLIER, Live, Row, outcome
from ytsb_tui.ui.tally import Tally

RECENT = 40
"""Runs of a stage that tell how long it takes."""


@dataclass(slots=True)
class Lane:
    """One worker: the job it is on, and what it has got done since the app was opened."""

    job: str | None = None
    ended: int = 0
    busy: float = 0.0
    """Seconds it spent on the jobs that ended."""


class Board:
    """What the workers said, made into rows.

    `hear` may be called on any thread and only notes the news; everything else
    belongs to the screen's thread, which calls `catch_up` before it draws.
    """

    def __init__(self, clock: Clock, plan: Iterable[Stage] = tuple(Stage)) -> None:
        self.clock = clock
        self.plan = frozenset(plan)
        """The stages that jobs go through."""
        self.rows: dict[str, Row] = {}
        self.lanes: dict[int, Lane] = {}
        self.tally = Tally()
        self.unseen: Mapping[Status, int] = {}
        """Jobs of the vault that are still being read, and so have no rows yet."""
        self.pauses: dict[str, ResourcePaused] = {}
        """The resources nobody may use now."""
        self.stopped: RunStopped | None = None
        """Why no further job is started, if so."""
        self.tor: TorState | None = None
        """How Tor is; None where it is not in use."""
        self.circuits: dict[int, Circuit] = {}
        """The circuit each worker has."""
        self.tokens = 0
        """Used since the app was opened."""
        self.cost: float | None = 0.0
        """Dollars spent since; None when a price is unknown."""
        self.recent: dict[Stage, deque[float]] = {stage: deque(maxlen=RECENT) for stage in Stage}
        """How long the latest runs of each stage took."""
        self._is_whole = False
        self._retries: dict[str, float] = {}
        self._news: deque[News] = deque()
        self._changed: set[str] = set()
        self._turns = 0

    def hear(self, event: News) -> None:
        """Note what happened; called on any thread."""
        self._news.append(event)

    def see(self, seen: Seen) -> None:
        """Take over what the journal says of jobs; what a worker said since is newer."""
        is_history = not self._is_whole
        if is_history:
            self.unseen, self._is_whole = seen.unseen, not seen.unseen
        for glimpse in seen.jobs:
            took = seen.seconds.get(glimpse.brief.video_id, {})
            row = self.rows.get(glimpse.brief.video_id)
            if row is None:
                row = Row(glimpse.brief.video_id, self._turn(glimpse), glimpse.status, glimpse.brief)
            elif isinstance(row.facts, VideoProcessingJob) or (row.status, row.facts, row.seconds) == (
                glimpse.status,
                glimpse.brief,
                took,
            ):
                continue
            else:
                self.tally.count(row, -1)
                row.status, row.facts = glimpse.status, glimpse.brief
            ran = [(stage, lasted) for stage, lasted in took.items() if lasted != row.seconds.get(stage)]
            row.seconds = took
            for stage, lasted in ran:
                self._recall(stage, lasted, is_history=is_history)
            self._put(row)

    def _recall(self, stage: Stage, lasted: float, *, is_history: bool) -> None:
        """Note how long a stage took; history is told from its newest on, and what happens now is newer than all."""
        known = self.recent[stage]
        if not is_history:
            known.append(lasted)
        elif len(known) < RECENT:
            known.appendleft(lasted)

    def _turn(self, glimpse: Glimpse) -> int:
        self._turns = max(self._turns, glimpse.turn)
        return 2 * EARLIER - glimpse.turn if glimpse.status is Status.DONE else glimpse.turn

    def catch_up(self) -> list[Event]:
        """Take the news in; returns those that are about more than a row's next step."""
        notable: list[Event] = []
        for _ in range(len(self._news)):
            news = self._news.popleft()
            if isinstance(news, JobEvent):
                self._take(news)
            elif isinstance(news, ResourcePaused):
                self.pauses[news.resource] = news
            elif isinstance(news, RunStopped):
                self.stopped = news
            elif isinstance(news, TorChanged):
                self.tor = news.state
            elif isinstance(news, CircuitMoved):
                self.circuits[news.worker_id] = news.after
            else:
                self.see(news)
                break  # whatever is many comes in portions, one a frame
            if isinstance(news, JobEnded | ResourcePaused | RunStopped | CircuitMoved | TorChanged):
                notable.append(news)
        now = self.clock.now()
        self.pauses = {name: pause for name, pause in self.pauses.items() if pause.until > now}
        return notable

    def take_changed(self) -> set[str]:
        """The ids of the rows that changed since this was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    def due(self) -> list[str]:
        """The jobs whose automatic retry should have begun by now."""
        now = self.clock.now()
        return [video_id for video_id, at in self._retries.items() if at <= now]

    @property
    def is_ticking(self) -> bool:
        """Whether something on the screen changes by the mere passing of time."""
        return bool(self._retries or self.pauses or self.tally.status[Status.RUNNING])

    @property
    def unfinished(self) -> int:
        """Jobs that wait or run."""
        return self.tally.status[Status.QUEUED] + self.tally.status[Status.RUNNING]

    @property
    def fraction(self) -> float:
        """0..1: how much of the current work is behind us."""
        finished = sum(self.tally.finished[stage] for stage in self.plan)
        to_do = sum(self.tally.to_do[stage] for stage in self.plan)
        return finished / (finished + to_do) if finished + to_do else 0.0

    def eta(self, workers: int) -> float | None:
        """Seconds until `workers` will be through, going by this vault's own history; None while there is none."""
        left = 0.0
        for stage in self.plan:
            if number := self.tally.to_do[stage]:
                if not (known := self.recent[stage]):
                    return None
                left += number * sum(known) / len(known)
        now = self.clock.now()
        for lane in self.lanes.values():
            row = self.rows.get(lane.job or "")
            if row and row.live and row.live.doing == "working":
                left -= max(0.0, min(now - row.live.since, left))
        return left / max(1, min(workers, self.unfinished))

    def _take(self, event: JobEvent) -> None:
        job = event.job
        row = self.rows.get(job.video_id)
        if row is None:
            self._turns += 1
            row = Row(job.video_id, self._turns, Status.QUEUED, job)
        elif isinstance(event, Told) and _is_older(event, row):
            return
        else:
            self.tally.count(row, -1)
            self._spend(row, job)
        if not row.is_current and not isinstance(event, Told):
            row.turn = 2 * EARLIER - row.turn
        row.facts, row.seconds = job, job.seconds
        if isinstance(event, StageEvent):
            self._move(row, event)
        else:
            self._rest(row, event)
        self._put(row)

    def _spend(self, row: Row, job: VideoProcessingJob) -> None:
        before, tokens = row.cost, row.tokens
        row.facts = job
        after = row.cost
        self.tokens += max(0, row.tokens - tokens)
        if after is None:
            self.cost = None
        elif self.cost is not None:
            self.cost += max(0.0, after - (before or 0.0))

    def _move(self, row: Row, event: StageEvent) -> None:
        row.status = Status.RUNNING
        self.lanes.setdefault(event.worker_id, Lane()).job = row.id
        live = Live(event.worker_id, event.stage, "waiting", event.at)
        if row.live and row.live.stage is event.stage:
            live.trouble = row.live.trouble
        if isinstance(event, StageStarted):
            live.doing = "working"
        elif isinstance(event, StageRetried):
            live.doing, live.until, live.trouble = "retrying", event.until, event.failure
        elif isinstance(event, StageProgress):
            live.doing, live.fraction, live.text = "working", event.fraction, event.text
            if row.live and row.live.stage is event.stage:
                live.since = row.live.since
        elif isinstance(event, StageFinished):
            live.doing, live.fraction, live.trouble = "finished", 1.0, None
            self.recent[event.stage].append(event.seconds)
        elif not isinstance(event, StageWaiting):
            raise AssertionError(f"{type(event).__name__} is not drawn")
        row.live = live

    def _rest(self, row: Row, event: JobEvent) -> None:
        row.live = None
        if isinstance(event, Told):
            row.status = event.status
        elif isinstance(event, JobEnded):
            row.status = outcome(event.job)
            lane = self.lanes.setdefault(event.worker_id, Lane())
            lane.job = None
            lane.ended += 1
            lane.busy += event.job.processing_duration
        elif isinstance(event, JobStopped):
            row.status = Status.QUEUED
            self.lanes.setdefault(event.worker_id, Lane()).job = None
        else:
            row.status = Status.QUEUED

    def _put(self, row: Row) -> None:
        """Have a row counted and drawn as it now is."""
        self.rows[row.id] = row
        self.tally.count(row, 1)
        self._retries.pop(row.id, None)
        if row.retry_at is not None:
            self._retries[row.id] = row.retry_at
        row.changed()
        self._changed.add(row.id)


def _is_older(event: JobEvent, row: Row) -> bool:
    """Whether a worker has said something newer of the row meanwhile."""
    if row.live:
        return row.live.since > event.at
    ended = row.facts.ended_at
    return ended is not None and ended != event.job.ended_at and ended > event.at  # else it tells of that very end

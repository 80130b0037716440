"""The board: every job of the vault, as the screen knows it. Knows no Textual."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ytsb_tui.circuits import TorState
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
from ytsb_tui.glance import Brief, Flaw, Glimpse
from ytsb_tui.job import Failure, Stage, Status, VideoProcessingJob
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.format import STAGE_WORDS, Badge, countdown

LONGEST_TITLE = 400
"""Characters of a title that are kept for the screen."""
RECENT = 40
"""Runs of a stage that tell how long it takes."""
EARLIER = 1 << 40
"""Where the turns of jobs begin that were done before the app was opened."""

Facts = Brief | VideoProcessingJob


@dataclass(frozen=True)
class Told(JobEvent):
    """How a job stands in the journal, told by who changed it there."""

    status: Status


@dataclass(frozen=True)
class Seen:
    """Jobs as the journal has them now."""

    jobs: Sequence[Glimpse]
    seconds: Mapping[str, Mapping[Stage, float]]
    """How long their finished stages took, by id."""


News = Event | Seen


@dataclass(slots=True)
class Live:
    """What a worker is doing with a job."""

    worker_id: int
    stage: Stage
    doing: Literal["waiting", "working", "retrying", "finished"]
    since: float
    """Seconds since the epoch."""
    fraction: float | None = None
    text: str = ""
    until: float = 0.0
    """When the next try begins."""


@dataclass(slots=True, eq=False)
class Row:
    """One job as the screen knows it."""

    id: str
    turn: int
    """Its natural place: what was unfinished when the app was opened first, then what is done, the newest first."""
    status: Status
    facts: Facts
    seconds: Mapping[Stage, float] = field(default_factory=dict)
    live: Live | None = None
    version: int = 0
    """Raised with every change, so that what was drawn of it can be told from what is true."""
    _title: str | None = None
    _words: str | None = None

    @property
    def title(self) -> str:
        """What to call it: one visible line."""
        if self._title is None:
            name = self.facts.video_title
            if not name:
                name = self.id if "://" in self.facts.url else Path(self.facts.url).name
            self._title = seen(name[: 2 * LONGEST_TITLE])[:LONGEST_TITLE] or self.id
        return self._title

    @property
    def subject(self) -> str:
        """The folder it is filed under."""
        return seen(self.facts.subject)

    @property
    def failure(self) -> Failure | Flaw | None:
        """Why the last attempt failed, if it did."""
        return self.facts.failure

    @property
    def error(self) -> str:
        """The cause of the last failure in words."""
        if self.failure is None or self.status in (Status.RUNNING, Status.CANCELLED):
            return ""
        return seen(self.failure.message[:2000])

    @property
    def retry_at(self) -> float | None:
        """When it is tried again by itself."""
        return self.facts.next_retry_at if self.status is Status.FAILED else None

    @property
    def cost(self) -> float | None:
        """Dollars of all its stages; None when a price is unknown."""
        costs = [used.cost for used in self.facts.usage.values()]
        return None if None in costs else sum(cost for cost in costs if cost)

    @property
    def tokens(self) -> int:
        """Tokens of all its stages, in and out."""
        return sum(
            used.input_tokens + used.output_tokens + used.cache_read_tokens + used.cache_write_tokens
            for used in self.facts.usage.values()
        )

    @property
    def is_current(self) -> bool:
        """Whether it belongs to what is being worked on, rather than to what was done before."""
        return self.turn < EARLIER

    @property
    def files(self) -> Iterator[Path]:
        """What it left in the vault, relative to its root."""
        facts = self.facts
        made = (facts.notes_filepath, facts.assessment_filepath, facts.notes_pdf_path, facts.assessment_pdf_path)
        return (Path(path) for path in made if path)

    @property
    def words(self) -> str:
        """What a filter looks in: title, subject, status, error and id, without case."""
        if self._words is None:
            doing = STAGE_WORDS[self.live.stage] if self.live else ""
            self._words = f"{self.title}\n{self.subject}\n{self.status}\n{doing}\n{self.error}\n{self.id}".casefold()
        return self._words

    def total(self, now: float) -> float:
        """Seconds of all its stages, the running one up to now."""
        live = self.live
        running = now - live.since if live and live.doing == "working" else 0.0
        return sum(self.seconds.values()) + max(0.0, running)

    def badge(self, now: float) -> Badge:
        """Its status, as a glyph and a word."""
        if (live := self.live) is not None:
            word = STAGE_WORDS[live.stage]
            if live.doing in ("working", "finished"):
                return Badge("▸", word, "busy")
            if live.doing == "retrying":
                return Badge("↻", f"{word} {countdown(live.until - now)}", "wait")
            return Badge("▹", f"{word} waits", "quiet")
        if self.status is Status.RUNNING:  # by another process, which tells its finished stages only
            return Badge(
                "▸", STAGE_WORDS[next((stage for stage in Stage if stage not in self.seconds), Stage.EXPORT)], "busy"
            )
        if self.retry_at is not None:
            return Badge("↻", f"{countdown(self.retry_at - now)} retry", "wait")
        return BADGES[self.status]

    def changed(self) -> None:
        """Forget what was made of the facts before."""
        self.version += 1
        self._title = self._words = None


BADGES = {
    Status.QUEUED: Badge("·", "queued", "quiet"),
    Status.RUNNING: Badge("▸", "running", "busy"),
    Status.DONE: Badge("✓", "done", "good"),
    Status.FAILED: Badge("✗", "failed", "bad"),
    Status.CANCELLED: Badge("–", "cancelled", "quiet"),
}


@dataclass(slots=True)
class Lane:
    """One worker: the job it is on, and what it has got done since the app was opened."""

    job: str | None = None
    ended: int = 0
    busy: float = 0.0
    """Seconds it spent on the jobs that ended."""


class Tally:
    """Sums over all rows, kept up to date row by row."""

    def __init__(self) -> None:
        self.status: Counter[Status] = Counter()
        self.current: Counter[Status] = Counter()
        """As `status`, of the current rows alone."""
        self.finished: Counter[Stage] = Counter()
        """Stages that current rows have behind them."""
        self.to_do: Counter[Stage] = Counter()
        """Stages that queued and running rows have before them."""

    def count(self, row: Row, sign: int) -> None:
        """Add a row (`sign` 1), or take it out again as it was added (-1)."""
        self.status[row.status] += sign
        if row.is_current:
            self.current[row.status] += sign
            for stage in row.seconds:
                self.finished[stage] += sign
        if row.status in (Status.QUEUED, Status.RUNNING):
            for stage in Stage:
                if stage not in row.seconds:
                    self.to_do[stage] += sign


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
        self.pauses: dict[str, ResourcePaused] = {}
        """The resources nobody may use now."""
        self.stopped: RunStopped | None = None
        """Why no further job is started, if so."""
        self.tor: TorState | None = None
        """How Tor is; None where it is not in use."""
        self.tokens = 0
        """Used since the app was opened."""
        self.cost: float | None = 0.0
        """Dollars spent since; None when a price is unknown."""
        self.recent: dict[Stage, deque[float]] = {stage: deque(maxlen=RECENT) for stage in Stage}
        """How long the latest runs of each stage took."""
        self._retries: dict[str, float] = {}
        self._news: deque[News] = deque()
        self._changed: set[str] = set()
        self._turns = 0

    def hear(self, event: News) -> None:
        """Note what happened; called on any thread."""
        self._news.append(event)

    def see(self, seen: Seen) -> None:
        """Take over what the journal says of jobs; what a worker said since is newer."""
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
            if took and took != row.seconds:
                row.seconds = took
                for stage, lasted in took.items():
                    self.recent[stage].append(lasted)
            self._put(row)

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
            elif not isinstance(news, CircuitMoved):
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
                left -= min(now - row.live.since, left)
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
        if isinstance(event, StageStarted):
            live.doing = "working"
        elif isinstance(event, StageRetried):
            live.doing, live.until = "retrying", event.until
        elif isinstance(event, StageProgress):
            live.doing, live.fraction, live.text = "working", event.fraction, event.text
            if row.live and row.live.stage is event.stage:
                live.since = row.live.since
        elif isinstance(event, StageFinished):
            live.doing, live.fraction = "finished", 1.0
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
    last = row.live.since if row.live else row.facts.ended_at
    return last is not None and last > event.at


def seen(text: str) -> str:
    """The text as one visible line; most titles are that already, and found so ten times faster."""
    return text if text.isascii() and text.isprintable() and "  " not in text else one_line(text)


def outcome(job: VideoProcessingJob) -> Status:
    """How a job stands after an attempt."""
    if job.failure is None:
        return Status.DONE
    return Status.CANCELLED if job.failure.kind == "Cancelled" else Status.FAILED

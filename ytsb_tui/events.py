"""What workers say.

Every event is a frozen value, told on the worker's own thread. The job in it
carries facts only, never the long texts.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from ytsb_tui.circuits import Circuit, TorState
from ytsb_tui.job import Failure, Stage, VideoProcessingJob

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobEvent:
    """Something happened to a job."""

    job: VideoProcessingJob
    at: float
    """Seconds since the epoch."""


@dataclass(frozen=True)
class JobQueued(JobEvent):
    """A job waits for a worker."""


@dataclass(frozen=True)
class StageEvent(JobEvent):
    """Something happened in a stage that a worker runs."""

    stage: Stage
    worker_id: int


@dataclass(frozen=True)
class StageWaiting(StageEvent):
    """The worker waits for its turn at the resource the stage needs."""


@dataclass(frozen=True)
class StageStarted(StageEvent):
    """The worker works on the stage from now on."""


@dataclass(frozen=True)
class StageProgress(StageEvent):
    """How far a long stage is."""

    fraction: float | None
    """0..1, or None where the end cannot be known."""
    text: str
    """What to show: "1,240 characters", or the newest text of a stream."""


@dataclass(frozen=True)
class StageRetried(StageEvent):
    """A try failed; the next one begins at `until`."""

    failure: Failure
    tries: int
    """How many tries have failed."""
    until: float
    """Seconds since the epoch."""
    shared: bool = False
    """Whether everybody waits with it, as a `ResourcePaused` has told."""


@dataclass(frozen=True)
class StageFinished(StageEvent):
    """The stage is committed: it will not be run again."""

    seconds: float


@dataclass(frozen=True)
class JobEnded(JobEvent):
    """An attempt is over, and logged; `job.failure` says whether it succeeded."""

    worker_id: int


@dataclass(frozen=True)
class JobStopped(JobEvent):
    """The run is ending; the job is back in the queue with all its finished stages."""

    worker_id: int


@dataclass(frozen=True)
class ResourcePaused:
    """Nobody may use a resource ("fetch", "generate", ...) until `until`; then it opens by itself."""

    resource: str
    until: float
    reason: str
    at: float


@dataclass(frozen=True)
class RunStopped:
    """No further job is started: going on would help nobody."""

    reason: str
    advice: str
    at: float
    is_final: bool = False
    """Whether this program cannot go on, whatever the user does meanwhile: its budget is used up, its key is wrong."""


@dataclass(frozen=True)
class CircuitMoved:
    """A worker has another Tor circuit than before. Told on any thread."""

    worker_id: int
    before: Circuit | None
    """None for its first."""
    after: Circuit
    why: str
    """In a word or two: "asked", "refused", "1 h old", "200 uses", "broken"."""
    at: float


@dataclass(frozen=True)
class TorChanged:
    """Tor starts, bootstraps, is ready, or is lost. Told on any thread."""

    state: TorState
    at: float


Event = JobEvent | ResourcePaused | RunStopped | CircuitMoved | TorChanged


class Listener(Protocol):
    """Anything that wants to hear about jobs. Called on the worker's thread; must return at once."""

    def __call__(self, event: Event, /) -> object: ...


def safely(tell: Listener) -> Listener:
    """A listener that cannot fail a job or end a worker: what goes wrong in it is written down."""

    def heard(event: Event) -> None:
        try:
            tell(event)
        except Exception:
            log.exception("a listener did not bear %s", type(event).__name__)

    return heard

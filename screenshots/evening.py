"""An evening with the app: real jobs, journal and notes, with YouTube, Claude and the clock played."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from screenshots.course import COURSE, TITLES, VIDEOS
from ytsb_tui.budget import Budget
from ytsb_tui.engine import Engine
from ytsb_tui.errors import Incomplete, NetworkTrouble, NoCaptions, StageError, Stopped
from ytsb_tui.events import Listener, StageProgress
from ytsb_tui.gates import Gate
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.pipeline import Attempt, Rules, here
from ytsb_tui.stages import PIPELINE, Tools
from ytsb_tui.study import Assessment, Notes, Question
from ytsb_tui.transcript import Cue, Transcript
from ytsb_tui.usage import Usage
from ytsb_tui.watch import Watch

SECONDS = {
    Stage.FETCH: (1.6, 2.9),
    Stage.NOTES: (26.0, 58.0),
    Stage.ASSESSMENT: (14.0, 31.0),
    Stage.WRITE: (0.1, 0.2),
    Stage.LINKS: (0.2, 0.6),
    Stage.EXPORT: (1.8, 3.6),
}
"""How long each stage takes, from and to."""
DRAFTS = {
    "Locks, Semaphores and Deadlock": """\
## Key Points

- A lock lets one thread into a critical section; a semaphore lets in as many as it counts [2:10]
- Deadlock needs four conditions at once, and breaking any one of them prevents it [11:34]
- Taking locks in one agreed order breaks the circular wait, at no cost while running [14:52]
"""
}
"""What Claude has written when the evening stands still."""
NOTES = "## Key Points\n\n- What was said is in the lecture.\n"
TROUBLE: dict[tuple[int, Stage, int], StageError] = {
    (2, Stage.FETCH, 1): NetworkTrouble("The connection to YouTube broke off.", retry_after=2.0),
    (2, Stage.ASSESSMENT, 2): Incomplete("Claude recorded no usable assessment, asked twice: questions are missing."),
    (4, Stage.FETCH, 1): NoCaptions("The video has no captions."),
    (7, Stage.FETCH, 1): NetworkTrouble("The connection to YouTube broke off.", retry_after=2.0),
}
"""What goes wrong: the place of the video in the course, the stage, and the attempt."""
RETRIED = list(COURSE)[2]
"""What its user retries as soon as it has failed."""


class PlayedClock:
    """Time that passes when somebody works."""

    def __init__(self, at: float) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def ticks(self) -> float:
        return self.at


class PlayedGate(Gate):
    """A gate at which waiting takes no real time."""

    def __init__(self, name: str, clock: PlayedClock) -> None:
        super().__init__(name, 1, clock)
        self._played = clock

    def wait(self, seconds: float, check: object) -> None:
        self._played.at += seconds


class Unwatched:
    """A watch that nobody looks at."""

    def progress(self, fraction: float | None, text: str = "") -> None:
        pass

    def check(self) -> None:
        pass


class PlayedServices:
    """YouTube, Claude and the drawing of PDFs, for the videos of the course."""

    name = "claude"
    model = "claude-sonnet-5-5"
    theme = "obsidian"
    concepts: ClassVar = ("Cache line", "Locality")

    def fetch(self, job: VideoProcessingJob, watch: Watch) -> Transcript:
        """A transcript with the title the course gives the video."""
        title, minutes = VIDEOS[job.video_id], 11 + _dice(job.video_id) % 40
        cue = Cue(0.0, 8.0, f"Today: {title}.")
        return Transcript((cue,), title, "Open Lectures", minutes * 60.0, "en", "human", "youtube-transcript-api")

    def notes(self, job: VideoProcessingJob, related: Sequence[str], watch: Watch) -> Notes:
        """Notes of a few lines."""
        return Notes(
            NOTES,
            subject="Computer Science" if job.video_id in COURSE else "Mathematics",
            coverage=0.9,
            usage=self.estimate(job, Stage.NOTES),
        )

    def assessment(self, job: VideoProcessingJob, watch: Watch) -> Assessment:
        """A quiz of one question."""
        question = Question("Recall", f"What is “{job.title}” about?", "See the notes.")
        return Assessment((question,), self.estimate(job, Stage.ASSESSMENT))

    def estimate(self, job: VideoProcessingJob, stage: Stage) -> Usage:
        """What the played Claude uses, by the length of the video."""
        words = int(job.duration * 3.3)
        if stage is Stage.NOTES:
            return Usage(900, words // 4, 0, words, round(words * 5e-6, 4))
        return Usage(1500, words // 5, words, 0, round(words * 2.5e-6, 4))

    def render(self, source: Path, target: Path, watch: Watch) -> None:
        """A file that has the name of a PDF."""
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"%PDF-")


class Evening:
    """Three workers on one vault, until the evening stands still.

    Each has a clock of its own, and only the one whose clock is behind the
    others' goes on: so everything happens in the order of its time.
    """

    def __init__(self, engine: Engine, tell: Listener, began: float, stands_still: float) -> None:
        """Both times are seconds since the epoch; what takes longer is left running."""
        self._engine = engine
        self._tell = tell
        self._stands_still = stands_still
        self._clocks = {number: PlayedClock(began + number * 0.4) for number in range(3)}
        self._turn = threading.Condition()

    def work(self) -> None:
        """Go on with the queue until all workers stand still, or nothing is left."""
        with ThreadPoolExecutor(len(self._clocks)) as workers:
            list(workers.map(self._work, tuple(self._clocks)))

    def _work(self, number: int) -> None:
        store, clock = self._engine.journal.store, self._clocks[number]
        try:
            self._wait_for_turn(number)
            while (job := store.claim()) is not None:
                ended = Attempt(job, number, self._tools(job, number), self._rules(number, clock)).run()
                if ended.video_id == RETRIED and ended.attempt == 1:
                    self._engine.submit([ended])
                self._wait_for_turn(number)
        except Stopped:
            pass  # it stands still
        finally:
            with self._turn:
                del self._clocks[number]
                self._turn.notify_all()

    def _wait_for_turn(self, number: int) -> None:
        """Let everybody go first who is at an earlier time."""
        with self._turn:
            self._turn.notify_all()
            self._turn.wait_for(lambda: number == min(self._clocks, key=lambda each: (self._clocks[each].at, each)))

    def _rules(self, number: int, clock: PlayedClock) -> Rules:
        def call(key: str, stage: Stage, job: VideoProcessingJob, tools: Tools) -> VideoProcessingJob:
            lasts = _seconds(job, stage)
            if clock.at + lasts > self._stands_still:
                done = (self._stands_still - clock.at) / lasts
                text = DRAFTS.get(job.title, "") if stage is Stage.NOTES else ""
                self._tell(StageProgress(job.facts(), self._stands_still, stage, number, done, text))
                raise Stopped("The evening stands still.")
            clock.at += lasts
            self._wait_for_turn(number)
            if error := TROUBLE.get((_place(job), stage, job.attempt)):
                raise error
            return here(key, stage, job, tools)

        names = ("files", *(step.resource for step in PIPELINE.values()))
        gates = {name: PlayedGate(name, clock) for name in names}
        return Rules(tuple(Stage), gates, clock, self._engine.journal, Budget(), self._tell, call=call)

    def _tools(self, job: VideoProcessingJob, number: int) -> Tools:
        """The real tools; for videos of the course without the outside world, for caption files without PDFs."""
        real, played = self._engine.workshop.tools(number, Unwatched()), PlayedServices()
        if job.is_file:
            return replace(real, pdfs=played)
        return replace(real, transcripts=played, author=played, pdfs=played)


def _place(job: VideoProcessingJob) -> int:
    """Its place in the course, counted from 0; -1 for what is no part of it."""
    return TITLES.index(job.title) if job.video_id in COURSE else -1


def _dice(words: str) -> int:
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:4])


def _seconds(job: VideoProcessingJob, stage: Stage) -> float:
    """How long a stage takes; always the same for the same job."""
    least, most = SECONDS[stage]
    return round(least + (most - least) * (_dice(job.video_id + stage) % 1000) / 1000, 1)

"""A world in which every stage works at once unless a script says otherwise, for tests of the engine around it."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ytsb_tui.budget import Budget
from ytsb_tui.clock import Clock, SystemClock
from ytsb_tui.events import Event
from ytsb_tui.gates import Gate
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.journal import Journal, Submission
from ytsb_tui.pipeline import Rules, here
from ytsb_tui.pool import Pool
from ytsb_tui.stages import Tools
from ytsb_tui.study import Assessment, Notes, Question
from ytsb_tui.transcript import Cue, Transcript
from ytsb_tui.usage import Usage
from ytsb_tui.watch import Watch

PLAN = tuple(Stage)
GATES = {"fetch": 4, "files": 4, "generate": 8, "vault": 1, "links": 8, "export": 2}

Script = Callable[[VideoProcessingJob, Watch], object]
"""What happens in a stage before its canned work: nothing, waiting, raising."""


class HandClock:
    """A clock that is put on by hand."""

    def __init__(self) -> None:
        self.at = 1_000_000.0
        self.set_by = 0.0
        """Seconds by which somebody set the time of day."""

    def now(self) -> float:
        return self.at + self.set_by

    def ticks(self) -> float:
        return self.at


@dataclass(frozen=True)
class CannedTools:
    """All tools but the documents in one."""

    root: Path
    usage: Usage
    name: str = "canned"
    model: str = "model-1"
    theme: str = "plain"

    def fetch(self, job: VideoProcessingJob, watch: Watch) -> Transcript:
        cue = Cue(0.0, 2.0, f"words of {job.video_id}")
        return Transcript((cue,), title=f"Title {job.video_id}", duration=2.0, language="en")

    def notes(self, job: VideoProcessingJob, related: Sequence[str], watch: Watch) -> Notes:
        return Notes(f"notes of {job.video_id}", concepts=("Words",), usage=self.usage)

    def assessment(self, job: VideoProcessingJob, watch: Watch) -> Assessment:
        return Assessment((Question("Recall", "Which words?", "These."),), usage=self.usage)

    def estimate(self, job: VideoProcessingJob, stage: Stage) -> Usage:
        return self.usage

    def choose(self, title: str, concepts: Sequence[str], suggested: str) -> str:
        return "AI"

    def place(self, job: VideoProcessingJob) -> VideoProcessingJob:
        assessment = Path("AI", f"Assessment_{job.video_id}.md") if job.has_assessment() else None
        return replace(job, notes_filepath=Path("AI", f"{job.video_id}.md"), assessment_filepath=assessment)

    def write(self, path: Path, text: str) -> Path | None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return None

    def inside(self, path: Path) -> Path:
        return self.root / path

    def related(self, job: VideoProcessingJob) -> Sequence[str]:
        return ()

    def connect(self, job: VideoProcessingJob) -> int:
        return 2

    def render(self, source: Path, target: Path, watch: Watch) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"%PDF-")


class CannedDocuments:
    def note(self, job: VideoProcessingJob) -> str:
        return job.study_notes

    def assessment(self, job: VideoProcessingJob, assessment: Assessment) -> str:
        return "\n".join(question.prompt for question in assessment.questions)

    def assessment_note(self, job: VideoProcessingJob) -> str:
        return job.assessment_content


@dataclass
class World:
    """One vault, opened as a program opens it; reopen it with another `World` after `close`."""

    root: Path
    scripts: dict[Stage, Script] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    usage: Usage = Usage()
    plan: tuple[Stage, ...] = PLAN
    budget: Budget = field(default_factory=Budget)
    limits: dict[str, int] = field(default_factory=dict)
    retries: int = 5

    def __post_init__(self) -> None:
        self.calls: Counter[tuple[str, Stage]] = Counter()
        self.given: dict[tuple[str, Stage], list[VideoProcessingJob]] = defaultdict(list)
        self.events: list[Event] = []
        self._lock = threading.Lock()
        self.journal = Journal.open(self.root, self.clock)

    def close(self) -> None:
        self.journal.close()

    def call(self, key: str, stage: Stage, job: VideoProcessingJob, tools: Tools) -> VideoProcessingJob:
        with self._lock:
            self.calls[job.video_id, stage] += 1
            self.given[job.video_id, stage].append(job)
        if script := self.scripts.get(stage):
            script(job, tools.watch)
        return here(key, stage, job, tools)

    def submit(self, ids: Iterable[str], restart_at: Stage | None = None) -> Submission:
        jobs = [VideoProcessingJob(name, f"https://youtu.be/{name}", output_dir=self.root) for name in ids]
        return self.journal.submit(jobs, self.plan, restart_at=restart_at)

    def pool(self, among: frozenset[str] | None = None) -> Pool:
        capacities = GATES | self.limits
        rules = Rules(
            plan=self.plan,
            gates={name: Gate(name, capacity, self.clock) for name, capacity in capacities.items()},
            clock=self.clock,
            records=self.journal,
            budget=self.budget,
            tell=self.events.append,
            retries=self.retries,
            call=self.call,
        )
        return Pool(self.journal.store, rules, self.tools, among=among)

    def tools(self, number: int, watch: Watch) -> Tools:
        every = CannedTools(self.root, self.usage)
        return Tools(every, every, every, CannedDocuments(), every, every, every, watch)

    def run(self, *ids: str, workers: int = 3) -> Pool:
        """Submit jobs and work until none is left."""
        pool = self.pool(self.submit(ids).ids)
        self.drive(pool, workers)
        return pool

    def drive(
        self,
        pool: Pool,
        workers: int,
        *,
        step: float = 1.0,
        watch: bool = False,
        after: Callable[[], object] = lambda: True,
    ) -> None:
        """Let a pool run; a clock that is put on by hand moves by `step` seconds again and again `after` something."""
        runner = threading.Thread(target=pool.run, args=(workers,), kwargs={"watch": watch})
        runner.start()
        for _ in range(2000):
            runner.join(0.05)
            if not runner.is_alive():
                return
            if isinstance(self.clock, HandClock) and after():
                self.clock.at += step
        raise AssertionError("the pool does not end")

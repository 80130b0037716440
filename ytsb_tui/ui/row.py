"""A row: one job as the screen knows it. Knows no Textual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ytsb_tui.glance import Brief, Flaw
from ytsb_tui.job import Failure, Stage, Status, VideoProcessingJob
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.format import STAGE_WORDS, Badge, countdown

LONGEST_TITLE = 400
"""Characters of a title that are kept for the screen."""
EARLIER = 1 << 40
"""Where the turns of jobs begin that were done before the app was opened."""

Facts = Brief | VideoProcessingJob


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
    trouble: Failure | None = None
    """Why the stage has to be tried again, if it has."""


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
        """Why the last attempt failed, or why the stage it is in is tried again, if so."""
        return self.live.trouble if self.live else self.facts.failure

    @property
    def error(self) -> str:
        """The cause of the last failure in words."""
        elsewhere = self.status is Status.RUNNING and self.live is None
        if self.failure is None or elsewhere or self.status is Status.CANCELLED:
            return ""
        return seen(self.failure.message[:2000])

    @property
    def whereabouts(self) -> str:
        """Where its request to the author stands, when that waits in a batch."""
        live = self.live
        waits = live is not None and live.fraction is None and live.stage in (Stage.NOTES, Stage.ASSESSMENT)
        return seen(live.text[:400]) if live and waits else ""

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


def seen(text: str) -> str:
    """The text as one visible line; most titles are that already, and found so ten times faster."""
    return text if text.isascii() and text.isprintable() and "  " not in text else one_line(text)


def outcome(job: VideoProcessingJob) -> Status:
    """How a job stands after an attempt."""
    if job.failure is None:
        return Status.DONE
    return Status.CANCELLED if job.failure.kind == "Cancelled" else Status.FAILED

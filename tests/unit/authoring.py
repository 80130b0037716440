"""What the tests of Claude share: a talk, a job on it, an author at the loopback Claude, and a watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.world.claude import Claude
from ytsb_tui.errors import Unfinished
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.services.claude.api_key import Server
from ytsb_tui.services.claude.author import ClaudeAuthor
from ytsb_tui.services.claude.messages_api import MessagesApi
from ytsb_tui.services.claude.prices import Prices
from ytsb_tui.transcript import Chapter, Cue, Transcript

KEY = "sk-ant-secret-0123456789"
MODEL = "claude-sonnet-5-5"
PRICES = Prices.load(Path("no-prices-of-my-own.toml"))
VIDEO = "dQw4w9WgXcQ"

_SENTENCES = (
    "Entropy measures how much surprise a message carries on average.",
    "For example a fair coin carries one bit, and a loaded coin carries less.",
    "Compression cannot go below the entropy of the source.",
    "A channel has a capacity, and coding can come as close to it as you like.",
    "Redundancy is what lets a receiver repair what noise has broken.",
)


@dataclass
class Watcher:
    """Keeps what it is told; `stop` may raise at any check."""

    stop: Callable[[], object] = lambda: None
    told: list[tuple[float | None, str]] = field(default_factory=list)

    def progress(self, fraction: float | None, text: str = "") -> None:
        self.told.append((fraction, text))

    def check(self) -> None:
        self.stop()


def talk(minutes: int = 40, extra: str = "") -> Transcript:
    """A talk with a sentence every ten seconds and a chapter every ten minutes; `extra` is said in the middle."""
    cues = [
        Cue(at * 10.0, at * 10.0 + 9, f"{_SENTENCES[at % len(_SENTENCES)]} That was remark number {at}.")
        for at in range(minutes * 6)
    ]
    if extra:
        cues[len(cues) // 2] = replace(cues[len(cues) // 2], text=extra)
    chapters = tuple(Chapter(at * 600.0, f"Chapter {at + 1}") for at in range(minutes // 10))
    return Transcript(
        tuple(cues), title="Information Theory", duration=minutes * 60.0, language="en", chapters=chapters
    )


def job_on(transcript: Transcript, **facts: object) -> VideoProcessingJob:
    """A fetched job."""
    job = VideoProcessingJob(VIDEO, f"https://www.youtube.com/watch?v={VIDEO}", transcript=transcript)
    return replace(job, **facts)  # type: ignore[arg-type]


def api_at(claude: Claude, *, key: str = KEY, model: str = MODEL, own: bool = False) -> MessagesApi:
    """The API at the loopback Claude; `own` as if it were a server of the user's."""
    api = MessagesApi(Server(model, key, claude.url, own), PRICES)
    claude.closing.callback(api.close)
    return api


def author_at(
    claude: Claude, language: str = "", *, key: str = KEY, model: str = MODEL, own: bool = False
) -> ClaudeAuthor:
    """An author at the loopback Claude."""
    return ClaudeAuthor(api_at(claude, key=key, model=model, own=own), language)


def after(job: VideoProcessingJob, error: Unfinished, stage: Stage = Stage.NOTES) -> VideoProcessingJob:
    """The job as the pipeline hands it to the next try."""
    return replace(job.used(stage, error.usage), partials={stage: error.partial} if error.partial else job.partials)

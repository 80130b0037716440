"""A transcript: what was said, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ytsb_tui.circuits import Circuit


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption."""

    start: float
    """Seconds from the beginning of the video."""
    end: float
    text: str
    """One line of plain text: no markup, no line breaks, never empty."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter the video's maker set."""

    start: float
    title: str


Captions = Literal["human", "automatic", "unknown"]


@dataclass(frozen=True)
class Transcript:
    """Every cue in order of time, with the title page of the video it belongs to."""

    cues: tuple[Cue, ...]
    title: str = ""
    """As its source gives it; "" when the source has none."""
    channel: str = ""
    duration: float = 0.0
    """Seconds; that of the video where known, else the end of the last cue."""
    language: str = ""
    """BCP 47, or "" when unknown."""
    captions: Captions = "unknown"
    """Who wrote the captions."""
    method: str = ""
    """How it was fetched, for the log: "caption file", "youtube-transcript-api", ..."""
    timed: bool = True
    """False for plain text without time marks: then every start is 0 and nothing can be linked."""
    chapters: tuple[Chapter, ...] = ()
    circuit: Circuit | None = None
    """The Tor circuit it came over, if it did."""

    @property
    def text(self) -> str:
        """Everything that was said, a cue a line."""
        return "\n".join(cue.text for cue in self.cues)

    def marked(self, every: float = 30.0) -> Iterator[str]:
        """The text in paragraphs of about `every` seconds, each behind its time mark `[12:34] `."""
        words: list[str] = []
        mark = 0.0
        for cue in self.cues:
            if words and self.timed and cue.start - mark >= every:
                yield f"[{timestamp(mark)}] {' '.join(words)}"
                words = []
            if not words:
                mark = cue.start
            words.append(cue.text)
        if words:
            text = " ".join(words)
            yield f"[{timestamp(mark)}] {text}" if self.timed else text


def timestamp(seconds: float) -> str:
    """`754.3` as `12:34`, `3754` as `1:02:34`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

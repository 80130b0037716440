"""An attempt as the log screen keeps it: what a line shows of an entry, and where the whole entry is."""

from __future__ import annotations

from typing import Any

import msgspec

from ytsb_tui.job import Stage
from ytsb_tui.log_figures import figure
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.format import STAGE_WORDS, Badge

LONGEST = 500
"""Characters of a field that are kept."""
STAGE_NAMES = {stage.log_name: STAGE_WORDS[stage] for stage in Stage}


class Attempt(msgspec.Struct, gc=False):
    """What a line shows of an entry. Of any type: the log may come from elsewhere."""

    video_id: Any = None
    video_title: Any = None
    url: Any = None
    success: Any = None
    stage: Any = None
    error: Any = None
    error_class: Any = None
    worker_id: Any = None
    processing_duration: Any = None
    logged_at: Any = None
    end_time: Any = None
    start_time: Any = None
    place: tuple[int, int] | None = None
    """Where in the file the entry begins and ends; None where it has to be looked for."""
    words: str = ""
    """What a filter looks in."""

    @property
    def id(self) -> str:
        """The video's id, "" where the entry names none."""
        return words_of(self.video_id)

    @property
    def title(self) -> str:
        """What to call it."""
        return words_of(self.video_title) or words_of(self.url) or self.id or "an attempt without a name"

    @property
    def good(self) -> bool:
        """Whether it succeeded."""
        return self.success is True

    @property
    def when(self) -> str:
        """When it ended, to the minute: `2025-10-09 14:31`."""
        at = next((at for at in (self.end_time, self.logged_at, self.start_time) if isinstance(at, str)), "")
        return words_of(at)[:16].replace("T", " ")

    @property
    def badge(self) -> Badge:
        """How it ended: a glyph, and for a failure the stage it failed in."""
        if self.good:
            return Badge("✓", "done", "good")
        if self.error_class == "Cancelled":
            return Badge("–", "cancelled", "quiet")
        name = words_of(self.stage)
        return Badge("✗", STAGE_NAMES.get(name, name) or "failed", "bad")

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return figure(self.processing_duration)

    @property
    def why(self) -> str:
        """Why it failed, in words."""
        return "" if self.good else words_of(self.error)

    @property
    def identity(self) -> tuple[str, ...]:
        """What no two attempts share."""
        return str(self.video_id), str(self.logged_at), str(self.start_time), str(self.stage)

    def kept(self, place: tuple[int, int] | None) -> Attempt:
        """This attempt, ready to be filtered and to be found in the file again."""
        self.place = place
        parts = (self.title, self.id, self.when, self.badge.word, self.why)
        self.words = "\n".join((*parts, "done" if self.good else "failed")).casefold()
        return self


def words_of(value: Any) -> str:
    """A field in words, on one line."""
    return "" if value is None else one_line(str(value)[: 2 * LONGEST])[:LONGEST]

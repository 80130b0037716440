"""What somebody said, set as Markdown."""

from __future__ import annotations

import re
import unicodedata

from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.escape import literal
from ytsb_tui.transcript import timestamp

WIDEST = 260
"""Characters of a quoted sentence; a longer one is cut where a clause ends."""


def quote(text: str) -> str:
    """A sentence as literal Markdown, cut with an ellipsis when it is too long."""
    return literal(shortened(text))


def shortened(text: str) -> str:
    """A sentence of at most `WIDEST` characters: cut after a clause, else a word, else anywhere between letters."""
    if len(text) <= WIDEST:
        return text
    room = text[: WIDEST - 2]
    clauses = [match.start() for match in re.finditer(r"[,;:] | – |[，、；]", room) if match.start() > WIDEST // 3]
    word = room.rfind(" ")
    end = clauses[-1] if clauses else word if word > WIDEST // 3 else len(room)
    while end and unicodedata.combining(text[end]):
        end -= 1
    return f"{room[:end].rstrip(' ,;:–，、；')} …"


def time_mark(job: VideoProcessingJob, seconds: float) -> str:
    """`[12:34](link)`, or `(12:34)` where there is no video to link to."""
    url = job.time_link(seconds)
    return f"[{timestamp(seconds)}]({url})" if url else f"({timestamp(seconds)})"

"""From captions as a file has them to cues: each thing that is said once, as plain text, in order of time."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from ytsb_tui import plaintext
from ytsb_tui.errors import BadCaptions
from ytsb_tui.services.captions.timedtext import Track
from ytsb_tui.transcript import Cue

LONGEST = 100 * 3600.0
"""Seconds: a caption later than this is not of a video."""
BROADCAST = 10 * 3600.0
"""Where a tape's time code starts."""

MOST_LINES = 20
"""Lines of a caption that may have been on the screen already."""

TAG = re.compile(
    r"</?(?:c|v|i|b|u|s|em|strong|font|span|ruby|rt|lang|p|div)(?:[\s.][^<>]*)?/?>|<\d[\d:.]*>|\{\\[^{}]*\}",
    re.IGNORECASE,
)
"""The tags that captions have, and no others: `List<String>` is something a lecturer shows."""
BREAK = re.compile(r"<br\s*/?>|\\N", re.IGNORECASE)
ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]\w{1,30});", re.IGNORECASE)
SOUND = re.compile(
    r"\[[^\[\]]*\]|【[^【】]*】|［[^［］]*］|\([^()]{1,40}\)|（[^（）]{1,40}）|[♪♫♬♩][^♪♫♬♩]*(?:[♪♫♬♩]|$)"
)
"""What is heard and not said. Long parentheses are something said."""


def tidy(track: Track) -> tuple[Cue, ...]:
    """The cues of a track. Raises `BadCaptions` when nothing is said in it, or at impossible times.

    Captions are put in order of time; one that ends before it starts ends
    where it starts. Times are kept as they are, so that a video whose talk
    begins late keeps its links, but when the first caption comes after ten
    hours, then it is a tape's time code and its whole hours are taken off.
    """
    captions = sorted(track.captions, key=lambda caption: caption.start)
    if not all(math.isfinite(caption.start) and caption.start < LONGEST for caption in captions):
        raise BadCaptions("The captions have impossible times.")
    offset = captions[0].start // 3600 * 3600 if captions and captions[0].start >= BROADCAST else 0.0
    lines = [_lines(caption.text) for caption in captions]
    if _rolls(lines, at_least=1 if track.automatic else 2):
        lines = list(_unrolled(lines))
    cues: list[Cue] = []
    for caption, said in zip(captions, lines, strict=True):
        text = " ".join(said)
        if re.search(r"\w", SOUND.sub("", text)):
            start = max(caption.start - offset, 0.0)
            end = min(caption.end - offset, LONGEST) if math.isfinite(caption.end) else start
            cues.append(Cue(round(start, 3), round(max(start, end), 3), text))
    if not cues:
        raise BadCaptions("Nothing is said in these captions." if captions else "There are no captions in the file.")
    return tuple(dict.fromkeys(cues) if track.timed else cues)


def _lines(text: str) -> list[str]:
    """The lines a viewer sees, without markup."""
    bare = TAG.sub("", BREAK.sub("\n", text))
    lines = ENTITY.sub(lambda entity: html.unescape(entity[0]), bare).split("\n")
    return [line for line in map(plaintext.one_line, lines) if line]


def _rolls(captions: Iterable[list[str]], *, at_least: int) -> bool:
    """Whether lines scroll up: at least every third caption begins with the line the one before it ended with."""
    shown = [lines for lines in captions if lines]
    again = sum(before[-1] == after[0] for before, after in pairwise(shown))
    return again >= at_least and again * 3 >= len(shown)


def _unrolled(captions: Iterable[list[str]]) -> Iterator[list[str]]:
    """Of each caption the lines that were not on the screen already."""
    before: list[str] = []
    for lines in captions:
        shared = next((n for n in range(min(len(lines), MOST_LINES), 0, -1) if before[-n:] == lines[:n]), 0)
        yield lines[shared:]
        before = lines or before

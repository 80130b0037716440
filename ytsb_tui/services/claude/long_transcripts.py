"""Transcripts longer than a model reads at once, in parts that begin where the talk pauses."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import accumulate, pairwise

from ytsb_tui.services.claude.tokens import rough_tokens
from ytsb_tui.transcript import Cue, Transcript

_MARK_TOKENS = 2
"""What a cue's share of the time marks comes to."""


def transcript_tokens(transcript: Transcript) -> int:
    """About how many tokens a transcript is with its time marks."""
    return sum(map(_tokens, transcript.cues))


def parts(transcript: Transcript, limit: int) -> list[Transcript]:
    """The transcript in as few parts of about one size as stay under `limit` tokens each.

    Every cue is in exactly one part, in order. A part ends before a chapter
    where it can, else where the talk pauses longest. Only a part of a single
    cue can be over the limit.
    """
    cues = transcript.cues
    sizes = list(accumulate(map(_tokens, cues), initial=0))
    borders = [0]
    while borders[-1] < len(cues):
        borders.append(_end_of_part(transcript, sizes, borders[-1], limit))
    return [_part(transcript, cues[start:end]) for start, end in pairwise(borders)]


def _end_of_part(transcript: Transcript, sizes: list[int], first: int, limit: int) -> int:
    """The index after the last cue of the part that begins at cue `first`."""
    cues = transcript.cues
    left = sizes[-1] - sizes[first]
    if left <= limit:
        return len(cues)
    even = left / math.ceil(left / limit)
    fits = [end for end in range(first + 1, len(cues)) if sizes[end] - sizes[first] <= limit]
    late_enough = [end for end in fits if sizes[end] - sizes[first] >= 0.7 * even]
    chapters = {chapter.start for chapter in transcript.chapters}

    def goodness(end: int) -> tuple[bool, float, int]:
        before, after = cues[end - 1], cues[end]
        chapter_begins = any(before.start < start <= after.start for start in chapters)
        return chapter_begins, after.start - before.end, end

    return max(late_enough or fits, key=goodness) if fits else first + 1


def _part(transcript: Transcript, cues: tuple[Cue, ...]) -> Transcript:
    """A part keeps the whole video's title page, and the chapters that lie in it."""
    begin, end = cues[0].start, cues[-1].start
    earlier = [chapter for chapter in transcript.chapters if chapter.start <= begin][-1:]
    within = [chapter for chapter in transcript.chapters if begin < chapter.start <= end]
    return replace(transcript, cues=cues, chapters=(*earlier, *within))


def _tokens(cue: Cue) -> int:
    return rough_tokens(cue.text) + _MARK_TOKENS

"""A transcript as sentences, each with the moment it is said."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ytsb_tui.services.escape import one_line
from ytsb_tui.services.outline.languages import SPACELESS, guess_language, is_spaceless, words
from ytsb_tui.transcript import Cue, Transcript

LONGEST = 320
"""Characters after which a sentence without an end is ended at the next caption."""
SILENCE = 4.0
"""Seconds of silence that end any sentence."""
PAUSE = 0.7
"""Seconds of silence that end a sentence where nobody wrote full stops."""
BREATH = 90
"""Characters from which on such a sentence is ended at the next caption, pause or not."""

_ENDING = ".!?…؟۔।。！？｡"
_END = re.compile(
    r"(?:(?<=[.!?…؟۔।])[\"'”’»)\]]*\s+(?=[\"'“‘«(\[¿¡]*(?![a-zà-öø-ÿ])\w)|(?<=[。！？｡])[」』”）]*\s*(?=\S))"
)
_ABBREVIATION = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|cf|Fig|No|Vol|approx|z\.B|bzw)\.$")
_STAGE_DIRECTION = re.compile(r"\[[^\]]{1,60}\]|\((?=[^)]{1,40}\))[^)]*\)(?=\s*$)|[♪♫]+|^\s*[-–—]+\s+|^\s*>>+\s*")
_LABEL = re.compile(r"^\s*((?:[A-Z][\w.'-]*)(?: [A-Z][\w.'-]*){0,2}|(?:[A-Z]\w+ )?(?:man|woman)|all|both):(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, in the speaker's words."""

    text: str
    """One line of plain text that begins with a capital where the script has them."""
    start: float
    """Seconds at which the caption it begins in is shown."""
    place: int
    """Its number in the transcript, from 0."""


@dataclass(frozen=True)
class Speech:
    """Everything that is said, as sentences."""

    sentences: tuple[Sentence, ...]
    language: str
    """Two letters, "" when it cannot be told."""
    speakers: frozenset[str]
    """Words of the names that captions put before a speaker's words, in lower case."""

    @cached_property
    def spaceless(self) -> bool:
        """Whether its script puts no spaces between words."""
        return is_spaceless(_sample(sentence.text for sentence in self.sentences))


def listen(transcript: Transcript, check: Callable[[], None]) -> Speech:
    """The sentences of a transcript; at least one when it has any cue. `check` may raise to end it.

    Full stops end sentences; where nobody wrote them (automatic captions), pauses do.
    """
    language = transcript.language.split("-")[0].lower() or guess_language(_sample(cue.text for cue in transcript.cues))
    labels = _labels(transcript.cues)
    cues = []
    for cue in transcript.cues:
        check()
        if text := _spoken(cue.text, labels, language):
            cues.append(Cue(cue.start, cue.end, text))
    cues = cues or [Cue(cue.start, cue.end, text) for cue in transcript.cues if (text := one_line(cue.text))]
    split = _by_full_stops if _is_punctuated(cues) else _by_pauses
    found = [(tidy, start) for text, start in split(cues) if (tidy := _tidy(text))]
    found = found or [(cue.text, cue.start) for cue in cues]
    sentences = tuple(Sentence(text, start, place) for place, (text, start) in enumerate(found))
    speakers = frozenset(word.lower() for label in labels for word in label.split())
    return Speech(sentences, language, speakers)


def _sample(texts: Iterable[str], size: int = 20_000) -> str:
    """The first texts, enough to tell language and script."""
    taken, length = [], 0
    for text in texts:
        taken.append(text)
        length += len(text)
        if length > size:
            break
    return " ".join(taken)


def _labels(cues: Sequence[Cue]) -> frozenset[str]:
    """Names that captions put before a speaker's words: those that come more than once, and `man:`."""
    seen = Counter(match[1] for cue in cues if (match := _LABEL.match(cue.text)))
    return frozenset(label for label, times in seen.items() if times > 1 or label.islower() or " " in label)


def _spoken(text: str, labels: frozenset[str], language: str) -> str:
    """What is said in a caption: without stage directions, speakers' names and (in English) uhs and ums."""
    text = _STAGE_DIRECTION.sub(" ", one_line(text))
    if (label := _LABEL.match(text)) and label[1] in labels:
        text = text[label.end() :]
    text = text.replace("--", " – ")
    if fillers := words("filler", language):
        filler = rf"(,?)\s*\b(?:{'|'.join(sorted(fillers))})\b(?:[,.…]|\s*–)?(?=\s|$)"
        text = re.sub(filler, r"\1", text, flags=re.IGNORECASE)
    return " ".join(text.split()).lstrip(" ,;-–")


def _is_punctuated(cues: Sequence[Cue]) -> bool:
    """Whether somebody wrote full stops: at least one in 300 characters, on average."""
    length = sum(len(cue.text) for cue in cues)
    ends = sum(cue.text.count(mark) for cue in cues for mark in _ENDING)
    return length < 300 * ends


def _by_full_stops(cues: Sequence[Cue]) -> Iterator[tuple[str, float]]:
    """Sentences between full stops; one that is too long ends with a caption."""
    group: list[Cue] = []
    length = 0
    for cue in cues:
        if group and cue.start - group[-1].end >= SILENCE:
            yield from _split(group)
            group, length = [], 0
        group.append(cue)
        length += len(cue.text)
        if cue.text.rstrip("\"'”’»)」』")[-1:] in _ENDING or length > LONGEST:
            yield from _split(group)
            group, length = [], 0
    yield from _split(group)


def _split(group: Sequence[Cue]) -> Iterator[tuple[str, float]]:
    """The sentences within captions of which the last ends a sentence."""
    glue = "" if is_spaceless("".join(cue.text for cue in group)) else " "
    offsets, length = [], 0
    for cue in group:
        offsets.append(length)
        length += len(cue.text) + len(glue)
    text = glue.join(cue.text for cue in group)
    begin = 0
    for end in (*(match.end() for match in _END.finditer(text)), len(text)):
        piece = text[begin:end].strip()
        if end < len(text) and _ABBREVIATION.search(piece):
            continue
        if piece:
            yield piece, group[bisect_right(offsets, begin) - 1].start
        begin = end


def _by_pauses(cues: Sequence[Cue]) -> Iterator[tuple[str, float]]:
    """Stretches between pauses, or of a breath's length."""
    group: list[Cue] = []
    for cue in cues:
        paused = bool(group) and cue.start - group[-1].end >= PAUSE
        if group and (paused or sum(len(each.text) for each in group) >= BREATH):
            yield _joined(group), group[0].start
            group = []
        group.append(cue)
    if group:
        yield _joined(group), group[0].start


def _joined(group: Sequence[Cue]) -> str:
    text = " ".join(cue.text for cue in group)
    return re.sub(rf"(?<={SPACELESS.pattern}) (?={SPACELESS.pattern})", "", text)


def _tidy(text: str) -> str:
    """A sentence that begins with a capital."""
    text = text.strip(" ,;")
    return text[:1].upper() + text[1:] if re.search(r"\w", text) else ""

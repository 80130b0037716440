"""Times a model cites, made into links that are true.

A model is asked to cite `[12:34]`. It also writes `[12:34-13:00]`, `(12:34)`,
`[00:12:34]`, finished links to other videos, and times that are not in the
video. What can be understood becomes a link to a second near which somebody
speaks; what cannot is taken out. Code is left alone.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ytsb_tui.transcript import Transcript, timestamp

NEAR = 30.0
"""Seconds a cited time may lie away from the nearest speech."""

_TIME = r"\d{1,3}:\d{2}(?::\d{2})?(?:\.\d+)?"
_SPAN = rf"{_TIME}(?:\s*(?:-|–|—)\s*{_TIME})?"
_SPANS = rf"{_SPAN}(?:\s*[,;]\s*{_SPAN})*"
_CITED = re.compile(
    rf"(?P<space>[ \t]?)(?<![A-Za-z0-9_\]\\!\[])"
    rf"(?:(?P<open>\()?[\[【](?P<square>{_SPANS})[\]】](?!\])(?P<url>\([^()\s]*\))?(?(open)\))"
    rf"|\((?P<round>{_SPANS})\))"
)
_FENCED = r"^ {0,3}(?P<fence>`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)"
_TICKED = r"(?<!`)(?P<ticks>`++)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)"
_CODE = re.compile(f"{_FENCED}|{_TICKED}", re.MULTILINE | re.DOTALL)
_URL_TIME = re.compile(r"[?&#](?:t|start)=(\d+)s?\b")


class Span(NamedTuple):
    """A cited stretch of the video, in seconds; most are a moment."""

    start: float
    end: float


@dataclass
class Linked:
    """A text whose times are checked."""

    text: str = ""
    good: int = 0
    """Citations that were right as they stood."""
    repaired: int = 0
    removed: int = 0
    minutes: set[int] = field(default_factory=set)
    """The minutes of the video that are cited."""


class TimeLinks:
    """The times of one video that may be linked to."""

    def __init__(self, transcript: Transcript, url: Callable[[float], str | None]) -> None:
        """`url` gives the address of a second of the video, None where there is no video."""
        self._url = url
        self._cues = transcript.cues if transcript.timed else ()
        self._starts = [cue.start for cue in self._cues]
        self._end = max([transcript.duration, *(cue.end for cue in self._cues)])

    def checked(self, text: str) -> Linked:
        """`text` with each citation made a true link, or a plain `(12:34)` where there is no video, or removed."""
        linked = Linked()
        pieces, done = [], 0
        for code in _CODE.finditer(text):
            pieces += [self._outside_code(text[done : code.start()], linked), code[0]]
            done = code.end()
        linked.text = "".join([*pieces, self._outside_code(text[done:], linked)])
        return linked

    def coverage(self, linked: Linked) -> float | None:
        """The share (0..1) of the video's minutes that are cited; None without times."""
        minutes = math.ceil(self._end / 60)
        cited = {min(minute, minutes - 1) for minute in linked.minutes}
        return len(cited) / minutes if self._cues and minutes else None

    def second(self, cited: str) -> float | None:
        """The second that a time such as "12:34" names; None when nobody speaks near it."""
        found = re.search(_SPAN, cited)
        span = self._span(found[0]) if found else None
        return span.start if span else None

    def _outside_code(self, text: str, linked: Linked) -> str:
        return _CITED.sub(lambda cited: self._link(cited, linked), text)

    def _link(self, cited: re.Match[str], linked: Linked) -> str:
        url = (cited["url"] or "")[1:-1]
        named = re.findall(_SPAN, cited["square"] or cited["round"])
        spans = [span for span in map(self._span, named) if span] or self._of_url(url)
        if not spans:
            if cited["round"]:  # perhaps not a citation at all
                return cited[0]
            linked.removed += 1
            return ""
        links = [self._shown(span.start) for span in spans]
        times = [timestamp(span.start) for span in spans]
        as_they_stood = cited["square"] and named == times and url in ("", self._url(spans[0].start))
        linked.good += bool(as_they_stood)
        linked.repaired += not as_they_stood
        for start, end in spans:
            linked.minutes.update(range(int(start // 60), int(end // 60) + 1))
        shown = ", ".join(links)
        return f"{cited['space']}({shown})" if cited["open"] and "](" in shown else cited["space"] + shown

    def _shown(self, second: float) -> str:
        url = self._url(second)
        return f"[{timestamp(second)}]({url})" if url else f"({timestamp(second)})"

    def _span(self, cited: str) -> Span | None:
        """The stretch that "12:34" or "12:34-13:00" names, as far as it lies in the video."""
        start, *end = [self._spoken(time) for time in re.findall(_TIME, cited)]
        if start is None:
            return None
        return Span(start, max(start, *(time for time in end if time is not None), start))

    def _of_url(self, url: str) -> list[Span]:
        found = _URL_TIME.search(url)
        second = self._near_speech(float(found[1])) if found else None
        return [] if second is None else [Span(second, second)]

    def _spoken(self, time: str) -> float | None:
        """The second a time names; `12:34:00` beyond the end is read as minutes, seconds and frames."""
        numbers = [int(number) for number in time.split(".")[0].split(":")]
        for parts in (numbers, numbers[:2]):
            second = self._near_speech(sum(part * 60**power for power, part in enumerate(reversed(parts))))
            if second is not None and all(part < 60 for part in parts[1:]):
                return second
        return None

    def _near_speech(self, second: float) -> float | None:
        after = bisect_right(self._starts, second)
        gaps = [second - cue.end for cue in self._cues[max(after - 1, 0) : after]]
        gaps += [cue.start - second for cue in self._cues[after : after + 1]]
        return second if second <= self._end and min(gaps, default=math.inf) <= NEAR else None

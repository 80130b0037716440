"""The formats captions come in, each read to the same thing: a track.

What a text is shows in the text; its file's name only tells plain words from
a damaged file. SubRip and WebVTT are read here: pysubs2 takes a line with two
word times for a cue of its own, and a last line like "1984" for a cue number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

import msgspec

from ytsb_tui.errors import BadCaptions


@dataclass(frozen=True, slots=True)
class Caption:
    """One caption as it is in the file: markup, entities and line breaks included."""

    start: float
    """Seconds."""
    end: float
    text: str


@dataclass(frozen=True)
class Track:
    """Everything a caption file says."""

    captions: list[Caption]
    language: str = ""
    kind: str = "captions"
    """As WebVTT names it: "captions", "subtitles", "chapters", "metadata", ..."""
    automatic: bool = False
    """Whether single words have times, as in what speech recognition writes."""
    timed: bool = True


TIME = r"(-?)(?:(\d{1,5}):)?(\d{1,3}):(\d{1,2})(?:[.,:](\d{1,3}))?"
TIMING = re.compile(rf"\s*{TIME}\s*-->\s*{TIME}(?!\d)")
WORD_TIME = re.compile(r"<\d{1,5}(?::\d\d)+\.\d{1,3}>")
HEADER = re.compile(r"^(kind|language)\s*[:=]\s*([\w-]+)", re.IGNORECASE | re.MULTILINE)


def parse(text: str, *, plain: bool = False) -> Track:
    """The track in `text`; `plain` says that text without any format is a transcript too.

    Raises `BadCaptions` when it is in no format that is known, or in one but damaged.
    """
    text = "\n".join(re.split(r"\r\n|\r|\n", text.lstrip("\ufeff").lstrip()))
    if text.startswith("WEBVTT"):
        return _webvtt(text)
    if text.startswith("{"):
        return _json3(text)
    if text.startswith("<"):
        return _xml(text)
    if any(map(TIMING.match, text.split("\n"))):
        return Track(list(_subrip(text)), automatic=bool(WORD_TIME.search(text)))
    if plain:
        return _plain(text)
    raise BadCaptions("There are no captions in the file: nothing in it has a time.")


def _seconds(sign: str, hours: str, minutes: str, seconds: str, fraction: str) -> float:
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int((fraction or "0").ljust(3, "0")) / 1000
    return -whole if sign else whole


def _cues(text: str) -> Iterator[tuple[float, float, list[str], bool]]:
    """Start, end and lines under each timing line, and whether another one follows."""
    lines = text.split("\n")
    marks = [(number, found) for number, line in enumerate(lines) if (found := TIMING.match(line))]
    bounds = [number for number, _ in marks] + [len(lines)]
    for (number, found), end in zip(marks, bounds[1:], strict=True):
        parts = [part or "" for part in found.groups()]
        yield _seconds(*parts[:5]), _seconds(*parts[5:]), lines[number + 1 : end], end < len(lines)


def _subrip(text: str) -> Iterator[Caption]:
    for start, end, lines, followed in _cues(text):
        if followed and lines and lines[-1].strip().isdigit():
            lines.pop()  # the next caption's number
        yield Caption(start, end, "\n".join(lines))


def _webvtt(text: str) -> Track:
    """Only an empty line ends a cue: YouTube writes lines of one blank into them."""
    head = {name.lower(): value for name, value in HEADER.findall(text.partition("\n\n")[0])}
    captions = []
    for start, end, lines, _ in _cues(text):
        blank = lines.index("") if "" in lines else len(lines)
        captions.append(Caption(start, end, "\n".join(lines[:blank])))
    return Track(captions, head.get("language", ""), head.get("kind", "captions").lower(), bool(WORD_TIME.search(text)))


class _Segment(msgspec.Struct):
    utf8: str = ""
    tOffsetMs: float = 0


class _Event(msgspec.Struct):
    tStartMs: float = 0
    dDurationMs: float = 0
    segs: list[_Segment] = []


class _Json3(msgspec.Struct):
    events: list[_Event]


_json3_decoder = msgspec.json.Decoder(_Json3)


def _json3(text: str) -> Track:
    try:
        events = _json3_decoder.decode(text.encode(errors="replace")).events
    except (msgspec.DecodeError, RecursionError):
        raise BadCaptions("This is JSON, but no captions as YouTube writes them (json3), or damaged.") from None
    return Track(
        [
            Caption(
                event.tStartMs / 1000,
                (event.tStartMs + event.dDurationMs) / 1000,
                "".join(segment.utf8 for segment in event.segs),
            )
            for event in events
        ],
        automatic=any(segment.tOffsetMs for event in events for segment in event.segs),
    )


def _xml(text: str) -> Track:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise BadCaptions("This looks like XML, but it is damaged or not safe to read.") from None
    name = re.sub(r"\{.*\}", "", root.tag)
    if name == "tt":
        language = root.get("{http://www.w3.org/XML/1998/namespace}lang", "")
        return Track(_ttml(text), language)
    if name not in {"transcript", "timedtext"}:
        raise BadCaptions(f"This is XML, but <{name[:40]}> is no captions.")
    places = ("text", "p", "body/p")
    try:
        captions = [_element(element) for place in places for element in root.iterfind(place)]
    except ValueError:
        raise BadCaptions("This is YouTube's caption XML, but a time in it is damaged.") from None
    return Track(captions, automatic=any(word.get("t") for word in root.iter("s")))


def _element(element: Element) -> Caption:
    """YouTube counts `start` and `dur` in seconds (srv1), `t` and `d` in milliseconds (srv2, srv3)."""
    if "start" in element.attrib:
        start, length = float(element.attrib["start"]), float(element.get("dur", "0"))
    else:
        start, length = float(element.get("t", "0")) / 1000, float(element.get("d", "0")) / 1000
    return Caption(start, start + length, "".join(element.itertext()))


def _ttml(text: str) -> list[Caption]:
    import pysubs2

    try:
        events = pysubs2.SSAFile.from_string(text, format_="ttml")
    except (pysubs2.exceptions.Pysubs2Error, ParseError, NotImplementedError, ValueError, LookupError, ArithmeticError):
        raise BadCaptions("These are TTML captions, but damaged, or with times in frames.") from None
    return [Caption(event.start / 1000, event.end / 1000, event.plaintext) for event in events]


MARK = re.compile(
    r"[\[(]?\s*(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)(?:[.,]\d{1,3})?(?:\s*-->\s*[\d:.,]+)?\s*[\])]?(?!\w|:\d)"
    r"\s*(?:[-–—:|]+(?=\s|$))?(.*)"
)
"""A time at the start of a line: `[12:34] text`, `12:34 text`, `(1:02:03)`, `00:01:02 - text`."""
SPOKEN = re.compile(r"(?:\d+ (?:hour|minute|second)s?(?:, )?)+")
"""The time again in words, which is copied along with YouTube's transcript pane."""


def _plain(text: str) -> Track:
    """A transcript in plain words, with the times its lines begin with.

    Times are taken for such when a tenth of the lines has one, from near the
    beginning on, and they never go back: a clock time in a talk is none.
    """
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    marks = [(number, found) for number, line in enumerate(lines) if (found := MARK.match(line))]
    starts = [_seconds("", found[1], found[2], found[3], "") for _, found in marks]
    if not marks or marks[0][0] > 4 or len(marks) * 10 < len(lines) or starts != sorted(starts):
        return Track([Caption(0.0, 0.0, line) for line in lines], timed=False)
    captions = [Caption(0.0, starts[0], "\n".join(lines[: marks[0][0]]))]
    ends = [number for number, _ in marks[1:]] + [len(lines)]
    for (number, found), start, until, end in zip(marks, starts, [*starts[1:], starts[-1]], ends, strict=True):
        said = [line for line in lines[number + 1 : end] if not SPOKEN.fullmatch(line)]
        captions.append(Caption(start, until, "\n".join([found[4], *said])))
    return Track(captions)

"""Caption tracks: which one to take, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from ytsb_tui.errors import NoCaptions
from ytsb_tui.plaintext import one_line
from ytsb_tui.transcript import Chapter, Cue, Transcript


class Track(Protocol):
    """A caption track somebody offers."""

    @property
    def language_code(self) -> str:
        """BCP 47."""

    @property
    def is_generated(self) -> bool:
        """Whether a machine listened."""


T = TypeVar("T", bound=Track)


def best(tracks: Iterable[T], languages: Sequence[str], spoken: str) -> T:
    """The track to take: of `languages` the first there is, else in the language `spoken`, else any.

    In the same language human captions go before automatic ones, and the
    exact variant (pt-BR) before another (pt). Raises `NoCaptions` for no tracks.
    """
    wanted = [language.lower() for language in (*languages, spoken) if language]

    def rank(track: T) -> tuple[int, bool, bool]:
        code = track.language_code.lower()
        place = next((place for place, language in enumerate(wanted) if _primary(code) == _primary(language)), None)
        return (
            (len(wanted), track.is_generated, True)
            if place is None
            else (place, track.is_generated, code not in wanted)
        )

    try:
        return min(tracks, key=rank)
    except ValueError:
        raise NoCaptions("The video has no captions.") from None


def _primary(language: str) -> str:
    return language.partition("-")[0]


def spoken_language(listing: Mapping[str, Any]) -> str:
    """The language of the default audio in the player's caption listing, "" when it does not say."""
    try:
        tracks = listing["captionTracks"]
        audio = listing["audioTracks"][listing.get("defaultAudioTrackIndex", 0)]
        own = [tracks[index] for index in audio["captionTrackIndices"]]
        heard = [track for track in own if track.get("kind") == "asr"]
        return str((heard[0] if heard else tracks[audio["defaultCaptionTrackIndex"]])["languageCode"])
    except (LookupError, TypeError):
        return ""


@dataclass(frozen=True)
class Video:
    """The title page of a video, as YouTube gives it."""

    title: str = ""
    channel: str = ""
    seconds: float = 0.0
    chapters: Sequence[tuple[float, str]] = ()
    """Start and title of each."""


def assemble(track: Track, cues: Iterable[Cue], video: Video, method: str) -> Transcript:
    """The transcript of `video`: clean cues that do not overlap. Raises `NoCaptions` when nothing is left."""
    spoken = tuple(_without_overlaps(Cue(cue.start, cue.end, one_line(cue.text)) for cue in cues))
    if not spoken:
        raise NoCaptions("The captions of the video are empty.")
    chapters = sorted((start, one_line(title)) for start, title in video.chapters)
    return Transcript(
        cues=spoken,
        title=one_line(video.title),
        channel=one_line(video.channel),
        duration=video.seconds or spoken[-1].end,
        language=track.language_code,
        captions="automatic" if track.is_generated else "human",
        method=method,
        chapters=tuple(Chapter(start, title) for start, title in chapters if title),
    )


def _without_overlaps(cues: Iterable[Cue]) -> Iterable[Cue]:
    """The cues that have text, in order; automatic ones stay on screen beyond the beginning of the next."""
    kept = sorted((cue for cue in cues if cue.text), key=lambda cue: cue.start)
    for cue, following in pairwise(kept):
        yield Cue(cue.start, min(cue.end, following.start), cue.text)
    yield from kept[-1:]

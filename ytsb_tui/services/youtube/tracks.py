"""Caption tracks: which one to take, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from ytsb_tui.errors import BadCaptions, NetworkTrouble, NoCaptions
from ytsb_tui.plaintext import one_line
from ytsb_tui.services.captions import cues, timedtext
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
        for place, language in enumerate(wanted):
            if _primary(code) == _primary(language):
                return place, track.is_generated, code != language
        return len(wanted), track.is_generated, True

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
    except (LookupError, TypeError, AttributeError):
        return ""


@dataclass(frozen=True)
class Video:
    """The title page of a video, as YouTube gives it."""

    title: str = ""
    channel: str = ""
    seconds: float = 0.0
    chapters: Sequence[tuple[float, str]] = ()
    """Start and title of each."""


def assemble(track: Track, body: str, video: Video, method: str) -> Transcript:
    """The transcript in `body`, which YouTube sent for `track`; its cues do not overlap.

    Raises `NetworkTrouble` for a body that is no captions, `NoCaptions` for captions in which nothing is said.
    """
    try:
        captions = timedtext.parse(body)
    except BadCaptions as error:
        raise NetworkTrouble("YouTube sent no captions, though it lists some.") from error
    try:
        said = cues.tidy(captions)
    except BadCaptions as error:
        raise NoCaptions(str(error)) from error
    chapters = sorted((start, one_line(title)) for start, title in video.chapters if 0 <= start < cues.LONGEST)
    return Transcript(
        cues=tuple(_without_overlaps(said)),
        title=one_line(video.title),
        channel=one_line(video.channel),
        duration=video.seconds if 0 < video.seconds < cues.LONGEST else said[-1].end,
        language=track.language_code,
        captions="automatic" if track.is_generated else "human",
        method=method,
        chapters=tuple(Chapter(start, title) for start, title in chapters if title),
    )


def _without_overlaps(said: Sequence[Cue]) -> Iterator[Cue]:
    """Automatic captions stay on screen beyond the beginning of the next."""
    for cue, following in pairwise(said):
        yield Cue(cue.start, min(cue.end, following.start), cue.text)
    yield said[-1]

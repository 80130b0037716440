"""What the loopback YouTube holds: videos with their caption tracks, playlists, channels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ytsb_tui.transcript import Chapter, Cue


@dataclass(frozen=True)
class Track:
    """One caption track; the text of a cue is HTML."""

    language: str
    cues: tuple[Cue, ...]
    automatic: bool = False


@dataclass(frozen=True)
class Video:
    """One video; `state` other than "ok" is a key of `pages.RECORDED` or `pages.REASONS`, "po_token" or "members"."""

    id: str
    title: str
    channel: str = "Loopback Lectures"
    seconds: int = 600
    tracks: tuple[Track, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    state: str = "ok"
    served: frozenset[str] = frozenset()
    """Clients ("ANDROID_VR", ...) that are answered as if `state` were "ok"."""
    default_track: int = 0
    """Index of the track that belongs to the default audio."""


@dataclass(frozen=True)
class Playlist:
    """Videos in order; ids the catalogue does not hold stand for deleted videos."""

    id: str
    title: str
    video_ids: tuple[str, ...]
    page: int = 100
    """How many one answer lists."""


@dataclass
class Catalog:
    """Everything the loopback YouTube knows."""

    videos: dict[str, Video] = field(default_factory=dict)
    playlists: dict[str, Playlist] = field(default_factory=dict)
    channels: dict[str, Playlist] = field(default_factory=dict)
    """Uploads by handle ("@loopback") or channel id ("UC...")."""

    def add(self, *videos: Video) -> None:
        self.videos.update({video.id: video for video in videos})

    def add_playlist(self, playlist: Playlist) -> None:
        self.playlists[playlist.id] = playlist


TOPICS = ("entropy", "the Fourier transform", "binary search", "mitosis", "opportunity cost", "the French Revolution")
ODD_TITLES = (
    "{topic} [official video] [/b]",
    "C:\\Lectures/{topic}: what? <why> | 100% *real*",
    "“{topic}” — über-Einführung & more",
    "../../{topic}",
    "{topic} の基礎 講義 🎓",
    "{topic}\u202egnp.exe\u0007",
)


def lecture(number: int, *, minutes: int = 5, languages: Iterable[str] = ("en",)) -> Video:
    """A made-up lecture: human captions in each of `languages`, automatic ones in the first, three chapters."""
    topic = TOPICS[number % len(TOPICS)]
    title = ODD_TITLES[number % len(ODD_TITLES)] if number % 3 == 2 else "Lecture {number}: {topic}"
    cues = tuple(speech(topic, minutes * 60))
    codes = tuple(languages)
    return Video(
        id=f"lect{number:07}",
        title=title.format(topic=topic, number=number),
        seconds=minutes * 60,
        tracks=(
            *(Track(code, cues) for code in codes),
            Track(codes[0], tuple(overlapping(cues)), automatic=True),
        ),
        chapters=(
            Chapter(0.0, "Introduction"),
            Chapter(minutes * 20.0, f"What {topic} is"),
            Chapter(minutes * 40.0, "Examples"),
        ),
    )


def speech(topic: str, seconds: int) -> Iterable[Cue]:
    """What a lecturer might say about `topic`, a sentence every five seconds."""
    sentences = (
        f"Today we talk about {topic}, and why it matters.",
        f"A good definition of {topic} names what changes and what stays.",
        "Let us work through one example together, step by step.",
        f"Many students confuse {topic} with its most famous application.",
        "Remember this result: it is used again in the next lecture.",
    )
    for number, start in enumerate(range(0, seconds - 5, 5)):
        yield Cue(float(start), start + 4.5, sentences[number % len(sentences)])


def overlapping(cues: Iterable[Cue]) -> Iterable[Cue]:
    """As automatic captions come: lower case, no punctuation, each shown until the one after the next begins."""
    for cue in cues:
        yield Cue(cue.start, cue.end + 4.0, cue.text.lower().replace(",", "").rstrip("."))


def demo_catalog() -> Catalog:
    """A hundred lectures, one video for each way to be refused, a long playlist and a channel."""
    catalog = Catalog()
    catalog.add(*(lecture(number) for number in range(100)))
    for state in ("bot", "age", "unavailable", "disabled", "po_token", "private", "members", "geo", "upcoming"):
        catalog.add(Video(f"state_{state}"[:11].ljust(11, "_"), f"Refused: {state}", state=state))
    ids = tuple(f"lect{number:07}" for number in range(100))
    catalog.add_playlist(
        Playlist("PLlongcourse", "A long course", (*ids[:60], "deletedvide", "state_priva", *ids[60:]))
    )
    catalog.channels["@loopback"] = Playlist("@loopback", "Loopback Lectures", ids[:70], page=30)
    return catalog

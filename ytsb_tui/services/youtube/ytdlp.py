"""yt-dlp as a library: quiet, without files of its own, through the same proxy, its errors translated."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
import urllib3

from ytsb_tui.errors import NetworkTrouble, StageError
from ytsb_tui.services.errand import GoOn
from ytsb_tui.services.youtube import tracks
from ytsb_tui.services.youtube.refusals import UPDATE, Circumstances, by_reason, by_status, causes, translate
from ytsb_tui.services.youtube.session import LARGEST, TIMEOUT, retry_after
from ytsb_tui.services.youtube.tracks import Video
from ytsb_tui.transcript import Transcript


@dataclass(frozen=True)
class _Log:
    """Says nothing, and stops yt-dlp before its next request when nobody waits for it."""

    go_on: GoOn

    def debug(self, message: str) -> None:
        self.go_on()

    def info(self, message: str) -> None:
        self.go_on()

    def warning(self, message: str) -> None:
        self.go_on()

    def error(self, message: str) -> None:
        """The exception that follows says it."""


@contextmanager
def opened(proxy: str, go_on: GoOn, **options: Any) -> Iterator[Any]:
    """A `YoutubeDL` whose errors arrive as `StageError`; wrap nothing but calls of yt-dlp, and its answers, in it.

    Answers that it, or who reads them here, did not expect end in plain Python errors.
    """
    from yt_dlp import YoutubeDL
    from yt_dlp.utils import YoutubeDLError

    settled = {
        "quiet": True,
        "logger": _Log(go_on),
        "proxy": proxy,
        "socket_timeout": TIMEOUT[1],
        "cachedir": False,
        "extractor_retries": 0,
        "compat_opts": {"no-certifi"} if os.environ.get("SSL_CERT_FILE") else set(),
    }
    try:
        with YoutubeDL(settled | options) as client:
            yield client
    except (YoutubeDLError, LookupError, TypeError, AttributeError, ValueError) as error:
        raise meaning(error, proxy) from error


def meaning(error: Exception, proxy: str) -> StageError:
    """What an error that came out of yt-dlp means: the network's word first, then YouTube's own."""
    from yt_dlp.networking.exceptions import HTTPError, IncompleteRead, TransportError
    from yt_dlp.utils import ExtractorError

    chain = list(causes(error))
    for one in chain:
        if isinstance(one, HTTPError):
            return by_status(one.status, retry_after(one.response.headers))
    for one in chain:
        if isinstance(one, (requests.RequestException, urllib3.exceptions.HTTPError)):
            translated = translate(one, Circumstances(proxy))
            assert translated is not None
            return translated
    for one in chain:
        if isinstance(one, (IncompleteRead, TransportError)):
            return NetworkTrouble("The connection to YouTube broke off.")
        if isinstance(one, ExtractorError) and one.expected:
            return by_reason(str(one.orig_msg))
    return NetworkTrouble("YouTube's answer could not be understood.", advice=UPDATE)


@dataclass(frozen=True)
class _Track:
    language_code: str
    is_generated: bool
    url: str


def transcript(video_id: str, languages: Sequence[str], known: Video, proxy: str, go_on: GoOn) -> Transcript:
    """The transcript of a video, asked for as a VR headset would: YouTube wants fewer proofs from those.

    What is `known` of its title page already is not asked again.
    """
    clients = {"youtube": {"player_client": ["android_vr"], "player_skip": ["configs", "js"]}}
    with opened(proxy, go_on, extractor_args=clients) as client:
        found = client.extract_info(f"https://www.youtube.com/watch?v={video_id}", download=False, process=False)
        offers = list(_tracks(found))
    spoken = next((track.language_code for track in offers if track.is_generated), "")
    track = tracks.best(offers, languages, spoken)
    with opened(proxy, go_on) as client:
        go_on()
        body = client.urlopen(track.url).read(LARGEST)
    video = Video(
        known.title or found.get("title") or "",
        known.channel or found.get("channel") or "",
        known.seconds or float(found.get("duration") or 0),
        known.chapters,
    )
    return tracks.assemble(track, body.decode("utf-8", "replace"), video, "yt-dlp")


def _tracks(found: Mapping[str, Any]) -> Iterator[_Track]:
    """The tracks yt-dlp found, without YouTube's translations."""
    for name, generated in (("subtitles", False), ("automatic_captions", True)):
        for language, forms in (found.get(name) or {}).items():
            url = next((form["url"] for form in forms if form["ext"] == "json3"), "")
            if url and "tlang=" not in url and not language.endswith("-orig"):
                yield _Track(language, generated, url)

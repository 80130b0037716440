"""Transcripts from YouTube: three requests a video, and another way where the first is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from xml.etree.ElementTree import ParseError

import youtube_transcript_api as api
from requests.cookies import RequestsCookieJar

from ytsb_tui.errors import BadCaptions, Blocked, NoCaptions, StageError, Unavailable
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.plaintext import one_line
from ytsb_tui.services.errand import GoOn, run_errand
from ytsb_tui.services.youtube import tracks, ytdlp
from ytsb_tui.services.youtube.proxies import check_proxy
from ytsb_tui.services.youtube.refusals import translating
from ytsb_tui.services.youtube.session import WatchSession
from ytsb_tui.transcript import Transcript
from ytsb_tui.watch import Watch

_REFUSED_CLIENT = (
    api.RequestBlocked,
    api.PoTokenRequired,
    api.FailedToCreateConsentCookie,
    api.YouTubeDataUnparsable,
    ParseError,
    BadCaptions,
)
_PASTE = "Paste the link of the video."
_ID = re.compile(r"[\w-]{11}", re.ASCII)


class YouTubeTranscripts:
    """Fetches what was said in a video, in its original language unless a preferred one exists.

    One per worker. `languages` come before the video's own; `proxy` is asked
    before each fetch, and may name another way out every time ("" for none);
    `deadline` is how many seconds a fetch may take in all.
    """

    def __init__(self, *, languages: Sequence[str], proxy: Callable[[], str], deadline: float) -> None:
        self._languages = languages
        self._proxy = proxy
        self._deadline = deadline
        self._cookies: dict[str, RequestsCookieJar] = {}

    def fetch(self, job: VideoProcessingJob, watch: Watch) -> Transcript:
        """The transcript of `job.video_id` with its title, channel, length and chapters. Raises `StageError`."""
        if not _ID.fullmatch(job.video_id):
            raise Unavailable(f"“{one_line(job.video_id)[:40]}” is not the id of a YouTube video.", advice=_PASTE)
        proxy = self._proxy()
        check_proxy(proxy)
        return run_errand(lambda go_on: self._fetch(job.video_id, proxy, go_on), watch, self._deadline)

    def _fetch(self, video_id: str, proxy: str, go_on: GoOn) -> Transcript:
        with WatchSession(proxy, go_on) as session:
            session.cookies = self._jar(proxy)
            try:
                return self.ask(video_id, session)
            except StageError as refusal:
                if not _another_client_may_pass(refusal):
                    raise
                try:
                    return ytdlp.transcript(video_id, self._languages, session.video(), proxy, go_on)
                except NoCaptions:  # it leaves out captions it may not have
                    raise refusal from refusal.__cause__

    def _jar(self, proxy: str) -> RequestsCookieJar:
        """The cookies (in Europe: the consent) got through this proxy; no other exit may show them."""
        if proxy not in self._cookies:
            self._cookies = {proxy: RequestsCookieJar()}
        return self._cookies[proxy]

    def ask(self, video_id: str, session: WatchSession) -> Transcript:
        """The transcript as the first of the two ways brings it, without waiting for anybody. Raises `StageError`."""
        with translating(session.circumstances):
            offers = api.YouTubeTranscriptApi(http_client=session).list(video_id)
        listing = session.player.get("captions", {}).get("playerCaptionsTracklistRenderer", {})
        track = tracks.best(offers, self._languages, tracks.spoken_language(listing))
        with translating(session.circumstances):
            track.fetch()
        return tracks.assemble(track, session.captions, session.video(), "youtube-transcript-api")


def _another_client_may_pass(refusal: StageError) -> bool:
    """Whether YouTube refused the kind of client we said to be, rather than the address or the video."""
    cause = refusal.__cause__
    if isinstance(cause, api.VideoUnplayable):
        return isinstance(refusal, Blocked)
    return isinstance(cause, _REFUSED_CLIENT) and not isinstance(cause, api.IpBlocked)

"""The HTTP session of one fetch."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from ytsb_tui.errors import NetworkTrouble
from ytsb_tui.services.errand import GoOn
from ytsb_tui.services.youtube.proxies import trusted_certificates
from ytsb_tui.services.youtube.refusals import UPDATE, Circumstances
from ytsb_tui.services.youtube.tracks import Video

TIMEOUT = (10.0, 20.0)
"""Seconds to connect, and of silence between two pieces of an answer."""

LARGEST = 50_000_000
"""Bytes, unpacked. A watch page has two million."""
_PIECE = 65536
_INITIAL_DATA = re.compile(r"var ytInitialData\s*=\s*")


class WatchSession(requests.Session):
    """Keeps what a caption library throws away, and never waits without limit.

    One per fetch: neither it nor the library is thread-safe.
    """

    def __init__(self, proxy: str, go_on: GoOn) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = trusted_certificates()
        if proxy:
            self.proxies = {"http": proxy, "https": proxy}
        self._go_on = go_on
        self._proxy = proxy
        self._page = ""
        self._status = 0
        self._retry_after: float | None = None
        self.player: dict[str, Any] = {}
        """The newest answer of the player endpoint."""
        self.captions = ""
        """The newest captions, with the markup the library takes `List<String>` for."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send as `requests` does, with time limits, stopping within the body when nobody waits for it."""
        self._go_on()
        if options.get("timeout") is None:
            options["timeout"] = TIMEOUT
        answer = super().send(request, **{**options, "stream": True})
        pieces, size = [], 0
        with contextlib.closing(answer.raw) as raw:
            while piece := raw.read1(_PIECE, decode_content=True):
                pieces.append(piece)
                self._go_on()
                size += len(piece)
                if size > LARGEST:
                    raise NetworkTrouble("YouTube's answer is larger than any page or captions.", advice=UPDATE)
        body = b"".join(pieces)
        answer.raw = io.BytesIO(body)
        self._keep(answer, body)
        return answer

    def _keep(self, answer: requests.Response, body: bytes) -> None:
        self._status, self._retry_after = answer.status_code, retry_after(answer.headers)
        path = answer.url.partition("?")[0]
        if path.endswith("/watch"):
            self._page = body.decode("utf-8", "replace")
        elif path.endswith("/api/timedtext"):
            self.captions = body.decode("utf-8", "replace")
        elif path.endswith("/youtubei/v1/player") and answer.ok:
            try:
                known = json.loads(body)
            except (ValueError, RecursionError):  # the library that asked will say so
                return
            self.player = known if isinstance(known, dict) else {}

    def circumstances(self) -> Circumstances:
        """What the newest answer tells beside its text."""
        return Circumstances(self._proxy, self._status, self._retry_after)

    def video(self) -> Video:
        """The title page of the video that was asked for."""
        given = self.player.get("videoDetails")
        details = given if isinstance(given, dict) else {}
        seconds = str(details.get("lengthSeconds", ""))
        return Video(
            title=str(details.get("title", "")),
            channel=str(details.get("author", "")),
            seconds=float(seconds) if seconds.isdecimal() else 0.0,
            chapters=_chapters(self._page),
        )


def _chapters(page: str) -> list[tuple[float, str]]:
    """Start and title of each chapter its maker gave the video of a watch page."""
    match = _INITIAL_DATA.search(page)
    if not match:
        return []
    try:
        data, _ = json.JSONDecoder().raw_decode(page, match.end())
        bar = data["playerOverlays"]["playerOverlayRenderer"]["decoratedPlayerBarRenderer"]
        markers = bar["decoratedPlayerBarRenderer"]["playerBar"]["multiMarkersPlayerBarRenderer"]["markersMap"]
        made = [marker["value"]["chapters"] for marker in markers if marker["key"] == "DESCRIPTION_CHAPTERS"]
        chapters = [chapter["chapterRenderer"] for group in made for chapter in group]
        return [(one["timeRangeStartMillis"] / 1000, str(one["title"]["simpleText"])) for one in chapters]
    except (ValueError, KeyError, TypeError, RecursionError, ArithmeticError):
        return []  # most videos have none, and none is worth a failure


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds an answer asks to stay away, counted from its own date, so that no clock of ours matters."""
    asked = headers.get("retry-after") or ""
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        until = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("date") or "")
    except (TypeError, ValueError):
        return None
    return max(0.0, until.total_seconds())

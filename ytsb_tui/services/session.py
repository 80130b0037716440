"""The HTTP session of one fetch."""

from __future__ import annotations

import io
import json
import re
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from ytsb_tui.services.errand import GoOn
from ytsb_tui.services.proxies import trusted_certificates

TIMEOUT = (10.0, 20.0)
"""Seconds to connect, and of silence between two pieces of an answer."""

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
        self.page = ""
        """The newest watch page."""
        self.player: dict[str, Any] = {}
        """The newest answer of the player endpoint."""
        self.status = 0
        """The newest HTTP status."""
        self.retry_after: float | None = None
        """Seconds the newest answer asks to stay away."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send as `requests` does, with time limits, stopping within the body when nobody waits for it."""
        self._go_on()
        if options.get("timeout") is None:
            options["timeout"] = TIMEOUT
        answer = super().send(request, **{**options, "stream": True})
        pieces = []
        while piece := answer.raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            self._go_on()
        answer.raw = io.BytesIO(b"".join(pieces))
        self._keep(answer)
        return answer

    def _keep(self, answer: requests.Response) -> None:
        self.status = answer.status_code
        self.retry_after = retry_after(answer)
        path = answer.url.partition("?")[0]
        if path.endswith("/watch"):
            self.page = answer.text
        elif path.endswith("/youtubei/v1/player") and answer.ok:
            try:
                known = answer.json()
            except requests.JSONDecodeError:  # the library that asked will say so
                return
            self.player = known if isinstance(known, dict) else {}

    def chapters(self) -> list[tuple[float, str]]:
        """Start and title of each chapter the video's maker set."""
        match = _INITIAL_DATA.search(self.page)
        if not match:
            return []
        try:
            data, _ = json.JSONDecoder().raw_decode(self.page, match.end())
            bar = data["playerOverlays"]["playerOverlayRenderer"]["decoratedPlayerBarRenderer"]
            markers = bar["decoratedPlayerBarRenderer"]["playerBar"]["multiMarkersPlayerBarRenderer"]["markersMap"]
            made = [marker["value"]["chapters"] for marker in markers if marker["key"] == "DESCRIPTION_CHAPTERS"]
            chapters = [chapter["chapterRenderer"] for group in made for chapter in group]
            return [(one["timeRangeStartMillis"] / 1000, one["title"]["simpleText"]) for one in chapters]
        except (ValueError, KeyError, TypeError):  # most videos have none, and none is worth a failure
            return []


def retry_after(answer: requests.Response) -> float | None:
    """Seconds an answer asks to stay away, counted from its own date, so that no clock of ours matters."""
    asked = answer.headers.get("retry-after", "")
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        until = parsedate_to_datetime(asked) - parsedate_to_datetime(answer.headers["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return max(0.0, until.total_seconds())

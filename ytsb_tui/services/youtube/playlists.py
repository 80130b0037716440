"""Playlists and channels: the videos they hold, as they are found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ytsb_tui.errors import StageError
from ytsb_tui.plaintext import one_line
from ytsb_tui.services.errand import Abandoned, run_errand
from ytsb_tui.services.youtube import ytdlp
from ytsb_tui.services.youtube.proxies import check_proxy
from ytsb_tui.source import Source
from ytsb_tui.watch import Watch

_PATIENCE = 90.0
"""Seconds the next piece of a list may take, tries in all."""
_TRIES = 2
"""How often yt-dlp asks again for a page of a list."""


@dataclass(frozen=True)
class Listed:
    """A video of a list."""

    video_id: str
    title: str
    duration: float | None = None
    """Seconds, where YouTube tells."""


@dataclass(frozen=True)
class Withheld:
    """An entry of a list that cannot be fetched."""

    video_id: str
    title: str
    reason: str


_PLACEHOLDERS = {"[Private video]": "The video is private.", "[Deleted video]": "The video was deleted."}
_AVAILABILITY = {
    "private": "The video is private.",
    "needs_auth": "The video is shown to signed-in viewers only.",
    "subscriber_only": "The video is for members of its channel.",
    "premium_only": "The video must be paid for.",
}
_BROADCAST = {"is_upcoming": "The video is not out yet.", "is_live": "The video is still being broadcast."}


def expand(source: Source, *, limit: int, proxy: str, watch: Watch) -> Iterator[Listed | Withheld]:
    """The first `limit` entries of a playlist or channel, each as soon as it is known.

    What was yielded before a `StageError` is good: the list broke off there.
    """
    check_proxy(proxy)
    over = threading.Event()

    def go_on() -> None:
        if over.is_set():
            raise Abandoned

    try:
        with ytdlp.opened(proxy, go_on, extractor_retries=_TRIES) as client:
            entries = run_errand(lambda _: _entries(client, source), watch, _PATIENCE)
            for number in range(1, limit + 1):
                entry = run_errand(lambda _: next(entries, None), watch, _PATIENCE)
                if entry is None:
                    return
                watch.progress(None, f"{number} found")
                if entry.get("ie_key") == "Youtube":
                    yield _read(entry)
    finally:
        over.set()


class Expansion:
    """A playlist or channel that is followed to its end, or to where it breaks off; it keeps what came of it."""

    def __init__(self, entries: Iterator[Listed | Withheld], limit: int) -> None:
        """`limit` is how many of its `entries` are taken at the most."""
        self._entries = entries
        self._limit = limit
        self.found = 0
        self.withheld = 0
        self.error: StageError | None = None
        """Why it broke off."""

    def videos(self, tell: Callable[[Withheld], object]) -> Iterator[Listed]:
        """Its videos, each as soon as it is known; `tell` hears of what is withheld."""
        try:
            for entry in self._entries:
                if isinstance(entry, Withheld):
                    self.withheld += 1
                    tell(entry)
                else:
                    self.found += 1
                    yield entry
        except StageError as error:
            self.error = error

    @property
    def besides(self) -> str:
        """What to say after how many videos there are: `, 2 withheld`, and where there may be more."""
        withheld = f", {self.withheld} withheld" if self.withheld else ""
        is_full = self.found + self.withheld >= self._limit
        return withheld + (f"; `playlist_limit` takes no more than {self._limit:,}" if is_full else "")

    def trouble(self, again: str) -> str:
        """Why it broke off and what to do; `again` brings the rest, where another time may go better."""
        if self.error is None:
            return ""
        advice = f"{again} to take the rest." if self.error.policy.by_itself else self.error.advice
        return f"{self.error} {advice}".rstrip()


def _entries(client: Any, source: Source) -> Iterator[dict[str, Any]]:
    """What the list holds, read page by page as it is asked for."""
    url = f"{source.url}/videos" if source.kind == "channel" else source.url
    found = client.extract_info(url, download=False, process=False)
    return iter(found.get("entries") or ())


def _read(entry: dict[str, Any]) -> Listed | Withheld:
    video_id, title = str(entry["id"]), one_line(entry.get("title") or "")
    reason = (
        _PLACEHOLDERS.get(title)
        or _AVAILABILITY.get(entry.get("availability") or "")
        or _BROADCAST.get(entry.get("live_status") or "")
    )
    return Withheld(video_id, title, reason) if reason else Listed(video_id, title, entry.get("duration"))

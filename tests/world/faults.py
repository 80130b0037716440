"""What YouTube sees of a request, and what may go wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["status", "captcha", "consent", "bot", "empty", "garbage", "cut", "slow", "silent", "reset"]


@dataclass(frozen=True)
class Request:
    """One request as YouTube saw it."""

    source: str
    host: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def endpoint(self) -> str:
        known = {
            "/watch": "watch",
            "/youtubei/v1/player": "player",
            "/api/timedtext": "timedtext",
            "/playlist": "playlist",
            "/youtubei/v1/browse": "browse",
            "/youtubei/v1/next": "next",
        }
        if re.match(r"/(@|channel/|c/|user/)", self.path):
            return "channel"
        return known.get(self.path, "other")

    @property
    def video_id(self) -> str:
        return self.query.get("v") or str(self.body.get("videoId", ""))

    @property
    def client(self) -> str:
        """The kind of YouTube client it says it is."""
        return str(self.body.get("context", {}).get("client", {}).get("clientName", ""))


@dataclass
class Fault:
    """Something that goes wrong with the requests it matches; None matches any."""

    kind: Kind
    endpoint: str | None = None
    """ "watch", "player", "timedtext", "playlist", "channel", "browse" or "next"."""
    video_id: str | None = None
    source: str | None = None
    """The address the request comes from."""
    times: int | None = None
    """How many requests it hits; None for all."""
    skip: int = 0
    """How many matching requests pass before the first is hit."""
    status: int = 429
    retry_after: str = ""
    seconds: float = 60.0
    """How long "slow" dribbles the body, and "silent" says nothing, unless it is taken back before."""

    def hits(self, request: Request) -> bool:
        """Whether `request` is to suffer; counts it when it matches."""
        wanted = {"endpoint": self.endpoint, "video_id": self.video_id, "source": self.source}
        if any(value is not None and value != getattr(request, name) for name, value in wanted.items()):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0

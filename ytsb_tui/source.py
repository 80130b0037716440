"""A source: a video, playlist, channel or caption file the user names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, quote, unquote, urlsplit

from ytsb_tui import caption_file
from ytsb_tui.errors import UsageError

HOSTS = frozenset(
    f"{name}{domain}"
    for domain, names in {
        "youtube.com": ("", "www.", "m.", "music."),
        "youtube-nocookie.com": ("", "www."),
        "youtu.be": ("", "www."),
    }.items()
    for name in names
)

ID = re.compile(r"[A-Za-z0-9_-]{11}")
WORDS = re.compile(r"(?:[A-Z][a-z]{2,}|[a-z]{3,}|[A-Z]{3,}|\d+|[-_])+|[A-Z]?[a-z]+(?:[-_][a-z]+)+")
HANDLE = re.compile(r"@[\w.·-]{3,30}")
"""A channel's own name for itself."""
ID_IN_NAME = re.compile(r"\[([A-Za-z0-9_-]{11})\](?=(?:\.[\w-]+)*$)")
"""As yt-dlp writes it before the suffixes."""

BEFORE_ID = {"shorts", "live", "embed", "v", "e", "watch"}
NOT_IDS = {"videoseries", "live_stream"}
"""What `/embed/` has in the place of an id, of eleven characters as well."""
PRIVATE_LISTS = {"WL": "Watch later", "LL": "Liked videos"}


@dataclass(frozen=True)
class Source:
    """One thing to take videos from, and where the user named it."""

    kind: Literal["video", "playlist", "channel", "file"]
    id: str
    """Unlike that of any other source: the video's 11 characters, a list's or channel's id, `@handle`, `file-...`."""
    url: str
    """The canonical URL, or the absolute path of a caption file."""
    line: int = 0
    """1-based, in the text it was read from."""
    text: str = ""
    """What the user wrote."""


def is_bare_id(token: str) -> bool:
    """Whether a token by itself is surely a video id.

    Eleven characters that are no word or words: so not `programming`,
    `JavaScripts`, `lecture-001` or `07911123456`. One id in sixty looks like
    those; in a text it has to be given as a link.
    """
    return bool(ID.fullmatch(token)) and not WORDS.fullmatch(token)


def from_file(path: Path, data: bytes) -> Source:
    """The caption file at `path`, known as the video its name tells: `Title [ID].en.vtt`."""
    told = ID_IN_NAME.search(path.name)
    identity = told[1] if told and is_bare_id(told[1]) else caption_file.fingerprint(data)
    return Source("file", identity, str(path))


def from_link(link: str) -> Source:
    """What a YouTube link, with or without `https://`, leads to.

    A video in a playlist is the video. Raises `UsageError` with the reason
    for a link that is not YouTube's, or leads to none of what a source can be.
    """
    try:
        parts = urlsplit(link if re.match(r"https?://", link, re.IGNORECASE) else f"https://{link.lstrip('/')}")
        host = parts.hostname or ""
    except ValueError:
        raise UsageError("This is not a well-formed link.") from None
    if "@" in parts.netloc:
        raise UsageError(f"The link leads to {host}, whatever stands before the @.")
    if host not in HOSTS:
        raise UsageError(f"{host or 'This'} is not YouTube.")
    query = parse_qs(parts.query)
    head, *rest = [unquote(step) for step in parts.path.split("/") if step] or [""]
    step = head.lower()
    if "v" in query and step in {"", "watch", "watch_popup"}:
        return video(query["v"][0])
    if step in BEFORE_ID and rest and rest[0] not in NOT_IDS:
        return video(rest[0])
    if "list" in query and step in {"", "watch", "playlist", "embed"}:
        return _playlist(query["list"][0])
    if step.startswith("@"):
        return _channel(head)
    if step == "channel" and rest and re.fullmatch(r"UC[A-Za-z0-9_-]{22}", rest[0]):
        return Source("channel", rest[0], f"https://www.youtube.com/channel/{rest[0]}")
    if step in {"c", "user"} and rest:
        return _channel(f"{step}/{rest[0]}")
    if host.endswith("youtu.be") and head:
        return video(head)
    raise UsageError("This YouTube link leads to no video, playlist or channel.")


def video(value: str) -> Source:
    """The video with this id; what follows the id, as in `ID?t=30`, is ignored. Raises `UsageError`."""
    run = re.match(r"[A-Za-z0-9_-]*", value)
    assert run is not None
    if not ID.fullmatch(run[0]):
        raise UsageError(f"“{value[:40]}” is no video id: those have 11 letters, digits, - or _.")
    return Source("video", run[0], f"https://www.youtube.com/watch?v={run[0]}")


def _playlist(value: str) -> Source:
    if not re.fullmatch(r"[A-Za-z0-9_-]{2,100}", value):
        raise UsageError(f"“{value[:40]}” is no playlist id.")
    if value in PRIVATE_LISTS:
        raise UsageError(f"“{PRIVATE_LISTS[value]}” is yours alone: make a public or unlisted playlist of it.")
    if value.startswith("RD"):
        raise UsageError("A mix is different for everyone: name its videos, or a playlist.")
    return Source("playlist", value, f"https://www.youtube.com/playlist?list={value}")


def _channel(name: str) -> Source:
    if not re.fullmatch(r"(?:@|c/|user/)[\w.·-]{1,100}", name):
        raise UsageError(f"“{name[:40]}” is no channel.")
    return Source("channel", name, f"https://www.youtube.com/{quote(name, safe='@/')}")

"""Fetching from the loopback YouTube as a worker does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.world import World
from tests.world.catalog import lecture
from tests.world.watching import Watching
from ytsb_tui.errors import StageError
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.youtube.transcripts import YouTubeTranscripts
from ytsb_tui.transcript import Transcript

FIRST = lecture(1)
THREE = ["watch", "player", "timedtext"]
"""What a fetch asks when nothing goes wrong."""


def job(video_id: str = FIRST.id) -> VideoProcessingJob:
    """A job for a video."""
    return VideoProcessingJob(video_id, f"https://www.youtube.com/watch?v={video_id}")


def fetch(
    world: World,
    video_id: str = FIRST.id,
    *,
    languages: Sequence[str] = ("en",),
    proxy: str | None = None,
    watch: Watching | None = None,
    deadline: float = 60.0,
) -> Transcript:
    """The transcript of a video, through the router unless `proxy` says otherwise."""
    way = world.router.socks("me") if proxy is None else proxy
    transcripts = YouTubeTranscripts(languages=languages, proxy=lambda: way, deadline=deadline)
    return transcripts.fetch(job(video_id), watch or Watching())


def refused(world: World, kind: type[StageError], video_id: str = FIRST.id, *, proxy: str | None = None) -> StageError:
    """The error, exactly of `kind`, that the fetch of a video ends in."""
    with pytest.raises(kind) as caught:
        fetch(world, video_id, proxy=proxy)
    assert type(caught.value) is kind
    return caught.value

"""What YouTube answers, built on the recorded answers inside youtube-transcript-api's own wheel."""

from __future__ import annotations

import functools
import html
import importlib.resources
import json
from typing import Any

from tests.world.catalog import Catalog, Playlist, Track, Video
from ytsb_tui.transcript import Cue

Json = dict[str, Any]

RECORDED = {
    "bot": "youtube_request_blocked.innertube.json",
    "age": "youtube_age_restricted.innertube.json",
    "unavailable": "youtube_video_unavailable.innertube.json",
    "unplayable": "youtube_unplayable.innertube.json",
    "disabled": "youtube_transcripts_disabled.innertube.json",
    "disabled2": "youtube_transcripts_disabled2.innertube.json",
    "po_token2": "youtube_po_token_required.innertube.json",
    "recorded": "youtube_ww1_nl_en.innertube.json",
}
"""States of a video whose player answer was recorded."""
REASONS = {
    "private": ("LOGIN_REQUIRED", "This video is private"),
    "members": (
        "UNPLAYABLE",
        "This video is available to this channel's members on level: Members (or any higher level).",
    ),
    "geo": ("UNPLAYABLE", "The uploader has not made this video available in your country"),
    "removed": ("ERROR", "This video has been removed by the uploader"),
    "upcoming": ("LIVE_STREAM_OFFLINE", "Premieres in 3 hours"),
    "rationed": ("UNPLAYABLE", "This content isn't available, try again later."),
    "reload": ("UNPLAYABLE", "The page needs to be reloaded."),
}
"""States of a video for which status and reason are all a client reads."""


@functools.cache
def asset(name: str) -> str:
    """A recorded answer."""
    folder = importlib.resources.files("youtube_transcript_api.test") / "assets"
    return (folder / f"{name}.static").read_text(encoding="utf-8")


def player(video: Video | None, client: str) -> Json:
    """The answer of youtubei/v1/player to `client` ("ANDROID", "ANDROID_VR", ...)."""
    if video is None:
        return dict(json.loads(asset(RECORDED["unavailable"])))
    state = "ok" if client in video.served else video.state
    if state in RECORDED:
        recorded: Json = json.loads(asset(RECORDED[state]))
        recorded.setdefault("videoDetails", {})["videoId"] = video.id
        return recorded
    if state in REASONS:
        status, reason = REASONS[state]
        return {"responseContext": {}, "playabilityStatus": {"status": status, "reason": reason}}
    answer: Json = json.loads(asset("youtube.innertube.json"))
    for bulk in ("storyboards", "playerConfig", "endscreen", "overlay", "frameworkUpdates", "playerSettingsMenuData"):
        answer.pop(bulk, None)
    answer["streamingData"] = {"formats": [], "adaptiveFormats": []}
    answer["videoDetails"] |= {
        "videoId": video.id,
        "title": video.title,
        "author": video.channel,
        "lengthSeconds": str(video.seconds),
        "shortDescription": "",
    }
    if not video.tracks:
        del answer["captions"]
        return answer
    listing = answer["captions"]["playerCaptionsTracklistRenderer"]
    listing["captionTracks"] = [_track(video, track, wants_token=state == "po_token") for track in video.tracks]
    listing["audioTracks"] = [
        {"captionTrackIndices": list(range(len(video.tracks))), "defaultCaptionTrackIndex": video.default_track}
    ]
    return answer


def _track(video: Video, track: Track, *, wants_token: bool) -> Json:
    query = f"v={video.id}&ei=x&caps=asr&hl=en&signature=x&key=yt8&lang={track.language}&fmt=srv3"
    query += ("&kind=asr" if track.automatic else "") + ("&exp=xpe" if wants_token else "")
    return {
        "baseUrl": f"https://www.youtube.com/api/timedtext?{query}",
        "name": {"runs": [{"text": track.language + (" (auto-generated)" if track.automatic else "")}]},
        "vssId": ("a." if track.automatic else ".") + track.language,
        "languageCode": track.language,
        "isTranslatable": True,
        **({"kind": "asr"} if track.automatic else {}),
    }


def timedtext(cues: tuple[Cue, ...], form: str) -> tuple[str, str]:
    """Content type and body of a caption track: HTML within XML, or plain text in json3."""
    if form == "json3":
        events = [
            {
                "tStartMs": int(cue.start * 1000),
                "dDurationMs": _millis(cue),
                "segs": [{"utf8": html.unescape(cue.text)}],
            }
            for cue in cues
        ]
        return "application/json; charset=UTF-8", json.dumps({"wireMagic": "pb3", "events": events})
    lines = (
        f'<text start="{cue.start:g}" dur="{cue.end - cue.start:g}">{html.escape(cue.text, quote=False)}</text>'
        for cue in cues
    )
    body = f'<?xml version="1.0" encoding="utf-8" ?><transcript>{"".join(lines)}</transcript>'
    return "text/xml; charset=UTF-8", body


def _millis(cue: Cue) -> int:
    return round((cue.end - cue.start) * 1000)


def watch(video: Video | None) -> str:
    """The watch page: the API key, and the chapters of the player bar."""
    owner = {"videoOwnerRenderer": {"title": {"runs": [{"text": video.channel if video else ""}]}}}
    below = {"results": {"results": {"contents": [{"videoSecondaryInfoRenderer": {"owner": owner}}]}}}
    data: Json = {"contents": {"twoColumnWatchNextResults": below}}
    if video and video.chapters:
        chapters = [
            {
                "chapterRenderer": {
                    "title": {"simpleText": chapter.title},
                    "timeRangeStartMillis": int(chapter.start * 1000),
                }
            }
            for chapter in video.chapters
        ]
        markers = [{"key": "DESCRIPTION_CHAPTERS", "value": {"chapters": chapters}}]
        bar = {"playerBar": {"multiMarkersPlayerBarRenderer": {"markersMap": markers}}}
        overlay = {"decoratedPlayerBarRenderer": {"decoratedPlayerBarRenderer": bar}}
        data["playerOverlays"] = {"playerOverlayRenderer": overlay}
    return page(video.title if video else "YouTube", data)


def page(title: str, data: Json) -> str:
    """An HTML page that carries YouTube's configuration and `data`."""
    version = "2.20261101.00.00"
    configuration = {
        "INNERTUBE_API_KEY": "AIzaSyLoopbackLoopbackLoopbackLoopback00",
        "INNERTUBE_CLIENT_NAME": "WEB",
        "INNERTUBE_CLIENT_VERSION": version,
        "INNERTUBE_CONTEXT_CLIENT_NAME": 1,
        "INNERTUBE_CONTEXT": {"client": {"hl": "en", "gl": "US", "clientName": "WEB", "clientVersion": version}},
        "VISITOR_DATA": "CgtMb29wYmFjaw%3D%3D",
    }
    return (
        f"<!DOCTYPE html><html><head><title>{html.escape(title)} - YouTube</title>"
        f"<script>ytcfg.set({json.dumps(configuration)});</script></head>"
        f"<body><script>var ytInitialData = {json.dumps(data)};</script></body></html>"
    )


def playlist(catalog: Catalog, shown: Playlist) -> Json:
    """The data of a playlist's page, up to its first continuation."""
    listed = {"playlistVideoListRenderer": {"playlistId": shown.id, "contents": items(catalog, shown, "playlist", 0)}}
    sections = {"sectionListRenderer": {"contents": [{"itemSectionRenderer": {"contents": [listed]}}]}}
    return {
        "contents": _tabs({"selected": True, "content": sections}),
        "metadata": {"playlistMetadataRenderer": {"title": shown.title}},
        "header": {"playlistHeaderRenderer": {"playlistId": shown.id, "title": {"simpleText": shown.title}}},
    }


def no_playlist(name: str) -> Json:
    """The data of the page of a playlist that is private or does not exist."""
    reason = "This playlist is private." if "private" in name else "The playlist does not exist."
    alert = {"type": "ERROR", "text": {"simpleText": reason}}
    return {"contents": {"twoColumnBrowseResultsRenderer": {"tabs": []}}, "alerts": [{"alertRenderer": alert}]}


def channel(catalog: Catalog, shown: Playlist) -> Json:
    """The data of a channel's videos tab, up to its first continuation."""
    owner = "UC" + "x" * 22
    tab = {
        "title": "Videos",
        "selected": True,
        "endpoint": {"commandMetadata": {"webCommandMetadata": {"url": f"/{shown.id}/videos"}}},
        "content": {"richGridRenderer": {"contents": items(catalog, shown, "channel", 0)}},
    }
    about = {"title": shown.title, "externalId": owner, "vanityChannelUrl": f"http://www.youtube.com/{shown.id}"}
    return {"contents": _tabs(tab), "metadata": {"channelMetadataRenderer": about}}


def _tabs(tab: Json) -> Json:
    return {"twoColumnBrowseResultsRenderer": {"tabs": [{"tabRenderer": tab}]}}


def items(catalog: Catalog, shown: Playlist, kind: str, offset: int) -> list[Json]:
    """One answer's worth of entries from `offset` on, with the token of the next."""
    ids = shown.video_ids[offset : offset + shown.page]
    draw = _playlist_item if kind == "playlist" else _grid_item
    listed = [draw(video_id, catalog.videos.get(video_id)) for video_id in ids]
    if offset + shown.page < len(shown.video_ids):
        command = {"token": f"{kind}:{shown.id}:{offset + shown.page}", "request": "CONTINUATION_REQUEST_TYPE_BROWSE"}
        listed.append({"continuationItemRenderer": {"continuationEndpoint": {"continuationCommand": command}}})
    return listed


def continuation(catalog: Catalog, token: str) -> Json | None:
    """The entries behind a token that `items` gave out."""
    kind, _, rest = token.partition(":")
    name, _, offset = rest.rpartition(":")
    shown = (catalog.playlists if kind == "playlist" else catalog.channels).get(name)
    if shown is None:
        return None
    more = {"continuationItems": items(catalog, shown, kind, int(offset))}
    return {"responseContext": {}, "onResponseReceivedActions": [{"appendContinuationItemsAction": more}]}


def _playlist_item(video_id: str, video: Video | None) -> Json:
    if video is None or video.state in ("private", "removed"):
        title = "[Deleted video]" if video is None or video.state == "removed" else "[Private video]"
        return {"playlistVideoRenderer": {"videoId": video_id, "title": {"runs": [{"text": title}]}}}
    item: Json = {
        "videoId": video.id,
        "title": {"runs": [{"text": video.title}]},
        "lengthText": {"simpleText": _clock(video.seconds)},
        "lengthSeconds": str(video.seconds),
        "shortBylineText": {"runs": [{"text": video.channel}]},
    }
    if video.state == "members":
        item["badges"] = [
            {"metadataBadgeRenderer": {"style": "BADGE_STYLE_TYPE_MEMBERS_ONLY", "label": "Members only"}}
        ]
    if video.state == "upcoming":
        item["upcomingEventData"] = {"startTime": "1999999999"}
    return {"playlistVideoRenderer": item}


def _grid_item(video_id: str, video: Video | None) -> Json:
    badge = {"thumbnailBadgeViewModel": {"text": _clock(video.seconds if video else 0)}}
    overlays = [{"thumbnailBottomOverlayViewModel": {"badges": [badge]}}]
    lockup = {
        "contentId": video_id,
        "contentType": "LOCKUP_CONTENT_TYPE_VIDEO",
        "contentImage": {"thumbnailViewModel": {"image": {"sources": []}, "overlays": overlays}},
        "metadata": {"lockupMetadataViewModel": {"title": {"content": video.title if video else ""}}},
    }
    return {"richItemRenderer": {"content": {"lockupViewModel": lockup}}}


def _clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"

"""Every way to be refused has a class that decides what happens, a cause in words, and an advice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
import urllib3
import youtube_transcript_api
from hypothesis import given
from hypothesis import strategies as st

from tests.world import World
from tests.world.fetching import FIRST, fetch, job, refused
from tests.world.watching import Watching
from ytsb_tui.errors import Blocked, Busy, NetworkTrouble, NoCaptions, StageError, Unavailable
from ytsb_tui.services.youtube import refusals, ytdlp
from ytsb_tui.services.youtube.refusals import Circumstances
from ytsb_tui.services.youtube.session import retry_after
from ytsb_tui.services.youtube.transcripts import YouTubeTranscripts

STATES = {
    "age": (Unavailable, "The video is age-restricted."),
    "unavailable": (Unavailable, "The video was deleted, or never existed."),
    "unplayable": (Unavailable, "YouTube does not show it: Custom Reason. Sub Reason 1. Sub Reason 2."),
    "disabled": (NoCaptions, "The video has no captions."),
    "disabled2": (NoCaptions, "The video has no captions."),
    "bot": (Blocked, "YouTube wants proof that this address is not a bot."),
    "private": (Unavailable, "The video is private."),
    "members": (Unavailable, "The video is for members of its channel."),
    "geo": (Unavailable, "The video is not shown in this country."),
    "removed": (Unavailable, "YouTube does not show it: This video has been removed by the uploader."),
    "upcoming": (Unavailable, "The video is not out yet."),
    "rationed": (Blocked, "YouTube shows this address no more videos for up to an hour."),
    "reload": (Blocked, "YouTube turned this client away."),
    "po_token": (Unavailable, "YouTube wants a proof-of-origin token for these captions."),
}
FAULTS: list[tuple[str, dict[str, object], type[StageError], str]] = [
    ("watch", {"kind": "status"}, Blocked, "YouTube blocked this address (429)."),
    ("player", {"kind": "status"}, Blocked, "YouTube blocked this address (429)."),
    ("timedtext", {"kind": "status"}, Blocked, "YouTube blocked this address (429)."),
    ("player", {"kind": "status", "status": 403}, Blocked, "YouTube refused this address (403)."),
    ("watch", {"kind": "status", "status": 503}, Busy, "YouTube is overloaded (503)."),
    ("timedtext", {"kind": "status", "status": 404}, Unavailable, "YouTube has no such page (404)."),
    ("player", {"kind": "status", "status": 400}, NetworkTrouble, "YouTube answered with an error (400)."),
    ("watch", {"kind": "captcha"}, Blocked, "YouTube blocked this address (captcha)."),
    ("player", {"kind": "bot"}, Blocked, "YouTube wants proof that this address is not a bot."),
    ("player", {"kind": "garbage"}, NetworkTrouble, "YouTube's answer could not be understood."),
    ("player", {"kind": "cut"}, NetworkTrouble, "The answer from YouTube broke off."),
    ("timedtext", {"kind": "cut"}, NetworkTrouble, "The answer from YouTube broke off."),
    ("watch", {"kind": "reset"}, NetworkTrouble, "The connection to YouTube broke off."),
    ("timedtext", {"kind": "reset"}, NetworkTrouble, "The connection to YouTube broke off."),
    ("timedtext", {"kind": "empty"}, NetworkTrouble, "YouTube sent no captions, though it lists some."),
    ("timedtext", {"kind": "garbage"}, NetworkTrouble, "YouTube sent no captions, though it lists some."),
]


@pytest.mark.parametrize("state", STATES)
def test_what_youtube_says_of_a_video(loopback: World, state: str) -> None:
    loopback.youtube.catalog.add(replace(FIRST, state=state))
    kind, message = STATES[state]
    error = refused(loopback, kind)
    assert str(error) == message
    assert error.advice


@pytest.mark.parametrize(
    ("endpoint", "fault", "kind", "message"),
    FAULTS,
    ids=[f"{row[0]}-{'-'.join(map(str, row[1].values()))}" for row in FAULTS],
)
def test_what_goes_wrong_on_the_way(
    youtube: World, endpoint: str, fault: dict[str, object], kind: type[StageError], message: str
) -> None:
    youtube.youtube.goes_wrong(endpoint=endpoint, **fault)  # type: ignore[arg-type]  # the fields of a Fault
    assert str(refused(youtube, kind)) == message


def test_a_video_that_does_not_exist(loopback: World) -> None:
    assert str(refused(loopback, Unavailable)) == "The video was deleted, or never existed."


@pytest.mark.parametrize("bad", ["", "short", "elevenchars!", "../../etc/pw", "ééééééééééé"])
def test_what_is_no_id_is_asked_of_nobody(loopback: World, bad: str) -> None:
    assert refused(loopback, Unavailable, bad).advice == "Paste the link of the video."
    assert loopback.youtube.journal == []


def test_how_long_to_stay_away_is_handed_on(youtube: World) -> None:
    youtube.youtube.goes_wrong("status", "timedtext", retry_after="90")
    assert refused(youtube, Blocked).retry_after == 90.0


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Mon, 02 Nov 2026 10:02:00 GMT", 120.0),
        ("Mon, 02 Nov 2026 09:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("²", None),
        ("-5", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(asked: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": asked, "date": "Mon, 02 Nov 2026 10:00:00 GMT"}) == seconds


def test_a_blocked_address_recovers_under_another_user(youtube: World) -> None:
    youtube.youtube.blocked.add(youtube.router.source_of("ann"))
    refused(youtube, Blocked, proxy=youtube.router.socks("ann"))
    assert fetch(youtube, proxy=youtube.router.socks("bob")).title == FIRST.title


def test_the_way_out_may_change_between_two_fetches(youtube: World) -> None:
    users = iter(["ann", "bob"])
    transcripts = YouTubeTranscripts(languages=["en"], proxy=lambda: youtube.router.socks(next(users)), deadline=60.0)
    transcripts.fetch(job(), Watching())
    transcripts.fetch(job(), Watching())
    assert [passage.source for passage in youtube.router.passages] == [
        youtube.router.source_of(user) for user in ("ann", "bob")
    ]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Sign in to confirm you're not a bot. This helps protect our community.", Blocked),
        ("All player responses are invalid. Your IP is likely being blocked by Youtube", Blocked),
        ("Video unavailable. This content isn’t available, try again later.", Blocked),
        ("Sign in to confirm your age. This video may be inappropriate for some users.", Unavailable),
        ("Private video. Sign in if you've been granted access to this video", Unavailable),
        ("Join this channel to get access to members-only content like this video.", Unavailable),
        ("This live event will begin in 3 days.", Unavailable),
        ("", Unavailable),
    ],
)
def test_what_youtube_says_in_other_words(reason: str, kind: type[StageError]) -> None:
    assert type(refusals.by_reason(reason)) is kind


@given(st.text(max_size=400))
def test_whatever_reason_youtube_gives_becomes_one_clean_line(reason: str) -> None:
    message = str(refusals.by_reason(f"{reason} https://www.youtube.com/secret?token=1"))
    assert message.isprintable() or not message.isascii()
    assert "\n" not in message
    assert "https:" not in message
    assert len(message) < 250


def below(*roots: type[BaseException]) -> Iterator[type[BaseException]]:
    """Every subclass of `roots` there is by now."""
    for root in roots:
        for kind in root.__subclasses__():
            yield kind
            yield from below(kind)


def made(kind: type[BaseException]) -> BaseException:
    """An exception of `kind`, whatever its constructor wants."""
    error = kind.__new__(kind)
    error.args = ("https://me:secret@proxy/\x1b[0m<html>",)
    lacking: dict[str, object] = {"reason": None, "sub_reasons": [], "orig_msg": "No", "expected": True, "status": 418}
    for name, value in lacking.items():
        if not hasattr(error, name):
            setattr(error, name, value)
    return error


@pytest.mark.parametrize(
    "kind",
    sorted(
        {*below(youtube_transcript_api.YouTubeTranscriptApiException), *below(requests.RequestException)}
        - {youtube_transcript_api.CouldNotRetrieveTranscript}
        | {*below(urllib3.exceptions.HTTPError)},
        key=str,
    ),
)
def test_every_class_of_the_libraries_has_a_meaning_of_its_own(kind: type[BaseException]) -> None:
    error = refusals.translate(made(kind), Circumstances(proxy="http://me:secret@proxy:1", status=418))
    assert isinstance(error, StageError)
    assert not {"secret", "html", "\x1b"} & set(str(error).replace("<", " ").split())
    assert str(error).endswith(".")
    assert error.advice


def test_every_class_of_yt_dlp_has_a_meaning() -> None:
    import yt_dlp

    for kind in below(yt_dlp.utils.YoutubeDLError):
        error = made(kind)
        if issubclass(kind, yt_dlp.networking.exceptions.HTTPError):
            continue  # carries an answer; the faults above go through it
        assert isinstance(error, Exception)
        meaning = ytdlp.meaning(error, "http://me:secret@proxy:1")
        assert isinstance(meaning, StageError)
        assert "secret" not in str(meaning)


@pytest.mark.parametrize("kind", [OSError, RuntimeError, AssertionError, MemoryError])
def test_what_is_no_vendors_error_stays_what_it_is(kind: type[Exception]) -> None:
    assert refusals.translate(kind(), Circumstances()) is None

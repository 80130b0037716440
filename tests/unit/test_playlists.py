"""Playlists and channels, paged through by the real yt-dlp."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.world import World
from tests.world.catalog import Playlist, Video
from tests.world.watching import Watching
from ytsb_tui.errors import BadSetup, Blocked, Cancelled, NetworkTrouble, StageError, Unavailable, Unreachable
from ytsb_tui.services.youtube.playlists import Listed, Withheld, expand
from ytsb_tui.source import Source, from_link

COURSE = from_link("https://www.youtube.com/playlist?list=PLcourse")
IDS = tuple(f"lect{number:07}" for number in range(250))


@pytest.fixture
def course(loopback: World) -> World:
    """A playlist of 250 lectures, and a channel with 70 of them."""
    loopback.youtube.catalog.add(
        *(Video(IDS[number], f"Lecture {number}", seconds=60 + number) for number in range(250))
    )
    loopback.youtube.catalog.add_playlist(Playlist("PLcourse", "A long course", IDS))
    for name in ("@loopback", "c/loopback", "UC" + "x" * 22):
        loopback.youtube.catalog.channels[name] = Playlist(name, "Loopback", IDS[:70], page=30)
    return loopback


def listed(world: World, source: Source = COURSE, limit: int = 500) -> list[Listed | Withheld]:
    return list(expand(source, limit=limit, proxy=world.router.socks("me"), watch=Watching()))


def broken(world: World, source: Source = COURSE) -> tuple[list[Listed | Withheld], StageError]:
    """What was found before the list broke off, and why it did."""
    found: list[Listed | Withheld] = []
    entries = expand(source, limit=500, proxy=world.router.socks("me"), watch=Watching())
    with pytest.raises(StageError) as caught:
        found.extend(entries)
    return found, caught.value


def test_a_long_playlist_is_read_to_its_end_in_order(course: World) -> None:
    found = listed(course)
    assert [entry.video_id for entry in found] == list(IDS)
    assert found[1] == Listed(IDS[1], "Lecture 1", 61)
    assert course.youtube.asked() == ["playlist", "browse", "browse", "browse"]


@pytest.mark.parametrize("link", ["@loopback", "c/loopback", "channel/UC" + "x" * 22, "@loopback/videos"])
def test_a_channel_gives_its_videos(course: World, link: str) -> None:
    found = listed(course, from_link(f"https://www.youtube.com/{link}"))
    assert [entry.video_id for entry in found] == list(IDS[:70])
    assert isinstance(found[-1], Listed)
    assert found[-1].duration == 60 + 69


def test_no_more_is_asked_for_than_the_limit_needs(course: World) -> None:
    assert len(listed(course, limit=120)) == 120
    assert course.youtube.asked() == ["playlist", "browse", "browse"]


def test_entries_come_before_the_next_page_is_asked_for(course: World) -> None:
    entries = expand(COURSE, limit=500, proxy=course.router.socks("me"), watch=Watching())
    assert len(list(islice(entries, 50))) == 50
    assert len(course.youtube.journal) == 2
    entries.close()  # type: ignore[attr-defined]  # it is a generator


def test_progress_is_told(course: World) -> None:
    watch = Watching()
    list(expand(COURSE, limit=3, proxy=course.router.socks("me"), watch=watch))
    assert watch.told == ["1 found", "2 found", "3 found"]


def test_entries_that_cannot_be_fetched_are_told_apart(loopback: World) -> None:
    for state in ("private", "removed", "members", "upcoming", "ok"):
        loopback.youtube.catalog.add(Video(f"v-{state}".ljust(11, "_"), f"A {state} one\u202e", state=state))
    ids = (*loopback.youtube.catalog.videos, "gone_______")
    loopback.youtube.catalog.add_playlist(Playlist("PLcourse", "Gaps", ids))
    assert listed(loopback) == [
        Withheld("v-private__", "[Private video]", "The video is private."),
        Withheld("v-removed__", "[Deleted video]", "The video was deleted."),
        Withheld("v-members__", "A members one", "The video is for members of its channel."),
        Withheld("v-upcoming_", "A upcoming one", "The video is not out yet."),
        Listed("v-ok_______", "A ok one", 600),
        Withheld("gone_______", "[Deleted video]", "The video was deleted."),
    ]


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ({"kind": "status"}, Blocked, "YouTube blocked this address (429)."),
        ({"kind": "reset"}, NetworkTrouble, "The connection to YouTube broke off."),
        ({"kind": "cut"}, NetworkTrouble, "The answer from YouTube broke off."),
    ],
)
def test_what_was_found_before_a_list_breaks_off_is_kept(
    course: World, fault: dict[str, str], kind: type[StageError], message: str
) -> None:
    course.youtube.goes_wrong(endpoint="browse", skip=1, **fault)  # type: ignore[arg-type]  # the fields of a Fault
    found, error = broken(course)
    assert [entry.video_id for entry in found] == list(IDS[:100])
    assert type(error) is kind
    assert str(error) == message


def test_a_page_that_fails_once_is_asked_for_again(course: World) -> None:
    course.youtube.goes_wrong("status", "browse", status=503, skip=1, times=1)
    assert len(listed(course)) == 250


def test_how_long_to_stay_away_is_handed_on(course: World) -> None:
    course.youtube.goes_wrong("status", retry_after="45")
    _, error = broken(course)
    assert isinstance(error, Blocked)
    assert error.retry_after == 45.0


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("playlist?list=PLnone", "YouTube does not show it: The playlist does not exist."),
        ("@nobody", "YouTube has no such page (404)."),
        ("playlist?list=PLprivate", "YouTube does not show it: This playlist is private."),
    ],
)
def test_a_list_that_does_not_exist_is_refused_with_youtubes_reason(course: World, link: str, message: str) -> None:
    found, error = broken(course, from_link(f"https://www.youtube.com/{link}"))
    assert found == []
    assert isinstance(error, Unavailable)
    assert str(error) == message


@pytest.mark.parametrize("protocol", ["socks", "http"])
def test_a_proxy_nobody_runs_is_what_is_told(course: World, protocol: str) -> None:
    proxy = getattr(course.router, protocol)("me").replace(str(course.router.port), "9")
    with pytest.raises(BadSetup, match=r"^The proxy 127.0.0.1:9 cannot be reached.$"):
        list(expand(COURSE, limit=5, proxy=proxy, watch=Watching()))


@pytest.mark.parametrize("protocol", ["socks", "http"])
def test_a_proxy_that_does_not_reach_youtube_is_what_is_told(course: World, protocol: str) -> None:
    course.router.dead = True
    with pytest.raises(Unreachable, match=r"does not let us through to YouTube\.$"):
        list(expand(COURSE, limit=5, proxy=getattr(course.router, protocol)("me"), watch=Watching()))


def test_a_bad_proxy_is_refused_before_the_first_request(course: World) -> None:
    with pytest.raises(BadSetup):
        list(expand(COURSE, limit=5, proxy="socks5://me:secret@h:1", watch=Watching()))


@pytest.mark.parametrize("endpoint", ["playlist", "browse"])
def test_a_cancelled_expansion_ends_at_once(course: World, endpoint: str) -> None:
    course.youtube.goes_wrong("silent", endpoint)
    watch = Watching(enough=lambda: endpoint in course.youtube.asked())
    with pytest.raises(Cancelled):
        list(expand(COURSE, limit=500, proxy=course.router.socks("me"), watch=watch))


def test_an_answer_in_another_shape_is_not_understood(course: World) -> None:
    course.youtube.goes_wrong("garbage", "browse", skip=1)
    found, error = broken(course)
    assert len(found) == 100
    assert isinstance(error, NetworkTrouble)


def test_nothing_is_printed(course: World, capfd: pytest.CaptureFixture[str]) -> None:
    listed(course, limit=3)
    course.youtube.goes_wrong("status", status=500)
    broken(course)
    assert capfd.readouterr() == ("", "")

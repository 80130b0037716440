"""Transcripts from YouTube, by the real libraries over real TLS from the loopback one."""

from __future__ import annotations

import html
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import urllib3
import youtube_transcript_api
from hypothesis import given
from hypothesis import strategies as st

from tests.world import World
from tests.world.catalog import Track, Video, lecture
from tests.world.watching import Watching
from ytsb_tui import errors
from ytsb_tui.errors import (
    BadSetup,
    Blocked,
    Busy,
    Cancelled,
    NetworkTrouble,
    NoCaptions,
    StageError,
    Unavailable,
)
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services import refusals, tracks, ytdlp
from ytsb_tui.services.captions import CaptionFiles
from ytsb_tui.services.proxies import check_proxy
from ytsb_tui.services.refusals import Circumstances
from ytsb_tui.services.session import retry_after
from ytsb_tui.services.youtube import YouTubeTranscripts
from ytsb_tui.transcript import Cue, Transcript

ROOT = Path(__file__).resolve().parents[2]
CAPTIONS = ROOT / "../shared/captions"
FIRST = lecture(1)
THREE = ["watch", "player", "timedtext"]
HELLO = (Cue(0.0, 2.0, "Hello and welcome."), Cue(2.0, 4.0, "Let us begin."))


def job(video_id: str = FIRST.id) -> VideoProcessingJob:
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
    way = world.router.socks("me") if proxy is None else proxy
    transcripts = YouTubeTranscripts(languages=languages, proxy=lambda: way, deadline=deadline)
    return transcripts.fetch(job(video_id), watch or Watching())


def refused(world: World, kind: type[StageError], video_id: str = FIRST.id, **how: str) -> StageError:
    with pytest.raises(kind) as caught:
        fetch(world, video_id, **how)  # type: ignore[arg-type]  # only `proxy`, a str
    assert type(caught.value) is kind
    return caught.value


@pytest.fixture
def youtube(loopback: World) -> World:
    """A world with one lecture."""
    loopback.youtube.catalog.add(FIRST)
    return loopback


class TestWhatComesBack:
    """Everything the notes need, in three requests."""

    @pytest.mark.parametrize("protocol", ["socks", "http"])
    def test_three_requests_tell_words_title_channel_length_and_chapters(self, youtube: World, protocol: str) -> None:
        transcript = fetch(youtube, proxy=getattr(youtube.router, protocol)("me"))
        assert transcript.cues == FIRST.tracks[0].cues
        assert (transcript.title, transcript.channel, transcript.duration) == (FIRST.title, FIRST.channel, 300.0)
        assert transcript.chapters == FIRST.chapters
        assert (transcript.language, transcript.captions, transcript.method) == (
            "en",
            "human",
            "youtube-transcript-api",
        )
        assert youtube.youtube.asked() == THREE

    def test_one_connection_serves_a_fetch_and_the_proxy_looks_up_the_name(self, youtube: World) -> None:
        fetch(youtube)
        (passage,) = youtube.router.passages
        assert (passage.host, passage.port) == ("www.youtube.com", 443)

    def test_what_a_lecturer_shows_is_no_markup(self, youtube: World) -> None:
        shown = Cue(0.0, 3.0, "A List&lt;String&gt; &amp; <i>not</i> a\nSet&lt;T&gt;")
        youtube.youtube.catalog.add(replace(FIRST, tracks=(Track("en", (shown,)),)))
        assert fetch(youtube).text == "A List<String> & not a Set<T>"

    def test_automatic_captions_end_where_the_next_begin(self, youtube: World) -> None:
        youtube.youtube.catalog.add(replace(FIRST, tracks=FIRST.tracks[1:]))
        transcript = fetch(youtube)
        assert transcript.captions == "automatic"
        assert all(cue.end <= following.start for cue, following in zip(transcript.cues, transcript.cues[1:]))  # noqa: B905

    def test_titles_are_one_line_of_visible_characters(self, youtube: World) -> None:
        youtube.youtube.catalog.add(replace(FIRST, title="  Entropy\u202e\x1b[31m\nand\u0000 more ", channel="a\tb"))
        transcript = fetch(youtube)
        assert (transcript.title, transcript.channel) == ("Entropy and more", "a b")

    def test_captions_in_which_nothing_is_said_are_none(self, youtube: World) -> None:
        youtube.youtube.catalog.add(replace(FIRST, tracks=(Track("en", (Cue(0.0, 9.0, "[Music]"),)),)))
        refused(youtube, NoCaptions)

    @pytest.mark.parametrize("name", [
        "google-io2009-keynote-day2.ru.srt", "elephantsdream.ar.vtt", "google-friend-connect.hi.srt",
    ])  # fmt: skip
    def test_real_captions_of_other_scripts_arrive_whole(self, youtube: World, name: str) -> None:
        if not (CAPTIONS / name).exists():
            pytest.skip(f"{name} is not here")
        said = CaptionFiles().fetch(VideoProcessingJob("file-0", str(CAPTIONS / name)), Watching()).cues
        sent = tuple(replace(cue, text=html.escape(cue.text, quote=False)) for cue in said)
        youtube.youtube.catalog.add(replace(FIRST, tracks=(Track("xx", sent),)))
        assert [cue.text for cue in fetch(youtube).cues] == [cue.text for cue in said]

    def test_ten_workers_at_once_each_get_their_own_video(self, loopback: World) -> None:
        lectures = [lecture(number) for number in range(0, 30, 3)]
        loopback.youtube.catalog.add(*lectures)
        titles: dict[str, str] = {}

        def work(video: Video) -> None:
            titles[video.id] = fetch(loopback, video.id, proxy=loopback.router.socks(video.id)).title

        threads = [threading.Thread(target=work, args=(video,)) for video in lectures]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert titles == {video.id: video.title for video in lectures}
        assert len({request.source for request in loopback.youtube.journal}) == 10


class TestLanguage:
    """Preferred, then the video's own, then any; never YouTube's translation."""

    @pytest.mark.parametrize(
        ("offered", "preferred", "taken"),
        [
            (["de", "en"], ["en"], "en"),
            (["de", "en"], ["fr", "de"], "de"),
            (["en auto", "en"], ["en"], "en"),
            (["en auto", "en-GB"], ["en"], "en-GB"),
            (["pt", "pt-BR"], ["pt-BR"], "pt-BR"),
            (["pt", "pt-BR"], ["pt"], "pt"),
            (["fr", "de auto", "de"], ["ja"], "de"),
            (["fr", "de auto"], ["ja"], "de auto"),
            (["fr", "es"], [], "fr"),
            (["EN"], ["en"], "EN"),
        ],
    )
    def test_the_best_track_is_taken(
        self, loopback: World, offered: list[str], preferred: list[str], taken: str
    ) -> None:
        made = [Track(name.split()[0], (Cue(0.0, 1.0, name),), automatic="auto" in name) for name in offered]
        loopback.youtube.catalog.add(replace(FIRST, tracks=tuple(made)))
        assert fetch(loopback, languages=preferred).text == taken
        assert "tlang" not in loopback.youtube.journal[-1].query

    def test_without_automatic_captions_the_default_track_tells_the_videos_language(self, loopback: World) -> None:
        made = tuple(Track(code, (Cue(0.0, 1.0, code),)) for code in ("ar", "cs", "ja"))
        loopback.youtube.catalog.add(replace(FIRST, tracks=made, default_track=2))
        assert fetch(loopback, languages=["en"]).language == "ja"

    @given(st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(
        st.sampled_from(["captionTracks", "audioTracks", "captionTrackIndices", "defaultCaptionTrackIndex"]), inner
        | st.lists(inner))))  # fmt: skip
    def test_a_strange_listing_tells_no_language(self, listing: object) -> None:
        if isinstance(listing, dict):
            assert isinstance(tracks.spoken_language(listing), str)


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


class TestRefusals:
    """Every way to be refused has a class that decides what happens, a cause in words, and an advice."""

    @pytest.mark.parametrize("state", STATES)
    def test_what_youtube_says_of_a_video(self, loopback: World, state: str) -> None:
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
        self, youtube: World, endpoint: str, fault: dict[str, object], kind: type[StageError], message: str
    ) -> None:
        youtube.youtube.goes_wrong(endpoint=endpoint, **fault)  # type: ignore[arg-type]  # the fields of a Fault
        assert str(refused(youtube, kind)) == message

    def test_a_video_that_does_not_exist(self, loopback: World) -> None:
        assert str(refused(loopback, Unavailable)) == "The video was deleted, or never existed."

    @pytest.mark.parametrize("bad", ["", "short", "elevenchars!", "../../etc/pw", "ééééééééééé"])
    def test_what_is_no_id_is_asked_of_nobody(self, loopback: World, bad: str) -> None:
        assert refused(loopback, Unavailable, bad).advice == "Paste the link of the video."
        assert loopback.youtube.journal == []

    def test_how_long_to_stay_away_is_handed_on(self, youtube: World) -> None:
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
    def test_retry_after_in_seconds_or_as_a_date(self, asked: str, seconds: float | None) -> None:
        assert retry_after({"retry-after": asked, "date": "Mon, 02 Nov 2026 10:00:00 GMT"}) == seconds

    def test_a_blocked_address_recovers_under_another_user(self, youtube: World) -> None:
        youtube.youtube.blocked.add(youtube.router.source_of("ann"))
        refused(youtube, Blocked, proxy=youtube.router.socks("ann"))
        assert fetch(youtube, proxy=youtube.router.socks("bob")).title == FIRST.title

    def test_the_way_out_may_change_between_two_fetches(self, youtube: World) -> None:
        users = iter(["ann", "bob"])
        transcripts = YouTubeTranscripts(
            languages=["en"], proxy=lambda: youtube.router.socks(next(users)), deadline=60.0
        )
        transcripts.fetch(job(), Watching())
        transcripts.fetch(job(), Watching())
        assert [passage.source for passage in youtube.router.passages] == [
            youtube.router.source_of(user) for user in ("ann", "bob")
        ]

    @given(st.text(max_size=400))
    def test_whatever_reason_youtube_gives_becomes_one_clean_line(self, reason: str) -> None:
        message = str(refusals.by_reason(f"{reason} https://www.youtube.com/secret?token=1"))
        assert message.isprintable() or not message.isascii()
        assert "\n" not in message
        assert "https:" not in message
        assert len(message) < 250


class TestConsent:
    """Europeans are asked for consent first."""

    def test_it_is_given_once_for_each_way_out(self, youtube: World) -> None:
        youtube.youtube.wants_consent = True
        ways = [youtube.router.socks("ann")] * 2 + [youtube.router.socks("bob")]
        transcripts = YouTubeTranscripts(languages=["en"], proxy=lambda: ways.pop(0), deadline=60.0)
        for _ in range(3):
            transcripts.fetch(job(), Watching())
        assert youtube.youtube.asked() == ["watch", *THREE, *THREE, "watch", *THREE]


class TestAnotherClient:
    """Where YouTube refuses the kind of client, yt-dlp asks as another kind; where it refuses us, nobody does."""

    @pytest.mark.parametrize("state", ["po_token", "bot", "reload"])
    def test_a_video_refused_to_one_client_is_got_by_the_other(self, loopback: World, state: str) -> None:
        loopback.youtube.catalog.add(replace(FIRST, state=state, served=frozenset({"ANDROID_VR"})))
        transcript = fetch(loopback)
        assert (transcript.method, transcript.captions, transcript.language) == ("yt-dlp", "human", "en")
        assert transcript.cues == FIRST.tracks[0].cues
        assert (transcript.title, transcript.channel, transcript.duration) == (FIRST.title, FIRST.channel, 300.0)
        assert transcript.chapters == FIRST.chapters

    @pytest.mark.parametrize("fault", ["empty", "garbage"])
    def test_captions_that_do_not_come_are_asked_for_the_other_way(self, youtube: World, fault: str) -> None:
        youtube.youtube.goes_wrong(fault, "timedtext", times=1)  # type: ignore[arg-type]  # both are kinds
        assert fetch(youtube).method == "yt-dlp"

    def test_a_consent_page_without_a_form_is_passed_the_other_way(self, youtube: World) -> None:
        youtube.youtube.goes_wrong("consent", "watch", times=1)
        assert fetch(youtube).method == "yt-dlp"

    def test_the_language_is_chosen_alike(self, loopback: World) -> None:
        made = (Track("fr", (Cue(0.0, 1.0, "fr"),)), Track("de", (Cue(0.0, 1.0, "auto"),), automatic=True))
        loopback.youtube.catalog.add(replace(FIRST, tracks=made, state="bot", served=frozenset({"ANDROID_VR"})))
        assert fetch(loopback, languages=["ja"]).text == "auto"
        assert fetch(loopback, languages=["fr"]).captions == "human"

    @pytest.mark.parametrize("fault", ["status", "captcha"])
    def test_a_blocked_address_does_not_knock_again(self, youtube: World, fault: str) -> None:
        youtube.youtube.goes_wrong(fault, "watch")  # type: ignore[arg-type]  # both are kinds
        refused(youtube, Blocked)
        assert youtube.youtube.asked() == ["watch"]

    def test_it_takes_the_same_way_out_whatever_the_environment_says(
        self, loopback: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        loopback.youtube.catalog.add(replace(FIRST, state="po_token", served=frozenset({"ANDROID_VR"})))
        assert fetch(loopback).method == "yt-dlp"
        assert {passage.source for passage in loopback.router.passages} == {loopback.router.source_of("me")}

    def test_it_says_nothing_and_leaves_no_files(
        self, loopback: World, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = tmp_path / "home"
        home.mkdir()
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            monkeypatch.setenv(name, str(home))
        monkeypatch.chdir(home)
        loopback.youtube.catalog.add(replace(FIRST, state="po_token"))
        refused(loopback, Unavailable)
        assert capfd.readouterr() == ("", "")
        assert list(home.iterdir()) == []


PROXY_TROUBLE = """
import sys
from tests.world.watching import Watching
from ytsb_tui.errors import StageError
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.youtube import YouTubeTranscripts
if sys.argv[2] == "after yt-dlp":
    import yt_dlp.networking
try:
    YouTubeTranscripts(languages=["en"], proxy=lambda: sys.argv[1], deadline=60).fetch(
        VideoProcessingJob("lect0000001", "https://youtu.be/lect0000001"), Watching())
except StageError as error:
    print(type(error).__name__, error)
"""


class TestProxy:
    """What is wrong with the proxy is said in words, never with its password."""

    @pytest.mark.parametrize("url", [
        "socks5://me:secret@127.0.0.1:9050", "socks4://127.0.0.1:9050", "ftp://me:secret@h:1", "127.0.0.1:9050",
        "secret", "http://", "socks5h://me:secret@", "http://me:secret@h:99999", "http://me:secret@h:port",
        "http://h:0", "http://me:sec ret@h:1", "http://[::1", "socks5h:127.0.0.1:9050",
    ])  # fmt: skip
    def test_an_address_that_cannot_be_used_stops_before_the_first_request(self, loopback: World, url: str) -> None:
        error = refused(loopback, BadSetup, proxy=url)
        assert "sec" not in f"{error} {error.advice}"
        assert loopback.router.passages == []

    @pytest.mark.parametrize("url", ["", "http://h:1", "https://u:p@h", "socks5h://u:p%40@[::1]:9050"])
    def test_an_address_that_can_be_used_passes(self, url: str) -> None:
        check_proxy(url)

    def test_socks5_is_told_how_to_be_safe(self) -> None:
        with pytest.raises(BadSetup) as caught:
            check_proxy("socks5://127.0.0.1:9050")
        assert caught.value.advice == "Write socks5h:// instead."

    @pytest.mark.parametrize("when", ["before yt-dlp", "after yt-dlp"])
    @pytest.mark.parametrize("protocol", ["socks", "http"])
    @pytest.mark.parametrize("trouble", ["password", "nobody", "dead"])
    def test_trouble_is_told_apart_whichever_library_dials(
        self, youtube: World, protocol: str, trouble: str, when: str
    ) -> None:
        """yt-dlp changes how requests speaks to SOCKS proxies, for the whole process and from its import on.

        Its way tells a wrong password no longer from a proxy that fails.
        """
        proxy = getattr(youtube.router, protocol)("me", "secret")
        told = {
            "password": f"BadSetup The proxy 127.0.0.1:{youtube.router.port} refuses its user name or password.",
            "nobody": "BadSetup The proxy 127.0.0.1:9 cannot be reached.",
            "dead": f"NetworkTrouble The proxy 127.0.0.1:{youtube.router.port} does not let us through to YouTube.",
        }
        if (protocol, when) == ("socks", "after yt-dlp"):
            told["password"] = told["dead"]
        youtube.router.dead = trouble == "dead"
        if trouble == "password":
            youtube.router.password = "another"
        if trouble == "nobody":
            proxy = proxy.replace(str(youtube.router.port), "9")
        script = [sys.executable, "-c", PROXY_TROUBLE, proxy, when]
        ran = subprocess.run(script, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60, check=True)
        assert ran.stdout.strip() == told[trouble]

    def test_a_certificate_nobody_vouches_for_is_a_matter_of_setup(
        self, youtube: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "REQUESTS_CA_BUNDLE" in refused(youtube, BadSetup).advice

    def test_a_bundle_that_does_not_exist_is_a_matter_of_setup(
        self, youtube: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
        assert str(refused(youtube, BadSetup)) == "REQUESTS_CA_BUNDLE names a file that does not exist."


class TestPatience:
    """Nothing is waited for without limit, and nobody has to wait who does not want to."""

    @pytest.mark.parametrize("fault", ["silent", "slow"])
    @pytest.mark.parametrize("endpoint", THREE)
    def test_a_fetch_has_a_deadline_in_all(self, youtube: World, fault: str, endpoint: str) -> None:
        youtube.youtube.goes_wrong(fault, endpoint)  # type: ignore[arg-type]  # both are kinds
        with pytest.raises(NetworkTrouble, match=r"YouTube took longer than 0\.5 seconds\."):
            fetch(youtube, deadline=0.5)

    @pytest.mark.parametrize("fault", ["silent", "slow"])
    def test_a_cancelled_fetch_ends_at_once_and_asks_nothing_more(self, youtube: World, fault: str) -> None:
        youtube.youtube.goes_wrong(fault, "watch")  # type: ignore[arg-type]  # both are kinds
        with pytest.raises(Cancelled):
            fetch(youtube, watch=Watching(enough=lambda: "watch" in youtube.youtube.asked()))
        youtube.youtube.closing.set()
        for thread in threading.enumerate():
            if thread.name == "errand":
                thread.join(30)
                assert not thread.is_alive()
        assert youtube.youtube.asked() == ["watch"]

    def test_a_slow_answer_in_time_is_an_answer(self, youtube: World) -> None:
        youtube.youtube.goes_wrong("slow", "timedtext", seconds=0.3)
        assert fetch(youtube).cues == FIRST.tracks[0].cues


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


class TestVendors:
    """No exception class of a library can slip through."""

    @pytest.mark.parametrize(
        "kind",
        sorted(
            {*below(youtube_transcript_api.YouTubeTranscriptApiException), *below(requests.RequestException)}
            - {youtube_transcript_api.CouldNotRetrieveTranscript}
            | {*below(urllib3.exceptions.HTTPError)},
            key=str,
        ),
    )
    def test_every_class_of_the_libraries_has_a_meaning_of_its_own(self, kind: type[BaseException]) -> None:
        error = refusals.translate(made(kind), Circumstances(proxy="http://me:secret@proxy:1", status=418))
        assert isinstance(error, StageError)
        assert not {"secret", "html", "\x1b"} & set(str(error).replace("<", " ").split())
        assert str(error).endswith(".")
        assert error.advice

    def test_every_class_of_yt_dlp_has_a_meaning(self) -> None:
        import yt_dlp

        for kind in below(yt_dlp.utils.YoutubeDLError):
            error = made(kind)
            if issubclass(kind, yt_dlp.networking.exceptions.HTTPError):
                continue  # carries an answer; the faults above go through it
            assert isinstance(error, Exception)
            meaning = ytdlp.meaning(error, "http://me:secret@proxy:1")
            assert isinstance(meaning, StageError)
            assert type(meaning) is not errors.Bug
            assert "secret" not in str(meaning)

    @pytest.mark.parametrize("kind", [OSError, RuntimeError, AssertionError, MemoryError])
    def test_what_is_no_vendors_error_stays_what_it_is(self, kind: type[Exception]) -> None:
        assert refusals.translate(kind(), Circumstances()) is None

"""Transcripts from YouTube, by the real libraries over real TLS from the loopback one."""

from __future__ import annotations

import html
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.world import World
from tests.world.catalog import Track, Video, lecture
from tests.world.faults import Kind
from tests.world.fetching import FIRST, THREE, fetch, job, refused
from tests.world.watching import Watching
from ytsb_tui.errors import Blocked, Cancelled, NetworkTrouble, NoCaptions, Unavailable
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.captions.files import CaptionFiles
from ytsb_tui.services.youtube import tracks, ytdlp
from ytsb_tui.services.youtube.transcripts import YouTubeTranscripts
from ytsb_tui.transcript import Cue

CAPTIONS = Path(__file__).resolve().parents[2] / "../shared/captions"


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

    def test_recorded_answers_are_read(self, loopback: World) -> None:
        loopback.youtube.recorded_pages = True
        loopback.youtube.catalog.add(replace(FIRST, id="F1xioXWb8CY", state="recorded"))
        transcript = fetch(loopback, "F1xioXWb8CY")
        assert transcript.title == "The Tide Is Turning - Russian Civil War Fall 1919 I THE GREAT WAR 1919"
        assert (transcript.channel, transcript.duration) == ("The Great War", 1509.0)
        assert transcript.chapters == ()

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
        assert all(cue.end <= following.start for cue, following in pairwise(transcript.cues))

    def test_titles_are_one_line_of_visible_characters(self, youtube: World) -> None:
        youtube.youtube.catalog.add(replace(FIRST, title="  Entropy\u202e\x1b[31m\nand\u0000 more ", channel="a\tb"))
        transcript = fetch(youtube)
        assert (transcript.title, transcript.channel) == ("Entropy and more", "a b")

    def test_captions_in_which_nothing_is_said_are_none(self, youtube: World) -> None:
        youtube.youtube.catalog.add(replace(FIRST, tracks=(Track("en", (Cue(0.0, 9.0, "[Music]"),)),)))
        refused(youtube, NoCaptions)

    @pytest.mark.parametrize("name", [
        "google-friend-connect.zh-TW.srt", "elephantsdream.ar.vtt", "hf-34-push-to-hub.fr.srt",
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
    def test_captions_that_do_not_come_are_asked_for_the_other_way(self, youtube: World, fault: Kind) -> None:
        youtube.youtube.goes_wrong(fault, "timedtext", times=1)
        assert fetch(youtube).method == "yt-dlp"

    @pytest.mark.parametrize("form", [{}, {"ext": "json3"}, None])
    def test_a_list_of_captions_that_makes_no_sense_is_asked_for_again_later(
        self, monkeypatch: pytest.MonkeyPatch, form: object
    ) -> None:
        monkeypatch.setattr("yt_dlp.YoutubeDL.extract_info", lambda *_, **__: {"subtitles": {"en": [form]}})
        with pytest.raises(NetworkTrouble, match=r"YouTube's answer could not be understood\."):
            ytdlp.transcript(FIRST.id, (), tracks.Video(), "", lambda: None)

    def test_captions_recorded_with_a_token_are_asked_for_the_other_way(self, loopback: World) -> None:
        loopback.youtube.catalog.add(replace(FIRST, state="po_token2", served=frozenset({"ANDROID_VR"})))
        assert fetch(loopback).method == "yt-dlp"
        asked = [request.client for request in loopback.youtube.journal if request.endpoint == "player"]
        assert asked == ["ANDROID", "ANDROID_VR"]

    def test_a_consent_page_without_a_form_is_passed_the_other_way(self, youtube: World) -> None:
        youtube.youtube.goes_wrong("consent", "watch", times=1)
        assert fetch(youtube).method == "yt-dlp"

    def test_the_language_is_chosen_alike(self, loopback: World) -> None:
        made = (Track("fr", (Cue(0.0, 1.0, "fr"),)), Track("de", (Cue(0.0, 1.0, "auto"),), automatic=True))
        loopback.youtube.catalog.add(replace(FIRST, tracks=made, state="bot", served=frozenset({"ANDROID_VR"})))
        assert fetch(loopback, languages=["ja"]).text == "auto"
        assert fetch(loopback, languages=["fr"]).captions == "human"

    @pytest.mark.parametrize("fault", ["status", "captcha"])
    def test_a_blocked_address_does_not_knock_again(self, youtube: World, fault: Kind) -> None:
        youtube.youtube.goes_wrong(fault, "watch")
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


class TestPatience:
    """Nothing is waited for without limit, and nobody has to wait who does not want to."""

    @pytest.mark.parametrize("fault", ["silent", "slow"])
    @pytest.mark.parametrize("endpoint", THREE)
    def test_a_fetch_has_a_deadline_in_all(self, youtube: World, fault: Kind, endpoint: str) -> None:
        youtube.youtube.goes_wrong(fault, endpoint)
        with pytest.raises(NetworkTrouble, match=r"YouTube took longer than 0\.5 seconds\."):
            fetch(youtube, deadline=0.5)

    @pytest.mark.parametrize("fault", ["silent", "slow"])
    def test_a_cancelled_fetch_ends_at_once_and_asks_nothing_more(self, youtube: World, fault: Kind) -> None:
        youtube.youtube.goes_wrong(fault, "watch")
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

"""A caption file becomes what was said, once, at the right time; or one line that says what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ytsb_tui import caption_file, plaintext
from ytsb_tui.errors import BadCaptions, Stopped
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.captions import cues, timedtext
from ytsb_tui.services.captions.files import CaptionFiles, name_parts
from ytsb_tui.transcript import Transcript

REAL = Path(__file__).resolve().parents[2] / "../shared/captions"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real captions are not here")


@dataclass
class Watching:
    """Somebody who watches, and may have said stop."""

    stopped: bool = False

    def progress(self, fraction: float | None, text: str = "") -> None: ...

    def check(self) -> None:
        if self.stopped:
            raise Stopped("The run is ending.")


def fetch(path: Path) -> Transcript:
    return CaptionFiles().fetch(VideoProcessingJob("file-0123456789ab", str(path)), Watching())


def saved(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def said(text: str, *, plain: bool = False) -> list[tuple[float, float, str]]:
    """Start, end and text of all cues in a text."""
    return [(cue.start, cue.end, cue.text) for cue in cues.tidy(timedtext.parse(text, plain=plain))]


def srt(*captions: tuple[str, str, str]) -> str:
    return "".join(f"{n}\n{start} --> {end}\n{text}\n\n" for n, (start, end, text) in enumerate(captions, start=1))


def one(text: str) -> str:
    """The text of the one cue that an SRT with `text` in it has."""
    ((_, _, found),) = said(srt(("00:00:01,000", "00:00:02,000", text)))
    return found


def wrong(path: Path) -> str:
    with pytest.raises(BadCaptions) as caught:
        fetch(path)
    assert caught.value.advice
    assert "\n" not in str(caught.value)
    return str(caught.value)


@real
@pytest.mark.parametrize(
    ("name", "language", "count", "first", "last", "duration"),
    [
        ("elephantsdream.ar.vtt", "ar", 77, "...إلى... إلى الشمال يمكن أن نرى ...يمكن أن نرى الـ", "...إنه", 540.0),
        (
            "google-friend-connect.zh-TW.srt",
            "zh-TW",
            39,
            "嗨，我是 Mendel，",
            "請前往 google.com/friendconnect 。",
            92.834,
        ),
        # 76 of 1,971 and 2 of 1,219 captions are "[applause]" and the like.
        (
            "google-io2009-keynote-day2.en.srt",
            "en",
            1895,
            "man: Ladies and gentlemen,",
            "Thank you very much.",
            4807.968,
        ),
        (
            "google-painless-python-2.en.SRT",
            "en",
            1217,
            "Alex Martelli: Welcome back to the second part,",
            "Right, so we're done. Thank you very much.",
            3643.2,
        ),
        (
            "hf-04-transformer-architecture.en.srt",
            "en",
            62,
            "- Let's study the transformer architecture.",
            "we recommend you check out the video on encoder-decoders.",
            159.67,
        ),
        (
            "hf-34-push-to-hub.fr.srt",
            "fr",
            87,
            "Bonjour, il s'agit d'une vidéo sur l'API `push_to_hub` pour Tensorflow et Keras. Donc,",
            "des modèles que vous avez téléchargés. Alors merci, et j'espère vous voir dans une future vidéo !",
            517.04,
        ),
        (
            "youtube-timedtext-srv1.en.xml",
            "en",
            3,
            "Hey, this is just a test",
            "just something shorter, I made up for testing",
            8.939,
        ),
    ],
)
def test_real_captions_are_read_whole(
    name: str, language: str, count: int, first: str, last: str, duration: float
) -> None:
    found = fetch(REAL / name)
    assert (found.language, len(found.cues), found.duration) == (language, count, duration)
    assert (found.cues[0].text, found.cues[-1].text) == (first, last)
    assert (found.method, found.captions, found.timed) == ("caption file", "unknown", True)


@real
def test_automatic_captions_say_everything_once() -> None:
    found = fetch(REAL / "webvtt-py-youtube-auto.en.vtt")
    assert [(cue.start, cue.text) for cue in found.cues] == [
        (286.07, "yeah"),
        (286.47, "what"),
        (304.08, "this will happen is I'm telling"),
    ]
    assert (found.captions, found.language) == ("automatic", "en")


@real
def test_chapters_are_no_captions(tmp_path: Path) -> None:
    chapters = REAL / "elephantsdream.chapters.en.vtt"
    renamed = saved(tmp_path, "renamed.vtt", chapters.read_bytes())
    for path in (chapters, renamed):
        assert wrong(path) == f"{path.name} holds the video's chapters, not its captions."


def test_rolling_lines_are_undone_in_a_converted_file_too() -> None:
    text = srt(
        ("00:00:00,000", "00:00:02,000", "so today"),
        ("00:00:02,000", "00:00:02,010", "so today"),
        ("00:00:02,010", "00:00:04,000", "so today\nwe look at heat"),
        ("00:00:04,000", "00:00:04,010", "we look at heat"),
        ("00:00:04,010", "00:00:06,000", "we look at heat\nand at work"),
    )
    assert said(text) == [(0.0, 2.0, "so today"), (2.01, 4.0, "we look at heat"), (4.01, 6.0, "and at work")]


def test_what_people_say_twice_stays_twice() -> None:
    lines = ["Is it?", "No.", "No.", "Then what is it?", "Heat.", "I see."]
    text = srt(*((f"00:00:0{n},000", f"00:00:0{n},900", line) for n, line in enumerate(lines)))
    assert [line for _, _, line in said(text)] == lines


def test_a_line_with_two_word_times_is_text() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nso<00:01.200><c> we</c><00:01.500><c> go</c>\n"
    assert said(text) == [(1.0, 2.0, "so we go")]


def test_numbers_that_are_said_are_kept() -> None:
    assert said("WEBVTT\n\n00:01.000 --> 00:02.000\nin\n1984\n\n00:03.000 --> 00:04.000\nat\n7") == [
        (1.0, 2.0, "in 1984"),
        (3.0, 4.0, "at 7"),
    ]
    assert [
        text for *_, text in said(srt(("00:00:01,0", "00:00:02,0", "42"), ("00:00:03,0", "00:00:04,0", "in\n7")))
    ] == [
        "42",
        "in 7",
    ]


def test_blocks_that_are_not_shown_are_left_out() -> None:
    text = (
        "WEBVTT - some title\nKind: captions\nLanguage: de-AT\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\n"
        "NOTE before\n\nfirst\n00:01.000 --> 00:02.000 line:0\n<v Bob>Hello\n\nNOTE\nafter\n\nsecond\n"
        "100:00.000 --> 100:01.000\nGoodbye"
    )
    assert timedtext.parse(text).language == "de-AT"
    assert said(text) == [(1.0, 2.0, "Hello"), (6000.0, 6001.0, "Goodbye")]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{\\an8}<i>Heat</i> &amp; <font color='red'>work</font>", "Heat & work"),
        ("List&lt;int&gt; or Map<String>, if a < b > c", "List<int> or Map<String>, if a < b > c"),
        ("&amp;lt; is an entity, AT&T is not", "&lt; is an entity, AT&T is not"),
        ("one<br>two\\Nthree", "one two three"),
        ("tabs\t and\u00a0blanks \u2028 fold", "tabs and blanks fold"),
        ("bi\u202edi\u2066 and \x1b[31mred\x1b[0m and\x07 bell &#8238;", "bidi and red and bell"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("hidden\U000e0041\U000e0042 tags", "hidden tags"),
        ("[Music] and then he spoke", "[Music] and then he spoke"),
        ("(which is of course only the mean over all of the samples)",) * 2,
    ],
)
def test_text_is_what_a_viewer_sees(written: str, shown: str) -> None:
    assert one(written) == shown


@pytest.mark.parametrize(
    "mark",
    [
        "[Music]",
        "(applause)",
        "- [Musik]",
        "♪",
        "♪ la la ♪",
        "[Música]\n[aplausos]",
        "【音楽】",
        "（拍手）",
        "[ __ ]",
        "...",
    ],
)
def test_sounds_are_not_said(mark: str) -> None:
    text = srt(("00:00:01,000", "00:00:02,000", mark), ("00:00:03,000", "00:00:04,000", "Hello"))
    assert said(text) == [(3.0, 4.0, "Hello")]


def test_captions_are_put_in_order_and_none_ends_before_it_starts() -> None:
    text = srt(
        ("00:00:05,000", "00:00:09,000", "c"),
        ("00:00:01,000", "00:00:00,500", "a"),
        ("00:00:03,000", "00:00:03,000", "b"),
        ("-00:00:01,000", "00:00:01,000", "first"),
        ("00:00:05,000", "00:00:09,000", "c"),
    )
    assert said(text) == [(0.0, 1.0, "first"), (1.0, 1.0, "a"), (3.0, 3.0, "b"), (5.0, 9.0, "c")]


def test_a_late_start_is_true_but_a_tape_starts_at_ten_hours() -> None:
    assert said(srt(("01:00:05,000", "01:00:07,000", "a")))[0][:2] == (3605.0, 3607.0)
    assert said(srt(("10:00:05,000", "10:00:07,000", "a")))[0][:2] == (5.0, 7.0)


JSON3 = {
    "wireMagic": "pb3",
    "events": [
        {"tStartMs": 0, "dDurationMs": 9000, "id": 1, "wpWinPosId": 1},
        {"tStartMs": 100, "dDurationMs": 2000, "segs": [{"utf8": "hello"}, {"utf8": " world", "tOffsetMs": 300}]},
        {"tStartMs": 2000, "aAppend": 1, "segs": [{"utf8": "\n"}]},
        {"tStartMs": 2100, "dDurationMs": 900, "segs": [{"utf8": "hello"}]},
    ],
}
SRV3 = (
    '<?xml version="1.0" encoding="utf-8" ?><timedtext format="3"><head><ws id="0"/></head><body>'
    '<p t="100" d="2000" w="1"><s ac="0">hello</s><s t="300"> world</s></p><p t="2000" d="10" a="1">\n</p>'
    '<p t="2100" d="900">hello</p></body></timedtext>'
)
SRV2 = '<timedtext><text t="100" d="2000">hello world</text><text t="2100" d="900">hello</text></timedtext>'
SRV1 = (
    '<transcript><text start="0.1" dur="2">hello &amp;#119;orld</text>'
    '<text start="2.1" dur=".9">hello</text></transcript>'
)
TTML = (
    '<tt xml:lang="en" xmlns="http://www.w3.org/ns/ttml"><body><div>'
    '<p begin="00:00:00.100" end="00:00:02.100">hello<br/>world</p><p begin="2.1s" end="3s">hello</p></div></body></tt>'
)


@pytest.mark.parametrize("text", [json.dumps(JSON3), SRV3, SRV2, SRV1, TTML])
def test_every_format_says_the_same(text: str) -> None:
    assert said(text) == [(0.1, 2.1, "hello world"), (2.1, 3.0, "hello")]


@pytest.mark.parametrize(
    "text",
    [
        "[0:05] Hello\n[1:05] there\n[1:00:05] friend",
        "0:05 Hello\n1:05 there\n1:00:05 friend",
        "(0:05) Hello\n(1:05) there\n(1:00:05) friend",
        "00:00:05 - Hello\n00:01:05 – there\n01:00:05: friend",
        "0:05\nHello\n1:05\n1 minute, 5 seconds\nthere\n1:00:05\nfriend\n",
        "[00:05.000 --> 01:05.000]  Hello\n[01:05.000 --> 01:00:05.000]  there\n[01:00:05.000 --> 01:00:05.000] friend",
    ],
)
def test_plain_text_has_the_times_its_lines_begin_with(text: str) -> None:
    assert said(text, plain=True) == [(5.0, 65.0, "Hello"), (65.0, 3605.0, "there"), (3605.0, 3605.0, "friend")]


def test_a_clock_time_in_plain_text_is_no_mark() -> None:
    text = "Welcome.\n10:30 is when we stop.\n9:00 was when we began.\nWelcome."
    track = timedtext.parse(text, plain=True)
    assert not track.timed
    assert [cue.text for cue in cues.tidy(track)] == text.split("\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_encoding_and_line_end_reads_the_same(tmp_path: Path, encoding: str, ending: str) -> None:
    text = srt(("00:00:01,000", "00:00:02,000", "Größe “über”"), ("00:00:03,000", "00:00:04,000", "déjà vu"))
    found = fetch(saved(tmp_path, "x.srt", text.replace("\n", ending).encode(encoding)))
    assert [cue.text for cue in found.cues] == ["Größe “über”", "déjà vu"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Привет, сегодня мы поговорим о программировании и о том, как устроены языки"),
        ("shift_jis", "今日はプログラミングについて話します。よろしくお願いします。"),
        ("big5", "您可以輕鬆為自己的網站增添社交功能，讓訪客與您的網站深入互動"),
    ],
)
def test_old_encodings_are_told_apart(encoding: str, text: str) -> None:
    assert plaintext.decode(srt(("00:00:01,000", "00:00:02,000", text)).encode(encoding)).splitlines()[2] == text


def test_one_broken_byte_does_not_spoil_the_rest() -> None:
    assert plaintext.decode("Größe über alles, schön".encode() + b"\xff") == "Größe über alles, schön\ufffd"


@pytest.mark.parametrize(
    ("name", "title", "language"),
    [
        ("My_talk_on_heat.en.srt", "My talk on heat", "en"),
        ("01 Entropy [dQw4w9WgXcQ].zh-Hans.vtt", "01 Entropy", "zh-Hans"),
        ("Talk [dQw4w9WgXcQ].en-orig.json3", "Talk", "en"),
        ("Talk.pt-BR.srt", "Talk", "pt-BR"),
        ("Talk v1.2.srt", "Talk v1.2", ""),
        ("Intro.AI.SRT", "Intro.AI", ""),
        ("[dQw4w9WgXcQ].srt", "", ""),
        ("bad\x1b[2J\u202ename.vtt.srt", "badname", ""),
    ],
)
def test_a_name_tells_title_and_language(name: str, title: str, language: str) -> None:
    assert name_parts(name) == (title, language)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.srt", "", "a.srt is empty."),
        ("a.srt", "Only words.", "a.srt: There are no captions in the file: nothing in it has a time."),
        ("a.vtt", "WEBVTT\n\n", "a.vtt: There are no captions in the file."),
        ("a.srt", srt(("00:00:01,0", "00:00:02,0", "[Music]")), "a.srt: Nothing is said in these captions."),
        ("a.srt", b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 20, "a.srt: The file is binary, not text."),
        ("a.srt", srt(("900:00:01,0", "900:00:02,0", "a")), "a.srt: The captions have impossible times."),
        ("a.xml", '<transcript><text start="inf">a</text></transcript>', "a.xml: The captions have impossible times."),
        ("a.json", '{"a": 1}', "a.json: This is JSON, but no captions as YouTube writes them (json3), or damaged."),
        (
            "a.json",
            '{"events":' * 9999,
            "a.json: This is JSON, but no captions as YouTube writes them (json3), or damaged.",
        ),
        ("a.xml", "<html><p>a</p></html>", "a.xml: This is XML, but <html> is no captions."),
        (
            "a.ttml",
            '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="1s">a</p></div></body></tt>',
            "a.ttml: These are TTML captions, but damaged, or with times in frames.",
        ),
        ("a.xml", "<transcript>", "a.xml: This looks like XML, but it is damaged or not safe to read."),
        (
            "a.xml",
            '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><transcript><text start="0">&b;</text></transcript>',
            "a.xml: This looks like XML, but it is damaged or not safe to read.",
        ),
        (
            "a.vtt",
            "WEBVTT\nKind: metadata\n\n00:01.000 --> 00:02.000\nx",
            "a.vtt holds the video's chapters, not its captions.",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    assert wrong(saved(tmp_path, name, content)) == message


def test_a_vanished_or_huge_file_or_a_folder_is_refused_unread(tmp_path: Path) -> None:
    huge = tmp_path / "huge.srt"
    with huge.open("wb") as file:
        file.truncate(10 * caption_file.LIMIT)
    assert wrong(tmp_path / "gone.srt") == f"There is no file {tmp_path / 'gone.srt'}."
    assert wrong(huge) == "huge.srt is larger than 20 MB: no captions are."
    assert wrong(tmp_path) == f"{tmp_path.name} is a folder: name the caption files in it."


def test_a_stopped_run_stops_reading(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.srt", srt(("00:00:01,0", "00:00:02,0", "a")))
    with pytest.raises(Stopped):
        CaptionFiles().fetch(VideoProcessingJob("file-0", str(path)), Watching(stopped=True))


SEEDS = [json.dumps(JSON3), SRV3, SRV1, TTML, "WEBVTT\n\n00:01.000 --> 00:02.000\n<v B>a<00:01.5><c>b</c>\n"]
SEEDS += [
    srt(("00:00:01,000", "00:00:02,000", "a ♪ (b) [c"), ("00:00:03,000", "00:00:02,000", "&lt;")),
    "[0:05] Hello\n",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The bytes of captions with some cut out, and others put in."""
    data = draw(st.sampled_from(SEEDS)).encode(draw(st.sampled_from(["utf-8", "utf-16", "utf-16-le"])))
    for _ in range(draw(st.integers(1, 6))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 12))
        data = (
            data[:at]
            + draw(st.binary(max_size=6) | st.sampled_from([b"-", b"<", b"99999", b"\n", b"::"]))
            + data[at + length :]
        )
    return data


@given(damaged(), st.booleans())
@settings(deadline=None, max_examples=300)
def test_damaged_captions_give_sound_cues_or_bad_captions(data: bytes, plain: bool) -> None:
    try:
        found = cues.tidy(timedtext.parse(plaintext.decode(data), plain=plain))
    except BadCaptions:
        return
    assert found
    assert [cue.start for cue in found] == sorted(cue.start for cue in found)
    for cue in found:
        assert 0 <= cue.start <= cue.end
        assert cue.text == plaintext.one_line(cue.text) != ""


@pytest.mark.parametrize(
    "piece", ["<", "{\\", "&", "♪", "(", "[", "[[]", "\\N", "<c", "0:", "00:00", "-", "a ", "<00:00:0"]
)
def test_hostile_captions_of_any_length_are_read(piece: str) -> None:
    assert said(f"0:00 a\n{piece * 50_000} b", plain=True)[0][2].startswith("a")

"""What users paste or drop becomes sources, and nothing they named is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ytsb_tui import caption_file
from ytsb_tui.intake import MISSING, NOTHING, NOTHING_IN_PAGE, Duplicate, is_list, read
from ytsb_tui.ordering import read_orders
from ytsb_tui.plaintext import visible
from ytsb_tui.source import Source, is_bare_id

HERE = Path("/nowhere/at/all")
ID = "dQw4w9WgXcQ"
OTHER = "aqz-KE-bpKQ"
LIST = "PLrAXtmErZgOeiKm4sgNOknGvNjby9efdf"
SRT = "1\n00:00:01,000 --> 00:00:02,000\nHello\n"


def ids(text: str, base: Path = HERE) -> list[str]:
    """The ids of all sources, after asserting that nothing was refused."""
    found = read(text, base=base)
    assert found.refused == ()
    return [item.id for item in found.sources]


def reason(text: str, base: Path = HERE) -> str:
    """Why `text`, which gives no source, is refused."""
    found = read(text, base=base)
    assert found.sources == ()
    (refused,) = found.refused
    return refused.reason


@pytest.mark.parametrize(
    "text",
    [
        f"https://www.youtube.com/watch?v={ID}",
        f"http://youtube.com/watch?v={ID}",
        f"youtube.com/watch?v={ID}",
        f"www.youtube.com/watch?t=3&v={ID}&feature=share",
        f"//www.youtube.com/embed/{ID}",
        f"https://youtu.be/{ID}?si=abcdef&t=30",
        f"youtu.be/{ID}#t=1m",
        f"https://www.youtube.com/shorts/{ID}",
        f"https://www.youtube.com/live/{ID}?feature=share",
        f"https://www.youtube.com/embed/{ID}?start=5",
        f"https://www.youtube.com/v/{ID}",
        f"https://m.youtube.com/watch?v={ID}",
        f"https://music.youtube.com/watch?v={ID}&si=x",
        f"https://www.youtube-nocookie.com/embed/{ID}",
        f"HTTPS://WWW.YouTube.COM/watch?v={ID}",
        f"https://www.youtube.com/watch?v={ID}&list={LIST}&index=3",
        f"https://www.youtube.com/watch?feature=x&amp;v={ID}&amp;t=3",
        f"https://www.youtube.com/watch\\?v\\={ID}",
        f"https://www.youtube.com/watch?v={ID}?t=30",
        f"ｈｔｔｐｓ：／／ｙｏｕｔｕ．ｂｅ／{ID}",
        f"これhttps://youtu.be/{ID}を見て。",
        f"\ufeffhttps://youtu.be/\u200b{ID}\u200b",
        ID,
        f"- {ID}",
        f"1. https://youtu.be/{ID}",
        f"* [The video](https://youtu.be/{ID})",
        f'<li><a href="https://youtu.be/{ID}">https://youtu.be/{ID}</a></li>',
        f"<https://youtu.be/{ID}>",
        f"Lecture #3: (see https://youtu.be/{ID}), at 10:30!",
        f"https://youtu.be/{ID} # the good one https://youtu.be/{OTHER}",
        f"{ID} #later",
        f"{ID},Never gonna give you up",
        f'"{ID}"; "Never gonna"',
        f"link=https://youtu.be/{ID}.",
    ],
)
def test_every_way_to_write_a_video_is_that_video(text: str) -> None:
    assert read(text, base=HERE).refused == ()
    (found,) = read(text, base=HERE).sources
    assert (found.kind, found.id, found.url) == ("video", ID, f"https://www.youtube.com/watch?v={ID}")


@pytest.mark.parametrize(
    ("text", "kind", "url"),
    [
        (f"https://www.youtube.com/playlist?list={LIST}", "playlist", f"https://www.youtube.com/playlist?list={LIST}"),
        (f"youtube.com/watch?list={LIST}", "playlist", f"https://www.youtube.com/playlist?list={LIST}"),
        (f"youtube.com/embed/videoseries?list={LIST}", "playlist", f"https://www.youtube.com/playlist?list={LIST}"),
        ("https://www.youtube.com/@3blue1brown/videos", "channel", "https://www.youtube.com/@3blue1brown"),
        ("youtube.com/c/mathologer", "channel", "https://www.youtube.com/c/mathologer"),
        ("youtube.com/user/someone", "channel", "https://www.youtube.com/user/someone"),
        (
            "https://www.youtube.com/channel/UCYO_jab_esuFRV4b17AJtAw/featured",
            "channel",
            "https://www.youtube.com/channel/UCYO_jab_esuFRV4b17AJtAw",
        ),
    ],
)
def test_playlists_and_channels_are_recognised(text: str, kind: str, url: str) -> None:
    (found,) = read(text, base=HERE).sources
    assert (found.kind, found.url) == (kind, url)


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/?v=aaaaaaaaaa1",
        "https://youtube.com.evil.example/watch?v=aaaaaaaaaa1",
        "youtube.com.evil.example/watch?v=aaaaaaaaaa1",
        "https://notyoutube.com/watch?v=aaaaaaaaaa1",
        "https://evil.example/https://youtu.be/aaaaaaaaaa1",
        "evil.example/https://youtu.be/aaaaaaaaaa1",
        "evil.example?u=https://youtu.be/aaaaaaaaaa1",
        "evil.example/youtu.be/aaaaaaaaaa1",
        "https://evil.example\\youtube.com/watch?v=aaaaaaaaaa1",
        "https://www.youtube.com@evil.example/watch?v=aaaaaaaaaa1",
        "https://user:pass@www.youtube.com/watch?v=aaaaaaaaaa1",
        "ftp://youtube.com/watch?v=aaaaaaaaaa1",
    ],
)
def test_only_youtube_is_youtube(text: str) -> None:
    assert reason(text) != NOTHING


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://www.youtube.com/watch?v=short", "“short” is no video id: those have 11 letters, digits, - or _."),
        (f"https://youtu.be/{ID}X", f"“{ID}X” is no video id: those have 11 letters, digits, - or _."),
        ("https://www.youtube.com/results?search_query=x", "This YouTube link leads to no video, playlist or channel."),
        ("https://www.youtube.com/", "This YouTube link leads to no video, playlist or channel."),
        ("youtube.com/playlist?list=WL", "“Watch later” is yours alone: make a public or unlisted playlist of it."),
        ("https://vimeo.com/1", "vimeo.com is not YouTube."),
        ("http://[::1/watch?v=aaaaaaaaaa1", "This is not YouTube."),
        ("Read chapter 3 until Friday.", NOTHING),
    ],
)
def test_a_refusal_says_why(text: str, why: str) -> None:
    assert reason(text) == why


@pytest.mark.parametrize(
    "word",
    ["programming", "Programming", "JavaScripts", "lecture-001", "blue-collar", "on-the-spot", "07911123456", ID[:10]],
)
def test_a_word_of_eleven_letters_is_no_video(word: str) -> None:
    assert not is_bare_id(word)
    assert reason(word) == NOTHING


def test_an_id_in_prose_is_no_video_but_several_on_a_line_are() -> None:
    assert reason(f"we watched {ID} yesterday") == NOTHING
    assert ids(f"{ID} {OTHER}") == [ID, OTHER]


def test_a_handle_is_a_channel_but_in_prose_a_person() -> None:
    assert ids("@3blue1brown\n- @Vorlesungen, @講義チャンネル") == ["@3blue1brown", "@Vorlesungen", "@講義チャンネル"]
    for prose in ("thanks, @bob", "@bob knows it", "me@work", "@", "@me"):
        assert reason(prose) == NOTHING


def test_prose_around_a_link_makes_no_noise_but_other_links_do() -> None:
    text = f"# Week 1\nIntro and/or more, see /etc or https://youtu.be/{ID} or https://vimeo.com/1\n\n"
    found = read(text, base=HERE)
    assert [(item.id, item.line) for item in found.sources] == [(ID, 2)]
    assert [(item.line, item.reason, item.is_prose) for item in found.refused] == [
        (2, "vimeo.com is not YouTube.", False)
    ]


def test_a_line_of_prose_is_told_from_one_that_wants_to_be_a_source() -> None:
    found = read("Week 3: information theory\nmissing.srt\nhttps://youtu.be/short\n", base=HERE)
    assert [(item.line, item.is_prose) for item in found.refused] == [(1, True), (2, False), (3, False)]


def test_a_video_named_again_is_a_duplicate_of_its_first_line() -> None:
    found = read(f"youtu.be/{ID}\r\n\r\nyoutube.com/shorts/{ID}\ryoutu.be/{OTHER}", base=HERE)
    assert [item.id for item in found.sources] == [ID, OTHER]
    assert found.duplicates == (Duplicate(3, f"youtube.com/shorts/{ID}", 1),)


def test_what_the_vault_has_is_told_apart() -> None:
    new, done = read(f"{ID}\n{OTHER}", base=HERE).split({OTHER})
    assert ([item.id for item in new], [item.id for item in done]) == ([ID], [OTHER])


def test_a_dropped_file_is_known_by_its_content_or_by_the_video_in_its_name(tmp_path: Path) -> None:
    plain, told, worded = tmp_path / "talk.SRT", tmp_path / f"My talk [{ID}].en.vtt", tmp_path / "a [programming].srt"
    for path in (plain, told, worded):
        path.write_text(SRT + path.name)
    found = read(f"talk.SRT\n'{told}'\n{worded}", base=tmp_path)
    digest = caption_file.fingerprint(plain.read_bytes())
    assert found.sources[:2] == (
        Source("file", digest, str(plain), 1, "talk.SRT"),
        Source("file", ID, str(told), 2, str(told)),
    )
    assert len(digest) == len("file-") + 12
    assert found.sources[2].id.startswith("file-")


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("{folder}/a b.srt", ["a b.srt"]),
        ("'{folder}/a b.srt'", ["a b.srt"]),
        ('"{folder}/a b.srt"', ["a b.srt"]),
        ("a\\ b.srt", ["a b.srt"]),
        ("./a b.srt", ["a b.srt"]),
        ("{uri}/a%20b.srt", ["a b.srt"]),
        ("'{folder}/a b.srt' '{folder}/c.vtt'", ["a b.srt", "c.vtt"]),
        ("{folder}/a\\ b.srt {folder}/c.vtt", ["a b.srt", "c.vtt"]),
        ("{uri}/a%20b.srt {uri}/c.vtt", ["a b.srt", "c.vtt"]),
        ("the talk c.vtt, and 'a b.srt'", ["c.vtt", "a b.srt"]),
        ("lecture 3 - entropy.srt", ["lecture 3 - entropy.srt"]),
        ("- lecture 3 - entropy.srt", ["lecture 3 - entropy.srt"]),
    ],
)
def test_files_come_as_terminals_drop_them(tmp_path: Path, line: str, names: list[str]) -> None:
    (tmp_path / "a b.srt").write_text(SRT)
    (tmp_path / "lecture 3 - entropy.srt").write_text(SRT + "3")
    (tmp_path / "c.vtt").write_text("WEBVTT\n" + SRT)
    found = read(line.format(folder=tmp_path, uri=tmp_path.as_uri()), base=tmp_path)
    assert found.refused == ()
    assert [item.url for item in found.sources] == [str(tmp_path / name) for name in names]


def test_files_that_cannot_be_taken_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"\0")
    (tmp_path / "empty.srt").write_bytes(b" \n")
    with (tmp_path / "huge.srt").open("wb") as file:
        file.truncate(caption_file.LIMIT + 1)
    assert reason(str(tmp_path)) == f"{tmp_path.name} is a folder: name the caption files in it."
    assert reason(str(tmp_path / "film.mp4")).startswith("film.mp4 is no caption file: those end in .srt, .vtt,")
    assert reason("empty.srt", tmp_path) == "empty.srt is empty."
    assert reason("huge.srt", tmp_path) == "huge.srt is larger than 20 MB: no captions are."
    for gone in (
        "gone.srt",
        "/no/such/lecture on fire.srt",
        "C:\\lectures\\one.srt",
        "'/a b.srt' /c.vtt",
        "~nobody1/x.srt",
    ):
        assert reason(gone, tmp_path) == MISSING


def test_a_list_in_a_text_file_is_read_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_text(SRT)
    (tmp_path / "list.txt").write_text(f"# mine\nEntropy youtu.be/{ID}\ntalk.srt\nyoutu.be/{ID}\nlist.txt\nprose\n")
    found = read(f"{OTHER}\nlist.txt", base=tmp_path)
    assert [(item.kind, item.line) for item in found.sources] == [("video", 1), ("video", 2), ("file", 2)]
    assert found.duplicates == (Duplicate(2, f"list.txt:4 youtu.be/{ID}", 2),)
    assert [item.text for item in found.refused] == ["list.txt:5 list.txt", "list.txt:6 prose"]


PAGE = f"""<!DOCTYPE html><html><head><title>Lectures</title><link href="/s/desktop/style.css">
<script>var at = {{"url":"/watch?v=abcdefghij1"}}; // see https://www.gstatic.com/x /etc/passwd</script>
<a href="/@lecturer">@lecturer</a> <a id="thumbnail" href="/watch?v={ID}&amp;list={LIST}&amp;index=1"><img></a>
<a id="title" href="/watch?v={ID}&amp;list={LIST}&amp;index=1" title="Lecture # 1: &quot;Heat&quot;">Lecture # 1</a>
<p>Text that says /watch?v=abcdefghij2</p> <a href='/shorts/{OTHER}'>Short</a> <a HREF=/live/abcdefghij3?x=1>Live</a>
<a href="/watch?v=short">no id</a><a data-href="x" href="/watch?v=abcdefghij4X">no id either</a>
"""


@pytest.mark.parametrize("text", [PAGE, PAGE.replace("\n", " "), PAGE.partition("<script>")[2].partition("\n")[2]])
def test_a_page_saved_from_youtube_names_its_videos(text: str) -> None:
    found = read(text, base=HERE)
    assert [item.id for item in found.sources] == [ID, OTHER, "abcdefghij3"]
    assert all(refused.is_prose for refused in found.refused)


@pytest.mark.parametrize(
    "sign",
    [
        "<!-- saved from url=(0079)https://www.youtube.com/playlist?list=PLabcdefghijklmnop -->",
        '<meta property="og:site_name" content="YouTube">',
        "<script>var ytInitialData = {};</script>",
    ],
)
def test_nobody_asks_for_the_channels_and_lists_that_such_a_page_links_to(sign: str) -> None:
    links = (
        f"watch?v={ID}&amp;list={LIST}&amp;index=1",
        f"playlist?list={LIST}",
        "@lecturer",
        "channel/UCabcdefghijklmnopqrstuv",
    )
    text = "".join(f'<a href="https://www.youtube.com/{link}">x</a>\n' for link in links)
    saved = read(f"<!DOCTYPE html>\n{sign}<html>\n{text}", base=HERE)
    assert [item.id for item in saved.sources] == [ID]
    own = read(f"<!DOCTYPE html>\n<html>\n{text}", base=HERE)
    assert [item.kind for item in own.sources] == ["video", "playlist", "channel", "channel"]


def test_a_dropped_page_is_read_for_its_links_alone(tmp_path: Path) -> None:
    (tmp_path / "course.html").write_text(PAGE)
    (tmp_path / "news.htm").write_text("<html>\n<p>@handle\n</html>\n")
    found = read(str(tmp_path / "course.html"), base=HERE)
    assert [item.id for item in found.sources] == [ID, OTHER, "abcdefghij3"]
    assert found.refused == ()
    assert reason(str(tmp_path / "news.htm")) == NOTHING_IN_PAGE


def test_a_page_is_taken_by_its_name_as_with_f(tmp_path: Path) -> None:
    (tmp_path / "course.html").write_text(PAGE)
    (tmp_path / "news.htm").write_text("<html>\n<p>@handle\n</html>\n")
    order = read_orders([str(tmp_path / "course.html"), OTHER], ())
    assert [item.id for item in order.sources] == [OTHER, ID, "abcdefghij3"]
    assert order.refused == ()
    order = read_orders([str(tmp_path / "news.htm"), OTHER], ())
    assert [line.split(" - ")[1] for line in order.complaints()] == [NOTHING_IN_PAGE]


def test_an_argument_that_looks_like_a_video_id_is_one_unless_a_file_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "programming").write_text("")
    monkeypatch.chdir(tmp_path)
    order = read_orders(["abcdefghijk", "programming", "two words here"], ())
    assert [item.id for item in order.sources] == ["abcdefghijk"]
    assert [line.text for _, line in order.refused] == ["./programming", "two words here"]


def test_a_transcript_that_names_a_link_is_no_list() -> None:
    assert not is_list("[0:00] Hello\n[0:03] and welcome.\n")
    assert not is_list(f"{'We talk about entropy and heat today. ' * 9}More at youtu.be/{ID}.")
    assert is_list(f"Week 1\nyoutu.be/{ID}\n{OTHER}\n")
    assert is_list("one.srt\ntwo.vtt\n")
    assert not is_list("")


FRAGMENTS = st.one_of(
    st.sampled_from("'\"\\/~#,;@:%?&[]()<>\t\u200b\u202e "),
    st.sampled_from([ID, "https://", "youtu.be/", "youtube.com/watch?v=", "file://", ".srt", " - ", "1. ", "x" * 300]),
    st.characters(exclude_characters="\r\n"),
)


@given(st.lists(FRAGMENTS, max_size=30).map("".join))
def test_no_line_is_lost(line: str) -> None:
    found = read(line, base=HERE)
    seen = visible(line).strip()
    assert bool(found.sources or found.refused) == bool(seen and not seen.startswith("#"))
    assert {item.line for item in found.sources} | {item.line for item in found.refused} <= {1}


@pytest.mark.parametrize(
    "piece",
    [
        "'",
        '"',
        "\\",
        "a",
        "youtu",
        "youtu.be/",
        "@",
        "[",
        "&amp;",
        " # ",
        "href=",
        "<html href ",
        "href=/watch?v=",
        "\\ ",
        "https:/",
        "- ",
    ],
)
def test_a_hostile_line_of_any_length_is_read(piece: str) -> None:
    text = piece * 50_000
    assert read(f"x{text}", base=HERE).refused or read(text, base=HERE).sources


def test_five_thousand_lines_keep_their_order() -> None:
    names = [f"{number:010d}x" for number in range(5000)]
    text = "\n".join(f"{place}. Some lecture, (https://youtu.be/{name}?t=3), enjoy" for place, name in enumerate(names))
    assert ids(text) == names

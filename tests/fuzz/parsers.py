"""Every parser of the program, and what must hold whatever it is given."""

from __future__ import annotations

import io
import json
import math
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import requests
from markdown_it import MarkdownIt
from rich.style import Style
from urllib3 import HTTPResponse

from tests.fuzz import samples
from tests.fuzz.runner import Parser
from tests.unit.test_prose import OURS, TITLES, everything, unlinked
from tests.world import pages
from tests.world.catalog import lecture
from tests.world.watching import Watching
from ytsb_tui import intake, plaintext, settings
from ytsb_tui.clock import iso
from ytsb_tui.errors import BadCaptions, Incomplete, StageError, UsageError
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.journal import adopted
from ytsb_tui.log_figures import Breakdown, Timeline, outlines, statistics
from ytsb_tui.log_lines import compare, entries_in, line_of, salvage, sort_out
from ytsb_tui.log_view import outcome
from ytsb_tui.plain import as_json
from ytsb_tui.services.captions import cues, timedtext
from ytsb_tui.services.claude.answers import read_notes, read_quiz
from ytsb_tui.services.claude.api_errors import translated
from ytsb_tui.services.claude.api_key import Server
from ytsb_tui.services.claude.prices import Prices
from ytsb_tui.services.claude.replies import Hearing
from ytsb_tui.services.claude.time_links import TimeLinks
from ytsb_tui.services.documents import MarkdownDocuments, keep_user_part, split_user_part
from ytsb_tui.services.escape import is_parsable, literal, tame
from ytsb_tui.services.links.mentions import Mention, Names, names_of
from ytsb_tui.services.links.prose import with_links
from ytsb_tui.services.pdf.page import page
from ytsb_tui.services.vault.names import LONGEST, safe_name, same_name
from ytsb_tui.services.vault.properties import split_properties, strings, video_id_of
from ytsb_tui.services.youtube.session import WatchSession, retry_after
from ytsb_tui.services.youtube.transcripts import YouTubeTranscripts
from ytsb_tui.study import Assessment, Question
from ytsb_tui.transcript import Cue, Transcript
from ytsb_tui.ui.attempt import Attempt
from ytsb_tui.ui.markdown import STYLES, draw

HERE = Path(__file__).parent
PLAIN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
SPOKEN = Transcript(tuple(Cue(at * 10.0, at * 10.0 + 9, "words") for at in range(180)), duration=1800.0)
NOTHING: Mapping[str, str] = {}


def data(text: str) -> bytes:
    """A text as the bytes of a file, which may be no UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def takes_sources(text: str) -> None:
    """Nothing is lost, and what is taken is what it says."""
    found = intake.read(text, base=HERE)
    seen = plaintext.visible(text).strip()
    lines = {item.line for items in (found.sources, found.duplicates, found.refused) for item in items}
    assert lines <= set(range(1, len(re.split(r"\r\n|\r|\n", text)) + 1))
    assert found.sources or found.refused or not seen or seen.startswith("#") or "\n#" in seen or "\r#" in seen
    for item in found.sources:
        if item.kind == "video":
            assert re.fullmatch(r"https://www\.youtube\.com/watch\?v=[A-Za-z0-9_-]{11}", item.url)
        elif item.kind != "file":
            assert item.url.startswith("https://www.youtube.com/")
            assert item.url.isascii()


def reads_captions(text: str) -> None:
    """The cues are sound, or the captions are refused."""
    for plain in (False, True):
        try:
            found = cues.tidy(timedtext.parse(plaintext.decode(data(text)), plain=plain))
        except BadCaptions:
            continue
        assert [cue.start for cue in found] == sorted(cue.start for cue in found)
        for cue in found:
            assert 0 <= cue.start <= cue.end < math.inf
            assert cue.text == plaintext.one_line(cue.text) != ""
        assert msgspec.json.decode(msgspec.json.encode(found), type=tuple[Cue, ...]) == found


def decodes(text: str) -> None:
    """Bytes of any encoding are text, or refused."""
    for content in (data(text), text.encode("utf-16-le", "surrogatepass"), text.encode("cp1252", "ignore")):
        with suppress(BadCaptions):
            plaintext.decode(content).encode("utf-8", "surrogatepass")


def loads_log(text: str) -> None:
    """What can be read of a log can be added up, shown, taken over and written again."""
    content = data(text)
    entries, whole = salvage(content)
    try:
        assert not whole or len(entries_in(content)) == len(entries)
    except ValueError:
        assert not whole
    lines = [line_of(entry) for entry in entries]
    assert [len(line.splitlines()) for line in lines] == [1] * len(lines)
    compare(io.BytesIO(content), lines)
    sort_out(entries, lines)
    for entry in entries:
        job, _, line = adopted(entry, HERE)
        json.loads(line)
        json.dumps(job.to_json())
        assert all(not path.is_absolute() and ".." not in path.parts for paths in job.files.values() for path in paths)
        attempt = msgspec.convert(entry, Attempt).kept(None)
        _is_clean(f"{attempt.title}{attempt.badge}{attempt.why}{attempt.when}{outcome(entry).plain}")
        assert attempt.seconds is None or attempt.seconds < math.inf
    try:
        found = outlines(content)
    except ValueError:
        return
    statistics(found)
    Breakdown.of(found)
    Timeline.of(found, 60)


def names_files(text: str) -> None:
    """Any title is one visible path component, and its own name."""
    name = safe_name(text, samples.ID)
    assert name == Path(name).name not in ("", ".", "..")
    assert len(data(name)) <= LONGEST
    assert not name.startswith(".")
    assert not set(name) & set('/\\:*?"<>|[]#^\0\n')
    assert safe_name(name, samples.ID) == name
    assert same_name(same_name(name)) == same_name(name)
    _is_clean(name)


@cache
def _names() -> Names:
    names = Names()
    for stem, title in TITLES.items():
        names.put(f"CS/{stem}.md", names_of(title, (), ()))
    return names


def _find(text: str) -> Iterator[Mention]:
    return _names().find(text)


def inserts_links(text: str) -> None:
    """A Markdown parser sees nothing but the links changed, and the user's part is not touched."""
    linked, notes = with_links(text, _find)
    assert (linked == text) == (not notes)
    assert len(OURS.findall(linked)) - len(OURS.findall(text)) == len(notes)
    assert unlinked(linked) == unlinked(text)
    assert split_user_part(linked)[1] == split_user_part(text)[1]
    begin = split_properties(text)[1]
    assert linked[:begin] == text[:begin]
    if notes:
        assert everything(PLAIN.parse(linked[begin:])) == everything(PLAIN.parse(text[begin:]))


def makes_documents(text: str) -> None:
    """Whatever title, notes and answers say, the frontmatter is ours and the rest runs and loads nothing."""
    job = VideoProcessingJob(
        samples.ID, f"https://youtu.be/{samples.ID}", text[:100], video_title=text, study_notes=f"## A\n\n{text}",
        channel=text,
        concepts=(text,), language=text[:9], author="claude", model=text[:30], notes_filepath=Path("AI/x.md"),
        assessment_filepath=Path("AI/Assessment_x.md"), related=(text[:40],), seconds={}, started_at=0.0,
    )  # fmt: skip
    documents = MarkdownDocuments()
    quiz = Assessment((Question("Gap Analysis", text, text, (text,), 3.0, (text,)),))
    note = documents.note(job)
    for written in (note[split_properties(note)[1] :], documents.assessment(job, quiz)):
        if not is_parsable(written):
            continue
        kinds = {child.type for token in PLAIN.parse(written) for child in (token, *(token.children or ()))}
        assert not kinds & {"html_block", "html_inline", "image"}
    properties, begin = split_properties(note)
    assert begin
    assert video_id_of(note) == samples.ID
    assert properties["video_id"] == samples.ID
    assert set(properties) <= {
        *("title", "aliases", "source", "video_id", "channel", "duration", "language", "subject", "tags", "created"),
        *("author", "concepts", "coverage"),
    }  # fmt: skip
    strings(properties, "title")
    assert keep_user_part(note, note) == note
    assert "\n" not in literal(text)
    tame(text)


def records_quiz(text: str) -> None:
    """A recorded assessment is one, or Claude is told what is wrong with it."""
    try:
        quiz = read_quiz(text, 5)
    except ValueError as error:
        _says(error)
        return
    assert len(quiz.questions) >= 5
    assert all(item.question.strip() and item.answer.strip() for item in quiz.questions)


def reads_notes(text: str) -> None:
    """An answer is notes, or not whole."""
    try:
        draft = read_notes(text)
    except Incomplete:
        return
    assert draft.body.startswith("##")
    for line in (draft.title, draft.subject, *draft.concepts):
        assert line == plaintext.one_line(line)
    assert len(draft.title) <= 200
    assert all(concept in draft.body for concept in draft.concepts)


def _second(second: float) -> str:
    return f"https://youtu.be/{samples.ID}?t={int(second)}"


OF_OURS = re.compile(rf"\]\(https://youtu\.be/{samples.ID}\?t=(\d+)\)")


def links_times(text: str) -> None:
    """Every link that is made leads into the video, and what is checked stays as it is."""
    links = TimeLinks(SPOKEN, _second)
    linked = links.checked(text)
    assert len(OF_OURS.findall(linked.text)) >= linked.good
    if samples.ID not in text:
        assert all(int(second) <= SPOKEN.duration for second in OF_OURS.findall(linked.text))
    assert 0 <= (links.coverage(linked) or 0.0) <= 1
    assert (links.second(text) or 0.0) <= SPOKEN.duration


@cache
def _file(name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix="ytsb-fuzz-")) / name


def loads_settings(text: str) -> None:
    """A settings file is read or refused, and what was read can be used."""
    file = _file("config.toml")
    file.write_bytes(data(text))
    try:
        chosen = settings.load({}, file=file, environment=NOTHING)
    except UsageError as error:
        _says(error)
    else:
        assert iso(1.8e9 + chosen.retry_minutes * 60)
        assert max(chosen.fetch_deadline, chosen.tor_deadline) <= threading.TIMEOUT_MAX
    try:
        settings.load({}, file=None, environment={"YTSB_WORKERS": text, "YTSB_LANGUAGES": text, "YTSB_OUT": text[:9]})
    except UsageError as error:
        _says(error)
    try:
        Prices.load(file)
    except UsageError as error:
        _says(error)


class Page(HTMLParser):
    """The tags of a page."""

    FORBIDDEN = frozenset(("script", "style", "link", "iframe", "object", "embed", "svg", "base", "form", "video"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in self.FORBIDDEN
        for name, value in attrs:
            assert not name.startswith("on")
            assert name != "style" or re.fullmatch("text-align:(left|right|center)", value or "")
            assert name != "href" or re.match("#|https?://|mailto:", value or "", re.IGNORECASE)


def draws_pdf(text: str) -> None:
    """The page has no tag that runs or loads, and no link but to the web; what an image names is never fetched."""
    with suppress(RecursionError):  # nested too deeply: the child that draws refuses it
        Page().feed(page(text, "Note"))


def draws_screen(text: str) -> None:
    """A page is drawn at every width, steers no terminal, and its links lead to the web or to notes."""
    for width in (30, 100):
        drawn = draw(text, width, dict.fromkeys(STYLES, Style()))
        _is_clean("\n".join(strip.text for strip in drawn.lines))
        assert all(link.kind != "web" or link.target.startswith(("http://", "https://")) for link in drawn.links)
    drawn.find("a")


SERVER = Server("model-x", "key-which-is-secret", "http://127.0.0.1:9", own=True)


def _client(body: bytes) -> Any:
    import anthropic

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(api_key=SERVER.key, base_url=SERVER.url, max_retries=0, http_client=client)


def hears_claude(text: str) -> None:
    """A stream is an answer, the beginning of one, or an error in words that does not tell the key."""
    hearing = Hearing(Watching(), 1000)
    request: dict[str, Any] = {"model": "x", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    with _client(data(text)) as client:
        try:
            with translated(SERVER), client.messages.create(**request, stream=True) as events:
                for event in events:
                    hearing.take(event)
        except StageError as error:
            _says(error)
        hearing.check()
        reply = hearing.reply(Prices(), "x")
        reply.text.encode()
        (reply.recorded or "").encode()
        msgspec.json.encode(reply.usage)


class Wire(requests.adapters.BaseAdapter):
    """Answers each of YouTube's addresses with what it was given."""

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        super().__init__()
        self.bodies = bodies

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        path = (request.url or "").partition("?")[0].rpartition("/")[2]
        raw = HTTPResponse(io.BytesIO(self.bodies.get(path, b"")), status=200, preload_content=False)
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        pass


@cache
def _watch_page() -> str:
    return pages.watch(lecture(1))


def _fetched(watch: str, player: str, timedtext: str) -> None:
    session = WatchSession("", lambda: None)
    session.mount("https://", Wire({"watch": data(watch), "player": data(player), "timedtext": data(timedtext)}))
    session.mount("http://", Wire({"timedtext": data(timedtext)}))
    transcripts = YouTubeTranscripts(languages=["en"], proxy=str, deadline=60)
    try:
        transcript = transcripts.ask(lecture(1).id, session)
    except StageError as error:
        _says(error)
        return
    assert msgspec.json.decode(msgspec.json.encode(transcript), type=Transcript) == transcript
    _is_clean("".join((transcript.title, transcript.channel, *(chapter.title for chapter in transcript.chapters))))
    assert iso(transcript.duration)


def fetches_captions(text: str) -> None:
    """What YouTube sends as captions is a transcript that can be stored, or a refusal in words."""
    _fetched(_watch_page(), samples.player(), text)


def fetches_player(text: str) -> None:
    """So is what it says about the video."""
    _fetched(_watch_page(), text, samples.SRV1)


def fetches_page(text: str) -> None:
    """So is its page."""
    _fetched(text, samples.player(), samples.SRV1)


def waits(text: str) -> None:
    """A server says how long to stay away in seconds a clock can show."""
    for headers in ({"retry-after": text}, {"retry-after": text, "date": "Wed, 21 Oct 2015 07:28:00 GMT"}):
        asked = retry_after(headers)
        assert asked is None or asked >= 0
        assert iso(1.8e9 + (StageError("x", retry_after=asked).retry_after or 0.0))


def prints_json(text: str) -> None:
    """A line of --json is one line, says what it was given, and steers no terminal."""
    printed = as_json({"title": text})
    assert "\n" not in printed
    assert _whole(json.loads(printed)["title"]) == _whole(text)
    _is_clean(printed)


def _says(error: Exception) -> None:
    """It tells something, and no secret."""
    assert str(error)
    assert SERVER.key not in str(error)


def _whole(text: str) -> str:
    """A text as UTF-16 has it: two halves of a character next to each other are one."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_clean(text: str) -> None:
    assert plaintext.visible(text) == text


PARSERS = (
    Parser("intake", takes_sources, samples.INTAKE),
    Parser(
        "srt",
        reads_captions,
        (*samples.TIMES, *samples.MARKUP, "1\n", "\n\n"),
        samples.seeds(samples.SRT, suffixes=[".srt"]),
    ),
    Parser(
        "vtt",
        reads_captions,
        (*samples.TIMES, *samples.MARKUP, "WEBVTT", "NOTE "),
        samples.seeds(samples.VTT, suffixes=[".vtt"]),
    ),
    Parser("json3", reads_captions, samples.JSON, samples.seeds(samples.JSON3)),
    Parser(
        "srv1, srv3",
        reads_captions,
        samples.XML,
        samples.seeds(samples.SRV1, samples.SRV3, samples.BOMB, suffixes=[".xml"]),
    ),
    Parser("ttml", reads_captions, samples.XML, samples.seeds(samples.TTML)),
    Parser(
        "txt",
        reads_captions,
        ("0:05 ", "[12:34] ", "\n", "words ", "5 minutes, 3 seconds\n", "00:00"),
        samples.seeds(samples.TXT),
    ),
    Parser(
        "encodings",
        decodes,
        ("\xe9", "é", "日本", "\0", "a", "\ufeff", "\xff\xfe", "ÿþ"),
        samples.seeds("Füße, déjà vu. " * 20, "日本語の字幕 " * 30),
    ),
    Parser("log", loads_log, samples.LOG_PIECES, samples.seeds(*samples.LOG)),
    Parser(
        "file names",
        names_files,
        ("..", "/", "CON", "nul.", "pdfs", ".", " ", "é", "字" * 80, "👩‍👩‍👧", "COM1", "~", "$(x)"),
    ),
    Parser("links", inserts_links, samples.MARKDOWN, samples.seeds(samples.NOTE)),
    Parser(
        "documents", makes_documents, samples.MARKDOWN, samples.seeds(samples.NOTE, "Entropy: what [it] is # & how")
    ),
    Parser("assessment", records_quiz, samples.QUIZ_PIECES, samples.seeds(samples.QUIZ)),
    Parser("notes", reads_notes, samples.ANSWER_PIECES, samples.seeds(samples.ANSWER)),
    Parser("time links", links_times, samples.CITED, samples.seeds(samples.ANSWER)),
    Parser("settings", loads_settings, samples.TOML_PIECES, samples.seeds(samples.TOML)),
    Parser("PDF page", draws_pdf, samples.MARKDOWN, samples.seeds(samples.NOTE)),
    Parser("reader", draws_screen, samples.MARKDOWN, samples.seeds(samples.NOTE)),
    Parser(
        "Claude stream", hears_claude, samples.SSE_PIECES, samples.seeds(samples.SSE, samples.SSE + samples.SSE_ERROR)
    ),
    Parser(
        "timedtext",
        fetches_captions,
        (*samples.XML, *samples.JSON),
        samples.seeds(samples.SRV1, samples.SRV3, suffixes=[".xml"]),
    ),
    Parser("player", fetches_player, samples.PLAYER_PIECES, lambda: [samples.player()]),
    Parser(
        "watch page",
        fetches_page,
        ("var ytInitialData = ", '"INNERTUBE_API_KEY":"', *samples.JSON),
        lambda: [_watch_page()],
    ),
    Parser(
        "retry-after", waits, ("120", "1e5", "inf", "nan", "Wed, 21 Oct 2015 07:28:00 GMT", "-", "9" * 400, "٣", " ")
    ),
    Parser("--json", prints_json, ("\x9b31m", "\x1b]8;;", "\u202e", "\ud800", "\n")),
)

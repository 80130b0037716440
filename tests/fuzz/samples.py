"""Sound inputs, and the words they are made of."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.unit.test_prose import BLOCKS, HTML, INLINE, SPACES, WORDS
from tests.world import pages
from tests.world.catalog import lecture
from ytsb_tui.services.documents import USER_MARK

CAPTIONS = Path(os.environ.get("CAPTIONS") or Path(__file__).resolve().parents[2] / "../shared/captions")
"""Real captions, where there are some."""

ID = "dQw4w9WgXcQ"


def real(*suffixes: str) -> list[str]:
    """What is in the real captions of these kinds; nothing where there are none."""
    files = sorted(CAPTIONS.iterdir()) if CAPTIONS.is_dir() else []
    return [path.read_bytes().decode("utf-8", "replace") for path in files if path.suffix.lower() in suffixes]


def seeds(*sound: str, suffixes: Sequence[str] = ()) -> Callable[[], Sequence[str]]:
    """These, and the real captions of the kinds."""
    return lambda: [*sound, *real(*suffixes)]


SRT = "1\n00:00:01,000 --> 00:00:03,500\nEntropy &lt;grows&gt; ♪\n<i>always</i>\n\n2\n00:00:04,000 --> 00:00:06,000\nHeat [music]\n"
VTT = (
    "WEBVTT\nKind: captions\nLanguage: en\n\nNOTE x\n\n00:01.000 --> 00:03.000 align:start\n<v Bob>so<00:00:01.500><c> we</c>\n\n"
    "00:03.000 --> 00:05.000\nso we\nhave<00:00:04.000><c> heat</c>\n\n00:05.000 --> 00:07.000\nhave heat\nhere\n"
)
JSON3 = json.dumps(
    {
        "wireMagic": "pb3",
        "events": [
            {"tStartMs": 1000, "dDurationMs": 2000, "segs": [{"utf8": "Entropy", "tOffsetMs": 10}, {"utf8": " grows"}]},
            {"tStartMs": 3000, "dDurationMs": 2000, "aAppend": 1, "segs": [{"utf8": "\n"}]},
            {"tStartMs": 4000, "segs": [{"utf8": "heat \U0001f525"}]},
        ],
    }
)
SRV1 = '<?xml version="1.0" encoding="utf-8" ?><transcript><text start="1.2" dur="2">Entropy &amp;#39;grows</text><text start="4">heat</text></transcript>'
SRV3 = (
    '<timedtext format="3"><head><pen id="1"/></head><body><p t="1000" d="2000" w="1"><s>Entropy</s><s t="400"> grows</s></p>'
    '<p t="4000" d="100" a="1">\n</p><p t="5000" d="900">heat<br/>here</p></body></timedtext>'
)
TTML = (
    '<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><body><div><p begin="00:00:01.000" end="00:00:03.000">Entropy<br/>grows'
    '</p><p begin="4s" dur="2s"><span tts:color="red" xmlns:tts="http://www.w3.org/ns/ttml#styling">heat</span></p></div></body></tt>'
)
TXT = "[0:05] Hello and welcome\n0:15 to the second lecture\n(1:02:03) on heat\n12:34 - and entropy\n"
BOMB = (
    '<!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    '<transcript><text start="0" dur="1">&b;&c;</text></transcript>'
)

TIMES = ("00:00:01,000 --> 00:00:02,000\n", "00:01.000 --> 00:02.000 line:0\n", " --> ", "00:00:00", "99999:999:99.999")
MARKUP = (
    "<c>",
    "</c>",
    "<c.x",
    "<00:00:01.500>",
    "<v ",
    "<i>",
    "<br/>",
    "{\\an8}",
    "&#60;",
    "&amp;",
    "\\N",
    "♪",
    "[",
    "]",
    "（",
)
XML = (
    *(
        "<p>",
        "</p>",
        "<p t='1' d='2'>",
        "<text start='1'>",
        "</text>",
        "<s t='1'>",
        "<body>",
        "<transcript>",
        "<timedtext>",
    ),
    *(
        "</transcript>",
        "<tt>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?x",
        "?>",
        "&a;",
        "&#x0;",
        "&#38;",
        ' xmlns="x"',
        ' t="-1"',
    ),
    *(' t="1e999"', ' start="NaN"', ' begin="1f"', ' begin="00:00:01:12"', "<!DOCTYPE x [<!ENTITY a 'b'>]>"),
)
JSON = (
    *(
        '{"events":[',
        '{"segs":[',
        '{"utf8":"',
        '"}',
        "]}",
        "[",
        "{",
        '"',
        ",",
        ":",
        '"tStartMs":',
        '"dDurationMs":',
        "1e308",
    ),
    *("-1", "1" * 30, "1" * 400, "1" * 5000, "true", "null", "\\ud800", "\\n", "NaN", "Infinity"),
)

INTAKE = (
    *(
        ID,
        "https://",
        "youtu.be/",
        "youtube.com/watch?v=",
        "www.youtube.com/playlist?list=PL0123456789",
        "@handle",
        "file://",
    ),
    *(
        "talk.srt",
        ".vtt",
        " - ",
        "1. ",
        "# ",
        " # ",
        "[a](",
        ")",
        "<a href='",
        "\\ ",
        "&amp;",
        "?t=30",
        "@",
        "x" * 300,
        "~root/",
    ),
    *("C:\\", "./", "http://evil.example/", "/channel/UC", "youtube.com/live/", "/etc/passwd", "\n"),
)

ENTRY = {
    "video_id": ID, "url": f"https://www.youtube.com/watch?v={ID}", "subject": "AI", "worker_id": 0, "video_title": "Entropy",
    "transcript_metadata": {"duration": 300.0, "length": 12, "method": "x"}, "notes_filepath": "notes/AI/Entropy.md",
    "stage": "generating_notes", "success": False, "error": "Busy: no", "error_class": "Busy", "is_retryable": True,
    "start_time": "2025-10-09T14:31:00.000+02:00", "end_time": "2025-10-09T14:32:00", "processing_duration": 60.5,
    "timings": {"fetch_transcript": 1.5}, "files_created": ["AI/Entropy.md", "AI/pdfs/Entropy.pdf"], "total_files": 2,
    "logged_at": "2025-10-09T14:32:00.000+02:00", "attempt_id": f"{ID}#1",
}  # fmt: skip
LOG = (
    f"[\n{json.dumps(ENTRY)},\n{json.dumps(ENTRY | {'success': True, 'stage': 'completed'})}\n]\n",
    json.dumps([ENTRY, {"video_id": "x"}], indent=2),
    "[]\n",
)
LOG_PIECES = (
    *(json.dumps(ENTRY), "[\n", ",\n", "\n]\n", '{"video_id":"x"}', '{"video_id":', '"success":true', '"cost":', *JSON),
    *(
        '[{"video_id":[',
        '"processing_duration":',
        '"start_time":"',
        '"../../../etc/passwd"',
        '"files_created":[',
        "0001-01-01",
    ),
    *("9999-12-31T23:59:59", '"timings":{', '"worker_id":', '"logged_at":'),
)

NOTE = (
    "---\ntitle: Entropy\naliases:\n- x\nvideo_id: dQw4w9WgXcQ\nconcepts: [hash tables]\n---\n\n# Entropy\n\n"
    f"[Watch on YouTube](https://www.youtube.com/watch?v={ID})\n\n## Key Points\n\n- hash tables are **fast** "
    f"[12:34](https://youtu.be/{ID}?t=754)\n- `hash tables` and $x$\n\n> [!success]- Model answers\n> **Question 1**\n>\n"
    f"> gradient descent\n\n| a | b |\n|---|---|\n| hash tables | x |\n\n```py\nhash tables\n```\n\n{USER_MARK}\n\n## My Notes\n"
)
MARKDOWN = (
    *(*WORDS, *SPACES, *INLINE, *HTML, *BLOCKS),
    *(
        "|a|\n|-|\n\n",
        "[x]: <",
        "- [ ] ",
        "> [!success]- x\n\n",
        "---\n",
        "a: [",
        "&x ",
    ),
    *(
        "*x ",
        "==a ",
        "<!--\n",
        "%%\n",
        "$$a$$\n",
        "[12:34]",
        "**Question 1**\n\n",
        USER_MARK + "\n",
        "![[x]]",
        "[^1]",
        "#tag",
    ),
    *("[a](file:///etc/passwd)", "[a](javascript:x)", "![](http://x/y.png)", "<script>", "a@b.cd", "www.x.yz"),
)

QUIZ = json.dumps(
    {
        "questions": [
            {"kind": kind, "question": "Why [12:34]?", "answer": "Because.", "concepts": ["entropy"], "time": "12:34"}
            for kind in (
                "Gap Analysis",
                "Practical Application",
                "Innovation Challenges",
                "Connections & Synthesis",
                "Gap Analysis",
            )
        ]
    }
)
QUIZ_PIECES = (
    '{"questions":[',
    '{"kind":"Gap Analysis",',
    '"question":"',
    '"answer":',
    '"time":"99:99:99"',
    '"concepts":[',
    *JSON,
)
ANSWER = (
    "Title: Entropy\nSubject: Physics\nConcepts: entropy; heat; time\n\n## Core Concepts\n\n- entropy grows [12:34]\n\n"
    "## Key Points\n\n1. heat ([1:10, 2:20]) and [0:05-0:10](https://youtu.be/x?t=5)\n"
)
ANSWER_PIECES = ("Title: ", "Subject:", "Concepts: a;", "## ", "; ", "```markdown\n", "\n```", "**", "：", *MARKDOWN)
CITED = (
    *(
        "[12:34]",
        "[12:34",
        "(1:10)",
        "[1:10, 2:20]",
        "【12:34】",
        "[99:99]",
        "[0:05-0:10]",
        "12:34",
        ", ",
        " - ",
        "–",
        "](",
        "?t=5)",
    ),
    *(
        "([12:34])",
        "[12:34](https://youtu.be/x?t=5)",
        "`",
        "``",
        "```\n",
        "~~~",
        "\n",
        "0.0000",
        "[0:00.",
        " ",
        ":00",
        "a",
    ),
)

TOML = 'out = "notes"\nworkers = 5\nlanguages = ["en", "de"]\nbudget = 1.5\npdf = false\n[keys]\n"jobs.retry" = "e"\n'
TOML_PIECES = (
    *(
        "workers = ",
        "out = ",
        "budget = ",
        "retry_minutes = ",
        "fetch_deadline = ",
        "proxy = ",
        "keys.",
        "a.",
        "[keys]",
        "[[x]]",
    ),
    *(
        '"""',
        "'''",
        "[",
        "{a=",
        "inf",
        "nan",
        "1e300",
        "0x",
        "1" * 30,
        "1" * 5000,
        '"~/x"',
        '"\\u0000"',
        "true",
        "\n",
        "#",
        " = ",
    ),
    *(
        "1979-05-27T07:32:00Z",
        "themes = ",
        "languages = ",
        "\\ud800",
        "retries = ",
        "playlist_limit = ",
        "author = ",
        '"claude"',
    ),
)

EVENTS = (
    {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": [],
     "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "## Core \ud83d"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "\ude00 entropy"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
)  # fmt: skip
SSE = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS)
SSE_ERROR = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"no"}}\n\n'
SSE_PIECES = (
    *(
        "event: ",
        "data: ",
        "\n\n",
        "message_start",
        "message_delta",
        "error",
        "ping",
        SSE_ERROR,
        '{"type":"ping"}',
        "id: 1\n",
    ),
    *(
        '"usage":',
        '"stop_reason":"refusal"',
        '"input_json_delta","partial_json":"',
        '"text_delta"',
        '"index":',
        "retry: ",
        *JSON,
    ),
)


def player() -> str:
    """YouTube's answer about a lecture."""
    return json.dumps(pages.player(lecture(1), "ANDROID"))


PLAYER_PIECES = (
    *(
        '"captions":',
        '"videoDetails":',
        '"lengthSeconds":"',
        '"title":',
        '"captionTracks":[',
        '"playabilityStatus":',
        *JSON,
    ),
    *(
        '"languageCode":',
        '"kind":"asr"',
        '"baseUrl":"http://x/api/timedtext?x"',
        '"audioTracks":',
        "&exp=xpe",
        '"name":{}',
    ),
)

"""A few of the inputs of `make fuzz`, for every parser; and the ones that some parser did not bear."""

from __future__ import annotations

import pytest

from tests.fuzz.monkey import MONKEY
from tests.fuzz.parsers import PARSERS
from tests.fuzz.runner import Parser
from tests.world import pages
from tests.world.catalog import lecture

CASES = 60
SIZE = 700
BY_NAME = {parser.name: parser for parser in PARSERS}
AT_LENGTH = 100_000


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_no_input_is_too_bad(parser: Parser) -> None:
    for number in range(CASES):
        parser.check(parser.case(number))


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_nothing_that_begins_again_and_again_is_too_much(parser: Parser) -> None:
    for text in parser.endless(SIZE, mixed=2):
        parser.check(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("log", '[{"video_id":"x","\\ud800":1}]'),
        ("log", '{"video_id":"","a":2,"\\ud80e":""}'),
        ("links", "---\nhashtable\n%% ytsb: everything below this line is yours and is kept %%\n---"),
        ("links", "hash tables " * (AT_LENGTH // 12)),
        ("links", "`hash tables` " * 1_400 + "\n\n" + "`hash tables` " * 1_400),
        ("links", "$$a$$\n" * (AT_LENGTH // 6)),
        ("documents", "]```\n```\n![]()"),
        ("documents", "*" * AT_LENGTH),
        ("documents", "```" + "a" * AT_LENGTH + "`"),
        ("time links", "`" * AT_LENGTH),
        ("PDF page", "==a " * 4_000),
        ("PDF page", "|a|\n|-|\n\n" * 5_000),
        ("PDF page", "<!--\n\n" * 5_000 + "--> x"),
        ("PDF page", "<!--\n" * 200_000),
        ("reader", "*" * AT_LENGTH),
        ("srv1, srv3", "<timedtext><body>" + "<p t='1'>" * 10_000 + "a" + "</p>" * 10_000 + "</body></timedtext>"),
        ("settings", "retry_minutes = inf"),
        ("retry-after", "9" * 400),
        ("player", '{"videoDetails":{"lengthSeconds":"' + "9" * 400 + '"}}'),
        (
            "watch page",
            pages.watch(lecture(1)).replace('"timeRangeStartMillis": ', '"timeRangeStartMillis": ' + "9" * 400),
        ),
        ("Claude stream", 'event: a\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta"}}\n\n'),
        ("Claude stream", 'event: message_start\ndata: {"type":"message_start","message":{"usage":{"a":1}}}\n\n'),
    ],
    ids=lambda value: value[:12].strip().encode("ascii", "backslashreplace").decode(),
)
def test_what_was_too_much_once(name: str, text: str) -> None:
    BY_NAME[name].check(text)


def test_a_few_keys_of_the_monkey_break_nothing() -> None:
    MONKEY.check("jkxl\x1bs\x1b" + "d" * 30 + "\x1b[48;20;60;320;480t\x1b[<0;5;8M\x1b[<0;5;8mR")
    assert "\x10" in "".join(MONKEY.case(number) for number in range(20))

"""Every time link is true: inside the video, near something that is said, to the right video."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ytsb_tui.services.claude.time_links import TimeLinks
from ytsb_tui.transcript import Cue, Transcript, timestamp

SHORT = Transcript(tuple(Cue(at * 10.0, at * 10.0 + 9, "words") for at in range(180)), duration=1800.0)
"""Half an hour, spoken throughout."""
LONG = Transcript(tuple(Cue(at * 10.0, at * 10.0 + 9, "words") for at in range(720)), duration=7200.0)


def link(second: float) -> str:
    return f"https://youtu.be/dQw4w9WgXcQ?t={int(second)}"


def shown(cited: str, transcript: Transcript = SHORT) -> str:
    """What becomes of a text, links written as `12:34@754`."""
    text = TimeLinks(transcript, link).checked(cited).text
    return re.sub(r"\[([\d:]+)\]\(https://youtu\.be/dQw4w9WgXcQ\?t=(\d+)\)", r"\1@\2", text)


@pytest.mark.parametrize(
    ("cited", "becomes"),
    [
        ("A point [12:34].", "A point 12:34@754."),
        ("- [0:05] First", "- 0:05@5 First"),
        ("Zero-padded [00:12:34]", "Zero-padded 12:34@754"),
        ("A stretch [12:34-13:00]", "A stretch 12:34@754"),
        ("A stretch [12:34 – 13:00].", "A stretch 12:34@754."),
        ("Two [1:10, 2:20]", "Two 1:10@70, 2:20@140"),
        ("Frames [12:34:10]", "Frames 12:34@754"),
        ("Fractions [12:34.567]", "Fractions 12:34@754"),
        ("In brackets ([12:34])", "In brackets (12:34@754)"),
        ("Round (12:34).", "Round 12:34@754."),
        ("全角【12:34】", "全角12:34@754"),
        ("概念[12:34]", "概念12:34@754"),
        ("Linked [12:34](https://youtu.be/dQw4w9WgXcQ?t=754)", "Linked 12:34@754"),
        ("Wrong video [12:34](https://youtu.be/AAAAAAAAAAA?t=754)", "Wrong video 12:34@754"),
        ("Wrong second [12:34](https://youtu.be/dQw4w9WgXcQ?t=9)", "Wrong second 12:34@754"),
        ("No URL [12:34](#)", "No URL 12:34@754"),
        ("Bad label [99:99](https://youtu.be/dQw4w9WgXcQ?t=60)", "Bad label 1:00@60"),
        ("Beyond the end [45:00].", "Beyond the end."),
        ("No time [12:99].", "No time."),
        ("Half true [12:34, 45:00]", "Half true 12:34@754"),
        ("Brackets left empty ([45:00]).", "Brackets left empty."),
        ("A ratio (45:00) stays", "A ratio (45:00) stays"),
        ("Slices `text[1:20]` and list[1:20] stay", "Slices `text[1:20]` and list[1:20] stay"),
        ("```python\nx [1:20]\n```\nbut [1:20]", "```python\nx [1:20]\n```\nbut 1:20@80"),
        ("Wikilinks [[12:34]] stay", "Wikilinks [[12:34]] stay"),
        ("A [link](https://example.org) stays", "A [link](https://example.org) stays"),
    ],
)
def test_a_citation_is_made_true_or_taken_out(cited: str, becomes: str) -> None:
    assert shown(cited) == becomes


def test_hours_are_understood_where_the_video_has_them() -> None:
    assert shown("[1:02:34] and [75:20]", LONG) == "1:02:34@3754 and 1:15:20@4520"


def test_a_time_where_nobody_speaks_is_taken_out() -> None:
    silent = Transcript((Cue(0, 10, "before the concert"), Cue(600, 610, "after it")), duration=700.0)
    assert shown("[0:20] [5:00] [9:45] [11:30]", silent) == "0:20@20 9:45@585"


def test_without_a_video_times_are_plain() -> None:
    linked = TimeLinks(SHORT, lambda second: None).checked("A [12:34] and ([1:00]) and [45:00].")
    assert linked.text == "A (12:34) and (1:00) and."


def test_what_was_done_is_counted() -> None:
    linked = TimeLinks(SHORT, link).checked("[1:00] [2:00-3:00] [45:00] [1:00](https://youtu.be/dQw4w9WgXcQ?t=60)")
    assert (linked.good, linked.repaired, linked.removed) == (2, 1, 1)


def test_coverage_is_the_share_of_minutes_that_points_link_to() -> None:
    links = TimeLinks(SHORT, link)
    assert links.coverage(links.checked("[0:10] [0:50] [10:00-12:30] [45:00]")) == pytest.approx(4 / 30)
    assert links.coverage(links.checked("nothing")) == 0.0
    assert links.coverage(links.checked("[0:00-30:00]")) == 1.0


def test_without_time_marks_there_is_nothing_to_link_or_to_cover() -> None:
    links = TimeLinks(Transcript((Cue(0, 0, "plain text"),), timed=False), link)
    linked = links.checked("A point [0:00].")
    assert (linked.text, links.coverage(linked), links.second("0:00")) == ("A point.", None, None)


@pytest.mark.parametrize(("time", "second"), [("12:34", 754.0), ("[12:34-13:00]", 754.0), ("45:00", None), ("?", None)])
def test_the_second_of_a_question(time: str, second: float | None) -> None:
    assert TimeLinks(SHORT, link).second(time) == second


@given(
    st.lists(
        st.sampled_from(["[", "]", "(", ")", "12:34", "99:99", "1:02:03", "-", ", ", "`", "```\n", "x", " ", "\n"])
    )
)
def test_no_text_breaks_it_and_no_link_is_false(pieces: list[str]) -> None:
    linked = TimeLinks(SHORT, link).checked("".join(pieces))
    for label, second in re.findall(r"\[([\d:]+)\]\(https://youtu\.be/dQw4w9WgXcQ\?t=(\d+)\)", linked.text):
        assert int(second) < 1800
        assert timestamp(int(second)) == label


@given(st.lists(st.sampled_from(["words ", "[12:34] ", "(1:00) ", "[99:00] ", "`[1:20]` ", "- ", "\n", "## Head\n"])))
def test_checking_twice_changes_nothing(pieces: list[str]) -> None:
    links = TimeLinks(SHORT, link)
    once = links.checked("".join(pieces)).text
    again = links.checked(once)
    assert again.text == once
    assert again.repaired == again.removed == 0

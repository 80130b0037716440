"""Pastes that a terminal does not mark are pastes all the same, and keys stay keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser

from ytsb_tui.ui.pasting import Marks, is_mass, marked

LINK = "https://youtu.be/dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "text", [LINK, f"{LINK}\r{LINK}\r", "'/home/me/my lecture.srt'", "talk.srt\t\n", "講義の動画です: x"]
)
def test_what_nobody_can_have_typed_at_once_is_a_paste(text: str) -> None:
    assert is_mass(text)


@pytest.mark.parametrize(
    "text",
    [
        "j",
        "jjjjjjjjjjjjjjjj",
        "\r\r\r\r\r\r\r\r\r",
        "\x1b[A\x1b[A\x1b[A",
        "\x1b[<0;1;1M",
        "q\x03aaaaaaaa",
        "r" + " " * 3,
    ],
)
def test_keys_are_keys(text: str) -> None:
    assert not is_mass(text)


def understood(text: str) -> list[str]:
    """What a terminal's text means: pastes as their text, keys as their names."""
    found = []
    for event in XTermParser().feed(text):
        if isinstance(event, events.Paste):
            found.append(event.text)
        elif isinstance(event, events.Key):
            found.append(f"<{event.key}>")
    return found


def test_a_mass_of_keys_becomes_one_paste_and_what_follows_stays() -> None:
    assert understood(marked(f"{LINK}\r\n{LINK}\r")) == [f"{LINK}\n{LINK}\n"]
    assert understood(marked(f"{LINK}\x1b[A")) == [LINK, "<up>"]


def test_in_a_marked_paste_nothing_is_missing() -> None:
    marks = Marks()
    marks.follow("\x1b[200~first part of a long paste ")
    assert marks.is_open
    marks.follow("and the last.\x1b[201~")
    assert not marks.is_open
    marks.follow("\x1b[200~one\x1b[201~\x1b[200~two")
    assert marks.is_open


def test_an_arrow_or_an_escape_is_no_beginning_of_a_paste() -> None:
    marks = Marks()
    for key in ("\x1b[A", "\x1b", "\x1b[2~", "\x1b[200;5u"):
        marks.follow(key)
        assert not marks.is_open, key


@given(st.lists(st.integers(1, 40), max_size=6))
def test_marks_are_found_wherever_the_terminal_cuts(cuts: list[int]) -> None:
    text = f"\x1b[A\x1b[200~{LINK}\x1b[201~j"
    marks, left = Marks(), text
    for cut in cuts:
        piece, left = left[:cut], left[cut:]
        marks.follow(piece)
        read = text[: len(text) - len(left)]
        if LINK[:1] in read.partition("00~")[2] and "\x1b[201~" not in read:
            assert marks.is_open
    marks.follow(left)
    assert not marks.is_open

"""File names that every system, and Obsidian, can live with."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ytsb_tui.services.vault.names import LONGEST, folder_name, safe_name, same_name

WINDOWS = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("How Hash Tables Work", "How_Hash_Tables_Work"),
        ("  C++ / Rust:   which? ", "C++_Rust_which"),
        ("[2024] What is #1? | a^b", "2024_What_is_1_ab"),
        ("../../etc/passwd", "etcpasswd"),
        ("...And Justice for All.", "And_Justice_for_All"),
        ("line\nbreak\tand\x00null", "line_break_andnull"),
        ("a\u202eb\u200bc\ufeffd", "abcd"),
        ("lone \ud800surrogate", "lone_surrogate"),
        ("hid\U000e0002den", "hidden"),
        ("CON", "CON_"),
        ("nul.tar.gz", "nul_.tar.gz"),
        ("com1 .txt", "com1_.txt"),
        ("Icon", "Icon"),
        ("PDFs", "PDFs_"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("深度学习 入门", "深度学习_入门"),
        ("التعلم العميق", "التعلم_العميق"),
        ("???", "dQw4w9WgXcQ"),
        ("", "dQw4w9WgXcQ"),
    ],
)
def test_a_title_becomes_a_name(title: str, name: str) -> None:
    assert safe_name(title, "dQw4w9WgXcQ") == name


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Physics/Heat", "Physics-Heat"),
        ("TCP / IP\\UDP", "TCP-IP-UDP"),
        ("熱/エントロピー", "熱-エントロピー"),
        ("../../x", "x"),
        ("/etc/..", "etc"),
        ("..\\con", "con_"),
        ("COM1/..", "COM1_"),
        ("C:\\x", "Cx"),
        ("a" + "/b" * 300, "a" + "-b" * 107),
        ("/", "General"),
    ],
)
def test_a_subject_with_separators_is_one_readable_folder(subject: str, name: str) -> None:
    assert folder_name(subject, "General") == name


def test_a_name_is_never_empty() -> None:
    assert safe_name("?", "/") == "Untitled"


def test_seventy_chinese_characters_stay_whole() -> None:
    assert safe_name("学" * 70, "id") == "学" * 70


@pytest.mark.parametrize("title", ["学" * 100, "😀" * 300, "e\u0323\u0302" * 200, "👍🏽" * 100, "a" * 999])
def test_a_long_title_is_cut_between_characters_and_leaves_room_for_what_is_added(title: str) -> None:
    name = safe_name(title, "id")
    assert LONGEST - 8 < len(name.encode()) <= LONGEST
    assert len(f"Assessment_{name}_9999.pdf.tmp-123456".encode()) <= 255
    whole = unicodedata.normalize("NFC", title)
    rest = whole.removeprefix(name)
    assert rest != whole
    assert unicodedata.category(rest[0])[0] != "M"
    assert not "\U0001f3fb" <= rest[0] <= "\U0001f3ff"


@given(st.text(st.characters()), st.from_regex(r"[A-Za-z0-9_-]{11}", fullmatch=True))
def test_any_text_becomes_one_visible_component_everywhere(text: str, video_id: str) -> None:
    name = safe_name(text, video_id)
    assert name
    assert not set(name) & set('[]#^|/\\:*?"<> \n\r\t\0')
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert name.split(".")[0].upper() not in WINDOWS
    assert len(name.encode()) <= LONGEST
    assert unicodedata.is_normalized("NFC", name)
    assert not {unicodedata.category(mark) for mark in name} & {"Cc", "Cf", "Cs"}
    assert safe_name(name, "other") == name


def test_names_are_the_same_whatever_their_case_and_composition() -> None:
    assert same_name("E\u0301TE\u0301") == same_name("\u00e9t\u00e9")
    assert same_name("Straße") == same_name("STRASSE")

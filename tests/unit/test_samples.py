"""The sample lectures: what the demo shows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.lectures import lecture, outlined, quizzed
from ytsb_tui.samples import samples
from ytsb_tui.transcript import Cue

NAMES = ["Big O Notation in Plain Words", "Caching and the Memory Hierarchy", "How Hash Tables Work"]


def titles(path: Path) -> str:
    return path.name.split(".")[0].replace("_", " ")


def test_there_are_three_with_titles_in_their_names() -> None:
    assert [titles(path) for path in samples()] == NAMES


@pytest.mark.parametrize("path", samples(), ids=titles)
def test_a_sample_is_captioned_as_people_do_it(path: Path) -> None:
    transcript = lecture(path).transcript
    assert transcript
    cues = transcript.cues
    assert 240 < cues[-1].end < 420
    assert all(1.5 <= cue.end - cue.start <= 6.01 for cue in cues)
    assert all(before.end <= after.start for before, after in pairwise(cues))
    assert all(speed(cue) < 25 for cue in cues)


def speed(cue: Cue) -> float:
    """Characters a second: what people can read is about 20."""
    return len(cue.text) / (cue.end - cue.start)


@pytest.mark.parametrize("path", samples(), ids=titles)
def test_a_sample_names_the_others_in_its_notes(path: Path) -> None:
    body = outlined(lecture(path)).study_notes
    assert any(name in body for name in NAMES if name != titles(path))


@pytest.mark.parametrize("path", samples(), ids=titles)
def test_a_sample_fills_every_important_section(path: Path) -> None:
    body = outlined(lecture(path)).study_notes
    for heading in ("Core Concepts", "Key Points", "Connections & Relationships", "Questions for Further Study"):
        assert f"## {heading}\n" in body
    assert body.count("\n- ") > 24


@pytest.mark.parametrize("path", samples(), ids=titles)
def test_a_sample_makes_all_kinds_of_questions(path: Path) -> None:
    questions = quizzed(outlined(lecture(path)))
    assert {question.kind for question in questions} == {
        "Recall",
        "Definitions",
        "Explain in Your Own Words",
        "Gap Analysis",
    }
    assert 5 <= len(questions) <= 7

"""Transcripts over a model's window: in parts, and nothing of them is dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.authoring import Watcher, after, author_at, job_on, talk
from tests.world.claude import Behaviour, Claude
from ytsb_tui.errors import Incomplete, NetworkTrouble
from ytsb_tui.job import Stage
from ytsb_tui.services.claude.long_transcripts import parts, transcript_tokens
from ytsb_tui.services.claude.tokens import rough_tokens
from ytsb_tui.transcript import Chapter, Cue, Transcript

cues = st.lists(st.tuples(st.integers(0, 200), st.text("aé漢 ", min_size=1, max_size=40)), min_size=1, max_size=60)


@given(cues, st.integers(1, 400), st.lists(st.integers(0, 3000), max_size=4))
def test_every_cue_is_in_exactly_one_part(said: list[tuple[int, str]], limit: int, chapters: list[int]) -> None:
    at = 0.0
    made = []
    for pause, text in said:
        made.append(Cue(at + pause, at + pause + 1, text))
        at = made[-1].end
    whole = Transcript(tuple(made), chapters=tuple(Chapter(float(start), "x") for start in sorted(chapters)))
    divided = parts(whole, limit)
    assert tuple(cue for part in divided for cue in part.cues) == whole.cues
    assert all(transcript_tokens(part) <= limit or len(part.cues) == 1 for part in divided)


def test_a_transcript_that_fits_is_one_part() -> None:
    assert parts(talk(), 1_000_000) == [talk()]


def test_parts_begin_with_chapters_where_they_can() -> None:
    divided = parts(talk(60), transcript_tokens(talk(60)) * 2 // 5)
    assert [part.cues[0].start for part in divided] == [0.0, 1200.0, 2400.0]
    assert [chapter.title for chapter in divided[1].chapters] == ["Chapter 3", "Chapter 4"]


def test_without_chapters_parts_begin_after_the_longest_pause() -> None:
    said = [Cue(at * 10.0, at * 10.0 + 9, "words and words") for at in range(100)]
    said[47:] = [Cue(cue.start + 20, cue.end + 20, cue.text) for cue in said[47:]]
    whole = Transcript(tuple(said))
    assert parts(whole, transcript_tokens(whole) * 6 // 10)[0].cues == whole.cues[:47]


def test_parts_are_of_about_one_size() -> None:
    whole = talk(90)
    sizes = [transcript_tokens(part) for part in parts(whole, transcript_tokens(whole) // 3)]
    assert max(sizes) < 2 * min(sizes)


@pytest.mark.parametrize(("text", "tokens"), [("", 1), ("abcdef", 3), ("漢字", 3), ("한국어 abc", 5)])
def test_tokens_are_guessed_by_script(text: str, tokens: int) -> None:
    assert rough_tokens(text) == tokens


def test_a_video_over_the_window_is_noted_in_parts_and_merged() -> None:
    with Claude(windows={"claude-sonnet-5-5": 50_000}) as claude:
        notes = author_at(claude).notes(job_on(talk(240)), ["Earlier"], Watcher())
    assert len(claude.calls) > 2
    assert notes.coverage == 1.0
    assert notes.body.count("## Key Points") == 1
    *each, merged = [call.request for call in claude.calls]
    assert all("This is part " in call["messages"][0]["content"] for call in each)
    assert merged["system"][-1]["text"].count("<part>") == len(each)
    assert "Earlier" in merged["messages"][0]["content"]
    assert notes.usage.output_tokens == sum(call.usage["output_tokens"] for call in claude.calls)


def test_finished_parts_are_not_paid_for_again() -> None:
    job = job_on(talk(240))
    with Claude(windows={"claude-sonnet-5-5": 50_000}) as claude:
        author = author_at(claude)
        claude.next.extend([Behaviour(), Behaviour(ending="cut", after=0.5)])
        with pytest.raises(NetworkTrouble) as caught:
            author.notes(job, [], Watcher())
        before = len(claude.calls)
        assert author.notes(after(job, caught.value), [], Watcher()).coverage == 1.0
        first, later = claude.calls[0].request, [call.request for call in claude.calls[before:]]
    assert first["system"] not in [call["system"] for call in later]
    assert len(later[0]["messages"]) == 3, "the second part was gone on from"


def test_a_server_that_finds_it_too_long_gets_smaller_parts() -> None:
    with Claude() as claude:
        claude.next.append(Behaviour(413))
        assert author_at(claude).notes(job_on(talk()), [], Watcher()).coverage == 1.0
        assert len(claude.calls) == 3, "two parts and what is made of them"


def test_an_assessment_of_a_long_video_asks_about_every_part() -> None:
    job = job_on(talk(240))
    with Claude(windows={"claude-sonnet-5-5": 50_000}) as claude:
        author = author_at(claude)
        claude.next.extend([Behaviour(), Behaviour(ending="cut", after=0.5)])
        with pytest.raises(NetworkTrouble) as caught:
            author.assessment(job, Watcher())
        assessment = author.assessment(after(job, caught.value, Stage.ASSESSMENT), Watcher())
        systems = [call.request["system"][-1]["text"] for call in claude.calls]
    assert systems.count(systems[0]) == 1, "the first part was asked about once"
    minutes = [question.at for question in assessment.questions if question.at is not None]
    assert min(minutes) < 600
    assert max(minutes) > 7200


def test_notes_that_cannot_be_merged_are_incomplete_and_kept() -> None:
    with Claude(windows={"claude-sonnet-5-5": 50_000}) as claude:
        claude.next.extend([Behaviour(), Behaviour(), Behaviour(413)])
        with pytest.raises(Incomplete, match="too long to be merged") as caught:
            author_at(claude).notes(job_on(talk(240)), [], Watcher())
    assert "Core Concepts" in caught.value.partial


def test_nothing_said_is_nothing_to_write_about() -> None:
    with Claude() as claude, pytest.raises(Incomplete, match="no transcript"):
        author_at(claude).notes(job_on(Transcript(())), [], Watcher())

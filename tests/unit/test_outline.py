"""The outline author: the speaker's own words, well chosen, harmless, always the same."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.unit.lectures import VIDEO, Quiet, job_of, lecture, outlined, quizzed, told
from ytsb_tui.errors import Cancelled
from ytsb_tui.job import Stage
from ytsb_tui.samples import samples
from ytsb_tui.services.escape import one_line
from ytsb_tui.services.outline.author import OutlineAuthor
from ytsb_tui.services.outline.languages import guess_language
from ytsb_tui.services.outline.sentences import listen
from ytsb_tui.transcript import Chapter, Cue, Transcript
from ytsb_tui.usage import Usage

CAPTIONS = Path(__file__).resolve().parents[2] / "../shared/captions"
ORDER = [
    "Core Concepts",
    "Key Points",
    "Examples & Applications",
    "Definitions & Terminology",
    "Connections & Relationships",
    "Questions for Further Study",
    "Action Items & Practice",
    "Critical Analysis",
]
LECTURE = [
    "A hash table is a data structure that stores pairs of keys and values.",
    "Every key of the hash table belongs to one bucket of an array.",
    "A hash function is a function that turns a key into the number of a bucket.",
    "For example, the hash function may turn the key Ada into bucket seven.",
    "When two keys get the same bucket, this is called a collision.",
    "How full may a hash table get before collisions slow it down?",
    "Compared to a list, a hash table finds a key without any search.",
    "The problem is that a bad hash function puts all keys into one bucket.",
    "Remember to choose a hash function that spreads the keys evenly.",
    "A good hash function is fast and spreads the keys over every bucket.",
    "The load factor is the number of keys divided by the number of buckets.",
    "When the load factor is high, the hash table has to grow.",
]

cue_lists = st.lists(
    st.builds(
        Cue,
        start=st.floats(0, 90_000, allow_nan=False),
        end=st.floats(0, 90_000, allow_nan=False),
        text=st.one_of(
            st.text(min_size=1, max_size=120),
            st.sampled_from(
                [*LECTURE, "42", "🎓🎓🎓", "[Music]", "♪", "<script>alert(1)</script>", "嗨，我是。", "สวัสดี", "..."]
            ),
        ),
    ),
    max_size=25,
)


def captions(name: str) -> Path:
    path = next(CAPTIONS.glob(name), None)
    return path or pytest.skip(f"{name} is not here")


def headings(body: str) -> list[str]:
    return re.findall(r"^## (.*)$", body, re.MULTILINE)


def links(body: str) -> list[int]:
    return [int(second) for second in re.findall(rf"\]\(https://youtu\.be/{VIDEO}\?t=(\d+)\)", body)]


def test_it_says_at_the_top_that_no_model_wrote_it() -> None:
    assert outlined(told(LECTURE)).study_notes.startswith(
        "> [!info] Outline\n"
        "> Made from the transcript without a language model: sentences are the speaker's own.\n\n"
        "## "
    )


def test_each_sentence_goes_where_readers_look_for_it() -> None:
    body = outlined(told(LECTURE)).study_notes
    sections = dict(zip(headings(body), re.split(r"^## .*$", body, flags=re.MULTILINE)[1:], strict=True))
    assert list(sections) == [heading for heading in ORDER if heading in sections]
    assert "- **hash table** – A hash table is a data structure" in sections["Core Concepts"]
    assert "For example" in sections["Examples & Applications"]
    assert "How full may" in sections["Questions for Further Study"]
    assert "Remember to choose" in sections["Action Items & Practice"]


def test_no_sentence_is_shown_twice() -> None:
    shown = re.findall(r"^- (?:\*\*.*?\*\* – )?(.*?) \[", outlined(told(LECTURE)).study_notes, re.MULTILINE)
    assert len(shown) == len(set(shown))


def test_concepts_are_names_of_things_without_variants() -> None:
    concepts = outlined(told(LECTURE)).concepts
    assert set(concepts[:2]) == {"hash table", "hash function"}
    assert not {"hash tables", "hash", "remember", "good"} & set(concepts)


def test_what_the_title_names_comes_first() -> None:
    assert outlined(told(LECTURE, title="The Load Factor Explained")).concepts[0] == "load factor"


def test_a_sentence_can_be_an_inference_only_from_the_transcript() -> None:
    job = told(LECTURE)
    said = " ".join(LECTURE)
    for line in outlined(job).study_notes.split("\n"):
        if line.startswith("- "):
            assert re.sub(r"^- (\*\*.*?\*\* – )?| \[[\d:]+\]\(.*\)$", "", line) in said


def test_key_points_come_from_all_over_a_long_lecture() -> None:
    job = outlined(lecture(captions("google-io2009*")))
    assert job.coverage is not None
    assert job.coverage > 0.5
    points = links(job.study_notes.split("## Key Points")[1].split("\n## ")[0])
    assert points == sorted(points)
    assert min(points) < 300
    assert max(points) > job.duration - 300
    assert job.study_notes.count("\n### ") == 8


def test_key_points_stand_under_the_videos_chapters() -> None:
    job = told(LECTURE)
    assert job.transcript
    chapters = (Chapter(0.0, "Keys # and values"), Chapter(30.0, "Limits"))
    body = outlined(replace(job, transcript=replace(job.transcript, chapters=chapters))).study_notes
    assert body.index("### Keys \\# and values") < body.index("### Limits")


def test_untimed_text_gets_no_times() -> None:
    job = outlined(told(LECTURE, timed=False))
    assert links(job.study_notes) == []
    assert job.coverage is None
    assert all(question.at is None for question in quizzed(job))


def test_a_file_without_a_video_gets_times_without_links() -> None:
    body = outlined(replace(told(LECTURE), video_id="file-0123456789ab")).study_notes
    assert "](http" not in body
    assert "pairs of keys and values. (0:00)" in body


def test_a_lecture_is_filed_under_the_field_its_words_belong_to() -> None:
    for path in samples():
        assert OutlineAuthor().notes(lecture(path), (), Quiet()).subject == "Computer Science"
    assert OutlineAuthor().notes(told(["Hello there, how are you today?"]), (), Quiet()).subject == ""


def test_a_sentence_that_names_an_earlier_note_is_shown() -> None:
    texts = [*LECTURE, "All of this rests on binary trees and forests."]
    notes = OutlineAuthor().notes(told(texts), ("Binary_Trees_and_Forests", "Binary_Trees"), Quiet())
    assert "rests on binary trees" in notes.body.split("## Connections")[1]


def test_the_same_transcript_makes_the_same_notes_and_questions() -> None:
    job = told(LECTURE)
    assert outlined(job) == outlined(job)
    assert quizzed(outlined(job)) == quizzed(outlined(job))


def test_fillers_speakers_and_noises_are_left_out() -> None:
    said = listen(
        Transcript(
            (
                Cue(0, 2, "[applause]"),
                Cue(2, 4, "Ada Lovelace: Um, so, uh, a bucket is"),
                Cue(4, 6, "a slot. (laughter)"),
                Cue(6, 8, ">> Ada Lovelace: ♪ It is small."),
            ),
            language="en",
        ),
        lambda: None,
    )
    assert [(each.text, each.start) for each in said.sentences] == [("So, a bucket is a slot.", 2), ("It is small.", 6)]


def test_automatic_captions_are_split_at_pauses() -> None:
    texts = ["so a hash table is", "basically an array of buckets", "and a key decides", "which bucket is taken"]
    cues = tuple(
        Cue(2.0 * at + (3 if at > 1 else 0), 2.0 * at + 2 + (3 if at > 1 else 0), t) for at, t in enumerate(texts)
    )
    said = listen(Transcript(cues, language="en", captions="automatic"), lambda: None).sentences
    assert [each.text for each in said] == [
        "So a hash table is basically an array of buckets",
        "And a key decides which bucket is taken",
    ]


def test_abbreviations_and_numbers_do_not_end_sentences() -> None:
    said = listen(Transcript((Cue(0, 9, "Dr. Hopper took 3.5 hours, i.e. Long. Then she slept."),)), lambda: None)
    assert [each.text for each in said.sentences] == ["Dr. Hopper took 3.5 hours, i.e. Long.", "Then she slept."]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The cache of the processor is small and it is fast, so that you wait for it", "en"),
        ("Nous allons voir que le cache est une mémoire dans la machine pour vous", "fr"),
        ("您可以輕鬆為自己的網站增添社交功能", "zh"),
        ("これはハッシュ表の説明です", "ja"),
        ("สวัสดีครับ วันนี้เรียนเรื่องตาราง", "th"),
        ("إلى الشمال يمكن أن نرى", "ar"),
        ("12345", ""),
        ("", ""),
    ],
)
def test_a_language_is_told_by_its_script_and_its_commonest_words(text: str, language: str) -> None:
    assert guess_language(text) == language


@pytest.mark.parametrize(
    ("name", "concepts"),
    [
        ("google-friend-connect*", {"Google Friend Connect", "網站", "小工具", "訪客"}),
        ("hf-34*", {"modèle", "entraînement", "hub"}),
        ("hf-04*", {"encoder", "decoder", "numerical representations"}),
        ("google-painless*", {"module", "class", "function", "standard library"}),
    ],
)
def test_real_lectures_in_several_languages_have_their_concepts_found(name: str, concepts: set[str]) -> None:
    job = outlined(lecture(captions(name)))
    assert concepts <= set(job.concepts)
    assert 4 <= len(quizzed(job)) <= 7


def test_a_short_talk_gets_at_least_one_question() -> None:
    for texts in (["Hi."], ["🎓"], ["42 7 9"], ["[Music]"], ["one two three"], ["same same"] * 40):
        job = outlined(told(texts))
        assert quizzed(job)
        assert "- " in job.study_notes


def test_where_nothing_is_said_nothing_is_asked() -> None:
    job = outlined(told([]))
    assert "Nothing is said in this video." in job.study_notes
    assert quizzed(job) == ()


def test_a_gap_question_asks_about_what_the_notes_left_out() -> None:
    for path in samples():
        job = outlined(lecture(path))
        gaps = [question for question in quizzed(job) if question.kind == "Gap Analysis"]
        assert gaps
        for question in gaps:
            assert question.answer.split("> ")[1] not in job.study_notes
        assert all(question.kind != "Gap Analysis" for question in quizzed(replace(job, author="claude")))


def test_a_missing_term_is_among_the_choices_and_not_in_the_prompt() -> None:
    for path in samples():
        for question in quizzed(outlined(lecture(path))):
            if question.kind == "Recall":
                (concept,) = question.concepts
                assert concept in question.hints
                assert f" {concept} " not in question.prompt
                assert r"\_\_\_\_\_" in question.prompt


def test_it_is_free() -> None:
    assert OutlineAuthor().estimate(told(LECTURE), Stage.NOTES) == Usage()


def test_it_stops_when_told_to() -> None:
    class Stop(Quiet):
        def check(self) -> None:
            raise Cancelled("cancelled")

    with pytest.raises(Cancelled):
        OutlineAuthor().notes(told(LECTURE), (), Stop())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cue_lists, st.booleans(), st.sampled_from(["", "en", "fr", "zh-TW", "th", "xx"]), st.text(max_size=30))
def test_any_transcript_makes_valid_harmless_notes(cues: list[Cue], timed: bool, language: str, title: str) -> None:
    transcript = Transcript(tuple(cues), title=title, duration=90_000, language=language, timed=timed)
    job = outlined(job_of(transcript))
    questions = quizzed(job)
    assert not any(one_line(each.text) for each in cues) or questions
    texts = [job.study_notes, *(text for each in questions for text in (each.prompt, each.answer, *each.hints))]
    for text in texts:
        text.encode()
        tokens = MarkdownIt("commonmark").parse(text)
        found = {each.type for token in tokens for each in (token, *(token.children or ()))}
        assert not found & {"html_block", "html_inline", "image", "fence", "code_block", "hr"}
        assert "[[" not in text
    assert set(headings(job.study_notes)) <= set(ORDER)
    assert job.coverage is None or 0 <= job.coverage <= 1

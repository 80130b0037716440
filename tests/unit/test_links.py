"""Wikilinks between the notes of a vault."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ytsb_tui.errors import Stopped
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.services.documents import USER_MARK, MarkdownDocuments
from ytsb_tui.services.links.prose import MOST
from ytsb_tui.services.links.wikilinks import WikiLinks
from ytsb_tui.services.vault.vault import Vault
from ytsb_tui.settings import PRIVATE
from ytsb_tui.transcript import Cue, Transcript

WORDS = ("Group", "Ring", "Field", "Knot", "Graph", "Game", "Number", "Type")
OTHERS = (*WORDS[1:], WORDS[0])


@dataclass
class Study:
    """A vault that notes are written to as the pipeline does it."""

    root: Path
    vault: Vault = field(init=False)
    links: WikiLinks = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.vault = Vault(self.root)
        self.links = WikiLinks(self.vault)

    def reopen(self) -> None:
        """End the program and start it again."""
        self.links.close()
        self.vault = Vault(self.root)
        self.links = WikiLinks(self.vault)

    def add(self, title: str, body: str = "Nothing.", *concepts: str, quiz: bool = False) -> VideoProcessingJob:
        """Write a note and link it."""
        job = self.write(title, body, *concepts, quiz=quiz)
        self.links.connect(job)
        return job

    def write(self, title: str, body: str = "Nothing.", *concepts: str, quiz: bool = False) -> VideoProcessingJob:
        self.count += 1
        job = self.vault.place(
            VideoProcessingJob(
                f"video{self.count:06}",
                f"https://www.youtube.com/watch?v=video{self.count:06}",
                subject="CS",
                video_title=title,
                study_notes=f"## Core\n\n{body}",
                concepts=concepts,
                output_dir=self.root,
                seconds={Stage.ASSESSMENT: 1.0} if quiz else {},
                assessment_content="## Quiz\n\nWhat are hash tables?",
            )
        )
        assert job.notes_filepath is not None
        self.vault.write(job.notes_filepath, MarkdownDocuments().note(job))
        if job.assessment_filepath:
            self.vault.write(job.assessment_filepath, MarkdownDocuments().assessment_note(job))
        return job

    def text(self, job: VideoProcessingJob) -> str:
        """What the note says between its first section and the user's part."""
        assert job.notes_filepath is not None
        return self.vault.read(job.notes_filepath).split("## Core\n\n")[1].split(f"\n\n{USER_MARK}")[0]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    study = Study(tmp_path / "notes")
    yield study
    study.links.close()


def test_a_new_note_is_linked_to_earlier_ones_and_they_to_it(study: Study) -> None:
    hashing = study.add("How Hash Tables Work", "Unlike gradient descent, a lookup is exact.", "hash table")
    descent = study.add("Gradient Descent", "It is no hash table.", "gradient descent")
    assert study.text(descent) == "It is no [[How_Hash_Tables_Work|hash table]]."
    assert study.text(hashing) == "Unlike [[Gradient_Descent|gradient descent]], a lookup is exact."


def test_connect_says_how_many_links_were_added_and_adds_them_once(study: Study) -> None:
    study.add("Hash Tables", "Gradient descent, and linear regression.")
    study.add("Linear Regression")
    descent = study.write("Gradient Descent", "Hash tables. Linear regression. Hash tables again.")
    assert study.links.connect(descent) == 3
    text = study.text(descent)
    assert text == "[[Hash_Tables|Hash tables]]. [[Linear_Regression|Linear regression]]. Hash tables again."
    assert study.links.connect(descent) == 0
    assert study.text(descent) == text


@pytest.mark.parametrize(
    ("title", "said", "linked"),
    [
        ("How Hash Tables Work", "a hash table", "hash table"),
        ("What is Backpropagation?", "by back-propagation", "back-propagation"),
        ("Back Propagation", "by backpropagation", "backpropagation"),
        ("Gradient Descent", "by gradiant descent", "gradiant descent"),
        ("Newton's Method", "with Newton’s method", "Newton’s method"),
        ("Bayes' Theorem", "see Bayes theorem", "Bayes theorem"),
        ("Sparse Matrices", "a sparse matrix", "sparse matrix"),
        ("Le théorème de Pythagore", "le the\u0301ore\u0300me de Pythagore", "le the\u0301ore\u0300me de Pythagore"),
        ("L'apprentissage profond", "de l’apprentissage profond", "l’apprentissage profond"),
        ("深度学习", "我们介绍深度学习的内容", "深度学习"),
        ("機械学習入門", "これは機械学習入門です", "機械学習入門"),
        ("한국어 문법", "오늘은 한국어 문법을", "한국어 문법"),
        ("التعلم العميق", "يستخدم التعلّم العميق", "التعلّم العميق"),
        ("Entropy", "so entropy grows", "entropy"),
        ("Entropy: A Measure | Physics 101", "so a measure of entropy", None),
        ("Introduction to Probability Theory | Lecture 3", "in probability theory", "probability theory"),
        ("Lecture 3: Introduction", "the introduction of lecture 3", None),
        ("AI", "maintain it", None),
        ("Hash Tables", "a hash. Tables follow", None),
        ("Hypertension", "against hypotension", None),
        ("Supervised Learning", "unsupervised learning", None),
    ],
)
def test_a_note_is_found_by_what_people_call_it(study: Study, title: str, said: str, linked: str | None) -> None:
    named = study.add(title)
    note = study.add("Something else entirely", said + ".")
    assert named.notes_filepath is not None
    link = f"[[{named.notes_filepath.stem}|{linked}]]" if linked != named.notes_filepath.stem else f"[[{linked}]]"
    assert study.text(note) == (said.replace(linked, link) if linked else said) + "."


def test_the_longest_name_wins(study: Study) -> None:
    study.add("Deep Learning")
    study.add("Deep Learning Frameworks")
    note = study.add("Tools of the trade", "Of deep learning frameworks.")
    assert study.text(note) == "Of [[Deep_Learning_Frameworks|deep learning frameworks]]."


def test_a_part_that_several_titles_share_names_none_of_them(study: Study) -> None:
    study.add("Neurons and synapses | Brain Science")
    study.add("Axons and dendrites | Brain Science")
    note = study.add("Going outside", "Brain science is hard, says brain science.")
    assert "[[" not in study.text(note)


def test_a_single_word_that_many_notes_have_is_no_name(study: Study) -> None:
    study.add("Energy")
    notes = [
        study.add(f"Topic number {word}", "All about energy.")
        for word in ["one", "two", "three", "four", "five", "six"]
    ]
    assert "[[" in study.text(notes[0])
    assert "[[" not in study.text(notes[-1])


def test_a_note_gets_at_most_ten_links_however_often_it_is_linked(study: Study) -> None:
    topics = [
        f"{word} theory"
        for word in [
            "Group",
            "Ring",
            "Field",
            "Knot",
            "Graph",
            "Game",
            "Number",
            "Set",
            "Type",
            "Proof",
            "Order",
            "Model",
        ]
    ]
    for topic in topics[:7]:
        study.add(topic)
    note = study.add("All the mathematics there is", ". ".join(topics))
    for topic in topics[7:]:
        study.add(topic)
    assert study.text(note).count("[[") == MOST


def test_the_users_part_and_handwritten_notes_are_left_alone(study: Study) -> None:
    note = study.add("Something else entirely", "Nothing yet.")
    assert note.notes_filepath is not None
    written = study.vault.read(note.notes_filepath) + "I like hash tables.\n"
    (study.root / note.notes_filepath).write_text(written)
    (study.root / "Diary.md").write_text("Today: hash tables.\n")
    study.reopen()
    study.add("Hash Tables", "See my diary.")
    assert study.vault.read(note.notes_filepath) == written
    assert study.vault.read(Path("Diary.md")) == "Today: hash tables.\n"


def test_assessments_are_neither_linked_nor_linked_to(study: Study) -> None:
    quiz = study.add("Sorting Algorithms", quiz=True)
    assert quiz.assessment_filepath is not None
    before = study.vault.read(quiz.assessment_filepath)
    hashing = study.add("Hash Tables", "Assessment: Sorting Algorithms. Assessment Sorting Algorithms.")
    assert study.vault.read(quiz.assessment_filepath) == before
    assert study.text(hashing).count("[[") == study.text(hashing).count("[[Sorting_Algorithms|") == 1


def test_what_the_user_does_to_notes_is_noticed_at_the_next_start(study: Study) -> None:
    kept, moved, gone = (study.add(title) for title in ("Hash Tables", "Graph Search", "Linked Lists"))
    assert kept.notes_filepath
    assert moved.notes_filepath
    assert gone.notes_filepath
    (study.root / moved.notes_filepath).rename(study.root / "CS" / "Searching_Graphs.md")
    (study.root / gone.notes_filepath).unlink()
    (study.root / "Mine.md").write_text("---\naliases: [Binary Trees]\n---\nText\n")
    study.reopen()
    note = study.add("Data structures", "Hash tables, graph search, linked lists, binary trees.")
    assert study.text(note) == (
        "[[Hash_Tables|Hash tables]], [[Searching_Graphs|graph search]], linked lists, [[Mine|binary trees]]."
    )


def test_a_deleted_note_is_not_linked_to(study: Study) -> None:
    gone = study.add("Linked Lists")
    assert gone.notes_filepath
    (study.root / gone.notes_filepath).unlink()
    assert "[[" not in study.text(study.add("Data structures", "Linked lists."))


@pytest.mark.parametrize("damage", [b"", b"no database at all, but long enough to be looked at" * 99])
def test_a_damaged_index_is_made_anew(study: Study, damage: bytes) -> None:
    study.add("Hash Tables")
    study.links.close()
    (study.root / ".ytsb" / "links.db").write_bytes(damage)
    study.reopen()
    assert study.text(study.add("Data structures", "Hash tables.")) == "[[Hash_Tables|Hash tables]]."


def test_an_index_damaged_in_its_middle_is_made_anew(study: Study) -> None:
    for number in range(40):
        study.add(f"Chapter on topic{number} matters", f"Words{number} " * 200)
    study.links.close()
    index = study.root / ".ytsb" / "links.db"
    whole = index.read_bytes()
    index.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    study.reopen()
    assert "[[Chapter_on_topic7_matters|" in study.text(study.add("Data structures", "Chapter on topic7 matters."))


def test_an_index_that_is_closed_under_a_worker_is_not_taken_for_a_damaged_one(study: Study) -> None:
    """It would be deleted, in a vault that somebody else may work on by then."""
    job = study.add("Hash Tables")
    file = study.root / PRIVATE / "links.db"
    before, at_it, over = file.stat(), threading.Event(), threading.Event()

    def work() -> None:
        while not over.is_set():
            study.links.connect(job)
            at_it.set()

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        assert at_it.wait(60)
        study.links.close()
        try:
            with pytest.raises(Stopped):
                worker.result(60)
        finally:
            over.set()
    assert file.stat().st_ino == before.st_ino
    with pytest.raises(Stopped):
        study.links.related(job)


class Endless(Vault):
    """A vault with more notes than anybody waits for."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.is_looked_through = threading.Event()

    def notes(self) -> Iterator[tuple[Path, os.stat_result]]:
        while True:
            yield from super().notes()
            self.is_looked_through.set()


def test_the_first_look_through_a_large_vault_ends_with_the_program(study: Study) -> None:
    job = study.add("Hash Tables")
    vault = Endless(study.root)
    links = WikiLinks(vault)
    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(links.related, job)
        assert vault.is_looked_through.wait(60)
        closing = threading.Thread(target=links.close, daemon=True)
        closing.start()
        closing.join(60)
        assert not closing.is_alive(), "the look goes on"
        with pytest.raises(Stopped):
            worker.result(60)


def test_related_notes_share_concepts_closest_first(study: Study) -> None:
    study.add("Cooking pasta", "x", "pasta", "salt")
    study.add("Search trees", "x", "binary tree", "balance", "rotation")
    study.add("Heaps", "x", "binary tree", "priority queue", quiz=True)
    job = VideoProcessingJob("new", "https://youtu.be/new", concepts=("priority queues", "binary trees"))
    assert study.links.related(job) == ["Heaps", "Search_trees"]


def test_which_notes_are_related_does_not_depend_on_when_the_index_met_them(study: Study) -> None:
    for title, body in (
        ("Tries", "None of the others."),
        ("Heaps", "None of the others."),
        ("Graphs", "No heaps, no tries."),
    ):
        study.add(title, body, "binary tree", "balance")
    assert "[[Heaps|heaps]]" in study.vault.read(Path("CS/Graphs.md"))
    job = VideoProcessingJob("new", "https://youtu.be/new", concepts=("binary trees", "balance"))
    before = study.links.related(job)
    study.links.close()
    (study.root / PRIVATE / "links.db").unlink()
    for note in sorted((study.root / "CS").iterdir(), reverse=True):
        note.rename(note.with_suffix(".gone"))
    with closing(WikiLinks(study.vault)) as links:
        assert links.related(job) == []
    for gone in sorted((study.root / "CS").iterdir(), reverse=True):
        gone.rename(gone.with_suffix(".md"))
        with closing(WikiLinks(study.vault)) as links:
            met = links.related(job)
    assert met == before == ["Graphs", "Heaps", "Tries"]


def test_one_common_word_does_not_relate_notes_unless_it_is_what_one_is_about(study: Study) -> None:
    study.add("Transformer architecture", "x", "encoder", "input")
    study.add("What is Entropy?", "x", "disorder", "entropy")
    job = VideoProcessingJob("new", "https://youtu.be/new", concepts=("input", "entropy"))
    assert study.links.related(job) == ["What_is_Entropy"]


def test_before_there_are_concepts_related_notes_are_those_the_transcript_names(study: Study) -> None:
    study.add("Hash Tables")
    study.add("Linked Lists")
    said = "Today we have linked lists. A hash table is an array of linked lists."
    job = VideoProcessingJob("new", "https://youtu.be/new", transcript=Transcript((Cue(0, 1, said),)))
    assert study.links.related(job) == ["Linked_Lists", "Hash_Tables"]


def test_a_note_is_not_related_to_itself(study: Study) -> None:
    job = study.add("Hash Tables", "x", "hash table")
    assert study.links.related(job) == []


def test_eight_workers_link_one_batch(study: Study) -> None:
    jobs = [
        study.write(f"{word} Theory", f"As {other} theory does.") for word, other in zip(WORDS, OTHERS, strict=True)
    ]
    start = threading.Barrier(len(jobs))

    def connect(job: VideoProcessingJob) -> int:
        start.wait()
        return study.links.connect(job)

    with ThreadPoolExecutor(len(jobs)) as threads:
        added = sum(threads.map(connect, jobs))
    assert added == len(jobs)
    for job, other in zip(jobs, OTHERS, strict=True):
        assert study.text(job) == f"As [[{other}_Theory|{other} theory]] does."

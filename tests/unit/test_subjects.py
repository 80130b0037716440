"""Under which folder a note is filed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ytsb_tui.services.vault.subjects import SubjectFolders
from ytsb_tui.services.vault.vault import Vault


def subjects(root: Path, *folders: str) -> SubjectFolders:
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    return SubjectFolders(Vault(root))


@pytest.mark.parametrize(
    ("folder", "title", "concepts", "suggested"),
    [
        ("Programming", "Loops", [], "programming"),
        ("Machine_Learning", "Trees", [], "machine-learning"),
        ("AI", "Transformers", [], "Artificial Intelligence"),
        ("Artificial_Intelligence", "Transformers", [], "AI"),
        ("Maths", "Groups", [], "Mathematics"),
        ("Physics", "Introduction to Physics", ["force"], ""),
        ("Hash_Tables", "Collisions", ["hash table"], ""),
        ("Programming", "Programming in Go", ["concurrent programming"], "Computing"),
        ("学习", "深度学习入门", [], ""),
        ("Éthique", "L'e\u0301thique de Spinoza", [], ""),
    ],
)
def test_a_folder_that_fits_is_taken(
    tmp_path: Path, folder: str, title: str, concepts: list[str], suggested: str
) -> None:
    assert subjects(tmp_path, folder, "Other").choose(title, concepts, suggested) == folder


@pytest.mark.parametrize(
    ("folder", "title", "concepts", "suggested", "chosen"),
    [
        ("AI", "How to maintain a chair", ["maintenance"], "Crafts", "Crafts"),
        ("Programming", "Reprogrammings", [], "", "General"),
        ("Programming", "Programming your bread machine", ["dough", "yeast"], "Cooking", "Cooking"),
        ("Art", "Artificial hearts", ["valve"], "Medicine", "Medicine"),
        ("Notes", "Notes on the state of Virginia", [], "History", "History"),
        ("General", "General relativity", [], "Physics", "Physics"),
        ("General", "General relativity", ["curvature"], "", "General"),
    ],
)
def test_a_folder_that_only_looks_alike_is_not(
    tmp_path: Path, folder: str, title: str, concepts: list[str], suggested: str, chosen: str
) -> None:
    assert subjects(tmp_path, folder).choose(title, concepts, suggested) == chosen


@pytest.mark.parametrize(
    ("title", "concepts", "chosen"),
    [
        ("Organic Chemistry: Lecture 5", ["alkane"], "Organic_Chemistry"),
        ("Lecture 5: Alkanes", ["carbon", "alkane"], "Alkane"),
        ("How to bake", ["oven"], "General"),
        ("How to bake", [], "General"),
        ("", [], "General"),
    ],
)
def test_without_folder_and_suggestion_title_and_concepts_decide(
    tmp_path: Path, title: str, concepts: list[str], chosen: str
) -> None:
    assert subjects(tmp_path).choose(title, concepts, "") == chosen


def test_pdfs_and_hidden_folders_are_no_subjects(tmp_path: Path) -> None:
    assert subjects(tmp_path, "pdfs", ".obsidian", "AI").choose("pdfs and obsidian", ["pdfs"], "") == "Pdfs_"
    assert Vault(tmp_path).subjects() == ["AI"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.lists(st.text(), max_size=3), st.text())
def test_whatever_is_said_the_subject_is_a_safe_folder_name(
    tmp_path: Path, title: str, concepts: list[str], suggested: str
) -> None:
    chosen = subjects(tmp_path).choose(title, concepts, suggested)
    assert chosen
    assert Path(chosen).name == chosen
    assert not chosen.startswith(".")

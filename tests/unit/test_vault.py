"""The folder notes are written to."""

from __future__ import annotations

import multiprocessing
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ytsb_tui.errors import NotWritable, Ours, VaultError
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.services.documents import USER_MARK, MarkdownDocuments
from ytsb_tui.services.links.wikilinks import WikiLinks
from ytsb_tui.services.vault.folder import Folder
from ytsb_tui.services.vault.vault import Vault
from ytsb_tui.settings import PRIVATE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def vault(root: Path) -> Vault:
    return Vault(root)


def job(video_id: str, title: str, subject: str = "CS", quiz: bool = True) -> VideoProcessingJob:
    seconds = {Stage.ASSESSMENT: 1.0} if quiz else {}
    url = f"https://www.youtube.com/watch?v={video_id}"
    return VideoProcessingJob(video_id, url, subject=subject, video_title=title, study_notes="## S", seconds=seconds)


def written(vault: Vault, asked: VideoProcessingJob) -> VideoProcessingJob:
    placed = vault.place(asked)
    assert placed.notes_filepath is not None
    vault.write(placed.notes_filepath, MarkdownDocuments().note(placed))
    if placed.assessment_filepath:
        vault.write(placed.assessment_filepath, MarkdownDocuments().assessment_note(placed))
    return placed


def note_of(placed: VideoProcessingJob) -> str:
    return placed.notes_filepath.as_posix() if placed.notes_filepath else ""


def quiz_of(placed: VideoProcessingJob) -> str:
    return placed.assessment_filepath.as_posix() if placed.assessment_filepath else ""


def test_a_job_is_placed_under_its_subject_by_its_title(vault: Vault) -> None:
    placed = vault.place(job("a", "Hash Tables", "Computer Science"))
    assert placed.subject == "Computer_Science"
    assert note_of(placed) == "Computer_Science/Hash_Tables.md"
    assert quiz_of(placed) == "Computer_Science/Assessment_Hash_Tables.md"
    assert vault.place(job("b", "Trees", "", quiz=False)).assessment_filepath is None
    assert note_of(vault.place(job("b", "Trees", ""))) == "General/Trees.md"


def test_a_job_without_a_title_is_called_by_its_video(vault: Vault) -> None:
    assert note_of(vault.place(job("dQw4w9WgXcQ", "///"))) == "CS/dQw4w9WgXcQ.md"


def test_titles_that_differ_in_case_or_folder_only_get_names_of_their_own(vault: Vault) -> None:
    placed = [vault.place(job(*names)) for names in (("a", "Trees"), ("b", "Trees", "Biology"), ("c", "TREES"))]
    assert [note_of(one) for one in placed] == ["CS/Trees.md", "Biology/Trees_2.md", "CS/TREES_3.md"]


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("quiz", [False, True])
def test_a_video_called_assessment_is_not_taken_for_one(root: Path, quiz: bool, reopened: bool) -> None:
    vault = Vault(root)
    foo = written(vault, job("a", "Foo", quiz=quiz))
    vault = Vault(root) if reopened else vault
    other = written(vault, job("b", "Assessment Foo"))
    assert note_of(other) == "CS/Assessment_Foo_2.md"
    assert quiz_of(vault.place(replace(foo, seconds={Stage.ASSESSMENT: 1.0}))) == "CS/Assessment_Foo.md"


def test_nor_is_an_assessment_written_over_a_video_called_so(root: Path) -> None:
    written(Vault(root), job("b", "Assessment Foo"))
    assert note_of(Vault(root).place(job("a", "Foo"))) == "CS/Foo_2.md"


def test_a_job_keeps_its_place_when_it_is_run_again(root: Path, vault: Vault) -> None:
    first = written(vault, job("a", "Trees"))
    written(vault, job("b", "Trees"))
    assert note_of(vault.place(first)) == "CS/Trees.md"
    assert note_of(Vault(root).place(job("a", "Trees"))) == "CS/Trees.md"
    assert note_of(Vault(root).place(job("b", "Trees renamed", "Other"))) == "CS/Trees_2.md"


@pytest.mark.parametrize("restarted", [True, False])
def test_a_note_the_user_has_moved_is_found_where_it_is(root: Path, vault: Vault, restarted: bool) -> None:
    first = written(vault, job("a", "Trees", quiz=False))
    written(vault, job("b", "Heaps", quiz=False))
    (root / "Mine" / "Deep").mkdir(parents=True)
    (root / "CS" / "Trees.md").rename(root / "Mine" / "Deep" / "All_trees.md")
    again = (Vault(root) if restarted else vault).place(first)
    assert (note_of(again), again.subject) == ("Mine/Deep/All_trees.md", "Mine")
    assert [path.name for path in (root / "CS").iterdir()] == ["Heaps.md"]


def test_a_note_the_user_has_deleted_is_written_in_its_old_place(root: Path, vault: Vault) -> None:
    first = written(vault, job("a", "Trees", quiz=False))
    (root / "CS" / "Trees.md").unlink()
    assert note_of(vault.place(first)) == "CS/Trees.md"


def test_a_file_of_the_users_is_never_taken(root: Path, vault: Vault) -> None:
    placed = written(vault, job("a", "Trees", quiz=False))
    for name in ("Heaps.md", "Assessment_Tries.md"):
        (root / name).write_text("mine")
    (root / "CS" / "Trees.md").write_text("mine now")
    assert note_of(vault.place(job("b", "Heaps"))) == "CS/Heaps_2.md"
    assert note_of(vault.place(job("c", "Tries"))) == "CS/Tries_2.md"
    assert note_of(vault.place(placed)) == "CS/Trees_2.md"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_folder_in_a_notes_place_is_left_alone_and_not_waited_for(
    root: Path, vault: Vault, make: Callable[[Path], None]
) -> None:
    placed = written(vault, job("a", "Trees"))
    (root / "CS" / "Trees.md").unlink()
    make(root / "CS" / "Trees.md")
    make(root / "CS" / "Heaps.md")
    assert note_of(vault.place(job("b", "Heaps"))) == "CS/Heaps_2.md"
    again = written(vault, placed)
    assert note_of(again) == "CS/Trees_2.md"
    assert not (root / "CS" / "Trees.md").is_file()


def test_an_existing_folder_is_used_whatever_its_case(root: Path, vault: Vault) -> None:
    (root / "Machine_learning").mkdir()
    assert note_of(vault.place(job("a", "Trees", "Machine Learning"))) == "Machine_learning/Trees.md"


def test_eight_threads_with_one_title_get_eight_names(vault: Vault) -> None:
    start = threading.Barrier(8)

    def place(number: int) -> str:
        start.wait()
        return note_of(vault.place(job(f"video{number}", "Trees")))

    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(place, range(8)))
    assert names == {"CS/Trees.md", *(f"CS/Trees_{number}.md" for number in range(2, 9))}


def _place_many(root: Path, letter: str) -> list[str]:
    vault = Vault(root)
    return [note_of(vault.place(job(f"{letter}{number}", "Trees"))) for number in range(10)]


def test_so_do_processes(root: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        names = processes.starmap(_place_many, [(root, "a"), (root, "b")])
    assert len({*names[0], *names[1]}) == 20


@pytest.mark.parametrize("outside", ["../../x", "/etc/x", "..", "C:\\x", "..\\x"])
def test_no_title_and_no_subject_leads_out_of_the_vault(root: Path, vault: Vault, outside: str) -> None:
    placed = written(vault, job("a", outside, outside))
    assert placed.notes_filepath is not None
    assert (root / placed.notes_filepath).resolve().is_relative_to(root.resolve())
    with pytest.raises(NotWritable, match="out of the vault"):
        vault.write(Path("../x.md"), "text")
    assert [path.name for path in root.parent.iterdir()] == ["notes"]


def test_nor_does_a_symbolic_link(root: Path, vault: Vault, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "CS").symlink_to(outside)
    (root / "Note.md").symlink_to(outside / "Note.md")
    assert vault.subjects() == []
    with pytest.raises(NotWritable, match="out of the vault"):
        vault.place(job("a", "Trees"))
    with pytest.raises(NotWritable, match="out of the vault"):
        vault.write(Path("Note.md"), "text")
    assert list(outside.iterdir()) == []


def test_a_note_is_written_whole_and_keeps_what_the_user_wrote(root: Path, vault: Vault) -> None:
    placed = written(vault, job("a", "Trees"))
    assert placed.notes_filepath is not None
    file = root / placed.notes_filepath
    mine = b"\nMy own words, \xff and all.\r\n"
    file.write_bytes(file.read_bytes().split(USER_MARK.encode())[0] + USER_MARK.encode() + b"\n" + mine)
    file.chmod(0o600)
    vault.write(placed.notes_filepath, MarkdownDocuments().note(replace(placed, study_notes="## New \ud800")))
    assert b"## New" in file.read_bytes()
    assert file.read_bytes().endswith(mine)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == ["Assessment_Trees.md", "Trees.md"]


def test_a_note_that_said_something_else_is_kept_whole_each_time(root: Path, vault: Vault) -> None:
    placed = written(vault, job("a", "Trees", quiz=False))
    assert placed.notes_filepath is not None
    again = MarkdownDocuments().note(replace(placed, started_at=2e9))
    assert vault.write(placed.notes_filepath, again.replace("trees", "[[Plants|trees]]")) is None, "links are ours"
    assert vault.write(placed.notes_filepath, again) is None
    moved = Path("Botany", "The trees.md")
    (root / "Botany").mkdir()
    os.rename(root / placed.notes_filepath, root / moved)
    vault = Vault(root)
    placed = vault.place(placed)
    assert placed.notes_filepath == moved
    assert vault.write(moved, MarkdownDocuments().note(placed)) is None, "its place is told by its properties"
    assert "subject: Botany" in vault.read(moved)
    versions = [vault.read(placed.notes_filepath)]
    for words in ("one", "two", "two"):
        versions.append(MarkdownDocuments().note(replace(placed, study_notes=words)))
        os.utime(root / placed.notes_filepath, (0, 0))
        kept = vault.write(moved, versions[-1])
        assert (kept and vault.read(kept)) == (versions[-2] if versions[-1] != versions[-2] else None)
    mine = versions[-1].replace("tags:\n", "tags:\n- exam\n")
    places = []
    for _ in range(2):  # as if the first were killed between the two
        (root / moved).write_text(mine)
        os.utime(root / moved, (7, 7))
        places.append(vault.write(moved, versions[-1]))
    assert places[0] is not None, "a tag of the user's"
    assert places[0] == places[1]
    assert len(list((root / ".ytsb/replaced").iterdir())) == 3
    assert not [path for path, _ in vault.notes() if "replaced" in path.parts]


@pytest.mark.parametrize("name", ["x" * 252, "é" * 126])
def test_a_note_that_was_given_the_longest_name_there_is_is_kept_too(root: Path, vault: Vault, name: str) -> None:
    placed = written(vault, job("a", "Trees", quiz=False))
    (root / "CS" / "Trees.md").rename(root / "CS" / f"{name}.md")
    again = written(Vault(root), replace(placed, study_notes="## Other words"))
    assert note_of(again) == f"CS/{name}.md"
    (kept,) = (root / ".ytsb/replaced").iterdir()
    assert "## S" in kept.read_text()
    assert "## Other words" in (root / "CS" / f"{name}.md").read_text()


def test_what_stands_where_a_version_is_to_be_kept_costs_nobody_their_words(root: Path, vault: Vault) -> None:
    placed = written(vault, job("a", "Trees", quiz=False))
    path = placed.notes_filepath
    assert path is not None
    (root / path).write_text((root / path).read_text() + "My own words.\n")
    os.utime(root / path, (7, 7))
    kept = vault.write(path, MarkdownDocuments().note(replace(placed, study_notes="one")))
    assert kept is not None
    (root / kept).unlink()
    (root / kept).mkdir()
    os.utime(root / path, (7, 7))
    other = vault.write(path, MarkdownDocuments().note(replace(placed, study_notes="two")))
    assert other == kept.with_stem(f"{kept.stem}_2")
    assert vault.read(path).endswith("My own words.\n")


def test_an_edit_of_somebody_else_is_not_overwritten(root: Path, vault: Vault) -> None:
    path = Path("Note.md")
    vault.write(path, "old")
    read = vault.read(path)
    (root / path).write_text("edited")
    assert not vault.exchange(path, read, "ours")
    assert vault.read(path) == "edited"
    assert vault.exchange(path, "edited", "ours")
    assert vault.read(path) == "ours"
    assert not vault.exchange(Path("Gone.md"), "", "ours")


class BesideAnEditor(Folder):
    """A folder in which somebody saves a note just when another is about to take its place."""

    def text(self, path: Path) -> str | None:
        self.beside = [each.read_text() for each in self.root.glob(".ytsb-*")]
        (self.root / path).write_text("edited")
        return super().text(path)


def test_a_note_is_looked_at_once_more_when_only_its_name_is_left_to_be_given(root: Path) -> None:
    """An editor holds no lock, and a disk may take long to have all of a note."""
    folder = BesideAnEditor(root)
    (root / "Note.md").write_text("old")
    assert not folder.exchange(Path("Note.md"), "old", "ours")
    assert folder.beside == ["ours"]
    assert (root / "Note.md").read_text() == "edited"
    assert [each.name for each in root.iterdir() if each.name != PRIVATE] == ["Note.md"]


def test_a_note_that_an_editor_is_just_writing_keeps_what_the_user_has_there(root: Path, vault: Vault) -> None:
    placed = written(vault, job("a", "Trees", quiz=False))
    path = placed.notes_filepath
    assert path is not None
    mine = (root / path).read_text() + "My own words.\n"
    (root / path).write_text("")
    slow = Vault(root, pause=lambda seconds: (root / path).write_text(mine))
    assert slow.write(path, MarkdownDocuments().note(placed)) is None
    assert slow.read(path) == mine


def test_what_a_killed_process_left_is_removed_and_nothing_else(root: Path, vault: Vault) -> None:
    written(vault, job("a", "Trees", quiz=False))
    vault.place(job("b", "Never written"))
    for name in (".ytsb-0123456789abcdef.tmp", "theirs.tmp", ".hidden"):
        (root / "CS" / name).write_text("half a no")
    (root / "CS/pdfs").mkdir()
    (root / "CS/pdfs/.ytsb-0123456789abcdef.tmp").write_text("%PDF half")
    vault = Vault(root)
    vault.sweep()
    assert list((root / "CS/pdfs").iterdir()) == []
    (root / "CS/pdfs").rmdir()
    assert sorted(path.name for path in (root / "CS").iterdir()) == [".hidden", "Trees.md", "theirs.tmp"]
    assert note_of(vault.place(job("c", "Never written"))) == "CS/Never_written.md"


def test_a_claim_is_found_again_by_the_job_that_made_it(root: Path) -> None:
    assert note_of(Vault(root).place(job("-12345678901", "Trees"))) == "CS/Trees.md"
    assert note_of(Vault(root).place(job("-12345678901", "Trees"))) == "CS/Trees.md"


def test_the_programs_own_folder_is_private(root: Path, vault: Vault) -> None:
    assert stat.S_IMODE(vault.private.stat().st_mode) == 0o700
    assert vault.private == root / ".ytsb"


def test_a_vault_that_is_a_file_is_refused_with_advice(root: Path) -> None:
    root.write_text("not a folder")
    with pytest.raises(VaultError, match="is a file") as caught:
        Vault(root)
    assert "--out" in caught.value.advice
    with pytest.raises(VaultError, match="is a file"):
        Vault(root / "deeper")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_may_not_be_read_is_somebody_elses_and_stops_nobody(root: Path, vault: Vault) -> None:
    written(vault, job("a", "Trees", quiz=False))
    links = WikiLinks(vault)
    links.connect(written(vault, job("b", "Heaps", quiz=False)))
    (root / "lost+found").mkdir(mode=0)
    (root / "Listed").mkdir()
    (root / "Listed" / "Theirs.md").touch()
    (root / "Listed").chmod(0o400)
    (root / "CS" / "Trees.md").chmod(0)
    again = Vault(root)
    again.sweep()
    placed = written(again, job("a", "Trees", quiz=False))
    assert note_of(placed) == "CS/Trees_2.md"
    links.connect(placed)
    links.close()
    (root / PRIVATE / "links.db").unlink()
    with closing(WikiLinks(again)) as anew:
        anew.connect(placed)
    for folder in ("lost+found", "Listed"):
        (root / folder).chmod(0o700)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_vault_that_may_not_be_written_is_refused_with_advice(root: Path) -> None:
    root.mkdir(mode=0o500)
    with pytest.raises(VaultError, match="permission") as caught:
        Vault(root)
    assert caught.value.advice


def test_a_subject_that_is_a_file_is_said_so(root: Path, vault: Vault) -> None:
    (root / "CS").write_text("a file")
    with pytest.raises(NotWritable, match="CS is a file"):
        vault.place(job("a", "Trees"))


def test_a_vault_that_vanishes_is_not_made_anew_behind_the_users_back(root: Path, vault: Vault) -> None:
    root.rename(root.with_name("moved"))
    with pytest.raises(Ours, match="is gone"):
        vault.write(Path("Note.md"), "text")
    assert not root.exists()


def test_a_subject_that_vanishes_is_made_anew(root: Path, vault: Vault) -> None:
    placed = vault.place(job("a", "Trees", quiz=False))
    (root / "CS" / "Trees.md").unlink()
    (root / "CS").rmdir()
    written(vault, placed)
    assert (root / "CS" / "Trees.md").is_file()

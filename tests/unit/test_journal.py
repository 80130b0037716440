"""What a vault's journal promises: one owner, one log entry an attempt whatever dies when, and nothing old is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.canned import PLAN, World
from tests.unit.attempts import attempt
from ytsb_tui.clock import SystemClock
from ytsb_tui.errors import NetworkTrouble, NoCaptions, NotWritable, Ours, VaultBusy, VaultError
from ytsb_tui.glance import Glance
from ytsb_tui.job import Stage, Status, VideoProcessingJob
from ytsb_tui.job_logger import create_default_logger
from ytsb_tui.journal import Journal, Submission
from ytsb_tui.plaintext import visible
from ytsb_tui.watch import Watch

DONE = {
    "video_id": "abcdefghij1",
    "worker_id": 2,
    "video_title": "Some Title",
    "stage": "completed",
    "success": True,
    "error": None,
    "timings": {
        "fetch_transcript": 5.2,
        "generate_notes": 20.3,
        "generate_assessment": 28.1,
        "write_files": 0.7,
        "export_pdfs": 4.5,
    },
    "processing_duration": 58.8,
    "files_created": [
        "notes/AI/Some_Title.md",
        "notes/AI/Assessment_Some_Title.md",
        "notes/AI/pdfs/Some_Title.pdf",
        "notes/AI/pdfs/Assessment_Some_Title.pdf",
    ],
    "logged_at": "2025-10-17T10:11:12",
}
FAILED = {
    "video_id": "abcdefghij2",
    "stage": "generating_assessment",
    "error": "API rate limit exceeded: 429 Too Many Requests",
    "success": False,
    "worker_id": 2,
    "logged_at": "2025-10-17T10:12:13",
}
"""As the earlier tool wrote them."""


def log_of(root: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((root / "processing_log.json").read_text(encoding="utf-8"))
    return entries


def names_in(submission: Submission) -> tuple[list[str], list[str]]:
    return [job.video_id for job in submission.queued], [job.video_id for job in submission.done]


@contextmanager
def opened(root: Path) -> Iterator[World]:
    world = World(root)
    try:
        yield world
    finally:
        world.close()


@contextmanager
def process(root: Path, script: str) -> Iterator[subprocess.Popen[str]]:
    """Another process, which opened the vault as `world` and ran this."""
    program = (
        "import os, signal, time; from pathlib import Path\n"
        "from tests.canned import *\n"
        f"world = World(Path({str(root)!r}))\n{script}\nprint('there', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() in ("there\n", "")
        try:
            yield other
        finally:
            other.send_signal(signal.SIGKILL)


# One owner


def test_a_second_process_hears_who_works_on_the_vault(tmp_path: Path) -> None:
    with process(tmp_path, "") as other, pytest.raises(VaultBusy) as refused:
        World(tmp_path)
    said = str(refused.value)
    assert f"process {other.pid} on {socket.gethostname()} since 20" in said
    assert str(tmp_path) in said
    assert isinstance(refused.value, VaultError)
    assert refused.value.advice


def test_a_second_journal_of_the_same_process_is_refused_too(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(VaultBusy, match=f"process {os.getpid()} "):
        World(tmp_path)


def test_an_unreadable_card_hides_only_who_it_is(tmp_path: Path) -> None:
    with opened(tmp_path):
        (tmp_path / ".ytsb" / "owner.json").write_text("[]")
        with pytest.raises(VaultBusy, match="worked on by another process"):
            World(tmp_path)


def test_who_asks_while_another_is_becoming_the_owner_hears_of_that_one(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass  # leaves the card of an owner before
    state = tmp_path / ".ytsb"
    with ThreadPoolExecutor() as threads, FileLock(state / "owner.lock"):
        with FileLock(state / "owner.json.lock"):
            asking = threads.submit(World, tmp_path)
            assert not wait([asking], timeout=0.2).done
            (state / "owner.json").write_text('{"pid": 4711, "host": "lab", "since": "now"}')
        with pytest.raises(VaultBusy, match="process 4711 on lab since now"):
            asking.result()


def test_who_only_reads_the_log_is_waited_for(tmp_path: Path) -> None:
    """It mends the log first, which takes as long as that is: a run that is begun meanwhile is not refused."""
    reader = Journal.open(tmp_path, SystemClock(), for_a_moment=True)
    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(Journal.open, tmp_path, SystemClock())
        assert not wait([worker], timeout=0.2).done
        reader.close()
        worker.result(60).close()


def test_a_vault_is_free_when_its_owner_is_killed_and_its_jobs_are_resumed(tmp_path: Path) -> None:
    with process(tmp_path, "world.submit(['aaa', 'bbb']); world.journal.store.claim()"):
        pass
    with opened(tmp_path) as world:
        assert world.journal.notices == ["1 job was interrupted and will be resumed."]
        world.run("aaa", "bbb")
        assert world.journal.store.counts()[Status.DONE] == 2


def test_a_vault_can_be_opened_again_after_it_was_closed(tmp_path: Path) -> None:
    for _ in range(3):
        with opened(tmp_path) as world:
            assert world.journal.notices == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_journal_that_may_not_be_opened_is_told_and_the_vault_not_kept_locked(tmp_path: Path) -> None:
    Journal.open(tmp_path, SystemClock()).close()
    folder = tmp_path / ".ytsb"
    (folder / "state.db").unlink()
    folder.chmod(0o500)
    with pytest.raises(NotWritable, match=rf"No permission \(opening {folder}/state\.db\): Permission denied\."):
        Journal.open(tmp_path, SystemClock())
    folder.chmod(0o700)
    Journal.open(tmp_path, SystemClock()).close()


def test_a_vault_of_a_newer_version_is_refused_and_not_kept_locked(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        world.journal.store._sql.execute("PRAGMA user_version=99")
    for _ in range(2):
        with pytest.raises(VaultError, match="newer"):
            World(tmp_path)


def test_a_file_in_the_vaults_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("shopping list")
    with pytest.raises(Ours, match="opening the vault"):
        Journal.open(tmp_path / "notes", SystemClock())


# The log


@pytest.mark.parametrize("dies", ["after the store", "after the log"])
def test_an_attempt_is_logged_once_wherever_the_process_dies(tmp_path: Path, dies: str) -> None:
    end = (
        "world.journal.end(job, 'done')"
        if dies == "after the store"
        else "world.journal.log(world.journal.end(job, 'done'))"
    )
    script = (
        "world.run('aaa'); world.submit(['bbb']); job = world.journal.store.claim()\n"
        f"{end}; os.kill(os.getpid(), signal.SIGKILL)"
    )
    with process(tmp_path, script):
        pass
    before = len(log_of(tmp_path))
    for _ in range(2):
        with opened(tmp_path) as world:
            assert world.journal.notices == []
        assert [entry["video_id"] for entry in log_of(tmp_path)] == ["aaa", "bbb"]
    assert before == (1 if dies == "after the store" else 2)


def test_an_attempt_that_cannot_be_logged_has_ended_and_is_logged_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "processing_log.json"

    def in_its_way(job: VideoProcessingJob, watch: Watch) -> None:
        log.mkdir()

    with opened(tmp_path) as world:
        world.scripts[Stage.LINKS] = in_its_way
        pool = world.run("aaa", workers=1)
        assert isinstance(pool.stopped_by, VaultError)
        assert world.journal.store.counts()[Status.DONE] == 1
        told = [type(event).__name__ for event in world.events]
    assert told[-2:] == ["JobEnded", "RunStopped"]
    assert "JobStopped" not in told
    log.rmdir()
    with opened(tmp_path) as world:
        assert [(entry["video_id"], entry["success"]) for entry in log_of(tmp_path)] == [("aaa", True)]


def test_a_log_torn_by_the_end_of_the_process_is_mended(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        world.run("aaa", "bbb")
    whole = (tmp_path / "processing_log.json").read_bytes()
    (tmp_path / "processing_log.json").write_bytes(whole[:-700])
    with opened(tmp_path) as world:
        assert world.journal.notices == []
    assert (tmp_path / "processing_log.json").read_bytes() == whole


def test_a_deleted_log_is_written_again(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        world.run("aaa", "bbb")
    before = log_of(tmp_path)
    (tmp_path / "processing_log.json").unlink()
    opened(tmp_path).__enter__().close()
    assert log_of(tmp_path) == before


def delete_journal(root: Path) -> None:
    for file in (root / ".ytsb").glob("state.db*"):
        file.unlink()


def damage_journal(root: Path) -> None:
    delete_journal(root)
    (root / ".ytsb" / "state.db").write_bytes(b"no database" * 1000)


@pytest.mark.parametrize("lose", [delete_journal, damage_journal])
def test_a_lost_journal_is_made_from_the_log_and_nothing_done_is_done_again(tmp_path: Path, lose: Any) -> None:
    def script(job: VideoProcessingJob, watch: Watch) -> None:
        if job.video_id == "bad":
            raise NoCaptions("The video has no captions.")

    world = World(tmp_path, {Stage.FETCH: script})
    world.run("aaa", "bad")
    world.close()
    before = log_of(tmp_path)
    lose(tmp_path)
    with opened(tmp_path) as world:
        assert "2 attempts taken over from processing_log.json." in world.journal.notices
        assert ("damaged" in world.journal.notices[0]) == (lose is damage_journal)
        assert log_of(tmp_path) == before
        assert names_in(world.submit(["aaa", "bad"])) == (["bad"], ["aaa"])
        world.drive(world.pool(), 1)
        assert [stage for name, stage in world.calls if name == "bad"] == list(PLAN)
    assert [entry["success"] for entry in log_of(tmp_path)] == [*(entry["success"] for entry in before), True]


def test_a_log_that_is_written_without_a_journal_keeps_the_vaults_private_folder_private(tmp_path: Path) -> None:
    create_default_logger(tmp_path).log_job(attempt(0))
    assert oct((tmp_path / ".ytsb").stat().st_mode & 0o777) == "0o700"


# A log that was there before us


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A vault as the earlier tool left it."""
    root = tmp_path / "notes"
    for name in map(str, DONE["files_created"]):  # type: ignore[call-overload]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("what the earlier tool wrote")
    (root / "processing_log.json").write_text(json.dumps([DONE, FAILED], indent=2), encoding="utf-8")
    return root


def test_an_earlier_log_is_taken_over_and_kept_entry_by_entry(earlier: Path) -> None:
    with opened(earlier) as world:
        assert world.journal.notices[0] == "2 attempts taken over from processing_log.json."
        done, failed = world.journal.store.standings()
    assert log_of(earlier) == [DONE, FAILED]
    assert (done.job.title, done.status, done.imported) == ("Some Title", Status.DONE, True)
    assert (failed.job.title, failed.status) == ("abcdefghij2", Status.FAILED)
    assert failed.job.failure is not None
    assert failed.job.failure.message == FAILED["error"]
    assert (failed.job.failure.stage, failed.job.failure.retryable) == (Stage.ASSESSMENT, True)
    with opened(earlier) as again:
        assert again.journal.notices == []


def test_what_the_earlier_tool_did_is_already_done(earlier: Path) -> None:
    with opened(earlier) as world:
        assert names_in(world.submit(["abcdefghij1"])) == ([], ["abcdefghij1"])


def test_what_the_earlier_tool_did_is_done_again_when_a_file_is_gone(earlier: Path) -> None:
    (earlier / "AI" / "Some_Title.md").unlink()
    with opened(earlier) as world:
        assert names_in(world.submit(["abcdefghij1"])) == (["abcdefghij1"], [])


def test_what_the_earlier_tool_failed_at_can_be_retried_from_the_beginning(earlier: Path) -> None:
    with opened(earlier) as world:
        standing = world.journal.store.standing("abcdefghij2")
        assert standing is not None
        assert standing.job.url == "https://www.youtube.com/watch?v=abcdefghij2"
        submission = world.journal.submit([standing.job], PLAN)
        world.drive(world.pool(submission.ids), 1)
        assert [stage for _, stage in world.calls] == list(PLAN)
    *before, retried = log_of(earlier)
    assert before == [DONE, FAILED]
    assert (retried["video_id"], retried["success"], retried["retry_count"]) == ("abcdefghij2", True, 1)


@pytest.mark.parametrize(
    "odd",
    [
        {"video_id": "odd--------", "video_title": "half \ud83d a character", "error": "\ud83d"},
        {"video_id": "odd--------", "video_title": 7, "stage": ["x"], "error": {}, "files_created": [7, None]},
        {"video_id": "odd--------", "success": True, "notes_filepath": "/etc/passwd", "files_created": "notes/AI/x.md"},
        {"video_id": "odd--------", "success": True, "notes_filepath": "../../../../etc/passwd"},
        {"video_id": "odd--------", "success": True, "files_created": ["..", "../..", "", "/", "x.md", "pdfs/x.pdf"]},
        {"video_id": "odd--------", "success": True, "notes_filepath": "x" * 5_000 + ".md"},
        {
            "video_id": "odd--------",
            "attempt": "first",
            "worker_id": "one",
            "start_time": 1,
            "processing_duration": "?",
        },
        {"video_id": "odd--------", "attempt": 10**400, "processing_duration": -(10**400), "start_time": "\x1b[31m"},
    ],
)
def test_odd_entries_of_others_are_taken_over_and_lead_nowhere_outside(tmp_path: Path, odd: dict[str, Any]) -> None:
    (tmp_path / "processing_log.json").write_text(json.dumps([odd, FAILED]))
    with opened(tmp_path) as world:
        standing = world.journal.store.standing("odd--------")
        assert standing is not None
        paths = [path for paths in standing.job.files.values() for path in paths]
        assert all((tmp_path / path).resolve().is_relative_to(tmp_path) for path in paths)
    assert log_of(tmp_path)[1] == FAILED
    with opened(tmp_path) as again:
        assert again.journal.notices == []
    with closing(Glance(tmp_path)) as glance:
        (past,) = glance.attempts("odd--------")
    assert (past.number, past.seconds, past.words[0]) == (1, 0.0, "✓" if odd.get("success") else "✗")
    assert past.when == visible(past.when)


def test_our_own_attempts_and_earlier_ones_add_up(earlier: Path) -> None:
    with opened(earlier) as world:
        world.run("aaa")
    assert [entry["video_id"] for entry in log_of(earlier)] == ["abcdefghij1", "abcdefghij2", "aaa"]


# Asking for jobs


def test_jobs_are_sorted_into_new_unfinished_and_done(tmp_path: Path) -> None:
    world = World(tmp_path, {Stage.NOTES: lambda job, watch: None})
    world.run("aaa")
    world.submit(["bbb"])
    submission = world.submit(["aaa", "bbb", "ccc"])
    world.close()
    assert names_in(submission) == (["ccc", "bbb"], ["aaa"])
    assert submission.ids == {"bbb", "ccc"}


def test_a_new_subject_or_source_wins_over_the_old(tmp_path: Path) -> None:
    def script(job: VideoProcessingJob, watch: Watch) -> None:
        raise NetworkTrouble("Reset.", retry_after=0.0)

    world = World(tmp_path, {Stage.FETCH: script})
    world.run("aaa")
    (job,) = world.journal.submit([VideoProcessingJob("aaa", "/new/place.srt", subject="Physics")], PLAN).queued
    (same,) = world.journal.submit([VideoProcessingJob("aaa", "/new/place.srt")], PLAN).queued
    world.close()
    assert (job.url, job.subject, same.subject) == ("/new/place.srt", "Physics", "Physics")

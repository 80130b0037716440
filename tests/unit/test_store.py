"""What the store promises: what it has taken is on the disk, whole or not at all, whatever happens next."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.canned import World
from tests.unit.attempts import attempt
from ytsb_tui.errors import Ours, OutOfSpace, VaultError
from ytsb_tui.job import Failure, Stage, Status, VideoProcessingJob
from ytsb_tui.store import Standing, Store
from ytsb_tui.transcript import Cue, Transcript
from ytsb_tui.usage import Usage

WORDS = Transcript((Cue(0.0, 2.0, "Entropy — 熵"),), title="Entropy", language="en")


def new(name: str) -> VideoProcessingJob:
    return VideoProcessingJob(name, f"https://youtu.be/{name}")


def fetched(job: VideoProcessingJob, transcript: Transcript = WORDS) -> VideoProcessingJob:
    return replace(job, transcript=transcript, video_title=transcript.title).ran(Stage.FETCH, 1.5)


def noted(job: VideoProcessingJob) -> VideoProcessingJob:
    return replace(job, study_notes="## Überblick\n").used(Stage.NOTES, Usage(10, 20, cost=0.5)).ran(Stage.NOTES, 2.5)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path, tmp_path)) as opened:
        yield opened


@pytest.fixture
def claimed(store: Store) -> VideoProcessingJob:
    """A job that a worker has."""
    store.add([new("aaa")])
    job = store.claim()
    assert job is not None
    return job


def after_a_crash(store: Store, folder: Path) -> Store:
    """The store as the next process finds it, when the one that has it open dies now."""
    shutil.copytree(store.path.parent, folder)
    return Store(folder, folder)


def status_of(store: Store, name: str) -> Status:
    standing = store.standing(name)
    assert standing is not None
    return standing.status


# Nothing is lost


def test_a_finished_stage_is_there_after_a_crash(store: Store, claimed: VideoProcessingJob, tmp_path: Path) -> None:
    done = noted(fetched(claimed))
    store.commit(done, Stage.FETCH)
    store.commit(done, Stage.NOTES)
    with closing(after_a_crash(store, tmp_path / "after")) as found:
        assert found.load("aaa") == replace(done, output_dir=found.output_dir)


def test_a_killed_process_leaves_all_it_was_told_is_stored(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from tests.unit.test_store import fetched, new, Stage, Store\n"
        f"store = Store(Path({str(tmp_path)!r}), Path('notes'))\n"
        "store.add([new('aaa'), new('bbb')])\n"
        "store.commit(fetched(store.claim()), Stage.FETCH)\n"
        "print('stored', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stored\n"
        process.send_signal(signal.SIGKILL)
    with closing(Store(tmp_path, tmp_path)) as store:
        assert status_of(store, "aaa") is Status.RUNNING
        assert store.recover() == 1
        job = store.claim()
    assert job is not None
    assert (job.video_id, job.has(Stage.FETCH), job.transcript) == ("aaa", True, WORDS)


def test_recovery_puts_what_was_running_back_to_its_place_in_the_queue(store: Store, tmp_path: Path) -> None:
    store.add(map(new, ("aaa", "bbb", "ccc")))
    store.claim()
    store.claim()
    with closing(after_a_crash(store, tmp_path / "after")) as found:
        assert found.recover() == 2
        claims = [found.claim(), found.claim(), found.claim()]
    assert [job.video_id for job in claims if job] == ["aaa", "bbb", "ccc"]


def test_an_attempt_ends_with_its_outcome_and_its_log_entry(store: Store, claimed: VideoProcessingJob) -> None:
    store.end(claimed, Status.DONE, b'{"n":1}')
    assert (status_of(store, "aaa"), list(store.entries())) == (Status.DONE, [b'{"n":1}'])


def test_entries_come_in_the_order_in_which_attempts_ended_however_many(store: Store) -> None:
    store.adopt([(new(f"job{number % 7}"), Status.DONE, b"%d" % number) for number in range(2500)])
    assert list(store.entries()) == [b"%d" % number for number in range(2500)]


@settings(max_examples=25)
@given(
    texts=st.tuples(st.text(), st.text(), st.text(), st.text()),
    seconds=st.floats(0, 1e9),
    cost=st.none() | st.floats(0, 1e6),
    paths=st.tuples(*[st.none() | st.text(min_size=1).filter(lambda name: "\0" not in name).map(Path)] * 4),
)
def test_every_fact_of_a_job_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    texts: tuple[str, str, str, str],
    seconds: float,
    cost: float | None,
    paths: tuple[Path | None, Path | None, Path | None, Path | None],
) -> None:
    folder = tmp_path_factory.mktemp("store")
    title, notes, message, concept = texts
    given_job = replace(
        attempt(4),
        output_dir=folder,
        video_title=title,
        study_notes=notes,
        concepts=(concept,),
        processing_duration=seconds,
        usage={Stage.NOTES: Usage(1, 2, 3, 4, cost)},
        failure=Failure(Stage.NOTES, "Busy", message, message, True),
        resumed_from=Stage.NOTES,
        notes_filepath=paths[0],
        assessment_filepath=paths[1],
        notes_pdf_path=paths[2],
        assessment_pdf_path=paths[3],
        seconds={Stage.NOTES: seconds},
        assessment_content="",
    )
    with closing(Store(folder, folder)) as store:
        store.add([given_job])
        store.commit(given_job, Stage.NOTES)
        assert store.load(given_job.video_id) == given_job


def test_a_broken_off_stage_leaves_what_it_has_until_it_is_finished(store: Store, claimed: VideoProcessingJob) -> None:
    store.keep_partial(claimed.used(Stage.NOTES, Usage(cost=0.25)), Stage.NOTES, "half")
    job = store.load("aaa")
    assert (job.partials, job.total_usage.cost) == ({Stage.NOTES: "half"}, 0.25)
    store.commit(noted(job), Stage.NOTES)
    assert store.load("aaa").partials == {}


def test_a_broken_off_stage_that_leaves_nothing_keeps_what_an_earlier_one_left(
    store: Store, claimed: VideoProcessingJob
) -> None:
    store.keep_partial(claimed, Stage.NOTES, "half")
    store.keep_partial(claimed, Stage.NOTES, "")
    assert store.load("aaa").partials == {Stage.NOTES: "half"}


# The queue


def test_jobs_are_claimed_in_the_order_they_were_queued_and_once(store: Store) -> None:
    store.add([new("bbb"), new("aaa")])
    store.add([new("ccc")])
    claims = [store.claim() for _ in range(4)]
    assert [job and job.video_id for job in claims] == ["bbb", "aaa", "ccc", None]


def test_a_claim_among_some_jobs_leaves_the_others(store: Store) -> None:
    store.add(map(new, ("aaa", "bbb", "ccc")))
    claims = [store.claim(frozenset({"bbb", "zzz"})) for _ in range(2)]
    assert [job and job.video_id for job in claims] == ["bbb", None]
    assert status_of(store, "aaa") is Status.QUEUED


def test_threads_and_processes_never_claim_the_same_job(tmp_path: Path) -> None:
    """Two stores on one file stand for two processes."""
    stores = [Store(tmp_path, tmp_path), Store(tmp_path, tmp_path)]
    names = [f"job{number:03}" for number in range(60)]
    stores[0].add(map(new, names))
    claims: list[str] = []
    start = threading.Barrier(8)

    def work(store: Store) -> None:
        start.wait()
        while job := store.claim():
            claims.append(job.video_id)

    threads = [threading.Thread(target=work, args=(stores[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(claims) == names


def seen(store: Store, subject: str = "") -> Standing:
    """How a job stands, as somebody wants it who is about to queue it again."""
    standing = store.standing("aaa")
    assert standing is not None
    return replace(standing, job=replace(standing.job, subject=subject))


def test_a_job_queued_again_keeps_what_is_finished(store: Store, claimed: VideoProcessingJob) -> None:
    store.commit(fetched(claimed), Stage.FETCH)
    store.end(fetched(claimed), Status.FAILED, b"{}")
    store.requeue(seen(store, "Physics"))
    job = store.claim()
    assert job is not None
    assert (job.subject, job.has(Stage.FETCH), job.transcript) == ("Physics", True, WORDS)


def test_restarting_at_a_stage_forgets_it_and_all_after_it(store: Store, claimed: VideoProcessingJob) -> None:
    done = noted(fetched(claimed))
    store.commit(done, Stage.FETCH)
    store.commit(done, Stage.NOTES)
    store.keep_partial(done, Stage.ASSESSMENT, "half")
    store.end(done, Status.CANCELLED, b"{}")
    store.requeue(seen(store), restart_at=Stage.NOTES)
    job = store.load("aaa")
    assert (job.has(Stage.FETCH), job.has(Stage.NOTES), job.study_notes, job.partials) == (True, False, "", {})


def test_a_job_that_a_worker_has_is_not_touched_by_who_queues_it_again(
    store: Store, claimed: VideoProcessingJob
) -> None:
    store.commit(fetched(claimed), Stage.FETCH)
    store.requeue(seen(store, "Physics"), restart_at=Stage.FETCH)
    job = store.load("aaa")
    assert (status_of(store, "aaa"), job.subject, job.has(Stage.FETCH)) == (Status.RUNNING, "", True)


def test_a_job_that_was_finished_since_it_was_seen_is_not_touched_either(
    store: Store, claimed: VideoProcessingJob
) -> None:
    before = seen(store, "Physics")
    store.end(replace(claimed, notes_filepath=Path("AI/aaa.md")), Status.DONE, b"{}")
    store.requeue(before)
    assert status_of(store, "aaa") is Status.DONE
    assert store.load("aaa").notes_filepath == Path("AI/aaa.md")


def test_a_job_put_back_since_it_was_seen_keeps_what_it_has_got_since(store: Store) -> None:
    store.add([new("aaa")])
    before = seen(store, "Physics")
    claimed = store.claim()
    assert claimed is not None
    store.commit(fetched(claimed), Stage.FETCH)
    store.release("aaa")
    store.requeue(before)
    job = store.load("aaa")
    assert (job.video_title, job.subject, job.has(Stage.FETCH)) == ("Entropy", "Physics", True)


def test_a_failed_job_wakes_when_its_retry_is_due(store: Store, claimed: VideoProcessingJob) -> None:
    store.end(replace(claimed, next_retry_at=500.0), Status.FAILED, b"{}")
    assert store.due() == [(500.0, "aaa")]
    store.wake("aaa")
    assert (store.due(), status_of(store, "aaa")) == ([], Status.QUEUED)


def test_only_a_job_that_nobody_has_can_be_withdrawn(store: Store) -> None:
    store.add([new("aaa"), new("bbb")])
    store.claim()
    assert (store.withdraw("aaa"), store.withdraw("bbb"), store.withdraw("zzz")) == (False, True, False)
    assert (status_of(store, "aaa"), status_of(store, "bbb")) == (Status.RUNNING, Status.CANCELLED)


def test_letting_go_of_a_job_touches_it_only_while_it_is_running(store: Store) -> None:
    store.add([new("aaa"), new("bbb"), new("ccc")])
    for _ in range(2):
        store.claim()
    store.end(new("aaa"), Status.DONE, b"{}")
    store.release("aaa")
    store.release("bbb")
    assert [status_of(store, name) for name in ("aaa", "bbb", "ccc")] == [Status.DONE, Status.QUEUED, Status.QUEUED]


def test_standings_are_facts_without_the_long_texts(store: Store, claimed: VideoProcessingJob) -> None:
    store.add([new("bbb")])
    store.commit(fetched(claimed), Stage.FETCH)
    first, second = store.standings()
    assert (first.job, first.status, first.imported) == (
        replace(fetched(claimed).facts(), output_dir=store.output_dir),
        Status.RUNNING,
        False,
    )
    assert (second.job.video_id, second.status) == ("bbb", Status.QUEUED)
    assert store.counts(frozenset({"bbb"})) == dict.fromkeys(Status, 0) | {Status.QUEUED: 1}


def test_nothing_is_known_of_an_unknown_job(store: Store) -> None:
    assert store.standing("zzz") is None
    with pytest.raises(KeyError):
        store.load("zzz")


def test_a_foreign_outcome_is_taken_only_for_jobs_we_know_less_of(store: Store, claimed: VideoProcessingJob) -> None:
    store.commit(fetched(claimed), Stage.FETCH)
    store.end(claimed, Status.FAILED, b"1")
    store.add([new("bbb")])
    store.adopt([(new(name), Status.DONE, b"2") for name in ("aaa", "bbb", "ccc")])
    assert {standing.job.video_id: (standing.status, standing.imported) for standing in store.standings()} == {
        "aaa": (Status.FAILED, False),
        "bbb": (Status.QUEUED, False),
        "ccc": (Status.DONE, True),
    }
    assert list(store.entries()) == [b"1", b"2", b"2", b"2"]


# The file


def test_nobody_else_may_read_the_journal(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("aaa")
    state = tmp_path / ".ytsb"
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (state, *state.glob("state.db*"))}
    world.close()
    assert modes == {".ytsb": "0o700", "state.db": "0o600", "state.db-wal": "0o600", "state.db-shm": "0o600"}


def garbage(content: bytes) -> bytes:
    return b"no database at all\n" * 500


def beginning_gone(content: bytes) -> bytes:
    return b"\0" * 512 + content[512:]


def middle_overwritten(content: bytes) -> bytes:
    return content[:4096] + b"\xff" * (len(content) - 8192) + content[-4096:]


def cut_short(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize("spoil", [garbage, beginning_gone, middle_overwritten, cut_short])
def test_a_damaged_file_is_moved_aside_and_told(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    with closing(Store(tmp_path, tmp_path)) as store:
        store.add(new(f"job{number}") for number in range(500))
    spoiled = spoil(store.path.read_bytes())
    store.path.write_bytes(spoiled)
    with closing(Store(tmp_path, tmp_path)) as anew:
        assert anew.damaged is not None
        assert anew.damaged.read_bytes() == spoiled
        assert anew.standings() == []
        anew.add([new("aaa")])
    with closing(Store(tmp_path, tmp_path)) as again:
        assert (again.damaged, len(again.standings())) == (None, 1)


def test_a_second_damaged_file_does_not_replace_the_first(tmp_path: Path) -> None:
    kept = []
    for content in (b"one" * 1000, b"two" * 1000):
        (tmp_path / "state.db").write_bytes(content)
        with closing(Store(tmp_path, tmp_path)) as store:
            kept.append(store.damaged)
    assert [path and path.read_bytes()[:3] for path in kept] == [b"one", b"two"]


def test_a_newer_versions_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    Store(tmp_path, tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "state.db")) as sql:
        sql.execute("PRAGMA user_version=99")
    before = (tmp_path / "state.db").read_bytes()
    with pytest.raises(VaultError, match="newer") as refused:
        Store(tmp_path, tmp_path)
    assert "Upgrade" in refused.value.advice
    assert (tmp_path / "state.db").read_bytes() == before


def test_a_folder_in_the_files_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(VaultError, match=r"state\.db cannot be opened"):
        Store(tmp_path, tmp_path)


def test_who_finds_the_file_locked_for_too_long_says_so_and_loses_nothing(tmp_path: Path) -> None:
    with closing(Store(tmp_path, tmp_path, patience=0.05)) as store:
        store.add([new("aaa")])
        with closing(sqlite3.connect(store.path, isolation_level=None)) as another:
            another.execute("BEGIN EXCLUSIVE")
            with pytest.raises(Ours, match=r"state\.db: database is locked\.$") as caught:
                store.claim()
            with pytest.raises(VaultError, match=r"state\.db cannot be opened: database is locked\.$") as refused:
                Store(tmp_path, tmp_path, patience=0.05)
        assert caught.value.advice == "Check the disk, and that no other program has the file open."
        assert refused.value.advice == "Close the program that has it open."
        assert store.claim() == replace(new("aaa"), output_dir=tmp_path)


def test_who_finds_the_file_locked_waits(store: Store, claimed: VideoProcessingJob) -> None:
    worker = threading.Thread(target=store.commit, args=(fetched(claimed), Stage.FETCH))
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        worker.start()
        worker.join(0.3)
        assert worker.is_alive()
        other.execute("ROLLBACK")
        worker.join(30)
    assert store.load("aaa").has(Stage.FETCH)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"only root can mount a small disk: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk: Path) -> Path:
    """A film that takes all the space there is."""
    film = disk / "film.mkv"
    with suppress(OSError), film.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return film


def test_a_full_disk_is_told_and_nothing_is_half_stored(small_disk: Path) -> None:
    with closing(Store(small_disk, small_disk)) as store:
        store.add([new("aaa"), new("bbb")])
        job = store.claim()
        assert job is not None
        store.commit(fetched(job), Stage.FETCH)
        film = fill(small_disk)
        long = replace(noted(fetched(job)), study_notes="words " * 50_000)
        with pytest.raises(OutOfSpace, match=r"The disk is full .*state\.db"):
            store.commit(long, Stage.NOTES)
        assert not store.load("aaa").has(Stage.NOTES)
        film.unlink()
        store.commit(long, Stage.NOTES)
    with closing(Store(small_disk, small_disk)) as again:
        assert again.load("aaa").study_notes == long.study_notes


def test_a_disk_that_fills_up_stops_the_run_and_the_next_one_goes_on(small_disk: Path) -> None:
    names = [f"job{number}" for number in range(20)]
    world = World(small_disk, {Stage.NOTES: lambda job, watch: fill(small_disk)})
    pool = world.run(*names, workers=2)
    world.close()
    assert isinstance(pool.stopped_by, OutOfSpace)
    (small_disk / "film.mkv").unlink()
    again = World(small_disk)
    again.run(*names)
    counts = again.journal.store.counts()
    again.close()
    assert counts == dict.fromkeys(Status, 0) | {Status.DONE: 20}
    log = json.loads((small_disk / "processing_log.json").read_bytes())
    assert sorted(entry["video_id"] for entry in log if entry["success"]) == sorted(names)


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE job SET facts='no JSON'",
        """UPDATE job SET facts='{"video_id": 7}'""",
        "UPDATE job SET status='in another language'",
        "UPDATE checkpoint SET stage='of another version'",
        "UPDATE checkpoint SET artifact=x'ff'",
    ],
)
def test_a_job_that_cannot_be_read_is_told_with_what_to_do(tmp_path: Path, spoil: str) -> None:
    with closing(Store(tmp_path, tmp_path)) as store:
        store.add([new("aaa")])
        store.commit(fetched(new("aaa")), Stage.FETCH)
    with closing(sqlite3.connect(store.path)) as sql:
        sql.execute(spoil)
        sql.commit()
    with closing(Store(tmp_path, tmp_path)) as spoiled:
        with pytest.raises(VaultError, match=r"state\.db holds a job that cannot be read") as told:
            spoiled.counts() and spoiled.load("aaa")
        assert "Move that file away" in told.value.advice


@pytest.mark.parametrize(
    ("status", "order"),
    [
        (Status.QUEUED, lambda store: store.requeue(Standing(new("aaa"), Status.QUEUED, False))),
        (Status.FAILED, lambda store: store.give_up("aaa")),
        (Status.QUEUED, lambda store: store.claim()),
    ],
)
def test_nor_can_it_be_ordered_or_given_up(tmp_path: Path, status: Status, order: Callable[[Store], object]) -> None:
    with closing(Store(tmp_path, tmp_path)) as store:
        store.add([new("aaa")])
        with closing(sqlite3.connect(store.path)) as sql:
            sql.execute("UPDATE job SET facts='no JSON', status=?, next_retry_at=1", (status,))
            sql.commit()
        with pytest.raises(VaultError, match="cannot be read"):
            order(store)
        assert store.counts()[status] == 1, "it stands as it did"


def test_a_journal_that_was_moved_away_is_made_again_from_the_log(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("aaa")
    world.close()
    state = tmp_path / ".ytsb" / "state.db"
    with closing(sqlite3.connect(state)) as sql:
        sql.execute("UPDATE job SET facts='no JSON'")
        sql.commit()
    world = World(tmp_path)
    with pytest.raises(VaultError, match="cannot be read"):
        world.submit(["aaa"])
    world.close()
    state.rename(tmp_path / "moved.db")
    world = World(tmp_path)
    assert [(standing.job.video_id, standing.status) for standing in world.journal.store.standings()] == [
        ("aaa", Status.DONE)
    ]
    world.close()

"""What the engine promises: stages run once, failures are told and retried by one table, nothing is lost."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.canned import PLAN, HandClock, Script, World
from ytsb_tui.budget import Budget
from ytsb_tui.errors import (
    Blocked,
    Busy,
    Cancelled,
    Incomplete,
    NetworkTrouble,
    NoCaptions,
    OutOfSpace,
    OverBudget,
    StageError,
    Stopped,
    Unreachable,
)
from ytsb_tui.events import (
    Event,
    JobEnded,
    JobStopped,
    ResourcePaused,
    RunStopped,
    StageFinished,
    StageProgress,
    StageRetried,
)
from ytsb_tui.job import Stage, Status, VideoProcessingJob
from ytsb_tui.job_logger import create_default_logger
from ytsb_tui.pool import Pool
from ytsb_tui.usage import Usage
from ytsb_tui.watch import Watch


def log_of(root: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((root / "processing_log.json").read_text())
    return entries


def failing(*errors: StageError) -> tuple[Script, list[StageError]]:
    """A script that raises these one after the other, then works."""
    left = list(errors)
    lock = threading.Lock()

    def script(job: VideoProcessingJob, watch: Watch) -> None:
        with lock:
            error = left.pop(0) if left else None
        if error:
            raise error

    return script, left


def test_a_job_goes_through_every_stage_once_and_is_logged_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("aaa", "bbb", "ccc", "ddd")
    world.close()
    assert world.calls == Counter({(name, stage): 1 for name in ("aaa", "bbb", "ccc", "ddd") for stage in Stage})
    entries = log_of(tmp_path)
    assert sorted(str(entry["video_id"]) for entry in entries) == ["aaa", "bbb", "ccc", "ddd"]
    assert all(entry["success"] and entry["stage"] == "completed" and entry["total_files"] == 4 for entry in entries)
    assert {entry["worker_id"] for entry in entries} <= {0, 1, 2}


def test_the_worker_id_is_the_thread_that_ran_the_job(tmp_path: Path) -> None:
    names: dict[str, str] = {}
    world = World(
        tmp_path, {Stage.NOTES: lambda job, watch: names.update({job.video_id: threading.current_thread().name})}
    )
    world.run(*(f"job{number}" for number in range(12)))
    world.close()
    assert {str(e["video_id"]): f"worker-{e['worker_id']}" for e in log_of(tmp_path)} == names


def test_asking_again_for_what_is_done_runs_nothing(tmp_path: Path) -> None:
    first = World(tmp_path)
    first.run("aaa")
    first.close()
    again = World(tmp_path)
    submission = again.submit(["aaa"])
    again.close()
    assert [job.video_id for job in submission.done] == ["aaa"]
    assert submission.queued == ()


def test_a_failed_job_is_retried_at_the_stage_that_failed(tmp_path: Path) -> None:
    script, _ = failing(Incomplete("Half an answer."))
    world = World(tmp_path, {Stage.ASSESSMENT: script})
    world.run("aaa")
    world.run("aaa")
    world.close()
    assert world.calls["aaa", Stage.FETCH] == world.calls["aaa", Stage.NOTES] == 1
    assert world.calls["aaa", Stage.ASSESSMENT] == 2
    failed, retried = log_of(tmp_path)
    assert (failed["stage"], failed["success"], failed["error"]) == ("generating_assessment", False, "Half an answer.")
    assert (failed["error_class"], failed["advice"]) == ("Incomplete", Incomplete.advice)
    assert (retried["success"], retried["attempt"], retried["retry_count"]) == (True, 2, 1)
    assert retried["resumed_from"] == "assessment"
    assert retried["timings"].keys() == {stage.timing_key for stage in Stage}


def test_a_deleted_note_is_written_again_from_what_is_stored(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("aaa")
    (tmp_path / "AI" / "aaa.md").unlink()
    world.run("aaa")
    world.close()
    assert (tmp_path / "AI" / "aaa.md").read_text() == "notes of aaa"
    assert world.calls["aaa", Stage.NOTES] == 1
    assert world.calls["aaa", Stage.WRITE] == 2


def test_stages_asked_for_later_are_added_to_a_finished_job(tmp_path: Path) -> None:
    short = World(tmp_path, plan=(Stage.FETCH, Stage.NOTES, Stage.WRITE, Stage.LINKS))
    short.run("aaa")
    short.close()
    whole = World(tmp_path)
    whole.run("aaa")
    whole.close()
    assert (whole.calls["aaa", Stage.NOTES], whole.calls["aaa", Stage.ASSESSMENT]) == (0, 1)
    assert (tmp_path / "AI" / "Assessment_aaa.md").exists()


def test_restarting_at_a_stage_forgets_it_and_all_after_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("aaa")
    pool = world.pool(world.submit(["aaa"], restart_at=Stage.NOTES).ids)
    pool.run(1)
    world.close()
    assert (world.calls["aaa", Stage.FETCH], world.calls["aaa", Stage.NOTES]) == (1, 2)


def test_a_network_failure_is_tried_again_on_its_own(tmp_path: Path) -> None:
    script, left = failing(NetworkTrouble("Reset."), NetworkTrouble("Reset."))
    world = World(tmp_path, {Stage.FETCH: script}, clock=HandClock())
    world.run("aaa", workers=1)
    world.close()
    assert left == []
    assert world.calls["aaa", Stage.FETCH] == 3
    assert [entry["success"] for entry in log_of(tmp_path)] == [True]
    assert [event.tries for event in world.events if isinstance(event, StageRetried)] == [1, 2]


def test_a_network_that_is_gone_for_a_minute_fails_no_job_and_is_looked_for_by_one(tmp_path: Path) -> None:
    clock, asked = HandClock(), []
    back = clock.at + 60

    def script(job: VideoProcessingJob, watch: Watch) -> None:
        asked.append(clock.at)
        if clock.at < back:
            raise Unreachable("YouTube cannot be reached.")

    world = World(tmp_path, {Stage.FETCH: script}, clock=clock)
    world.drive(world.pool(world.submit(f"job {number}" for number in range(20)).ids), 4)
    world.close()
    assert [entry["success"] for entry in log_of(tmp_path)] == [True] * 20
    in_vain = [at for at in asked if at < back]
    assert len(in_vain) <= 4 + 5, "four were on their way; then one asks at 2, 6, 14, 30 and 62 seconds"
    assert min(at for at in asked if at >= back) < back + 60, "it goes on soon after the network is back"


def test_a_clock_that_is_set_back_and_forward_changes_no_duration_and_loses_nothing(tmp_path: Path) -> None:
    clock = HandClock()
    days = iter([-1, 2, -30, 365])

    def script(job: VideoProcessingJob, watch: Watch) -> None:
        clock.at += 5
        clock.set_by = next(days, 0) * 86_400.0

    world = World(tmp_path, {Stage.NOTES: script}, clock=clock)
    world.run(*(f"job {number}" for number in range(8)), workers=1)
    world.close()
    entries = log_of(tmp_path)
    assert [entry["success"] for entry in entries] == [True] * 8
    assert [entry["end_time"] < entry["start_time"] for entry in entries[:3]] == [True, False, True]
    assert all(5 <= entry["processing_duration"] < 600 for entry in entries)
    assert all(5 <= entry["timings"]["generate_notes"] < 600 for entry in entries)
    statistics = create_default_logger(tmp_path).get_statistics()
    assert statistics["successful"] == 8
    assert 5 <= statistics["average_duration"] < 600
    again = World(tmp_path)
    assert [job.video_id for job in again.submit(f"job {number}" for number in range(8)).queued] == []
    again.close()


def test_caption_files_neither_wait_for_youtube_nor_end_its_pause(tmp_path: Path) -> None:
    clock = HandClock()
    asked: list[tuple[float, str]] = []

    def script(job: VideoProcessingJob, watch: Watch) -> None:
        asked.append((clock.at, job.video_id))
        if not job.is_file:
            raise Blocked("Blocked.", retry_after=1000.0)

    world = World(tmp_path, {Stage.FETCH: script}, clock=clock)
    begun = clock.at
    jobs = [VideoProcessingJob(f"file-{n}", f"/{n}.srt", output_dir=tmp_path) for n in range(3)]
    (video,) = world.submit(["video"]).queued
    files = world.journal.submit(jobs, world.plan).queued
    pool = world.pool(frozenset(job.video_id for job in (video, *files)))
    world.drive(pool, 2, step=100, after=lambda: len({name for _, name in asked}) == 4)
    world.close()
    assert all(at < begun + 1000 for at, name in asked if name != "video")
    assert [at - begun >= 1000 * n for n, (at, name) in enumerate(pair for pair in asked if pair[1] == "video")] == [
        True,
        True,
        True,
    ]


def test_what_was_paid_for_is_on_the_books_though_it_cannot_be_kept(tmp_path: Path) -> None:
    world = World(tmp_path, usage=Usage(cost=1.0))
    pool = world.pool(world.submit(["aaa"]).ids)

    class Full:
        keep_partial, end, log = world.journal.keep_partial, world.journal.end, world.journal.log

        def commit(self, job: VideoProcessingJob, stage: Stage) -> None:
            if stage is Stage.NOTES:
                raise OutOfSpace("The disk is full.")
            world.journal.commit(job, stage)

    pool.rules = replace(pool.rules, records=Full())
    pool.run(1)
    (standing,) = world.journal.store.standings()
    world.close()
    assert standing.job.total_usage.cost == 1.0
    assert world.budget.spent == 1.0


def test_after_its_last_try_a_job_fails_and_is_scheduled(tmp_path: Path) -> None:
    def script(job: VideoProcessingJob, watch: Watch) -> None:
        raise NetworkTrouble("Reset.")

    world = World(tmp_path, {Stage.FETCH: script}, clock=HandClock())
    world.run("aaa", workers=1)
    job = world.journal.store.standings()[0].job
    world.close()
    assert world.calls["aaa", Stage.FETCH] == NetworkTrouble.policy.tries
    assert job.failure is not None
    assert job.ended_at is not None
    assert job.next_retry_at == job.ended_at + 900
    assert log_of(tmp_path)[0]["next_retry_time"] is not None


def test_scheduled_retries_come_later_and_later_and_end(tmp_path: Path) -> None:
    def script(job: VideoProcessingJob, watch: Watch) -> None:
        raise NetworkTrouble("Reset.")

    world = World(tmp_path, {Stage.FETCH: script}, clock=HandClock(), retries=3)
    pool = world.pool(world.submit(["aaa"]).ids)
    world.drive(pool, 1, step=300, watch=True)
    world.close()
    entries = log_of(tmp_path)
    assert [entry["retry_count"] for entry in entries] == [0, 1, 2, 3]
    assert entries[-1]["next_retry_time"] is None


def test_what_will_never_help_is_not_tried_again(tmp_path: Path) -> None:
    script, _ = failing(NoCaptions("The video has no captions."))
    world = World(tmp_path, {Stage.FETCH: script})
    world.run("aaa")
    world.close()
    entry = log_of(tmp_path)[0]
    assert world.calls["aaa", Stage.FETCH] == 1
    assert (entry["is_retryable"], entry["next_retry_time"]) == (False, None)


def test_retry_after_is_waited_for_once_by_all(tmp_path: Path) -> None:
    script, left = failing(Busy("Claude asks for patience (429).", retry_after=3.0))
    world = World(tmp_path, {Stage.NOTES: script}, clock=HandClock())
    pool = world.pool(world.submit([f"job{number}" for number in range(10)]).ids)
    world.drive(pool, 10, step=0.5)
    world.close()
    pauses = [event for event in world.events if isinstance(event, ResourcePaused)]
    assert left == []
    assert [(event.resource, event.until - event.at) for event in pauses] == [("generate", 3.0)]
    assert all(entry["success"] for entry in log_of(tmp_path))


def test_after_a_block_one_worker_asks_and_the_others_wait(tmp_path: Path) -> None:
    lock, clock = threading.Lock(), HandClock()
    over = clock.at + 300
    """When the pause after the first refusal is over."""
    asking, crowd, asked = set[str](), threading.Event(), 0

    def blocked(job: VideoProcessingJob, watch: Watch) -> None:
        nonlocal asked
        if clock.at < over:
            raise Blocked("YouTube blocked this address (429).")
        with lock:
            asked += 1
            turn = asked
            asking.add(job.video_id)
            if len(asking) > 1 and turn <= 3:
                crowd.set()
        try:
            if turn <= 2:
                crowd.wait(0.2)  # time for the others, should they be let in
            if turn == 1:
                raise Blocked("Again.")
        finally:
            with lock:
                asking.remove(job.video_id)

    world = World(tmp_path, {Stage.FETCH: blocked}, clock=clock)

    def has_begun() -> bool:
        return any(isinstance(event, ResourcePaused) for event in world.events)

    world.drive(world.pool(world.submit(["aaa", "bbb", "ccc"]).ids), 3, step=50, after=has_begun)
    world.close()
    pauses = [event.until - event.at for event in world.events if isinstance(event, ResourcePaused)]
    assert pauses[0] == 300
    assert pauses[-1] >= 600
    assert not crowd.is_set()
    assert all(entry["success"] for entry in log_of(tmp_path))


def test_a_bug_fails_its_job_and_not_its_worker(tmp_path: Path) -> None:
    def script(job: VideoProcessingJob, watch: Watch) -> None:
        if job.video_id == "bad":
            raise ZeroDivisionError("division by zero")

    world = World(tmp_path, {Stage.LINKS: script})
    world.run("aaa", "bad", "bbb", workers=1)
    world.close()
    outcome = {str(entry["video_id"]): entry["error"] for entry in log_of(tmp_path)}
    assert outcome == {"aaa": None, "bad": "ZeroDivisionError: division by zero", "bbb": None}


def test_a_listener_that_fails_fails_no_job_and_ends_no_worker(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path)

    def tell(event: Event) -> None:
        raise ZeroDivisionError(type(event).__name__)

    pool = world.pool(world.submit(["aaa", "bbb"]).ids)
    Pool(world.journal.store, replace(pool.rules, tell=tell), world.tools).run(1)
    world.close()
    assert [entry["success"] for entry in log_of(tmp_path)] == [True, True]
    assert "ZeroDivisionError: JobEnded" in caplog.text
    assert capfd.readouterr() == ("", "")


def test_what_stands_in_everybodys_way_ends_the_run(tmp_path: Path) -> None:
    script, _ = failing(OutOfSpace("The disk is full (writing AI/aaa.md)."))
    world = World(tmp_path, {Stage.WRITE: script})
    pool = world.run("aaa", "bbb", "ccc", workers=1)
    counts = world.journal.store.counts()
    world.close()
    assert str(pool.stopped_by) == "The disk is full (writing AI/aaa.md)."
    assert (counts[Status.FAILED], counts[Status.QUEUED]) == (1, 2)
    assert [event.reason for event in world.events if isinstance(event, RunStopped)] == [str(pool.stopped_by)]


def test_a_cancelled_job_keeps_what_it_has(tmp_path: Path) -> None:
    world = World(tmp_path)

    def cancel(job: VideoProcessingJob, watch: Watch) -> None:
        pool.cancel(job.video_id)

    world.scripts[Stage.NOTES] = cancel
    pool = world.pool(world.submit(["aaa"]).ids)
    pool.run(1)
    standing = world.journal.store.standing("aaa")
    world.scripts.clear()
    world.run("aaa")
    world.close()
    assert standing is not None
    assert standing.status is Status.CANCELLED
    assert standing.job.has_notes()
    cancelled, retried = log_of(tmp_path)
    assert (cancelled["error_class"], cancelled["stage"]) == (Cancelled.__name__, "generating_assessment")
    assert (retried["success"], world.calls["aaa", Stage.NOTES]) == (True, 1)


def test_a_waiting_job_can_be_cancelled_before_it_begins(tmp_path: Path) -> None:
    world = World(tmp_path)
    pool = world.pool(world.submit(["aaa", "bbb"]).ids)
    pool.cancel("bbb")
    pool.run(1)
    counts = world.journal.store.counts()
    world.close()
    assert (counts[Status.DONE], counts[Status.CANCELLED]) == (1, 1)
    assert ("bbb", Stage.FETCH) not in world.calls


def test_stopping_puts_running_jobs_back_with_what_they_have(tmp_path: Path) -> None:
    world = World(tmp_path)

    def stop(job: VideoProcessingJob, watch: Watch) -> None:
        pool.stop(Stopped("Interrupted."))
        watch.check()

    world.scripts[Stage.NOTES] = stop
    pool = world.pool(world.submit(["aaa"]).ids)
    pool.run(1)
    counts = world.journal.store.counts()
    world.scripts.clear()
    world.run("aaa")
    world.close()
    assert counts[Status.QUEUED] == 1
    assert [type(event) for event in world.events if isinstance(event, JobEnded | JobStopped)] == [JobStopped, JobEnded]
    assert world.calls["aaa", Stage.FETCH] == 1
    assert len(log_of(tmp_path)) == 1


def test_a_broken_off_answer_is_handed_to_the_next_try_and_its_cost_is_kept(tmp_path: Path) -> None:
    spent = Usage(input_tokens=100, output_tokens=10, cost=0.25)
    script, _ = failing(NetworkTrouble("Cut.", partial="half", usage=spent))
    world = World(tmp_path, {Stage.NOTES: script}, clock=HandClock(), usage=Usage(cost=0.5))
    world.run("aaa", workers=1)
    world.close()
    assert [job.partials.get(Stage.NOTES) for job in world.given["aaa", Stage.NOTES]] == [None, "half"]
    entry = log_of(tmp_path)[0]
    assert (entry["cost"], entry["input_tokens"]) == (pytest.approx(1.25), 100)


def test_a_partial_survives_the_process(tmp_path: Path) -> None:
    def script(job: VideoProcessingJob, watch: Watch) -> None:
        raise Incomplete("Cut.", partial="half")

    first = World(tmp_path, {Stage.NOTES: script})
    first.run("aaa")
    first.close()
    second = World(tmp_path)
    second.run("aaa")
    third = second.journal.store.load("aaa")
    second.close()
    assert second.given["aaa", Stage.NOTES][0].partials == {Stage.NOTES: "half"}
    assert third.partials == {}


def test_no_paid_stage_is_started_beyond_the_budget(tmp_path: Path) -> None:
    world = World(tmp_path, usage=Usage(cost=0.4), budget=Budget(1.0))
    pool = world.run("aaa", "bbb", workers=1)
    counts = world.journal.store.counts()
    world.close()
    assert isinstance(pool.stopped_by, OverBudget)
    assert world.budget.spent == pytest.approx(0.8)
    assert (counts[Status.DONE], counts[Status.QUEUED], counts[Status.FAILED]) == (1, 1, 0)


def test_what_is_under_way_when_the_budget_is_used_up_is_finished(tmp_path: Path) -> None:
    world = World(tmp_path, usage=Usage(cost=0.4), budget=Budget(1.0))

    def until_told(job: VideoProcessingJob, watch: Watch) -> None:
        moment = threading.Event()
        while job.video_id == "aaa" and not any(isinstance(event, RunStopped) for event in world.events):
            moment.wait(0.01)
            watch.check()
        watch.check()

    world.scripts[Stage.NOTES] = until_told
    pool = world.run("aaa", "bbb", workers=2)
    jobs = [world.journal.store.load(name) for name in ("aaa", "bbb")]
    world.close()
    assert isinstance(pool.stopped_by, OverBudget)
    assert [job.has_notes() for job in jobs] == [True, True]
    assert [job.has_assessment() for job in jobs] == [False, False]
    assert world.budget.spent == pytest.approx(0.8)
    assert [event.is_final for event in world.events if isinstance(event, RunStopped)] == [True]


def test_fewer_and_more_workers_while_it_runs(tmp_path: Path) -> None:
    world = World(tmp_path)
    gate = threading.Event()
    world.scripts[Stage.FETCH] = lambda job, watch: gate.wait(60)
    pool = world.pool(world.submit([f"job{number}" for number in range(6)]).ids)
    pool.resize(1)
    pool.resize(4)
    pool.resize(2)
    gate.set()
    pool.run(2)
    world.close()
    assert len(log_of(tmp_path)) == 6


def test_a_paused_pool_begins_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    world = World(tmp_path)
    pool = world.pool(world.submit(["aaa"]).ids)
    pool.pause()
    runner = threading.Thread(target=pool.run, args=(1,))
    runner.start()
    runner.join(0.3)
    assert world.calls == {}
    pool.resume()
    runner.join(60)
    assert not runner.is_alive()
    world.close()
    assert world.calls["aaa", Stage.EXPORT] == 1


def test_progress_reaches_the_listener_with_the_stage_it_belongs_to(tmp_path: Path) -> None:
    world = World(tmp_path, {Stage.NOTES: lambda job, watch: watch.progress(0.5, "half")})
    world.run("aaa")
    world.close()
    told = [event for event in world.events if isinstance(event, StageProgress)]
    assert [(event.stage, event.fraction, event.text) for event in told] == [(Stage.NOTES, 0.5, "half")]


def test_events_carry_no_long_texts(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("aaa")
    world.close()
    finished = [event.job for event in world.events if isinstance(event, StageFinished)]
    assert len(finished) == len(PLAN)
    assert all(not (job.transcript or job.study_notes or job.assessment_content) for job in finished)

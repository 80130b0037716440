"""What the pool promises when things happen at the wrong moment."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path

from tests.blackbox.program import soon
from tests.canned import World
from ytsb_tui.budget import Budget
from ytsb_tui.errors import OverBudget
from ytsb_tui.events import Event, JobEnded, JobStopped
from ytsb_tui.job import Stage, Status, VideoProcessingJob
from ytsb_tui.pool import LOOK, Pool
from ytsb_tui.store import Store
from ytsb_tui.usage import Usage
from ytsb_tui.watch import Watch


def test_cancelling_a_job_that_has_just_ended_does_not_cancel_its_next_attempt(tmp_path: Path) -> None:
    nearly_done = threading.Event()
    world = World(tmp_path, {Stage.EXPORT: lambda job, watch: nearly_done.set()})
    pool = world.pool(world.submit(["aaa"]).ids)
    pool.resize(1)
    assert nearly_done.wait(30)
    pool.resize(0)
    assert pool.join(30)
    pool.cancel("aaa")
    world.submit(["aaa"], restart_at=Stage.NOTES)
    pool.run(1)
    counts = world.journal.store.counts()
    world.close()
    assert (counts[Status.DONE], world.calls["aaa", Stage.NOTES]) == (1, 2)


def test_a_worker_that_outlives_the_run_ends_quietly_and_its_job_is_taken_up_next_time(tmp_path: Path) -> None:
    deaf, go = threading.Event(), threading.Event()

    def stuck(job: VideoProcessingJob, watch: Watch) -> None:
        deaf.set()
        go.wait(30)

    world = World(tmp_path, {Stage.NOTES: stuck})
    pool = world.pool(world.submit(["aaa"]).ids)
    pool.resize(1)
    assert deaf.wait(30)
    pool.stop()
    world.close()
    go.set()
    assert pool.join(30)
    again = World(tmp_path)
    again.run("aaa")
    again.close()
    assert (again.calls["aaa", Stage.FETCH], again.calls["aaa", Stage.EXPORT]) == (0, 1)


class CountingStore(Store):
    """Counts how often somebody asks for a job."""

    asked = 0

    def claim(self, among: frozenset[str] | None = None) -> VideoProcessingJob | None:
        self.asked += 1
        return super().claim(among)


def test_idle_workers_look_at_the_queue_now_and_then_and_do_not_wake_each_other(tmp_path: Path) -> None:
    world = World(tmp_path / "notes")
    with closing(CountingStore(tmp_path, tmp_path)) as store:
        pool = Pool(store, world.pool().rules, world.tools)
        pool.resize(4)
        assert soon(lambda: store.asked >= 4, 60)
        before, began = store.asked, time.monotonic()
        threading.Event().wait(2 * LOOK)
        looks, took = store.asked - before, time.monotonic() - began
        pool.stop()
        assert pool.join(30)
    world.close()
    assert looks <= 4 * 4 * took / LOOK, "four times as many as four workers have reason for"


def test_a_worker_that_is_sent_away_and_wanted_again_at_once_is_there(tmp_path: Path) -> None:
    world = World(tmp_path)
    pool = world.pool()
    for _ in range(200):
        pool.resize(1)
        pool.resize(0)
    pool.resize(1)
    world.submit(["aaa"])
    pool.wake()
    assert soon(lambda: world.journal.store.counts()[Status.DONE] == 1, 60)
    pool.stop()
    assert pool.join(30)
    world.close()


class SlowStore(Store):
    """A journal that another program locks."""

    def __init__(self, folder: Path, output_dir: Path) -> None:
        super().__init__(folder, output_dir)
        self.asked, self.locked = threading.Event(), threading.Event()

    def claim(self, among: frozenset[str] | None = None) -> VideoProcessingJob | None:
        self.asked.set()
        self.locked.wait(60)
        return super().claim(among)


def test_who_steers_the_pool_does_not_wait_for_the_journal(tmp_path: Path) -> None:
    world = World(tmp_path / "notes")
    with closing(SlowStore(tmp_path, tmp_path)) as store:
        pool = Pool(store, world.pool().rules, world.tools)
        pool.resize(1)
        assert store.asked.wait(30)

        def steer() -> None:
            pool.resize(2)
            pool.pause()
            pool.resume()
            pool.stop()

        hand = threading.Thread(target=steer, daemon=True)
        hand.start()
        hand.join(30)
        assert not hand.is_alive()
        store.locked.set()
        assert pool.join(30)
    world.close()


def test_when_the_budget_is_used_up_more_workers_do_not_begin_anew(tmp_path: Path) -> None:
    deaf, go = threading.Event(), threading.Event()

    def stuck(job: VideoProcessingJob, watch: Watch) -> None:
        if job.video_id == "aaa":
            deaf.set()
            go.wait(60)

    world = World(tmp_path, {Stage.NOTES: stuck}, usage=Usage(cost=1.0), budget=Budget(1.5))
    pool = world.pool(world.submit(["aaa", "bbb", "ccc"]).ids)
    pool.resize(1)
    assert deaf.wait(30)
    pool.resize(2)
    assert soon(lambda: isinstance(pool.stopped_by, OverBudget), 60)
    pool.resize(4)
    assert len([event for event in world.events if isinstance(event, JobStopped)]) == 1
    go.set()
    assert pool.join(30)
    world.close()
    assert len([event for event in world.events if isinstance(event, JobStopped)]) <= 2


def test_a_job_that_is_asked_for_again_the_moment_it_ends_is_worked_on_by_one(tmp_path: Path) -> None:
    """Also when the worker before has not let go of it yet."""
    second, others = threading.Event(), threading.Event()

    def fetch(job: VideoProcessingJob, watch: Watch) -> None:
        if job.video_id == "bbb" or world.calls["aaa", Stage.FETCH] > 2:
            others.set()
        elif world.calls["aaa", Stage.FETCH] == 2:
            second.set()
            assert others.wait(30)

    class Eager(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, JobEnded) and not second.is_set():
                world.submit(["aaa"], restart_at=Stage.FETCH)
                pool.wake()
                assert second.wait(30)
                world.submit(["bbb"])

    world = World(tmp_path, {Stage.FETCH: fetch})
    world.events = Eager()
    world.submit(["aaa"])
    pool = world.pool()
    world.drive(pool, workers=2)
    ended = [event.job.attempt for event in world.events if isinstance(event, JobEnded) and event.job.video_id == "aaa"]
    world.close()
    assert (ended, world.calls["aaa", Stage.FETCH]) == ([1, 2], 2)

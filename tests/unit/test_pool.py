"""What the pool promises when things happen at the wrong moment."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

from tests.canned import World
from ytsb_tui.job import Stage, Status, VideoProcessingJob
from ytsb_tui.pool import LOOK, Pool
from ytsb_tui.store import Store
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
        threading.Event().wait(2 * LOOK)
        pool.stop()
        assert pool.join(30)
    world.close()
    assert 4 <= store.asked <= 32

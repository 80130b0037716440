"""What the engine costs around emulated stages: workers are hardly ever idle, and the vault's lock is hardly held.

Real jobs take a minute; here each run is quickened until it lasts `RUN`
seconds. The disk cannot be quickened: vaults of these runs lie in memory
where the system has a folder for that, and the cost of a real disk is measured
by itself, against a job that is not quickened.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.canned import Script, World
from ytsb_tui.events import StageFinished, StageStarted
from ytsb_tui.job import Stage

RUN = 30.0
SECONDS = {Stage.FETCH: 10.0, Stage.NOTES: 20.0, Stage.ASSESSMENT: 30.0, Stage.WRITE: 0.7, Stage.EXPORT: 5.0}
JOB = sum(SECONDS.values())
PAID = SECONDS[Stage.NOTES] + SECONDS[Stage.ASSESSMENT]
MANY = 48
WIDE = {"fetch": 64, "generate": 64, "export": 64}
MEMORY = Path("/dev/shm")
"""In memory on Linux."""
TARGET, GATED_TARGET, HELD_TARGET, COST_TARGET = 0.97, 0.96, 0.02, 0.005


def main() -> None:
    cost = disk()
    print(
        f"engine and disk, without the stages: {cost * 1000:.0f} ms a job, {cost / JOB:.3%} of {JOB} s (target: 0.5%)"
    )
    for jobs, workers in ((3, 3), (MANY, 1), (MANY, 3), (MANY, 8)):
        best = jobs * JOB / workers
        took, held = run(jobs, workers, best, WIDE)
        print(
            f"{jobs} jobs, {workers} workers: {best / took:.3f} of {jobs} x {JOB} / {workers} (target: {TARGET}); "
            f"lock held {held / JOB:.2%} of a job (target: below {HELD_TARGET:.0%})"
        )
    best = MANY * PAID / 3
    took, _ = run(MANY, 5, best, WIDE | {"generate": 3})
    print(f"{MANY} jobs, 5 workers, 3 may generate: {best / took:.3f} of {MANY} x {PAID} / 3 (target: {GATED_TARGET})")


def run(jobs: int, workers: int, best: float, limits: dict[str, int]) -> tuple[float, float]:
    """How long a run took, and how long a job holds the vault's lock, in seconds of real jobs."""
    scale = RUN / best
    scripts = {stage: lasting(seconds * scale) for stage, seconds in SECONDS.items()}
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        world = World(Path(folder), scripts, limits=limits)
        took = timed(world, jobs, workers)
    at = {
        kind: sum(event.at for event in world.events if isinstance(event, kind) and event.stage is Stage.WRITE)
        for kind in (StageStarted, StageFinished)
    }
    return took / scale, (at[StageFinished] - at[StageStarted]) / jobs / scale


def disk() -> float:
    """Seconds a job takes whose stages do nothing."""
    with TemporaryDirectory() as folder:
        return timed(World(Path(folder)), MANY, 1) / MANY


def timed(world: World, jobs: int, workers: int) -> float:
    pool = world.pool(world.submit(f"job{number}" for number in range(jobs)).ids)
    started = time.perf_counter()
    pool.run(workers)
    took = time.perf_counter() - started
    world.close()
    return took


def lasting(seconds: float) -> Script:
    return lambda job, watch: time.sleep(seconds)


if __name__ == "__main__":
    main()

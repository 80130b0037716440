"""Many videos through the real engine, with both worlds in processes of their own: how close to the bound it comes.

The bound is what the slowest resource allows: Claude, who is asked twice for
each video, by as many workers as there are. The loopback worlds run on the same
processors as the engine, and a real network does not: their share is printed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.world import world
from tests.world.apart import apart, hold
from tests.world.catalog import Catalog, lecture
from tests.world.claude import Claude
from tests.world.claude_wire import Behaviour
from ytsb_tui.engine import Engine
from ytsb_tui.events import Event, JobEnded, StageFinished
from ytsb_tui.job import Stage
from ytsb_tui.settings import load
from ytsb_tui.stages import PAID

VIDEOS, WORKERS = 200, 8
CALL = 2.0
"""Seconds a call to Claude takes; a real one takes half a minute, and its bound is easier to reach."""
TARGET = 0.97


class Distant(Claude):
    """Answers after about `CALL` seconds, on average exactly: workers that are served alike would walk in step."""

    def __init__(self) -> None:
        super().__init__()
        self._shares = itertools.cycle((0.7, 1.1, 0.9, 1.3, 0.8, 1.2, 1.0, 1.0))

    def behaviour(self) -> Behaviour:
        time.sleep(CALL * next(self._shares))
        return super().behaviour()


def main() -> None:
    """Print the throughput, the bound, and where the time of the workers went."""
    with TemporaryDirectory() as folder, contextlib.ExitStack() as servers:
        for name in ("youtube", "claude"):
            os.environ.update(servers.enter_context(apart("tests.bench.bench_throughput", name)))
        took, idle, seconds, cpu = run(Path(folder))
    served = resource.getrusage(resource.RUSAGE_CHILDREN)
    bound = VIDEOS * 2 * CALL / WORKERS
    print(f"{VIDEOS} videos, {WORKERS} workers: {took:.1f} s; two calls of {CALL:g} s a video allow {bound:.1f} s")
    print(f"{bound / took:.3f} of the bound to the last job's end, when most workers have none left")
    print(f"{bound / (took - idle):.3f} of the bound while all workers have jobs (target: {TARGET})")
    beside = {str(stage): seconds[stage] for stage in Stage if stage in seconds and stage not in PAID}
    beside["both calls"] = sum(seconds[stage] for stage in PAID) - VIDEOS * 2 * CALL
    each = ", ".join(f"{name} {spent / VIDEOS * 1000:.0f}" for name, spent in beside.items())
    print(f"a worker's ms a video, without Claude's: {each}")
    between = ((took - idle) * WORKERS - sum(seconds.values())) / VIDEOS * 1000
    print(f"... and {between:.0f} between the stages: waiting for a turn, and the journal")
    servers_cpu = served.ru_utime + served.ru_stime
    print(f"processor time a video: engine {cpu / VIDEOS * 1000:.0f} ms, worlds {servers_cpu / VIDEOS * 1000:.0f} ms")


def run(folder: Path) -> tuple[float, float, Mapping[Stage, float], float]:
    """Seconds: of the run, those a worker had no job left, those of all in each stage, and of the processor."""
    engine = Engine(load({"out": folder / "notes", "author": "claude", "pdf": False}, file=None))
    engine.workshop.prepare_author()
    engine.submit(engine.job(lecture(number).id, f"https://youtu.be/{lecture(number).id}") for number in range(VIDEOS))
    seconds: Counter[Stage] = Counter()
    last: dict[int, float] = {}

    def tell(event: Event) -> None:
        if isinstance(event, StageFinished):
            seconds[event.stage] += event.seconds  # type: ignore[assignment]
        elif isinstance(event, JobEnded):
            last[event.worker_id] = time.perf_counter()

    pool = engine.pool(tell)
    began, cpu = time.perf_counter(), time.process_time()
    pool.run(WORKERS)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    engine.close()
    assert pool.stopped_by is None
    return took, began + took - sum(last.values()) / len(last), seconds, cpu


def serve(name: str) -> None:
    """Be a world until the standard input ends."""
    with TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        if name == "claude":
            variables = running.enter_context(Distant()).environment
        else:
            catalog = Catalog()
            catalog.add(*(lecture(number, minutes=20) for number in range(VIDEOS)))
            youtube = running.enter_context(world(Path(folder), catalog))
            variables = {**youtube.environment, "YTSB_PROXY": youtube.router.socks("me")}
        hold(variables)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(sys.argv[1])
    else:
        main()

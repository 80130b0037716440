"""A short one of `make soak`: files and threads are given back after every batch, and what is not is found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak.gauge import Reading, slope
from tests.soak.outlines import ALLOWED
from tests.soak.verdicts import judge

NOTHING = Reading(0, 0.0, False, memory=80, children=0, files=5, threads=1, store=0, wal=0, links=0, log=0, own_log=0)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
def test_batches_of_jobs_leave_no_file_and_no_thread_behind() -> None:
    soak = [sys.executable, "-m", "tests.soak", "outlines", "--jobs", "100"]
    done = subprocess.run(soak, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BROKEN" not in done.stdout
    for name in ("files at rest", "files once closed", "threads at rest", "threads once closed", "write-ahead log"):
        assert f"kept    {name}" in done.stdout


def evening(**growing: float) -> list[Reading]:
    """Readings of a run in which these grow by so much with every job."""
    readings = []
    for jobs in range(100, 10_001, 100):
        grown = {name: getattr(NOTHING, name) + by * jobs for name, by in growing.items()}
        readings.append(replace(NOTHING, jobs=jobs, resting=jobs % 1_000 == 0, **grown))
    return readings


def broken(readings: Sequence[Reading], after: Reading = NOTHING) -> list[str]:
    return [verdict.name for verdict in judge(readings, NOTHING, after, ALLOWED) if not verdict.kept]


def test_a_run_that_keeps_nothing_is_told_so() -> None:
    assert broken(evening()) == []


@pytest.mark.parametrize(
    ("leak", "told"),
    [
        ({"files": 0.001}, "files at rest"),
        ({"threads": 0.001}, "threads at rest"),
        ({"memory": 0.01}, "memory"),
        ({"store": 0.1}, "journal"),
        ({"wal": 0.01}, "write-ahead log"),
    ],
)
def test_what_grows_is_found(leak: dict[str, float], told: str) -> None:
    assert broken(evening(**leak)) == [told]


def test_what_is_not_given_back_at_the_end_is_found() -> None:
    assert broken(evening(), replace(NOTHING, files=6, threads=2)) == ["files once closed", "threads once closed"]


def test_a_slope_is_that_of_the_second_half() -> None:
    warming = [replace(reading, memory=200.0 + reading.jobs / 1_000) for reading in evening()]
    cold = [replace(reading, memory=reading.jobs / 25) for reading in warming[:49]]
    assert slope(cold + warming[49:], lambda reading: reading.memory) == pytest.approx(1.0)

"""The log at 50,000 entries: appending, opening, reconciling; and at every cut of its last two entries."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.unit.attempts import line, lines
from ytsb_tui.job_logger import JobLogger
from ytsb_tui.log_file import LogFile

LARGE, SMALL = 50_000, 10
APPENDS = 200


def main() -> None:
    with TemporaryDirectory() as folder:
        known = lines(LARGE)
        logger = JobLogger(Path(folder) / "large")
        logger.file.path.parent.mkdir()
        logger.file.rebuild(known)
        size = logger.file.path.stat().st_size
        print(f"{LARGE:,} entries of {size / LARGE:,.0f} bytes: {size / 1e6:.0f} MB")

        whole = fastest(lambda: json.loads(logger.file.path.read_bytes()))
        print(f"reading it with json: {whole:.2f} s; what follows, as a share of that:")
        failed = fastest(logger.get_failed_jobs)
        print(f"  failed jobs: {failed / whole:.2f}, {failed:.2f} s (target: below 1 s)")
        for read in (logger.get_all_jobs, logger.get_statistics, logger.get_breakdown):
            print(f"  {read.__name__}: {fastest(read) / whole:.2f}")
        for state, spoil in (("equal", leave), ("torn", tear), ("laid out anew", lay_out_anew)):
            took = fastest(lambda: logger.file.reconcile(lambda: known), partial(spoil, logger.file))
            print(f"  reconcile, {state}: {took / whole:.2f}, {took:.2f} s")

        small = LogFile(Path(folder) / "small" / "processing_log.json")
        small.append(known[:SMALL])
        costs = [(cpu(small), cpu(logger.file)) for _ in range(9)]
        ratio = sorted(large / little for little, large in costs)[len(costs) // 2]
        micro = min(large for _, large in costs) * 1e6
        print(f"CPU of an append at {LARGE:,} entries / at {SMALL}: {ratio:.2f} (target: at most 1.5), {micro:.0f} us")

        print(f"entries lost over {cuts(Path(folder))} (target: 0)")


def fastest(run: Callable[[], object], prepare: Callable[[], None] = lambda: None) -> float:
    """Seconds, of the faster of two runs."""
    took = []
    for _ in range(2):
        prepare()
        started = time.perf_counter()
        run()
        took.append(time.perf_counter() - started)
    return min(took)


def cpu(log: LogFile) -> float:
    """CPU seconds of one append, of user and system."""
    entry = [line(1)]
    started = time.process_time()
    for _ in range(APPENDS):
        log.append(entry)
    return (time.process_time() - started) / APPENDS


def leave(log: LogFile) -> None:
    """As it is."""


def tear(log: LogFile) -> None:
    """Cut the last entry in half."""
    os.truncate(log.path, log.path.stat().st_size - 1000)


def lay_out_anew(log: LogFile) -> None:
    """As `jq` does, on one line."""
    log.path.write_text(json.dumps(json.loads(log.path.read_bytes())))


def cuts(folder: Path) -> str:
    log = LogFile(folder / "cut" / "processing_log.json")
    known = lines(4)
    log.append(known)
    whole = log.path.read_bytes()
    lost = 0
    first = len(b"[\n" + b",\n".join(known[:2]))
    for cut in range(first, len(whole)):
        log.path.write_bytes(whole[:cut])
        log.reconcile(lambda: known)
        lost += len(known) - len(json.loads(log.path.read_bytes()))
    return f"{len(whole) - first:,} cuts: {lost}"


if __name__ == "__main__":
    main()

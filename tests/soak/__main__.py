"""Work for an evening, and see what grows that should not: `python -m tests.soak [PART...]`.

outlines: 10,000 caption files in one process, by the outline author.
evening: two hours of the app, while Claude on loopback streams its answers
and somebody walks through its screens. Time passes 20 times as fast: for the
program's clock, and in the streams.

Both work in ten batches, one after the other. A line is printed after each:
what the process has when nothing is worked on, and after a slash the most it
had meanwhile (megabytes; memory that is its alone). At the end come the slopes,
least squares over the second half, and whether each bound was kept; if not, it
ends with 1. Needs Linux.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.soak import evening, outlines
from tests.soak.gauge import Gauge
from tests.soak.verdicts import HEAD, judge, line

PARTS = {"outlines": outlines.ALLOWED, "evening": evening.ALLOWED}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[[], *PARTS], help="outlines, evening; both")
    parser.add_argument("--jobs", type=int, default=10_000, help="caption files (10,000)")
    parser.add_argument("--hours", type=float, default=2.0, help="how long the evening is (2)")
    parser.add_argument("--quicker", type=float, default=20.0, help="how many times as fast its time passes (20)")
    parser.add_argument("--no-pdf", action="store_true", help="an evening without PDFs")
    given = parser.parse_args()
    if not Path("/proc/self/smaps_rollup").exists():
        print("needs Linux")
        return 2
    parts = given.parts or list(PARTS)
    if len(parts) > 1:  # a process each: what one frees would hide what the other takes
        options = [argument for argument in sys.argv[1:] if argument not in PARTS]
        return max(subprocess.call([sys.executable, "-m", "tests.soak", part, *options]) for part in parts)
    return run(parts[0], given)


def run(part: str, given: argparse.Namespace) -> int:
    """Soak one part, and judge it."""
    with tempfile.TemporaryDirectory() as folder:
        before = Gauge(Path(folder), int).look()
        print(f"== {part}\n{HEAD}", flush=True)
        if part == "outlines":
            gauge = outlines.soak(Path(folder), given.jobs, show)
        else:
            gauge = evening.soak(Path(folder), given.hours, given.quicker, show, pdf=not given.no_pdf)
        after = Gauge(Path(folder), int).rest(before.threads)
    verdicts = judge(gauge.readings, before, after, PARTS[part])
    print("\n".join(map(str, verdicts)))
    return not all(verdict.kept for verdict in verdicts)


def show(gauge: Gauge) -> None:
    """A line of the table, at the end of a batch."""
    rests = [number for number, reading in enumerate(gauge.readings) if reading.resting]
    print(line(gauge.readings[rests[-2] if len(rests) > 1 else 0 :]), flush=True)


if __name__ == "__main__":
    sys.exit(main())

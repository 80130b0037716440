"""Run every benchmark, or those named: `python -m tests.bench [NAME...]`.

A benchmark is `bench_NAME.py` in this folder with a `main()` that prints its
figures, as ratios of two measurements of the same run: machines are noisy.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    names = sys.argv[1:] or sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
    )
    for name in names:
        print(f"== {name}", flush=True)
        importlib.import_module(f"tests.bench.bench_{name}").main()


if __name__ == "__main__":
    main()

"""The program on 1,600 lectures over real tor, while three exits refuse and two are killed: what it must never do."""

from __future__ import annotations

import tempfile
import time
import warnings
from pathlib import Path

import requests

from tests.bench.bench_tor import EXITS, PATIENCE, Leasing, service
from tests.blackbox.over_tor import campaign, running_over_tor
from tests.blackbox.program import Program
from tests.world.catalog import Catalog
from tests.world.over_tor import OverTor, world_over_tor
from tests.world.watching import Watching

WORKERS, EACH = 8, 200
USES = "20"
"""Fetches over one circuit, so that circuits are exchanged often."""


def main() -> None:
    """Print what became of the fetches, and of seven circuits when the eighth was rotated."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as place, world_over_tor(Path(place), Catalog(), EXITS) as over:
        folder = Path(place)
        with service(over, folder) as tor:
            rotate_one(tor, over)
        over.reset()
        (folder / "desk").mkdir()
        began = time.perf_counter()
        with running_over_tor(Program(folder / "desk"), over, YTSB_TOR_USES=USES) as run:
            report = campaign(run, WORKERS, EACH)
        print(
            f"{report.jobs} of {WORKERS * EACH} lectures fetched by {WORKERS} workers over {EXITS} exits, "
            f"three refusing and two killed, in {time.perf_counter() - began:.0f} s, over {report.circuits} circuits:"
        )
        print(
            f"exits shared {len(report.shared)}, used again before they had rested {len(report.reused)}, "
            f"wrong in the log {len(report.wrong)}, names leaked {len(report.leaked)}, jobs failed {len(report.failed)}"
        )
        for words in report.troubles[:10]:
            print(f"  {words}")


def rotate_one(leasing: Leasing, over: OverTor) -> None:
    """Rotate each of the workers once, and see who leaves by another circuit."""
    before = circuits(leasing, over)
    kept = 0
    for worker in range(WORKERS):
        leasing.move(worker)
        after = circuits(leasing, over)
        kept += sum(before[other] == after[other] for other in range(WORKERS) if other != worker)
        assert before[worker] != after[worker]
        before = after
    print(f"rotating one of {WORKERS} workers, each in turn: {kept} of {WORKERS * (WORKERS - 1)} others as they were")


def circuits(leasing: Leasing, over: OverTor) -> list[tuple[str, str]]:
    """Each worker's circuit, and the address YouTube saw over it."""
    found = []
    for worker in range(WORKERS):
        with leasing.tor.lease(worker, Watching()) as lease, requests.Session() as session:
            proxies, bundle = {"https": lease.proxy}, str(over.world.bundle)
            session.get("https://www.youtube.com/", proxies=proxies, verify=bundle, timeout=PATIENCE)
        found.append((lease.circuit.name, over.world.youtube.journal[-1].source))
    return found


if __name__ == "__main__":
    main()

"""The program over a private Tor network, and what its log and events must say of it."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from tests.blackbox.following import Follower, guarded
from tests.blackbox.online import link
from tests.blackbox.program import PATIENCE, Json, Program, Running, log_of
from tests.world.catalog import lecture
from tests.world.over_tor import OverTor

COOLDOWN = 3.0
"""Seconds an exit's address rests after use."""
TOLERANCE = 0.002
"""Seconds by which times may be rounded."""
FETCH_ENDS = ("stage_finished", "stage_retried", "job_ended")
FETCH = ("fetch", "fetching_transcript")


@dataclass
class TorRun(Follower):
    """The program with `--tor`, on a network of its own, with lectures to fetch."""

    over: OverTor
    program: Program
    events: list[Json] = field(default_factory=list)

    @property
    def log(self) -> list[Json]:
        """Every entry of the vault's log."""
        vault = self.program.desk / "notes"
        return log_of(vault) if (vault / "processing_log.json").exists() else []

    @contextmanager
    def started(self, lectures: int, workers: int, *arguments: str) -> Iterator[Running]:
        """Start it on this many lectures."""
        links = [link(number) for number in range(lectures)]
        self.over.world.youtube.catalog.add(*(lecture(number) for number in range(lectures)))
        with (
            self.program.started("run", "--tor", "--json", "--workers", str(workers), *arguments, *links) as running,
            guarded(running, PATIENCE + lectures),
        ):
            yield running


@contextmanager
def running_over_tor(program: Program, over: OverTor, **variables: str) -> Iterator[TorRun]:
    """The program so that the tor it starts joins the private network."""
    options = program.desk.parent / "torrc"
    options.write_text("\n".join(over.network.joining) + "\n")
    environment = {
        **over.world.environment,
        "YTSB_TOR_OPTIONS": str(options),
        "YTSB_TOR_COOLDOWN_MINUTES": str(COOLDOWN / 60),
        "YTSB_FETCH_LIMIT": "64",
        "YTSB_AUTHOR": "outline",
        "YTSB_ASSESSMENT": "false",
        "YTSB_PDF": "false",
        "YTSB_RETRIES": "0",
        **variables,
    }
    yield TorRun(over, Program(program.desk, environment))


@dataclass
class Stay:
    """A worker's time with an exit."""

    worker_id: int
    address: str
    given: float
    """When it was given its circuit. That was built before it was known whose exit it is, maybe while that rested."""
    last: float
    """When its last fetch ended; when it was given the circuit, while there was none."""


def stays(events: Iterable[Json]) -> list[Stay]:
    """Who left by which address, and from when to when."""
    found: list[Stay] = []
    current: dict[int, Stay] = {}
    for event in events:
        at, worker = datetime.fromisoformat(event["at"]).timestamp(), int(event.get("worker_id", -1))
        if event["event"] == "circuit_moved":
            after = event["after"]
            current[worker] = Stay(worker, after["exit"]["address"], at, at)
            found.append(current[worker])
        elif event["event"] in FETCH_ENDS and event["stage"] in FETCH and worker in current:
            current[worker].last = at
    return found


def clashes(events: Iterable[Json], cooldown: float = COOLDOWN) -> tuple[list[str], list[str]]:
    """Addresses that two workers left from at once, and those that were used again before they had rested."""
    shared, reused = [], []
    at_address = defaultdict(list)
    for stay in stays(events):
        at_address[stay.address].append(stay)
    for address, there in at_address.items():
        for one, other in pairwise(sorted(there, key=lambda stay: stay.given)):
            rested = other.given - one.last
            if rested < 0 and one.worker_id != other.worker_id:
                shared.append(f"{address} had workers {one.worker_id} and {other.worker_id} at once")
            elif rested < cooldown - TOLERANCE and one.last > one.given:
                reused.append(f"{address} was used again after {rested:.3f} s")
    return shared, reused


def wrong_exits(run: TorRun) -> list[str]:
    """Videos that the log says came over another address than YouTube saw."""
    sources = defaultdict(list)
    for request in run.over.world.youtube.journal:
        sources[request.video_id].append(request.source)
    return [
        entry["video_id"]
        for entry in run.log
        if entry["success"] and set(sources[entry["video_id"]][-3:]) != {entry["exit_address"]}
    ]


@dataclass(frozen=True)
class Report:
    """What became of many fetches while exits refused and died; all but the first two should be empty."""

    jobs: int
    circuits: int
    shared: list[str]
    reused: list[str]
    wrong: list[str]
    leaked: list[str]
    failed: list[str]

    @property
    def troubles(self) -> list[str]:
        """Everything that should not be."""
        return [*self.shared, *self.reused, *self.wrong, *self.leaked, *self.failed]


def campaign(run: TorRun, workers: int, fetches: int, *, refusing: int = 3, killed: int = 2) -> Report:
    """The program on many lectures; some exits refuse from the start, and some are killed after a third."""
    exits = run.over.network.exits
    for node in exits[:refusing]:
        run.over.world.youtube.goes_wrong("status", source=node.address, status=429)
    with run.started(workers * fetches, workers) as running:
        run.until(running, "job_ended", workers * fetches // 3)
        for node in exits[refusing : refusing + killed]:
            node.kill()
        for _ in run.follow(running):
            pass
        running.ended()
    shared, reused = clashes(run.events)
    return Report(
        sum(entry["success"] for entry in run.log),
        len(stays(run.events)),
        shared,
        reused,
        wrong_exits(run),
        run.over.network.leaked,
        [entry["error"] for entry in run.log if not entry["success"]],
    )


def tor_of(running: Running) -> int:
    """The process of the tor that the program started."""
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            head, _, rest = place.read_text().rpartition(")")
            if int(rest.split()[1]) == running.process.pid and head.endswith("(tor"):
                return int(place.parent.name)
    raise AssertionError("it has no tor of its own")


def is_alive(pid: int) -> bool:
    """Whether a process is there, and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def strike(pid: int, how: signal.Signals) -> None:
    """Kill, freeze or thaw a tor that the program started."""
    os.kill(pid, how)

"""The program over a private Tor network, and what its log and events must say of it."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.blackbox.online import link
from tests.blackbox.program import Json, Program, Running, log_of
from tests.world.catalog import lecture
from tests.world.over_tor import OverTor

COOLDOWN = 3.0
"""Seconds an exit's address rests after use."""


@dataclass
class TorRun:
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
        with self.program.started("run", "--tor", "--json", "--workers", str(workers), *arguments, *links) as running:
            yield running

    def follow(self, running: Running) -> Iterator[Json]:
        """Every event, which is remembered."""
        for event in running.events():
            self.events.append(event)
            yield event

    def until(self, running: Running, name: str, number: int = 1) -> None:
        """Follow up to the `number`-th of these events."""
        for event in self.follow(running):
            number -= event["event"] == name
            if not number:
                return
        raise AssertionError(f"it ended without {name}: {running.ended()}")

    def to_the_end(self, running: Running) -> None:
        """Follow until all is done; nothing may have failed."""
        for _ in self.follow(running):
            pass
        ended = running.ended()
        troubles = [event["error"] for event in self.events if event["event"] == "job_ended" and not event["success"]]
        assert (ended.code, troubles) == (0, []), ended.err


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


def clashes(events: Iterable[Json]) -> list[str]:
    """Addresses that two workers left from at once, or one again before it had rested."""
    held: dict[str, float] = {}
    holder: dict[int, str] = {}
    found = []
    for event in events:
        if event["event"] != "circuit_moved":
            continue
        at, worker, address = datetime.fromisoformat(event["at"]).timestamp(), event["worker_id"], _address(event)
        if before := holder.get(worker):
            held[before] = at
        if address in [other for number, other in holder.items() if number != worker]:
            found.append(f"{address} has two workers")
        elif built_at(event) < held.get(address, 0.0) + COOLDOWN:
            found.append(f"{address} was used again after {at - held[address]:.1f} s")
        holder[worker] = address
    return found


def built_at(event: Json) -> float:
    """When the circuit a worker moved to was built."""
    return float(event["after"]["since"])


def wrong_exits(run: TorRun) -> list[str]:
    """Videos that the log says came over another address than YouTube saw."""
    sources = defaultdict(list)
    for request in run.over.world.youtube.journal:
        sources[request.video_id].append(request.source)
    return [
        entry["video_id"]
        for entry in run.log
        if entry["success"] and entry["exit_address"] != sources[entry["video_id"]][-1]
    ]


def _address(event: Json) -> str:
    return str(event["after"]["exit"]["address"])


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

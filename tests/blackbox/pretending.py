"""The program over a tor that only pretends, so that anything may go wrong with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.blackbox.following import Follower, guarded
from tests.blackbox.online import link
from tests.blackbox.program import PATIENCE, Ended, Json, Program, Running, log_of
from tests.world import World, world
from tests.world.catalog import Catalog, lecture
from tests.world.tor_control import FakeTor, exits


@dataclass
class Pretending(Follower):
    """A YouTube, a tor that pretends, and the program that can reach both."""

    world: World
    fake: FakeTor
    program: Program
    events: list[Json] = field(default_factory=list)

    def run(self, lectures: int, **variables: str) -> Ended:
        """Work on so many lectures, and print lines for people."""
        return self.program("run", "--tor", *(link(number) for number in range(lectures)), **variables)

    @contextlib.contextmanager
    def started(self, lectures: int, workers: int = 1, variables: Mapping[str, str] = {}) -> Iterator[Running]:
        """Start it on so many lectures."""
        links = (link(number) for number in range(lectures))
        program = Program(self.program.desk, {**self.program.environment, **variables})
        with (
            program.started("run", "--tor", "--json", "--workers", str(workers), *links) as running,
            guarded(running, PATIENCE),
        ):
            yield running

    def told(self) -> list[str]:
        """What was said of the daemon."""
        return [event["words"] for event in self.events if event["event"] == "tor_changed"]

    @property
    def log(self) -> list[Json]:
        return log_of(self.program.desk / "notes")


@contextlib.contextmanager
def pretending(
    program: Program, folder: Path, relays: int = 6, *, password: str | None = None, **variables: str
) -> Iterator[Pretending]:
    """All of them, with a dozen lectures; fails for a name that leaked."""
    catalog = Catalog()
    catalog.add(*(lecture(number) for number in range(12)))
    with (
        world(folder, catalog) as running,
        FakeTor(exits(relays), running.router.table, folder, password=password) as fake,
    ):
        environment = {
            **running.environment,
            "YTSB_TOR_SOCKS": f"127.0.0.1:{fake.socks_port}",
            "YTSB_TOR_CONTROL": f"127.0.0.1:{fake.control_port}",
            "YTSB_AUTHOR": "outline",
            "YTSB_ASSESSMENT": "false",
            "YTSB_PDF": "false",
            "YTSB_RETRIES": "0",
            **variables,
        }
        yield Pretending(running, fake, Program(program.desk, environment))
    assert fake.router.refused == []
    assert running.router.passages == []
    assert running.youtube.bugs == []

"""Tor's service over a tor that only pretends, with a clock put on by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.canned import HandClock
from tests.world import world
from tests.world.tor_control import Built, FakeTor, Relay, exits
from tests.world.watching import Watching
from ytsb_tui.circuits import Circuit
from ytsb_tui.events import CircuitMoved, Event, TorChanged
from ytsb_tui.services.tor.daemon import Ports
from ytsb_tui.services.tor.lease import Holder, Lease
from ytsb_tui.services.tor.leases import READY
from ytsb_tui.services.tor.service import TorService
from ytsb_tui.settings import Settings

PATIENCE = 120.0
"""Seconds until a test gives up; what it waits for takes a moment."""
HOUR = 3600.0


@dataclass
class Office:
    """Hands out leases over one pretended tor; what it tells is remembered."""

    tor: TorService
    fake: FakeTor
    clock: HandClock
    book: Path
    runs: float = 0.0
    """Seconds the clock goes on each time somebody who waits for a circuit looks up."""
    told: list[Event] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def hear(self, event: Event) -> None:
        with self.news:
            self.told.append(event)
            self.news.notify_all()

    def until(self, true: Callable[[], object]) -> None:
        """Wait for something to get true; what is told wakes us, and so does a moment."""
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, self.told[-5:]
            with self.news:
                self.news.wait(0.02)

    def take(self, worker: int) -> Circuit:
        """A worker's circuit, used for one fetch."""
        with self.tor.lease(worker, self.waits()) as lease:
            self.tor.served(lease)
            return lease.circuit

    def waits(self) -> Watching:
        """Somebody patient, while whose waiting the clock may run."""
        watch = patient()
        gives_up = watch.enough

        def look() -> bool:
            self.clock.at += self.runs
            return gives_up()

        watch.enough = look
        return watch

    def address(self, worker: int) -> str:
        """Where a worker's next fetch leaves."""
        return exit_of(self.take(worker))

    def moves(self) -> list[CircuitMoved]:
        return [event for event in self.told if isinstance(event, CircuitMoved)]

    def words(self) -> list[str]:
        """What was said of the daemon."""
        return [event.state.words for event in self.told if isinstance(event, TorChanged)]

    def resting(self) -> dict[str, tuple[float, str]]:
        """For how long each address rests, and why."""
        return {one.exit.address: (one.until - self.clock.at, one.why) for one in self.tor.circuits().resting}

    def until_full(self) -> None:
        """Wait until the queue has what it is to have."""
        self.until(lambda: sum(one.worker_id is None for one in self.tor.circuits().circuits) == READY)


def patient() -> Watching:
    """Gives up after a while, so that no test hangs."""
    end = time.monotonic() + PATIENCE
    return Watching(enough=lambda: time.monotonic() > end)


def exit_of(circuit: Circuit) -> str:
    assert circuit.exit is not None
    return circuit.exit.address


def built(fake: FakeTor, lease: Lease) -> Built:
    """The circuit of a lease, as tor knows it."""
    return fake.circuits[int(lease.circuit_id)]


@contextmanager
def office(
    fake: FakeTor,
    book: Path,
    clock: HandClock | None = None,
    running: Sequence[Ports] = (),
    make: type[TorService] = TorService,
    **settings: Any,
) -> Iterator[Office]:
    """A service of its own, as another process would have; it looks for a tor where one may be `running`."""
    ports = {"tor_socks": f"127.0.0.1:{fake.socks_port}", "tor_control": f"127.0.0.1:{fake.control_port}"}
    clock = clock or HandClock()
    tor = make(Settings(tor=True, **{**ports, **settings}), clock, book, running)
    made = Office(tor, fake, clock, book)
    tor.hear(made.hear)
    try:
        yield made
    finally:
        tor.close()


@contextmanager
def pretended(folder: Path, relays: int | list[Relay] = 6, **fields: Any) -> Iterator[FakeTor]:
    """A tor that pretends, before a YouTube."""
    chosen = exits(relays) if isinstance(relays, int) else relays
    with world(folder) as running, FakeTor(chosen, running.router.table, folder, **fields) as fake:
        yield fake


def hold(office: Office, holder: Holder) -> Any:
    """A lease in use for as long as the block lasts."""
    return office.tor.lease(holder, patient())

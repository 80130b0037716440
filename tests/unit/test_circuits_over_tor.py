"""Circuits on real tor: each worker leaves by an address of its own, and moves without the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.world.over_tor import OverTor
from tests.world.watching import Watching
from ytsb_tui.clock import SystemClock
from ytsb_tui.events import CircuitMoved, Event
from ytsb_tui.services.tor.service import TorService
from ytsb_tui.settings import Settings

pytestmark = [pytest.mark.tor, pytest.mark.xdist_group("tor")]

PATIENCE = 120.0


@dataclass
class Workers:
    """Four workers over Tor."""

    over: OverTor
    tor: TorService
    moves: list[CircuitMoved] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def hear(self, event: Event) -> None:
        with self.news:
            if isinstance(event, CircuitMoved):
                self.moves.append(event)
            self.news.notify_all()

    def sources(self) -> list[str]:
        """Have each ask YouTube for a page; the addresses YouTube saw."""
        return [self._ask(worker) for worker in range(4)]

    def _ask(self, worker: int) -> str:
        with self.tor.lease(worker, Watching()) as lease, requests.Session() as session:
            proxies, bundle = {"https": lease.proxy}, str(self.over.world.bundle)
            session.get("https://www.youtube.com/watch", proxies=proxies, verify=bundle, timeout=PATIENCE)
            assert lease.circuit.exit is not None
            assert lease.circuit.exit.address == self.over.world.youtube.journal[-1].source
            return lease.circuit.exit.address

    def wait_for_moves(self, number: int) -> None:
        """Wait until that many were told in all."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.moves) >= number, PATIENCE)


@pytest.fixture
def workers(over_tor: OverTor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    options = tmp_path / "torrc"
    options.write_text("\n".join(over_tor.network.joining) + "\n")
    settings = Settings(tor=True, tor_options=options, tor_cooldown_minutes=0.02)
    tor = TorService(settings, SystemClock(), tmp_path / "exits.json")
    made = Workers(over_tor, tor)
    tor.hear(made.hear)
    try:
        yield made
    finally:
        tor.close()


def test_rotating_one_worker_leaves_the_others_as_they_were(workers: Workers) -> None:
    before = workers.sources()
    assert len(set(before)) == 4
    workers.tor.rotate(2)
    workers.wait_for_moves(5)
    after = workers.sources()
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, True, False, True]
    assert [(move.worker_id, move.why) for move in workers.moves[4:]] == [(2, "asked")]


def test_rotating_all_gives_everybody_another_circuit(workers: Workers) -> None:
    before = workers.sources()
    workers.tor.rotate_all()
    workers.wait_for_moves(8)
    after = workers.sources()
    assert len(set(after)) == 4
    moved = {move.worker_id: move for move in workers.moves[4:]}
    assert sorted(moved) == [0, 1, 2, 3]
    assert all(move.before and move.before.name != move.after.name for move in moved.values())
    assert not any(one == other for one, other in zip(before, after, strict=True))


def test_the_circuits_it_tells_of_are_those_there_are(workers: Workers) -> None:
    sources = workers.sources()
    told = workers.tor.circuits()
    mine = [circuit for circuit in told.circuits if circuit.worker_id is not None]
    assert [circuit.worker_id for circuit in mine] == [0, 1, 2, 3]
    assert [circuit.exit.address for circuit in mine if circuit.exit] == sources
    assert all(
        len(circuit.path) == 3 and circuit.exit and circuit.path[-1] == circuit.exit.nickname for circuit in mine
    )
    countries = {node.address: node.country for node in workers.over.network.exits}
    assert [circuit.exit.country for circuit in mine if circuit.exit] == [countries[source] for source in sources]
    assert told.state.exits == len(workers.over.network.exits)

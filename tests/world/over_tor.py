"""The loopback YouTube, in reach of a private Tor network."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.world import World, world
from tests.world.catalog import Catalog
from tests.world.tor_network import NoTorNetwork, TorNetwork, block, why_not
from tests.world.youtube import HOSTS

TRIES = 2
"""A network may fail to start: another program took a port that was free a moment ago."""


@dataclass(frozen=True)
class OverTor:
    """A YouTube, and the Tor network it is reached over."""

    world: World
    network: TorNetwork

    @property
    def sources(self) -> list[str]:
        """The address each request came from, as YouTube saw it."""
        return [request.source for request in self.world.youtube.journal]

    def reset(self) -> None:
        """Undo what a test did."""
        youtube = self.world.youtube
        for things in (youtube.journal, youtube.faults, youtube.blocked, youtube.bugs):
            things.clear()
        youtube.catalog = Catalog()
        for node in (*self.network.relays, self.network.client):
            node.thaw()
            if not node.is_running:
                self.network.restart(node)
        self.network.forget()


@contextlib.contextmanager
def world_over_tor(folder: Path, catalog: Catalog | None = None, exits: int = 10) -> Iterator[OverTor]:
    """Both of them; `folder` takes the certificate. Raises `NoTorNetwork` where there can be none."""
    with contextlib.ExitStack() as stack:
        for left in reversed(range(TRIES)):
            try:
                started = stack.enter_context(_started(folder, catalog, exits))
                break
            except NoTorNetwork:
                if why_not() or not left:
                    raise
        yield started


@contextlib.contextmanager
def _started(folder: Path, catalog: Catalog | None, exits: int) -> Iterator[OverTor]:
    prefix = block()
    with contextlib.ExitStack() as stack:
        try:  # tor maps names to addresses, but no ports to others
            running = stack.enter_context(world(folder, catalog, address=(f"{prefix}.1", 443)))
        except PermissionError as error:
            raise NoTorNetwork("port 443 is only for root here (net.ipv4.ip_unprivileged_port_start)") from error
        names = dict.fromkeys(HOSTS, f"{prefix}.1")
        yield OverTor(running, stack.enter_context(TorNetwork(names, exits, prefix=prefix)))

"""Tor as the rest of the program knows it: leases over whatever tor there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import platformdirs

from ytsb_tui.circuits import Circuits, TorState
from ytsb_tui.clock import Clock
from ytsb_tui.errors import StageError, TorTrouble
from ytsb_tui.events import Event, Listener, TorChanged
from ytsb_tui.services.tor.builder import Builder, NoExitFree
from ytsb_tui.services.tor.control import Way
from ytsb_tui.services.tor.daemon import RUNNING, Ports
from ytsb_tui.services.tor.exits import ExitBook
from ytsb_tui.services.tor.keeper import Keeper, Link
from ytsb_tui.services.tor.lease import Holder, Lease
from ytsb_tui.services.tor.leases import Leases, Terms
from ytsb_tui.settings import Settings
from ytsb_tui.watch import Watch

MARGIN = 60.0
"""Seconds a lease is given up before a running tor would exchange its circuit."""


def exits_file() -> Path:
    """Where what is known of exits is kept, for all vaults of this user."""
    return platformdirs.user_state_path("ytsb-tui") / "exits.json"


class TorService:
    """A tor that is kept, and the leases over it.

    It is started when somebody needs it. Nothing here ever goes beside Tor:
    without it, fetches wait, and then fail.
    """

    def __init__(
        self, settings: Settings, clock: Clock, exits: Path | None = None, running: Sequence[Ports] = RUNNING
    ) -> None:
        """`exits` is the book's file, `running` where somebody else's tor may be."""
        self._settings = settings
        self._clock = clock
        self._listener: Listener = lambda event: None
        minutes, hours = 60.0, 3600.0
        terms = Terms(
            settings.tor_minutes * minutes,
            settings.tor_uses,
            settings.tor_cooldown_minutes * minutes,
            settings.tor_refused_hours * hours,
        )
        self._book = ExitBook(exits or exits_file(), clock, max(terms.reserve, terms.refused), self._say)
        self._terms = terms
        self._leases = Leases(self, self._book, terms, clock, self._tell)
        self._keeper = Keeper(settings, clock, running, self)
        self._builder: Builder | None = None
        """Makes leases; None while tor is not ready."""
        self._hindrance: tuple[float, StageError] | None = None
        """When the last try to build a circuit came to nothing, if it did, and why."""

    def hear(self, listener: Listener) -> None:
        """Whom to tell what happens from now on."""
        self._listener = listener

    def start(self) -> None:
        """Begin to find or start a daemon, unless that was begun already. Returns at once."""
        self._keeper.start()

    def close(self) -> None:
        """Return every lease, and end the daemon if it is ours."""
        self._keeper.stop()
        self._leases.close()
        self._keeper.join(5.0)

    @property
    def state(self) -> TorState:
        """How the daemon is."""
        return self._keeper.state

    def circuits(self) -> Circuits:
        """How everything stands."""
        return Circuits(self.state, self._leases.circuits(), self._book.resting(), self._book.scores())

    def rotate(self, worker_id: int) -> None:
        """Give this worker another circuit; a `CircuitMoved` tells when it has it."""
        self._leases.rotate(worker_id)

    def rotate_all(self) -> None:
        """Give every worker another circuit, and drop those that were prepared."""
        self._leases.rotate_all()

    @contextmanager
    def lease(self, holder: Holder, watch: Watch) -> Iterator[Lease]:
        """The holder's circuit for one fetch; waits for Tor and a free exit, and fails rather than go beside it."""
        self.start()
        with self._leases.use(holder, watch) as lease:
            yield lease

    def give_back(self, holder: Holder) -> None:
        """The holder needs no circuit any more."""
        self._leases.give_back(holder)

    def served(self, lease: Lease) -> None:
        """YouTube answered over it."""
        self._leases.served(lease)

    def refused(self, lease: Lease) -> None:
        """YouTube refused its exit."""
        self._leases.refused(lease)

    def broke(self, lease: Lease) -> None:
        """The connection over it broke off."""
        self._leases.broke(lease)

    # What the leases ask of their host.

    def build(self) -> Lease:
        """A lease whose exit is ours alone. Raises `StageError`."""
        builder = self._builder
        if builder is None:
            raise TorTrouble(self.state.words)
        try:
            lease = builder.build()
        except StageError as error:
            self._hindrance = (self._clock.ticks(), error)
            if isinstance(error, NoExitFree):
                self._keeper.advance()
            raise
        self._hindrance = None
        self._keeper.advance()
        return lease

    def hang_up(self, lease: Lease) -> None:
        """Close the circuit of a lease."""
        builder = self._builder
        if builder is not None and builder.control is not None:
            builder.control.forget(lease.user)

    def waiting(self, since: float) -> str:
        """What somebody who has waited since then waits for. Raises when in vain."""
        failed, why = self._keeper.failure
        if failed >= since:
            raise type(why)(str(why), advice=why.advice)
        builder = self._builder
        if builder is None:
            return self.state.words
        tried, why = self._hindrance or (float("-inf"), TorTrouble("Tor builds no circuit to YouTube."))
        if isinstance(why, NoExitFree):
            return builder.shortage()
        late = self._clock.ticks() - max(since, self._keeper.progress) > self._settings.tor_deadline
        if late or (why.policy.stops_run and tried >= since):
            raise type(why)(str(why), advice=why.advice)
        return "A Tor circuit is being built."

    # What its keeper tells.

    def ready(self, link: Link) -> None:
        """Tor can be used: build over it, and give a lease up before it exchanges the circuit."""
        seconds = max(30.0, link.dirtiness - MARGIN)
        self._leases.terms = replace(self._terms, seconds=min(self._terms.seconds, seconds))
        reuse, gives_up = self._settings.tor_reuse, lambda: self._keeper.is_stopping
        self._builder = Builder(
            link.control, link.socks, self._book, self._terms, self._clock, reuse, gives_up, link.addresses
        )
        self._leases.wake()

    def beat(self) -> None:
        """Tor lives: read what other processes write about exits, and keep ours reserved."""
        with suppress(StageError):
            self._book.refresh()
            self._leases.renew()

    def lost(self) -> None:
        """Tor is gone."""
        self._builder = None
        self._leases.all_broke()

    def changed(self, state: TorState) -> None:
        """Tor is in another state."""
        self._tell(TorChanged(state, self._clock.now()))

    def went(self, user: str, way: Way) -> None:
        """A stream takes a way: when that is not the way of its lease, tor has exchanged the circuit."""
        fingerprint, _ = way.path[-1]
        builder = self._builder
        if not self._leases.went(user, way.circuit_id, fingerprint) and builder is not None and builder.control:
            builder.control.close_circuit(way.circuit_id)

    def ended(self, circuit_id: str) -> None:
        """A circuit is no more."""
        self._leases.ended(circuit_id)

    def _say(self, words: str) -> None:
        self._tell(TorChanged(replace(self.state, words=words), self._clock.now()))

    def _tell(self, event: Event) -> None:
        self._listener(event)

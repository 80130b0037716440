"""Leases in a queue: prepared, popped, used, and returned to rest."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from ytsb_tui.circuits import Circuit
from ytsb_tui.clock import Clock
from ytsb_tui.errors import StageError
from ytsb_tui.events import CircuitMoved, Listener
from ytsb_tui.services.tor.exits import ExitBook
from ytsb_tui.services.tor.lease import Holder, Lease
from ytsb_tui.watch import Watch

log = logging.getLogger(__name__)

READY = 2
"""Leases that wait in the queue."""
FILLERS = 2
"""Threads that prepare them: most of their time is the network's."""
INTEREST = 600.0
"""Seconds after the last time somebody wanted a lease for which the queue is kept filled."""
RENEWAL, GRACE = 60.0, 300.0
"""Seconds between two notes in the book of who is in use, and those by which one is late enough to be given up."""
LOOK = 0.2
"""Seconds between two looks of one who waits at whether to give up."""
QUICKEST, SLOWEST = 0.5, 8.0
"""Seconds between two tries to prepare a lease while they come to nothing: doubled from one to the other."""


@dataclass(frozen=True)
class Terms:
    """For how long, and how often, a lease may be used; and how long its exit rests."""

    seconds: float
    uses: int
    """0 for any number."""
    cooldown: float
    refused: float

    @property
    def reserve(self) -> float:
        """Seconds for which an exit that is in use is reserved at a time, so that it rests should we be killed."""
        return self.cooldown + GRACE


class Host(Protocol):
    """What prepares leases, and knows when there is no hope of one."""

    def build(self) -> Lease:
        """A lease whose exit is ours alone. Raises `StageError`."""

    def hang_up(self, lease: Lease) -> None:
        """Close the circuit of a lease."""

    def waiting(self, since: float) -> str:
        """What somebody who has waited since then waits for. Raises `StageError` when in vain."""


class Wish(NamedTuple):
    """Why somebody is to have another lease."""

    why: str
    spent: Lease | None = None
    """The one it had, where that was given up at once: its exit may be the only one there is."""


class Move(NamedTuple):
    """A lease that took the place of another."""

    holder: Holder
    before: Lease | None
    after: Lease
    why: str


class Leases:
    """Every lease there is: those in the queue, and those of each holder."""

    def __init__(self, host: Host, book: ExitBook, terms: Terms, clock: Clock, tell: Listener) -> None:
        self.terms = terms
        self._host = host
        self._book = book
        self._clock = clock
        self._tell = tell
        self._changed = threading.Condition()
        self._alive: list[Lease] = []
        """All that are not returned yet: in the queue, held, or only finishing what runs on them."""
        self._ready: deque[Lease] = deque()
        self._held: dict[Holder, Lease] = {}
        self._wanted: dict[Holder, Wish] = {}
        """Who is to have another lease."""
        self._retired: list[Lease] = []
        self._building = 0
        self._renewed = -RENEWAL
        self._interest = -INTEREST
        self._pause = 0.0
        """Seconds until the next try to prepare a lease, after one that came to nothing."""
        self._not_before = 0.0
        self._woken = 0
        """How often those who wait were to look again."""
        self._closing = False
        self._threads: list[threading.Thread] = []

    @contextmanager
    def use(self, holder: Holder, watch: Watch) -> Iterator[Lease]:
        """The holder's lease, for one fetch; waits for one if need be."""
        lease = self._take(holder, watch)
        try:
            yield lease
        finally:
            with self._changed:
                lease.running -= 1
                self._retire_if_idle(lease)

    def give_back(self, holder: Holder) -> None:
        """The holder needs no lease any more."""
        with self._changed:
            self._wanted.pop(holder, None)
            lease = self._held.pop(holder, None)
            if lease is not None:
                self._retire_if_idle(lease)

    def rotate(self, holder: Holder) -> None:
        """Give the holder another lease as soon as there is one; what runs on the old one is finished there."""
        self._rotate([holder])

    def rotate_all(self) -> None:
        """Give everybody another lease, and drop those that were prepared."""
        with self._changed:
            self._retired += self._ready
            self._ready.clear()
            holders = list(self._held)
        self._rotate(holders)

    def served(self, lease: Lease) -> None:
        """A fetch over it came to its end, whatever YouTube had to say."""
        with self._changed:
            lease.count(successes=1)
        if lease.circuit.exit:
            self._book.score(lease.circuit.exit, successes=1)

    def refused(self, lease: Lease) -> None:
        """YouTube refused its exit: leave that alone for long."""
        with self._changed:
            lease.count(refusals=1)
            lease.was_refused = True
            lease.spoilt = lease.spoilt or "refused"
        if lease.circuit.exit:
            self._book.score(lease.circuit.exit, refusals=1)
            self._book.rest(lease.circuit.exit, self._clock.now() + self.terms.refused, "refused")

    def broke(self, lease: Lease) -> None:
        """A fetch over it broke off."""
        with self._changed:
            lease.count()
            lease.spoilt = lease.spoilt or "broken"
        if lease.circuit.exit:
            self._book.score(lease.circuit.exit, failures=1)

    def ended(self, circuit_id: str) -> None:
        """Tor closed a circuit. Returns at once."""
        with self._changed:
            self._spoil(lambda lease: lease.circuit_id == circuit_id)

    def went(self, user: str, circuit_id: str, fingerprint: str) -> bool:
        """A stream of this user leaves by this relay; False when that is not its lease's exit. Returns at once."""
        with self._changed:
            lease = next((one for one in self._alive if one.user == user), None)
            if lease is None or lease.circuit_id == circuit_id:
                return True
            if lease.circuit.exit and lease.circuit.exit.fingerprint == fingerprint:
                lease.circuit_id = circuit_id
                return True
            lease.spoilt = lease.spoilt or "moved"
            return False

    def all_broke(self) -> None:
        """Tor is gone, and every circuit with it."""
        with self._changed:
            self._spoil(lambda lease: True)

    def circuits(self) -> tuple[Circuit, ...]:
        """The workers' own, by their number, then the others, then those in the queue."""
        with self._changed:
            held = sorted(self._held.items(), key=lambda item: (not isinstance(item[0], int), str(item[0]).zfill(9)))
            return tuple(lease.circuit for lease in (*(lease for _, lease in held), *self._ready))

    def renew(self) -> None:
        """Keep the exits that are in use reserved; call it often. What is reserved no more is not used again."""
        with self._changed:
            now = self._clock.ticks()
            if now - self._renewed < RENEWAL:
                return
            self._renewed = now
            addresses = [lease.circuit.exit.address for lease in self._alive if lease.circuit.exit]
        if addresses:
            lost = self._book.renew(addresses, self._clock.now() + self.terms.reserve)
            with self._changed:
                self._spoil(lambda lease: lease.circuit.exit is not None and lease.circuit.exit.address in lost)

    def wake(self) -> None:
        """Something changed that those who wait should look at."""
        with self._changed:
            self._woken += 1
            self._not_before = 0.0
            self._changed.notify_all()

    def close(self) -> None:
        """Return every lease; the rest of their addresses is written down when this returns."""
        with self._changed:
            self._closing = True
            self._ready.clear()
            self._held.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(1.0)
        with self._changed:
            self._retired = list(self._alive)
        self._return_retired()

    def _take(self, holder: Holder, watch: Watch) -> Lease:
        since = self._clock.ticks()
        while True:
            with self._changed:
                self._interest = self._clock.ticks()
                self._start()
                self._wish(holder)
                moves = self._settle()
                lease = self._held.get(holder)
                if lease is not None and not self._spent(lease):
                    lease.running += 1
                    lease.was_used = True
                else:
                    lease = None
            self._told(moves)
            if lease is not None:
                return lease
            watch.check()
            watch.progress(None, self._host.waiting(since))
            with self._changed:
                if not self._ready:
                    self._changed.wait(LOOK)

    def _wish(self, holder: Holder) -> None:
        """Have a holder whose lease is spent, or who has none, be given another."""
        lease = self._held.get(holder)
        if lease is None:
            self._wanted.setdefault(holder, Wish("first"))
        elif why := self._spent(lease):
            self._wanted[holder] = Wish(why, lease)
            del self._held[holder]
            self._retire_if_idle(lease)

    def _rotate(self, holders: Sequence[Holder]) -> None:
        with self._changed:
            for holder in holders:
                if holder in self._held:
                    self._wanted.setdefault(holder, Wish("asked"))
            self._interest = self._clock.ticks()
            moves = self._settle()
            self._changed.notify_all()
        self._told(moves)

    def _settle(self) -> list[Move]:
        """Hand what is in the queue to those who want it."""
        moves = []
        while self._wanted and self._ready:
            lease = self._ready.popleft()
            if self._spent(lease):
                self._retired.append(lease)
                continue
            holder = next(iter(self._wanted))
            wish = self._wanted.pop(holder)
            before = self._held.get(holder)
            lease.circuit = replace(lease.circuit, worker_id=holder if isinstance(holder, int) else None)
            self._held[holder] = lease
            if before is not None:
                self._retire_if_idle(before)
            moves.append(Move(holder, before or wish.spent, lease, wish.why))
        if self._short():
            self._changed.notify_all()
        return moves

    def _told(self, moves: Sequence[Move]) -> None:
        for move in moves:
            if isinstance(move.holder, int):
                before = move.before.circuit if move.before else None
                self._tell(CircuitMoved(move.holder, before, move.after.circuit, move.why, self._clock.now()))

    def _spent(self, lease: Lease) -> str:
        """Why a lease may not be used for a further fetch, "" when it may."""
        if lease.spoilt:
            return lease.spoilt
        if self._clock.ticks() - lease.ticks >= self.terms.seconds:
            minutes = self.terms.seconds / 60
            return f"{minutes / 60:g} h old" if minutes >= 60 else f"{minutes:.3g} min old"
        if self.terms.uses and lease.circuit.uses >= self.terms.uses:
            return f"{self.terms.uses} uses"
        return ""

    def _spoil(self, which: Callable[[Lease], bool]) -> None:
        for lease in self._alive:
            if which(lease):
                lease.spoilt = lease.spoilt or "broken"
        self._retired += [lease for lease in self._ready if lease.spoilt]
        self._ready = deque(lease for lease in self._ready if not lease.spoilt)
        self._changed.notify_all()

    def _retire_if_idle(self, lease: Lease) -> None:
        if not lease.running and lease not in self._held.values() and not self._closing:
            self._retired.append(lease)
            self._changed.notify_all()

    def _start(self) -> None:
        while len(self._threads) < FILLERS and not self._closing:
            name = f"tor-filler-{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._fill, name=name, daemon=True))
            self._threads[-1].start()

    def _short(self) -> bool:
        """Whether another lease should be prepared."""
        now = self._clock.ticks()
        spare = READY if now - self._interest < INTEREST else 0
        wanted = len(self._wanted) + spare
        return now >= self._not_before and len(self._ready) + self._building < wanted

    def _fill(self) -> None:
        while not self._closing:
            with self._changed:
                for lease in [lease for lease in self._ready if self._spent(lease)]:
                    self._ready.remove(lease)
                    self._retired.append(lease)
                if not self._retired and not self._short():
                    self._changed.wait(1.0)
                short, woken = self._short(), self._woken
                self._building += short
            self._return_retired()
            if short:
                self._prepare(woken)

    def _prepare(self, woken: int) -> None:
        lease = None
        try:
            lease = self._host.build()
        except StageError:  # those who wait are told by `waiting`
            pass
        except Exception as error:  # a bug here must not end the thread that prepares leases for everybody
            log.exception("unexpected %s while a lease was prepared", type(error).__name__)
        finally:
            with self._changed:
                self._building -= 1
                self._pause = 0.0 if lease else min(max(QUICKEST, 2 * self._pause), SLOWEST)
                if woken == self._woken:  # else what was in the way may be gone since this try began
                    self._not_before = self._clock.ticks() + self._pause
                if lease is not None:
                    self._alive.append(lease)
                    (self._retired if self._closing else self._ready).append(lease)
                moves = self._settle()
                self._changed.notify_all()
        self._told(moves)
        if self._closing:
            self._return_retired()

    def _return_retired(self) -> None:
        with self._changed:
            retired, self._retired = self._retired, []
        for lease in retired:
            self._host.hang_up(lease)
            with suppress(StageError):  # it stays reserved for as long as it was: nobody takes it too early
                self._let_rest(lease)
            with self._changed:
                if lease in self._alive:
                    self._alive.remove(lease)

    def _let_rest(self, lease: Lease) -> None:
        relay = lease.circuit.exit
        if relay is None or lease.was_refused:
            return
        if lease.was_used:
            self._book.rest(relay, self._clock.now() + self.terms.cooldown, "used")
        else:
            self._book.release(relay)

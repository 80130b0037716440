"""Circuits built until one leaves by an exit that is free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ytsb_tui.circuits import Circuit, Exit
from ytsb_tui.clock import Clock
from ytsb_tui.errors import StageError, TorTrouble
from ytsb_tui.services.tor.control import Control
from ytsb_tui.services.tor.exits import ExitBook, Reserved
from ytsb_tui.services.tor.lease import Lease, credential
from ytsb_tui.services.tor.leases import Terms
from ytsb_tui.services.tor.socks import Address, open_stream

TARGET = ("www.youtube.com", 443)
"""Where every circuit must be able to go."""
BUILD_SECONDS = 30.0
"""Seconds a circuit may take."""
TELL_SECONDS = 5.0
"""Seconds until tor must have told which way it goes."""
ROLLS = 12
"""Circuits built in a row in search of an exit that is free."""
SOON = 43_200.0
"""Seconds within which a time of day means one moment."""


class NoExitFree(TorTrouble):
    """Every exit is in use or rests: it says until when."""


@dataclass(frozen=True)
class Builder:
    """Makes leases over one tor, for as long as that is there."""

    control: Control | None
    """None where exits cannot be known."""
    socks: Address
    book: ExitBook
    terms: Terms
    clock: Clock
    reuse: bool
    """Whether an exit that rests after use is better than none."""
    gives_up: Callable[[], bool]
    addresses: frozenset[str] = frozenset()
    """Of every exit there is."""

    def build(self) -> Lease:
        """A lease whose exit is ours alone. Raises `StageError`."""
        if self.control is None:
            user = credential()
            circuit = Circuit(user[-6:], None, None, (), self.clock.now())
            return Lease(user, self.socks, circuit, self.clock.ticks())
        if not self.reuse and self.addresses and self.addresses <= self.book.reserved().keys():
            raise NoExitFree(self.shortage())
        return self._search(self.control)

    def _search(self, control: Control) -> Lease:
        spare: tuple[Lease, float] | None = None
        problem, taken = "no circuit could be built", 0
        for _ in range(ROLLS):
            if self.gives_up():
                break
            try:
                lease, relay = self._roll(control)
            except OSError as error:
                problem = str(error)
                continue
            in_the_way = self._hold(control, lease, relay)
            if in_the_way is None:
                if spare is not None:
                    control.forget(spare[0].user)
                return lease
            taken += 1
            rested = in_the_way.until if in_the_way.why == "used" else float("inf")
            worse: Lease | None = lease
            if self.reuse and rested < (spare[1] if spare else float("inf")):
                worse, spare = spare[0] if spare else None, (lease, rested)
            if worse is not None:
                control.forget(worse.user)
        if spare is not None and spare[0].circuit.exit is not None:
            if self._hold(control, spare[0], spare[0].circuit.exit, even_if_used=True) is None:
                return spare[0]
            control.forget(spare[0].user)
        raise NoExitFree(self.shortage()) if taken else TorTrouble(f"Tor builds no circuit to YouTube: {problem}.")

    def _roll(self, control: Control) -> tuple[Lease, Exit]:
        """A circuit by whatever exit tor chooses. Raises `OSError`."""
        user = credential()
        try:
            with open_stream(self.socks, user, *TARGET, BUILD_SECONDS):
                way = control.way_of(user, TELL_SECONDS)
            if way is None:
                raise OSError("Tor does not tell of its circuits")
            relay = control.exit_of(way)
        except (OSError, TorTrouble) as error:
            control.forget(user)
            raise OSError(str(error).rstrip(".")) from error
        circuit = Circuit(user[-6:], None, relay, tuple(name for _, name in way.path), self.clock.now())
        return Lease(user, self.socks, circuit, self.clock.ticks(), way.circuit_id), relay

    def _hold(self, control: Control, lease: Lease, relay: Exit, *, even_if_used: bool = False) -> Reserved | None:
        """Reserve the exit of a lease; what stands in the way, if anything does."""
        now, terms = self.clock.now(), self.terms
        try:
            at_last = now + terms.seconds + terms.cooldown
            return self.book.hold(relay, now + terms.reserve, at_last, even_if_used=even_if_used)
        except StageError:
            control.forget(lease.user)
            raise

    def shortage(self) -> str:
        """Why there is no exit for us just now, and until when."""
        held, resting = self.book.held(), self.book.resting()
        if not held and not resting:
            return "A Tor exit is free again; a circuit is being built."
        first = min([*held, *(one.until for one in resting)])
        soon = first - self.clock.now() < SOON
        until = datetime.fromtimestamp(first).strftime("%H:%M:%S" if soon else "%A, %H:%M")
        return f"No Tor exit is free: {len(held)} in use, {len(resting)} at rest; the first is free by {until}."

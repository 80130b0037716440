"""Tor circuits, as everybody but Tor's own service sees them: values, and what can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Exit:
    """The relay a circuit leaves the Tor network by."""

    fingerprint: str
    nickname: str
    address: str
    """Its IP address, which is what YouTube sees; several relays may share one."""
    country: str = ""
    """Two capital letters, "" where the daemon cannot tell."""

    @property
    def name(self) -> str:
        """What to call it: its nickname and, where that is known, its country."""
        return f"{self.nickname} {self.country}".strip()

    def __str__(self) -> str:
        """What to call it in a sentence: its nickname, address and country."""
        return f"{self.nickname} ({', '.join(filter(None, (self.address, self.country)))})"


def in_words(relay: Exit | None) -> str:
    """What to call an exit that may not be known."""
    return "an unknown exit" if relay is None else str(relay)


@dataclass(frozen=True)
class Circuit:
    """One lease: a SOCKS credential, and with it a circuit nobody else uses."""

    name: str
    """A short name to tell circuits apart by; never the credential."""
    worker_id: int | None
    """Whose it is; None while it is ready in the queue."""
    exit: Exit | None
    """None where nobody can tell, as over a SOCKS port without control."""
    path: tuple[str, ...] = ()
    """Nicknames of its relays, the exit last; () where unknown."""
    since: float = 0.0
    """When it was built, in seconds since the epoch."""
    uses: int = 0
    """Fetches over it so far, and of these:"""
    successes: int = 0
    refusals: int = 0


@dataclass(frozen=True)
class Resting:
    """An exit address that is left alone for a while."""

    exit: Exit
    until: float
    """Seconds since the epoch."""
    why: Literal["used", "refused"]


@dataclass(frozen=True)
class Score:
    """How an exit has fared with YouTube, ever since it is known."""

    exit: Exit
    successes: int = 0
    refusals: int = 0
    failures: int = 0
    """Fetches that broke off or timed out on it."""


@dataclass(frozen=True)
class TorState:
    """How the daemon is."""

    phase: Literal["starting", "bootstrapping", "ready", "lost"]
    words: str
    """One line for people: "Tor 0.4.9.11 of our own, 1,204 exits", "Tor is starting, 45 %"."""
    fraction: float = 0.0
    """0..1: how far it has bootstrapped."""
    version: str = ""
    origin: Literal["own", "running", "socks", ""] = ""
    """Started by us, found running, or found running without a control port; "" while unknown."""
    exits: int | None = None
    """How many exits it knows; None while nobody can tell."""


@dataclass(frozen=True)
class Circuits:
    """Everything about Tor at one moment."""

    state: TorState
    circuits: tuple[Circuit, ...] = ()
    """The workers' own, by their number, then those that are ready in the queue."""
    resting: tuple[Resting, ...] = ()
    """Soonest back first."""
    scores: tuple[Score, ...] = ()
    """Most used first."""


class Tor(Protocol):
    """What a front end may ask of Tor; every method may be called on any thread and returns at once."""

    def circuits(self) -> Circuits:
        """How everything stands."""

    def rotate(self, worker_id: int) -> None:
        """Give this worker another circuit; a `CircuitMoved` tells when it has it."""

    def rotate_all(self) -> None:
        """Give every worker another circuit, and drop those that were prepared."""

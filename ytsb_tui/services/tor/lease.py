"""A lease: a SOCKS credential of our own, and with it a circuit nobody else uses."""

from __future__ import annotations

import secrets
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from ytsb_tui.circuits import Circuit
from ytsb_tui.services.tor.control import CREDENTIAL
from ytsb_tui.services.tor.socks import PASSWORD, Address

Holder = Hashable
"""Whose a lease is: a worker's number, or something of its own for work that is no worker's."""


def credential() -> str:
    """A user name nobody else has."""
    return CREDENTIAL + secrets.token_hex(8)


@dataclass(eq=False)
class Lease:
    """Changed under the lock of the `Leases` it belongs to, and nowhere else."""

    user: str = field(repr=False)
    socks: Address
    circuit: Circuit
    ticks: float
    """When it was built."""
    circuit_id: str = ""
    """Tor's own name for the circuit; "" where nobody can tell."""
    spoilt: str = ""
    """Why it is not to be used again; "" while it may."""
    was_refused: bool = False
    was_used: bool = False
    running: int = 0
    """Fetches that are on it just now."""

    @property
    def proxy(self) -> str:
        """The way over it, for a session."""
        return f"socks5h://{self.user}:{PASSWORD}@{self.socks}"

    def count(self, *, successes: int = 0, refusals: int = 0) -> None:
        """Count a fetch that ended."""
        old = self.circuit
        self.circuit = replace(
            old, uses=old.uses + 1, successes=old.successes + successes, refusals=old.refusals + refusals
        )

"""Where requests are that were submitted in batches, kept in a file: it outlives the program."""

from __future__ import annotations

import functools
from collections.abc import Collection
from pathlib import Path

import msgspec

from ytsb_tui.clock import Clock
from ytsb_tui.errors import BadSetup, from_os_error
from ytsb_tui.private import for_owner_only
from ytsb_tui.whole_file import replacing

_KEPT_SECONDS = 29 * 86_400.0
"""How long Anthropic keeps the results of a batch."""


class Ticket(msgspec.Struct, frozen=True):
    """Where a request is being answered."""

    batch: str
    """"" while nobody knows whether the batch it went into was taken."""
    at: float
    """When it was submitted, in seconds since the epoch."""
    of: int = 0
    """How many requests went with it, itself included; 0 when nobody remembers."""


_tickets = msgspec.json.Decoder(dict[str, Ticket])


class Tickets:
    """What was submitted from this vault, or was about to be."""

    def __init__(self, file: Path, clock: Clock) -> None:
        """Nothing is read yet: only who has the vault knows that nobody writes."""
        self._file = file
        self._clock = clock

    def read(self) -> None:
        """Read the file. Raises `BadSetup` when that is not possible."""
        _ = self._kept

    @functools.cached_property
    def _kept(self) -> dict[str, Ticket]:
        try:
            kept = _tickets.decode(self._file.read_bytes()) if self._file.exists() else {}
        except (OSError, msgspec.MsgspecError) as error:
            advice = "Delete the file to go on; batches under way are then paid for again."
            raise BadSetup(f"{self._file} cannot be read: {error}.", advice=advice) from error
        now = self._clock.now()
        return {key: ticket for key, ticket in kept.items() if now - ticket.at < _KEPT_SECONDS}

    def batch_of(self, key: str) -> str:
        """The batch that holds a request, "" when none is known to."""
        ticket = self._kept.get(key)
        return ticket.batch if ticket else ""

    def batches(self) -> set[str]:
        """Every batch that is known."""
        return {ticket.batch for ticket in self._kept.values() if ticket.batch}

    def doubtful(self, keys: Collection[str]) -> dict[Ticket, list[str]]:
        """Those of the requests that went out without an answer, with what was submitted together."""
        found: dict[Ticket, list[str]] = {}
        for ticket in {self._kept[key] for key in keys if key in self._kept}:
            if not ticket.batch:
                found[ticket] = [key for key, other in self._kept.items() if other == ticket]
        return found

    def add(self, keys: Collection[str], ticket: Ticket) -> None:
        """Remember where requests are, on disk before this returns."""
        self._replace(self._kept | dict.fromkeys(keys, ticket))

    def doubt(self, keys: Collection[str]) -> None:
        """Remember that the batch of these requests was not theirs."""
        doubted = {key: msgspec.structs.replace(self._kept[key], batch="") for key in keys if key in self._kept}
        self._replace(self._kept | doubted)

    def drop(self, keys: Collection[str]) -> None:
        """Forget requests: the next time they are submitted anew."""
        self._replace({key: ticket for key, ticket in self._kept.items() if key not in keys})

    def _replace(self, kept: dict[str, Ticket]) -> None:
        try:
            with replacing(self._file, opener=for_owner_only) as file:
                file.write(msgspec.json.format(msgspec.json.encode(kept), indent=1))
        except OSError as error:
            raise from_os_error(error, f"writing {self._file}") from error
        self._kept = kept

"""Where requests are that were submitted in batches, kept in a file: it outlives the program."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import msgspec

from ytsb_tui.clock import Clock
from ytsb_tui.errors import BadSetup, from_os_error

_KEPT_SECONDS = 29 * 86_400.0
"""How long Anthropic keeps the results of a batch."""


class Ticket(msgspec.Struct, frozen=True):
    """Where a request is being answered."""

    batch: str
    at: float
    """When it was submitted, in seconds since the epoch."""


class Tickets:
    """What was submitted from this vault."""

    def __init__(self, file: Path, clock: Clock) -> None:
        """Raises `BadSetup` when the file cannot be read."""
        self._file = file
        try:
            kept = msgspec.json.decode(file.read_bytes(), type=dict[str, Ticket]) if file.exists() else {}
        except (OSError, msgspec.MsgspecError) as error:
            advice = "Delete the file to go on; batches under way are then paid for again."
            raise BadSetup(f"{file} cannot be read: {error}.", advice=advice) from error
        self._kept = {key: ticket for key, ticket in kept.items() if clock.now() - ticket.at < _KEPT_SECONDS}

    def batch_of(self, key: str) -> str:
        """The batch that holds a request, "" when none does."""
        ticket = self._kept.get(key)
        return ticket.batch if ticket else ""

    def add(self, keys: Collection[str], ticket: Ticket) -> None:
        """Remember where requests are, on disk before this returns."""
        self._replace(self._kept | dict.fromkeys(keys, ticket))

    def drop(self, keys: Collection[str]) -> None:
        """Forget requests: the next time they are submitted anew."""
        self._replace({key: ticket for key, ticket in self._kept.items() if key not in keys})

    def _replace(self, kept: dict[str, Ticket]) -> None:
        temporary = self._file.with_suffix(".tmp")
        try:
            with temporary.open("wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(kept), indent=1))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._file)
        except OSError as error:
            raise from_os_error(error, f"writing {self._file}") from error
        self._kept = kept
